package probefile

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"skift/checks"
	"skift/internal/signed"
)

// Results are what another host saw.
type Results struct {
	Export    string          `json:"export"` // the id of what it answers
	Host      Host            `json:"host"`
	StartedAt time.Time       `json:"started_at"`
	EndedAt   time.Time       `json:"ended_at"`
	Asked     []Asked         `json:"asked"` // everything exported, answered or not
	Answers   []checks.Result `json:"answers"`
}

// Host is as little as is needed to understand an answer.
type Host struct {
	OS      string `json:"os"`
	Arch    string `json:"arch"`
	Version string `json:"version"` // of skift
}

// Write is the file, signed with the key of the export.
func (r Results) Write(e Export) ([]byte, error) {
	return signed.Write(resultsKind, r, with(e.Key))
}

// Terms are what was kept of an export on our side.
type Terms struct {
	Public            ed25519.PublicKey
	Party             string
	Seal              string
	MadeAt, ExpiresAt time.Time
	Revoked           bool
}

// Skew is how far ahead of ours the other host's clock may be.
const Skew = signed.Skew

// Accept reads results and refuses them unless they answer an export of ours, whole and in time. What comes back is safe to keep: every
// code is known, nothing is claimed that its code does not give, and texts are printable and short. digest names the file for good,
// however it was indented.
func Accept(data []byte, terms func(export string) (Terms, bool), now time.Time) (r Results, t Terms, digest string, err error) {
	file, err := signed.Read(resultsKind, data)
	if err != nil {
		return r, t, "", err
	}
	if err := signed.Strict(file.Body, &r); err != nil {
		return r, t, "", err
	}
	t, ok := terms(r.Export)
	if !ok {
		return r, t, "", fmt.Errorf("it answers an export %.40q that this plan never made", r.Export)
	}
	if !file.By(by(t.Public)) {
		return r, t, "", errors.New("its signature is not that of the export it answers: it was changed, or made with another key")
	}
	sum := sha256.Sum256(file.Body)
	digest = hex.EncodeToString(sum[:])
	switch {
	case t.Revoked:
		err = fmt.Errorf("the export %s was revoked", r.Export)
	case !now.Before(t.ExpiresAt):
		err = fmt.Errorf("the export %s expired %s", r.Export, t.ExpiresAt.UTC().Format(time.RFC3339))
	case Seal(r.Asked) != t.Seal:
		err = fmt.Errorf("what it says was asked is not what was exported as %s", r.Export)
	default:
		err = r.admit(t, now)
	}
	return r, t, digest, err
}

// admit holds every answer against what was asked and cleans it.
func (r *Results) admit(t Terms, now time.Time) error {
	open := make(map[checks.Unit]string, len(r.Asked))
	for _, a := range r.Asked {
		open[a.Unit] = a.ConfigHash
	}
	for i := range r.Answers {
		a := &r.Answers[i]
		hash, asked := open[a.Unit]
		switch {
		case !asked:
			return fmt.Errorf("it answers what was not asked, or answers twice: %.120q", a.Unit.String())
		case hash != a.ConfigHash:
			return fmt.Errorf("it answers another question than the one exported about %.120q", a.Unit.String())
		case a.StartedAt.After(now.Add(Skew)):
			return fmt.Errorf("it was asked at %s, which is yet to come: the clock of the other host is wrong", a.StartedAt.UTC().Format(time.RFC3339))
		case a.StartedAt.Before(t.MadeAt.Add(-Skew)):
			return fmt.Errorf("it was asked at %s, before it was exported: the clock of the other host is wrong", a.StartedAt.UTC().Format(time.RFC3339))
		}
		delete(open, a.Unit)
		if err := clean(a); err != nil {
			return err
		}
	}
	return nil
}
