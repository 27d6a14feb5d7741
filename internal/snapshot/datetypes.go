package snapshot

import (
	"time"

	"skift/internal/timeline"
	"skift/internal/yamldoc"
)

// Milestone is one line of the plan.
type Milestone struct {
	ID        string         `json:"id"`
	Title     yamldoc.Text   `json:"title"`
	Kind      string         `json:"kind"`
	Owner     string         `json:"owner,omitempty"`
	State     timeline.State `json:"state"`
	Start     Date           `json:"start"`
	End       Date           `json:"end"`
	WasStart  Date           `json:"original_start"`
	WasEnd    Date           `json:"original_end"`
	SlipDays  int            `json:"slip_days"`
	StartedAt time.Time      `json:"started_at,omitzero"`
	PassedAt  time.Time      `json:"passed_at,omitzero"`

	Kept timeline.Punctuality `json:"kept,omitempty"` // early, on-time or late: how one that was passed kept to its last day

	Exit    string   `json:"exit,omitempty"`
	Runbook string   `json:"runbook,omitempty"`
	Allow   []string `json:"allow,omitempty"`
	Wave    string   `json:"wave,omitempty"` // of which wave it is; missing = of all

	Moves []Move `json:"moves,omitempty"` // by which it came from its first dates to these, oldest first

	LastWeek     Date `json:"last_week,omitzero"`  // the end as it stood seven days ago; missing = the plan in use then had no such milestone
	SlipLastWeek int  `json:"slip_days_last_week"` // as it stood then; of one that was not in the plan as it stands now
}

// Rejected is a plan with errors: what runs goes on by the one before.
type Rejected struct {
	At     time.Time `json:"at"`
	Errors int       `json:"errors"`
	First  string    `json:"first"` // the first of them
}

// Move is one time that a milestone was given other dates.
type Move struct {
	At     time.Time `json:"at"`           // the local day, from its beginning
	By     string    `json:"by,omitempty"` // seat
	Reason string    `json:"reason"`
	From   string    `json:"from"` // the dates it had until then, as written
	Until  string    `json:"until"`
}

// Date is a date with how sure it is.
type Date struct {
	At        time.Time          `json:"at,omitzero"`
	Earliest  time.Time          `json:"earliest,omitzero"`
	Latest    time.Time          `json:"latest,omitzero"`
	Certainty timeline.Certainty `json:"certainty"`
	Assumed   bool               `json:"assumed,omitempty"`
	Text      string             `json:"text,omitempty"` // as written
}

// Zone is a frozen zone.
type Zone struct {
	ID      string       `json:"id"`
	Title   yamldoc.Text `json:"title"`
	InForce bool         `json:"in_force"`
	From    Date         `json:"from"`
	Until   Date         `json:"until"`
	Sides   []string     `json:"sides"`
	Allow   []string     `json:"allow"`
	MayLift []string     `json:"may_lift"` // none where it is hard

	Services []string `json:"services,omitempty"` // it protects these alone; missing = all
	Parties  []string `json:"parties,omitempty"`  // it binds these alone; missing = all
	Hard     bool     `json:"hard,omitempty"`     // nobody makes an exception
	InFlight string   `json:"in_flight"`          // hold or finish: what becomes of a run that was changing something when it began
}

// Happening is a beginning or end to come.
type Happening struct {
	Milestone string        `json:"milestone"`
	Title     yamldoc.Text  `json:"title"`
	Edge      timeline.Edge `json:"edge"`
	When      Date          `json:"when"`
}
