package demo

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"skift/internal/app"
	"skift/internal/journal"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/runner"
	"skift/internal/term"
)

// story follows the journal: it tells what happens and lets the people react. Its own goroutine is the only one that reads events;
// people work beside it, each on their own.
type story struct {
	Options
	app     *app.App
	plan    *plan.Plan
	theatre *theatre
	say     *narrator

	people sync.WaitGroup
	failed context.CancelCauseFunc // ends the story with a reason

	runs  map[string]*run.Started // what was started, by run
	live  string                  // the cut-over in production
	noGo  bool
	back  bool
	over  bool
	again bool // the cut-over waits for a go to be begun again

	rest atomic.Bool // of two weekends the first is over
	why  string      // what stood in the way of a go; set by the meeting, read when everybody has gone
}

func newStory(o Options, a *app.App, t *theatre) *story {
	return &story{Options: o, app: a, plan: a.Plan(), theatre: t, say: newNarrator(o, a.Plan(), a.Data()), runs: map[string]*run.Started{}}
}

// tell follows the journal until the cut-over in production has ended and its report has left.
func (s *story) tell(ctx context.Context) error {
	ctx, fail := context.WithCancelCause(ctx)
	s.failed = fail
	defer s.people.Wait()
	defer fail(nil)
	s.say.opening(s.Options, s.theatre)
	s.beside(ctx, func(ctx context.Context) error {
		return s.theatre.nameService(ctx, filepath.Join(s.Dir, "plan", namesDir))
	})
	after := int64(0)
	for !s.over {
		events, err := s.app.Events(ctx, after, true)
		if err != nil {
			return context.Cause(ctx)
		}
		for _, e := range events {
			after = e.Seq
			if err := s.react(ctx, e); err != nil {
				return err
			}
		}
	}
	return s.mailsLeft(ctx)
}

// beside lets somebody work on their own. Whoever cannot go on ends the story.
func (s *story) beside(ctx context.Context, work func(context.Context) error) {
	s.people.Go(func() {
		if err := work(ctx); err != nil && ctx.Err() == nil {
			s.failed(err)
		}
	})
}

// react tells one event and sets going whoever is concerned.
func (s *story) react(ctx context.Context, e journal.Event) error {
	s.say.event(e)
	if s.watch != nil {
		s.watch(e, s.app)
	}
	switch e.Kind {
	case run.RunStarted:
		var b run.Started
		if err := json.Unmarshal(e.Body, &b); err != nil {
			return fmt.Errorf("read event %d: %w", e.Seq, err)
		}
		s.runs[e.Run] = &b
		if b.Runbook == cutoverRunbook && b.Production && !b.Rehearsal {
			s.live = e.Run
		}
	case run.StepStarted:
		var b run.Begun
		if err := json.Unmarshal(e.Body, &b); err != nil {
			return fmt.Errorf("read event %d: %w", e.Seq, err)
		}
		if b.State == run.WaitingForPerson {
			started := s.runs[e.Run]
			s.beside(ctx, func(ctx context.Context) error { return s.doStep(ctx, e.Run, e.Subject, started) })
		}
	case run.StepFinished:
		var b run.Finished
		if err := json.Unmarshal(e.Body, &b); err != nil {
			return fmt.Errorf("read event %d: %w", e.Seq, err)
		}
		return s.stepEnded(ctx, e, b.State)
	case register.GateOpened:
		var b register.Opened
		if err := json.Unmarshal(e.Body, &b); err != nil {
			return fmt.Errorf("read event %d: %w", e.Seq, err)
		}
		if b.Round == 1 || b.Anew {
			s.beside(ctx, func(ctx context.Context) error { return s.meet(ctx, e.Subject, e.Run) })
		}
	case register.GateDecided:
		return s.beginAgain(ctx, e)
	case register.SweepDone:
		return s.swept(ctx, e)
	case run.RunWasHeld:
		var b run.Ended
		if err := json.Unmarshal(e.Body, &b); err != nil {
			return fmt.Errorf("read event %d: %w", e.Seq, err)
		}
		return s.held(ctx, e.Run, b)
	case run.RunEnded:
		return s.ended(e)
	}
	return nil
}

// stepEnded is what follows a step: a failed check is looked at, and the cut-over's two great moments are shown for what they are.
func (s *story) stepEnded(ctx context.Context, e journal.Event, state run.StepState) error {
	switch {
	case state == run.Failed:
		return s.goOn(ctx, e)
	case state == run.Done && e.Run == s.live && e.Subject == stepSwitch:
		if err := s.callName(ctx); err != nil {
			return err
		}
	case state == run.Done && e.Run == s.live && e.Subject == stepOpen:
		if err := s.tryBackOut(ctx); err != nil {
			return err
		}
	}
	if b := s.breakage(e.Run, func(b breakage) bool { return b.after == e.Subject }); b != nil && state == run.Done && !s.firstOfTwo() {
		return s.theatre.damage(b.env, b.fault)
	}
	return nil
}

// breakage finds what breaks in a weekend; nil = nothing.
func (s *story) breakage(runID string, is func(breakage) bool) *breakage {
	r := s.runs[runID]
	if r == nil || r.Runbook != cutoverRunbook {
		return nil
	}
	for _, b := range s.breaks {
		if b.env == r.Environment && is(b) {
			return &b
		}
	}
	return nil
}

