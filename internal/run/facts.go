package run

import (
	"encoding/json"
	"fmt"
	"time"

	"skift/internal/journal"
)

// Facts is every run of a plan, folded from the journal. The zero value is empty and ready.
type Facts struct {
	Runs  map[string]*Run
	Order []string // ids as they were started
}

// Run is one execution of a runbook.
type Run struct {
	ID        string
	Started   Started
	StartedAt time.Time
	StartedBy journal.Actor
	State     State
	Reason    string // why it is held or ended
	HeldStep  string
	HeldGate  string
	HeldBy    journal.Actor  // the person who holds it; it goes on only by a person's word
	Paused    map[Part]Pause // why nothing new is started in it
	EndedAt   time.Time
	Steps     map[string]*Step
	Order     []string
	Gated     []string // the steps of Order that stand behind a gate; none that is added does
	Added     []Added  // steps that were put into it, oldest first
	Changed   bool     // something outside skift was really changed, or may have been; also by a nested run
	NoReturn  bool     // a point of no return was really begun; also by a nested run
	Simulated bool     // some step was only asked and timed; also in a nested run
}

// Step is one step of a run.
type Step struct {
	StepDef    // as the plan says, or as it was changed since; Started has the plan's
	State      StepState
	Attempt    int // 0 before the first start
	Simulated  bool
	AskedAt    time.Time // when the present attempt began
	FinishedAt time.Time
	DueAt      time.Time
	AgainAt    time.Time // before then it is not tried again; zero = at once
	Services   []string
	Child      string
	By         journal.Actor // who ended it
	Reason     string
	Facts      map[string]string
	Output     string
	SHA256     string
	PID        int
	PIDStarted string
	Attempts   []Attempt // earlier attempts, oldest first
	Issue      *Issue    // what is wrong with it; nil = nothing is flagged
	Notes      []Note    // oldest first
	ReleasedAt time.Time // when somebody let it go that was held

	Contradiction *Contradiction // what speaks against it since it is done; nil = nothing
}

// Attempt is how an earlier try of a step went.
type Attempt struct {
	Number     int
	StartedAt  time.Time
	FinishedAt time.Time
	State      StepState
	Reason     string
}

// Proves reports whether the run counts as evidence: rehearsed or live, neither simulated nor speeded, and complete.
func (r *Run) Proves() bool {
	return r.State == RunDone && r.Started.Speed <= 1 && !r.Simulated
}

// Practises reports whether gates are only practised in the run: in a rehearsal, and anywhere but in production. A go of the
// plan's own gate is about production and is neither asked nor used there.
func (r *Run) Practises() bool { return r.Started.Rehearsal || !r.Started.Production }

// Apply folds one event. Kinds of other packages are ignored; an illegal event is an error and changes nothing.
func (f *Facts) Apply(e journal.Event) error {
	if e.Kind == RunStarted {
		return f.applyStart(e)
	}
	apply, ok := appliers[e.Kind]
	if !ok {
		return nil
	}
	r := f.Runs[e.Run]
	if r == nil {
		return fmt.Errorf("event %d %s: no run %q", e.Seq, e.Kind, e.Run)
	}
	if r.State.Final() {
		return fmt.Errorf("event %d %s: run %s has ended (%s)", e.Seq, e.Kind, r.ID, r.State)
	}
	if err := apply(r, e); err != nil {
		return fmt.Errorf("event %d %s %s/%s: %w", e.Seq, e.Kind, e.Run, e.Subject, err)
	}
	f.tellParents(r)
	return nil
}

// tellParents makes known to the runs around a nested one what it did to the world. A parent was started before its child,
// so the way up ends.
func (f *Facts) tellParents(r *Run) {
	for p := f.Runs[r.Started.Parent]; p != nil; p = f.Runs[p.Started.Parent] {
		p.Changed, p.NoReturn, p.Simulated = p.Changed || r.Changed, p.NoReturn || r.NoReturn, p.Simulated || r.Simulated
	}
}

