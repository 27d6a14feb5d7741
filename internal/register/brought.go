package register

import (
	"time"

	"skift/checks"
	"skift/internal/journal"
)

// The kinds of event about answers that come from elsewhere. Subject is the export; of a log the service.
const (
	ProbeExported = "probe.exported"
	ProbeRevoked  = "probe.revoked"
	ProbeImported = "probe.imported"
	LogObserved   = "observed.imported"
)

// Exported is the body of probe.exported: a party was given questions to ask for us.
type Exported struct {
	Party       string    `json:"party"`
	Environment string    `json:"environment"`
	Units       int       `json:"units"`
	Seal        string    `json:"seal"` // hex SHA-256 of the units and what is asked of each
	Key         []byte    `json:"key"`  // the public half of what answers are signed with
	MadeAt      time.Time `json:"made_at"`
	ExpiresAt   time.Time `json:"expires_at"`
}

// Revoked is the body of probe.revoked: answers to the export are taken no more.
type Revoked struct {
	Reason string `json:"reason"`
}

// Imported is the body of probe.imported.
type Imported struct {
	Digest   string         `json:"digest"` // hex SHA-256 of the signed body of the file
	Party    string         `json:"party"`
	Units    int            `json:"units"`
	Verdicts map[string]int `json:"verdicts"`
	Answers  string         `json:"answers"` // hex SHA-256 over unit, verdict, code and facts of every answer stored
}

// Observed is the body of observed.imported: what a log says about sources. It holds no line of it.
type Observed struct {
	Digest      string         `json:"digest"` // hex SHA-256 of the file
	Format      string         `json:"format"`
	Side        checks.Side    `json:"side"`
	Environment string         `json:"environment"`
	Addr        string         `json:"addr"`
	Lines       int64          `json:"lines"`
	Rejected    int64          `json:"rejected,omitempty"`
	Sources     int            `json:"sources"`
	Units       int            `json:"units"`
	Verdicts    map[string]int `json:"verdicts"`
	Answers     string         `json:"answers"`
}

// Export is what is known of an export.
type Export struct {
	Exported
	Seq       int64
	RevokedAt time.Time // zero = it was not
}

func (f *Facts) applyExported(e journal.Event, b Exported) error {
	if f.Exports == nil {
		f.Exports = map[string]*Export{}
	}
	f.Exports[e.Subject] = &Export{Exported: b, Seq: e.Seq}
	return nil
}

func (f *Facts) applyRevoked(e journal.Event, _ Revoked) error {
	if x := f.Exports[e.Subject]; x != nil {
		x.RevokedAt = e.At
	}
	return nil
}

func (f *Facts) applyImported(e journal.Event, b Imported) error {
	f.brought(b.Digest, e.Seq)
	return nil
}

func (f *Facts) applyObserved(e journal.Event, b Observed) error {
	f.brought(b.Answers, e.Seq)
	return nil
}

func (f *Facts) brought(digest string, seq int64) {
	if f.Brought == nil {
		f.Brought = map[string]int64{}
	}
	f.Brought[digest] = seq
}
