package api

import (
	"time"

	"skift/checks"
)

// HistoryRequest says whose answers over time are wanted.
type HistoryRequest struct {
	Patterns    []string    `json:"patterns,omitempty"` // ids, suites or globs; none = every check
	Side        checks.Side `json:"side,omitempty"`     // "" = both
	Environment string      `json:"environment,omitempty"`
	Flow        string      `json:"flow,omitempty"`   // "" = every flow
	Since       time.Time   `json:"since,omitzero"`   // bands that end before it are left out; zero = all that is kept
	Latest      bool        `json:"latest,omitempty"` // only the newest band of each unit, however old
}

// HistoryReply is what the units answered.
type HistoryReply struct {
	Environment string    `json:"environment"`
	At          time.Time `json:"at"`
	Units       []History `json:"units"` // in the plan's order; one that never answered has no band
	Head        string    `json:"head"`
}

// History is one unit and its bands, newest last. Between two bands, and after the last once it is too old, nothing is known.
type History struct {
	checks.Unit
	Kind    checks.Kind   `json:"kind"`
	Service string        `json:"service"`
	Party   string        `json:"party,omitempty"` // whose flow
	MaxAge  time.Duration `json:"max_age"`         // how long an answer holds
	Bands   []Band        `json:"bands"`
}

// Band is one answer for as long as it stayed the same.
type Band struct {
	Since          time.Time         `json:"since"`
	Until          time.Time         `json:"until"` // when it was last answered so
	Outcome        checks.Verdict    `json:"outcome"`
	Verdict        checks.Verdict    `json:"verdict"`        // as judged then; phases move
	Code           checks.Code       `json:"code"`           // as every screen shows it
	Seen           checks.Code       `json:"seen,omitempty"` // what was seen itself, where code follows from it and from what else is known
	Want           checks.Want       `json:"want"`
	Count          int64             `json:"count"`
	Timings        map[string]Timing `json:"timings,omitempty"` // per phase of asking
	Facts          map[string]string `json:"facts,omitempty"`
	Evidence       checks.Evidence   `json:"evidence,omitzero"` // of the first of these answers
	Reached        string            `json:"reached,omitempty"`
	LocalAddr      string            `json:"local_addr,omitempty"`
	Brought        checks.Brought    `json:"brought,omitzero"` // how these answers came to us; missing = they were asked from here
	CheckerVersion string            `json:"checker_version,omitempty"`
	ValidUntil     time.Time         `json:"valid_until"`
	Current        bool              `json:"current"` // the same is asked today; otherwise it proves nothing any more
}

// Timing sums up how long a phase took over the answers of a band.
type Timing struct {
	Count int64         `json:"count"`
	Min   time.Duration `json:"min"`
	Mean  time.Duration `json:"mean"`
	Max   time.Duration `json:"max"`
}