var appliers = map[string]func(*Run, journal.Event) error{
	RunWasHeld:    (*Run).applyHold,
	RunReleased:   (*Run).applyHold,
	RunEnded:      (*Run).applyHold,
	RunPaused:     (*Run).applyPause,
	RunResumed:    (*Run).applyPause,
	StepStarted:   (*Run).applyBegun,
	StepLaunched:  (*Run).applyLaunched,
	StepVerifying: (*Run).applyMove,
	StepFinished:  (*Run).applyMove,
	StepUncertain: (*Run).applyMove,
	StepRetried:   (*Run).applyMove,
	StepWasHeld:   (*Run).applyMove,
	StepReleased:  (*Run).applyMove,
	StepChanged:   (*Run).applyChanged,
	StepFlagged:   (*Run).applyFlagged,
	StepCleared:   (*Run).applyFlagged,
	StepNoted:     (*Run).applyNoted,
	StepAdded:     (*Run).applyAdded,

	StepContradicted:          (*Run).applyContradiction,
	StepAgrees:                (*Run).applyContradiction,
	StepContradictionAccepted: (*Run).applyContradiction,
}

func (f *Facts) applyStart(e journal.Event) error {
	var b Started
	if err := decode(e, &b); err != nil {
		return err
	}
	switch {
	case e.Run == "":
		return fmt.Errorf("event %d: a run without a name", e.Seq)
	case f.Runs[e.Run] != nil:
		return fmt.Errorf("event %d: run %q was started before", e.Seq, e.Run)
	case b.Parent != "" && f.Runs[b.Parent] == nil:
		return fmt.Errorf("event %d: run %q is a step of %q, which was not started", e.Seq, e.Run, b.Parent)
	}
	r := &Run{ID: e.Run, Started: b, StartedAt: e.At, StartedBy: e.Actor, State: RunRunning, Steps: make(map[string]*Step, len(b.Steps))}
	for _, d := range b.Steps {
		if r.Steps[d.ID] != nil {
			return fmt.Errorf("event %d: run %q has two steps %q", e.Seq, e.Run, d.ID)
		}
		r.Steps[d.ID] = &Step{StepDef: d, State: Waiting}
		r.Order = append(r.Order, d.ID)
		if d.AfterGate != "" {
			r.Gated = append(r.Gated, d.ID)
		}
	}
	if f.Runs == nil {
		f.Runs = map[string]*Run{}
	}
	f.Runs[e.Run] = r
	f.Order = append(f.Order, e.Run)
	return nil
}

// applyHold folds the events whose body is Ended.
func (r *Run) applyHold(e journal.Event) error {
	var b Ended
	if err := decode(e, &b); err != nil {
		return err
	}
	to, person := b.State, e.Actor.Seat != ""
	switch {
	case e.Kind == RunWasHeld:
		to = RunHeld
	case e.Kind == RunReleased && to == "":
		to = RunRunning
	}
	if err := moves(r.State, e.Kind, to); err != nil {
		return err
	}
	switch {
	case e.Kind == RunWasHeld && r.State == RunHeld && (!person || r.HeldBy.Seat != ""):
		return fmt.Errorf("what holds a run is told once, and a person holds it besides: it is held")
	case e.Kind == RunReleased && to == RunHeld && r.HeldBy.Seat == "":
		return fmt.Errorf("no person holds it")
	case e.Kind == RunWasHeld && r.State != RunHeld:
		r.HeldStep, r.HeldGate = b.Step, b.Gate
	case to == RunRunning:
		r.HeldStep, r.HeldGate, b.Reason = "", "", ""
	case e.Kind == RunEnded:
		r.EndedAt = e.At
	}
	switch {
	case e.Kind == RunWasHeld && person:
		r.HeldBy = e.Actor
	case e.Kind == RunReleased:
		r.HeldBy = journal.Actor{}
	}
	r.State, r.Reason = to, b.Reason
	return nil
}

