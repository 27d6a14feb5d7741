package api

import (
	"context"
	"net/http"
	"time"

	"skift/checks"
	"skift/internal/accesslog"
)

// Acting is who asks for a change.
type Acting struct {
	As        string `json:"as,omitempty"` // seat
	EnteredBy string `json:"-"`            // set by whoever authenticated the caller
}

func (a *Acting) enter(who string) { a.EnteredBy = who }

// ExportRequest says what a party is to look at for us.
type ExportRequest struct {
	Acting
	Patterns    []string      `json:"patterns"`
	Environment string        `json:"environment,omitempty"`
	For         string        `json:"for"` // party or member
	Expires     time.Duration `json:"expires"`
}

// ExportReply is the file, and what is not in it.
type ExportReply struct {
	ID        string    `json:"id"`
	Party     string    `json:"party"`
	Units     int       `json:"units"`
	LeftOut   []LeftOut `json:"left_out,omitempty"`
	ExpiresAt time.Time `json:"expires_at"`
	File      []byte    `json:"file"`
	Event     int64     `json:"event"`
	Head      string    `json:"head"`
}

// LeftOut is a unit that is not exported, and why.
type LeftOut struct {
	Unit checks.Unit `json:"unit"`
	Why  string      `json:"why"` // consent, paused, or file: it looks at files that lie with us
}

// ImportRequest is what another host saw.
type ImportRequest struct {
	Acting
	File []byte `json:"file"`
}

// ImportReply says what became of it.
type ImportReply struct {
	Export   string          `json:"export"`
	Party    string          `json:"party"`
	Answers  []checks.Result `json:"answers"`           // as they were stored, worst first
	Unasked  int             `json:"unasked,omitempty"` // exported, and not answered
	NotNow   []NotNow        `json:"not_now,omitempty"` // stored, and not observed all the same
	Already  bool            `json:"already,omitempty"` // it was imported before: nothing was changed
	Event    int64           `json:"event"`
	Head     string          `json:"head"`
	Warnings []string        `json:"warnings,omitempty"`
}

// NotNow is an answer that proves nothing about now.
type NotNow struct {
	Unit checks.Unit `json:"unit"`
	Why  string      `json:"why"` // too-old, other-config, or gone: the plan asks this no more
}

// ObserveRequest is what a log says.
type ObserveRequest struct {
	Acting
	Side        checks.Side       `json:"side"`
	Service     string            `json:"service"`
	Environment string            `json:"environment,omitempty"`
	Addr        string            `json:"addr,omitempty"` // whose log it is, where the side has several addresses
	Summary     accesslog.Summary `json:"summary"`
}

// ObserveReply sets the log beside the flows.
type ObserveReply struct {
	Service     string      `json:"service"`
	Side        checks.Side `json:"side"`
	Environment string      `json:"environment"`
	Addr        string      `json:"addr"`
	Lines       int64       `json:"lines"`
	Rejected    int64       `json:"rejected,omitempty"`
	Sources     []Source    `json:"sources"`           // of the log, those that no flow knows first
	Unseen      []string    `json:"unseen,omitempty"`  // flows that the log does not have
	Stored      int         `json:"stored"`            // observations
	Already     bool        `json:"already,omitempty"` // it was imported before: nothing was changed
	Event       int64       `json:"event"`
	Head        string      `json:"head"`
}

// Source is one address in a log.
type Source struct {
	accesslog.Source
	Flows []string    `json:"flows,omitempty"` // none: the register of flows does not know it
	Code  checks.Code `json:"code"`            // what the last of it amounts to
}

// Brings are the questions about what comes from elsewhere.
type Brings interface {
	// Export gives a party a file of questions to ask for us.
	Export(ctx context.Context, r ExportRequest) (ExportReply, error)
	// Import stores what they saw.
	Import(ctx context.Context, r ImportRequest) (ImportReply, error)
	// Observe stores what a platform's own log says.
	Observe(ctx context.Context, r ObserveRequest) (ObserveReply, error)
}

// Export implements Desk.
func (c *Client) Export(ctx context.Context, q ExportRequest) (r ExportReply, err error) {
	return r, c.call(ctx, "POST", "/v1/probe/export", q, &r)
}

// Import implements Desk.
func (c *Client) Import(ctx context.Context, q ImportRequest) (r ImportReply, err error) {
	return r, c.call(ctx, "POST", "/v1/probe/import", q, &r)
}

// Observe implements Desk.
func (c *Client) Observe(ctx context.Context, q ObserveRequest) (r ObserveReply, err error) {
	return r, c.call(ctx, "POST", "/v1/observe", q, &r)
}

// entered is answering for a request that says who entered it.
func entered[Q, A any, P interface {
	*Q
	enter(who string)
}](s *Server, ask func(context.Context, Q) (A, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var q Q
		if !read(w, r, &q) {
			return
		}
		uid, _ := r.Context().Value(peerKey{}).(string)
		P(&q).enter(s.person(uid))
		a, err := ask(r.Context(), q)
		reply(w, a, err)
	}
}
