package runner

import (
	"context"
	"time"

	"skift/internal/forecast"
	"skift/internal/freeze"
	"skift/internal/gate"
	"skift/internal/journal"
	"skift/internal/ledger"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/runbooks"
)

// Ledger is where decisions are written; see package ledger for the promises.
type Ledger interface {
	Decide(ctx context.Context, fn func(*ledger.Tx) error) (journal.Head, error)
	Read(fn func(*ledger.Facts))
	Head() journal.Head
}

// Effect is one step's effect, to be done once.
type Effect struct {
	Run     string
	Attempt int
	Step    *runbooks.Step
	Env     map[string]string // SKIFT_…
	Plan    *plan.Plan        // the revision the run is bound to
	Where   string            // environment
	// Launched is told the process behind a command before it is waited for; an error stops it.
	Launched func(pid int, startedAt string) error
	// Progress is told how far a copy has come.
	Progress func(run.Progress)
}

// Outcome is what became of an effect.
type Outcome struct {
	OK        bool
	Uncertain bool   // it may or may not have happened
	Summary   string // one sentence
	Facts     map[string]string
	Output    []byte // masked, stripped, capped
}

// Actions does effects. An error means that we could not try or were stopped; the effect is then uncertain when Uncertain says so.
type Actions interface {
	Do(ctx context.Context, e Effect) (Outcome, error)
	// Alive reports whether the process a command left behind still runs.
	Alive(pid int, startedAt string) bool
}

// Sweep is what a step or a gate wants asked now.
type Sweep struct {
	Plan        *plan.Plan
	Environment string
	Suite       string   // or
	Checks      []string // ids, globs or suites
	Side        string   // "" = both
	Pairs       bool     // judged by pairs instead of by units
	Scheduled   bool     // it comes by itself: a login that was refused a short while ago is not repeated
	Cause       string   // "gate cutover-go", "step switch of cutover-weekend-1"
}

// Swept is what a sweep says.
type Swept struct {
	OK       bool
	Observed bool // false = nothing could be observed: unverified or our own error
	Summary  string
	Findings []register.Finding
}

// Sweeper asks checks and stores what they answer.
type Sweeper interface {
	Sweep(ctx context.Context, s Sweep) (Swept, error)
	// Seen says what is stored, without asking; one answer for each question.
	Seen(ctx context.Context, p *plan.Plan, environment string, questions []Question) ([]Swept, error)
	// Evidence counts what is stored; suites never asked are missing from the map.
	Evidence(ctx context.Context, p *plan.Plan, suites []string, now time.Time) (map[string]gate.SuiteEvidence, error)
}

// Calendar says when. facts are the ones the decision is being made on.
type Calendar interface {
	// Resolve returns when a gate opens and by when it must be decided, of the window that whoever stands in front of it is for; zero =
	// whenever it is asked, no deadline.
	Resolve(p *plan.Plan, f *ledger.Facts, g *plan.Gate, now time.Time) (opens, decideBy time.Time)
	// Moment resolves an expression such as "cutover.start + 2h".
	Moment(p *plan.Plan, f *register.Facts, expr string, now time.Time) (at time.Time, ok bool)
	// Turns is the next instant at which milestones stand elsewhere by time alone; zero = none is known.
	Turns(p *plan.Plan, f *register.Facts, now time.Time) time.Time
	// MilestoneState returns the state word of a milestone.
	MilestoneState(p *plan.Plan, f *register.Facts, id string, now time.Time) string
	// World is what forecasts of the plan's runs are made of; bound finds the revision of a run, nil = it is not to be had.
	World(p *plan.Plan, f *ledger.Facts, now time.Time, bound func(hash string) *plan.Plan) forecast.World
	// Between lists what another revision does to the zones in force.
	Between(before, after *plan.Plan, f *register.Facts, now time.Time) []register.ZoneChange
	// Freeze judges a change against the zones in force.
	Freeze(p *plan.Plan, f *register.Facts, q freeze.Question) freeze.Answer
	// MayLift lists the seats that answer for a zone, in the order to ask them.
	MayLift(p *plan.Plan, f *register.Facts, zone string, now time.Time) []string
}

// Compose asks for the mails of one report.
type Compose struct {
	Plan      *plan.Plan
	Audience  string
	Report    string
	Run       string // the run that tells it; "" = nobody's in particular
	Period    string // makes message ids unique: a slot, or a run and step
	Simulated bool
	Step      string   // contradiction: the step it is about
	Seats     []string // who is told, instead of an audience; in the plan's language
	Owner     string   // difference: the party that is asked
}

// Reports turns the present state into mails. It is called outside any decision.
type Reports interface {
	Compose(ctx context.Context, c Compose) (Composed, error)
}

// Mails is the outbox, as far as people speak of it.
type Mails interface {
	// Settle takes a person's word on a mail that did not simply leave, and gives its full id. It is durable when it returns; a
	// *Refusal means that nothing was changed.
	Settle(ctx context.Context, id string, to register.MessageState, who journal.Actor, why string) (string, error)
}

// Composed is the mails of a report, and who should get one and has no address.
type Composed struct {
	Mails   []register.Message
	Missing []string // person ids, or seats with nobody in them
	Light   register.Light
}

// Files keeps captured output and evidence beside the journal.
type Files interface {
	// Save stores data under a name of its own and returns the name and the hex SHA-256. It is durable when it returns.
	Save(kind, name string, data []byte) (stored, sha256 string, err error)
}

// Launches keeps which processes commands began with, beside the journal and before it knows of them. What it keeps outlives this
// process and need not outlive the machine, on which no other process would be left either: it costs no commit.
type Launches interface {
	// Note keeps a process. When it returns, whoever comes after a crash of ours finds it.
	Note(l Launch) error
	// Forget is called once for each that was noted, when the journal knows what became of it.
	Forget()
	// Noted is every process an earlier process of ours may have left: also some of which the journal knows everything.
	Noted() ([]Launch, error)
}

// Revisions keeps the plans that runs are bound to.
type Revisions interface {
	// Plan returns the revision with that hash.
	Plan(hash string) (*plan.Plan, error)
}