// held is a run that stands still. At a gate the meeting goes on, and one that is backed out is meant to; where something broke in the
// middle of the weekend it is mended and tried again, or everything is taken back.
func (s *story) held(ctx context.Context, runID string, b run.Ended) error {
	switch {
	case b.Gate != "", runID == s.live && s.backOut && b.Step == "":
		return nil
	}
	if broken := s.breakage(runID, func(x breakage) bool { return x.shows == b.Step }); broken != nil {
		s.beside(ctx, func(ctx context.Context) error { return s.turn(ctx, runID, *broken) })
		return nil
	}
	return fmt.Errorf("%s is held: %s", runID, b.Reason)
}

// turn is the cut-over manager after what is broken has shown: back, or mended by whose it is and once more.
func (s *story) turn(ctx context.Context, runID string, b breakage) error {
	if !pause(ctx, thinking) {
		return nil
	}
	manager := s.plan.Gates[goGate].Poll[0]
	if s.backOut && runID == s.live {
		_, err := s.do(ctx, runner.Command{Do: runner.DoBackOut, Run: runID, As: manager, Reason: "what was found cannot be mended in time"})
		return said("back out "+runID, err)
	}
	if err := s.theatre.mend(b.env, b.fault); err != nil {
		return fmt.Errorf("mend %s: %w", b.fault, err)
	}
	s.say.line(time.Now(), term.Running, "%s", mended(b.fault, s.theatre))
	_, err := s.do(ctx, runner.Command{Do: runner.DoStep, Run: runID, Step: b.shows, Answer: "retry", As: manager, Reason: "what was found is mended"})
	return said("retry "+b.shows, err)
}

// ended looks at how a run ended. The story is over with the cut-over in production.
func (s *story) ended(e journal.Event) error {
	var b run.Ended
	if err := json.Unmarshal(e.Body, &b); err != nil {
		return fmt.Errorf("read event %d: %w", e.Seq, err)
	}
	if e.Run != s.live {
		if b.State != run.RunDone {
			return fmt.Errorf("%s ended %s: %s", e.Run, b.State, b.Reason)
		}
		return nil
	}
	if s.firstOfTwo() && b.State == run.RunDone {
		s.rest.Store(true)
		return nil
	}
	s.noGo = b.State == run.RunNoGo
	if s.noGo && !s.NoFix && s.Fault != NoFault { // it began before the fault was mended: begun again by hand after the go
		s.again = true
		return nil
	}
	s.over, s.back = true, b.State == run.RunBacked
	if b.State == run.RunDone || s.noGo && s.NoFix || s.back && s.backOut {
		return nil
	}
	return fmt.Errorf("%s ended %s: %s; was the machine too busy for everybody to answer in time?", e.Run, b.State, b.Reason)
}

// firstOfTwo: there are two weekends, and this is the first.
func (s *story) firstOfTwo() bool { return s.first != nil && !s.rest.Load() }

// beginAgain is the cut-over manager starting the weekend by hand, when its own run had ended at the no-go.
func (s *story) beginAgain(ctx context.Context, e journal.Event) error {
	var b register.Decided
	if err := json.Unmarshal(e.Body, &b); err != nil {
		return fmt.Errorf("read event %d: %w", e.Seq, err)
	}
	if !s.again || e.Subject != goGate || e.Run != "" || b.Decision != register.Go {
		return nil
	}
	s.again = false
	_, err := s.do(ctx, runner.Command{Do: runner.DoStart, Runbook: cutoverRunbook, As: s.plan.Gates[goGate].Poll[0]})
	return said("begin the cut-over again", err)
}

// swept tells of a sweep that the schedule asked for, and of what it found.
func (s *story) swept(ctx context.Context, e journal.Event) error {
	var b register.Swept
	if err := json.Unmarshal(e.Body, &b); err != nil {
		return fmt.Errorf("read event %d: %w", e.Seq, err)
	}
	if !strings.HasPrefix(b.Cause, "schedule") {
		return nil
	}
	bad := b.Units - b.Verdicts["pass"] - b.Verdicts["warn"]
	s.say.sweep(e.At, b, bad)
	if bad == 0 || b.Environment != production {
		return nil
	}
	return s.findings(ctx)
}

// findings tells what the readiness suite has against the cut-over, each thing once.
func (s *story) findings(ctx context.Context) error {
	j, err := s.app.Judge(ctx, goGate, "")
	if err != nil {
		return fmt.Errorf("judge %s: %w", goGate, err)
	}
	for _, f := range findings(j.Criteria) {
		s.say.finding(f)
	}
	return nil
}

// callName shows what the switch means: who answers to the name now.
func (s *story) callName(ctx context.Context) error {
	answer, err := s.theatre.call(ctx, &tls.Config{RootCAs: s.theatre.stages[production].PKI.Pool(), MinVersion: tls.VersionTLS12})
	if err != nil {
		return fmt.Errorf("call the name as %s: %w", s.theatre.missing.Party, err)
	}
	s.say.line(time.Now(), term.OK, "%s calls the name and is answered by the %s", s.theatre.missing.Party, strings.TrimSpace(answer))
	return nil
}

// mailsLeft waits until every mail that was queued has arrived, or is known not to.
func (s *story) mailsLeft(ctx context.Context) error {
	for {
		snap, err := s.app.Snapshot(ctx)
		if err != nil {
			return fmt.Errorf("look at the outbox: %w", err)
		}
		if snap.Outbox.Queued+snap.Outbox.Sending == 0 {
			return nil
		}
		if !pause(ctx, 50*time.Millisecond) {
			return context.Cause(ctx)
		}
	}
}

// pause waits a moment; false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