func (r *Run) applyBegun(e journal.Event) error {
	var b Begun
	if err := decode(e, &b); err != nil {
		return err
	}
	s, err := r.move(e, b.State)
	if err != nil {
		return err
	}
	switch {
	case b.Attempt != s.Attempt+1:
		return fmt.Errorf("attempt %d after attempt %d", b.Attempt, s.Attempt)
	case s.State == Running && !s.Repeatable:
		return fmt.Errorf("attempt %d of a step that may not be done twice, and nobody asked for it", b.Attempt)
	}
	if s.State == Running { // begun again after a crash: no retry event stands between
		s.keepAttempt()
	}
	s.State, s.Attempt, s.Simulated = b.State, b.Attempt, b.Simulated
	s.AskedAt, s.FinishedAt, s.Services, s.Child = e.At, time.Time{}, b.Services, b.Child
	s.Reason, s.Facts, s.Output, s.SHA256, s.PID = "", nil, "", "", 0
	s.DueAt, s.AgainAt = time.Time{}, time.Time{}
	if b.DueAt != nil {
		s.DueAt = *b.DueAt
	}
	if b.Simulated {
		r.Simulated = true
	} else {
		r.Changed = r.Changed || s.Changes
		r.NoReturn = r.NoReturn || s.NoReturn
	}
	return nil
}

func (r *Run) applyLaunched(e journal.Event) error {
	var b Launched
	if err := decode(e, &b); err != nil {
		return err
	}
	s := r.Steps[e.Subject]
	if s == nil || s.State != Running || s.Attempt != b.Attempt {
		return fmt.Errorf("no running attempt %d", b.Attempt)
	}
	s.PID, s.PIDStarted = b.PID, b.StartedAt
	return nil
}

// applyMove folds the events whose body is Finished.
func (r *Run) applyMove(e journal.Event) error {
	var b Finished
	if err := decode(e, &b); err != nil {
		return err
	}
	to := b.State
	switch e.Kind {
	case StepVerifying:
		to = Verifying
	case StepUncertain:
		to = Uncertain
	case StepRetried, StepReleased:
		to = Waiting
	case StepWasHeld:
		to = Held
	}
	s, err := r.move(e, to)
	if err != nil {
		return err
	}
	if b.Attempt != s.Attempt {
		return fmt.Errorf("it speaks of attempt %d, the present one is %d", b.Attempt, s.Attempt)
	}
	if e.Kind == StepRetried {
		s.keepAttempt()
		if b.AgainAt != nil {
			s.AgainAt = *b.AgainAt
		}
	}
	s.State, s.Reason, s.By = to, b.Reason, e.Actor
	if b.Output != "" {
		s.Output, s.SHA256 = b.Output, b.SHA256
	}
	if b.Facts != nil {
		s.Facts = b.Facts
	}
	switch e.Kind {
	case StepFinished, StepUncertain:
		s.FinishedAt = e.At
	case StepReleased:
		s.ReleasedAt = e.At
	}
	return nil
}

// move finds the step of e and asks the table whether it may go to state to.
func (r *Run) move(e journal.Event, to StepState) (*Step, error) {
	s := r.Steps[e.Subject]
	if s == nil {
		return nil, fmt.Errorf("no step %q", e.Subject)
	}
	if !Legal(s.State, e.Kind, to) {
		return nil, fmt.Errorf("a step that is %s cannot become %s", s.State, to)
	}
	return s, nil
}

func (s *Step) keepAttempt() {
	s.Attempts = append(s.Attempts, Attempt{s.Attempt, s.AskedAt, s.FinishedAt, s.State, s.Reason})
}

func decode(e journal.Event, into any) error {
	if err := json.Unmarshal(e.Body, into); err != nil {
		return fmt.Errorf("event %d %s: read body: %w", e.Seq, e.Kind, err)
	}
	return nil
}
