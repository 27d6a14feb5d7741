package plan

import (
	"time"

	"skift/checks"
	"skift/internal/diag"
	"skift/internal/yamldoc"
)

// Gate is a decision: who is asked, what must be true, who decides, until when.
type Gate struct {
	ID       string
	Title    yamldoc.Text // `asks`
	Opens    When         // zero = when a run reaches it
	DecideBy When         // no decision by then = no-go; zero = no deadline
	Scope    []string     // services a go covers; empty = all
	Criteria []Criterion
	Poll     []string // seats asked ready / not-ready
	Decides  string   // the one deciding seat
	Wave     string   // of which wave it is; "" = of all
	Pos      diag.Pos
}

// CriterionKind names which one body of a criterion is set.
type CriterionKind string

// The kinds of criterion.
const (
	SuiteCriterion     CriterionKind = "suite"
	MilestoneCriterion CriterionKind = "milestone"
	RehearsalCriterion CriterionKind = "rehearsal"
	AttestedCriterion  CriterionKind = "attested"
	IncidentsCriterion CriterionKind = "incidents"
	GreenDaysCriterion CriterionKind = "green_days"
)

// Criterion is one line under a gate's `criteria`.
type Criterion struct {
	Kind CriterionKind
	ID   string // how it is named on the command line: the suite, milestone, runbook or attestation id

	Suite    string
	Critical string        // "all" or a percentage such as "98%"; default all
	Others   string        // default "0%": not required
	MaxAge   time.Duration // 0 = the checks' own; of a list of incidents never 0
	Rerun    bool          // may be re-run by the gate when stale; default true

	Milestone string
	State     string // passed (default), active, missed

	Rehearsal   string        // runbook
	Environment string        // where it was rehearsed; "" = anywhere
	Within      time.Duration // 0 = at any time before

	Attested string // what a person vouches for
	By       string // seat

	Most     map[Class]int // incidents of a class there may be; a class that is missing is not limited
	Platform checks.Side   // whose incidents; "" = both
	For      time.Duration // how long back they count, too, that were open then; 0 = those open now

	GreenDays int // the last whole local days on which no critical check of Suite was seen failing, and all were looked at
	Pos       diag.Pos
}

// GreenDays is over how many days some gate asks a suite; 0 = none does.
func (p *Plan) GreenDays(suite string) (days int) {
	for _, g := range p.Gates {
		for _, c := range g.Criteria {
			if c.Kind == GreenDaysCriterion && c.Suite == suite {
				days = max(days, c.GreenDays)
			}
		}
	}
	return days
}
