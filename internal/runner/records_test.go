package runner_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"skift/internal/gate"
	"skift/internal/journal"
	"skift/internal/ledger"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/runner"
)

func TestDeviations(t *testing.T) {
	t.Parallel()
	story(t, nil, func(w *world) {
		until := time.Now().Add(time.Hour)
		accept := func(change func(*runner.Command)) runner.Command {
			c := runner.Command{Do: runner.DoAccept, Check: "cert", As: "kombit/chair", Reason: "known", Until: &until}
			change(&c)
			return c
		}
		past := time.Now().Add(-time.Hour)
		for _, c := range []struct {
			kind   string
			change func(*runner.Command)
		}{
			{runner.NotFound, func(c *runner.Command) { c.Check = "crt" }},
			{runner.Usage, func(c *runner.Command) { c.As = "" }},
			{runner.Usage, func(c *runner.Command) { c.Reason = "  " }},
			{runner.Usage, func(c *runner.Command) { c.Until = nil }},
			{runner.Usage, func(c *runner.Command) { c.Until = &past }},
			{runner.Usage, func(c *runner.Command) { c.Side = "left" }},
			{runner.NotFound, func(c *runner.Command) { c.Flow = "nobody" }},
			{runner.Usage, func(c *runner.Command) { c.As = "kombit/nobody" }},
		} {
			w.refused(c.kind, accept(c.change))
		}
		critical := w.do(accept(func(*runner.Command) {})).Event
		plain := w.do(accept(func(c *runner.Command) { c.Check = "other" })).Event
		inForce := func() (out []int64) {
			w.facts(func(f *ledger.Facts) {
				for _, d := range f.Register.Deviations {
					if d.InForce(time.Now()) {
						out = append(out, d.Seq)
					}
				}
			})
			return out
		}
		if got := inForce(); len(got) != 1 || got[0] != plain {
			t.Errorf("in force: %v", got)
		}
		confirm := func(event int64, seat string) runner.Command {
			return runner.Command{Do: runner.DoConfirm, Event: event, As: seat}
		}
		w.refused(runner.NotFound, confirm(1, "ibm/operator"))
		w.refused(runner.Usage, confirm(critical, ""))
		w.refused(runner.Forbidden, confirm(critical, "kombit/manager")) // the same party
		w.do(confirm(critical, "ibm/operator"))
		w.refused(runner.Conflict, confirm(critical, "sse/operator"))
		if got := inForce(); len(got) != 2 {
			t.Errorf("in force: %v", got)
		}
		late := w.do(accept(func(*runner.Command) {})).Event
		time.Sleep(time.Hour)
		w.refused(runner.Conflict, confirm(late, "ibm/operator"))
		if got := inForce(); len(got) != 0 {
			t.Errorf("in force after they lapsed: %v", got)
		}
	})
}

// TestSecondSeatIsASecondPerson: one person who sits in seats of two parties is one voice.
func TestSecondSeatIsASecondPerson(t *testing.T) {
	t.Parallel()
	story(t, nil, func(w *world) {
		if err := w.kill(); err != nil {
			t.Fatal(err)
		}
		w.plan = loadWith(t, base, nil, "seat,from,until,person\nkombit/chair,1999-12-31,2001-01-01,p-chair\nibm/operator,1999-12-31,2001-01-01,p-chair\n")
		w.start()
		until := time.Now().Add(time.Hour)
		event := w.do(runner.Command{Do: runner.DoAccept, Check: "cert", As: "kombit/chair", Reason: "known", Until: &until}).Event
		w.refused(runner.Forbidden, runner.Command{Do: runner.DoConfirm, Event: event, As: "ibm/operator"})
	})
}

func TestMilestones(t *testing.T) {
	t.Parallel()
	story(t, nil, func(w *world) {
		say := func(milestone, answer, seat, reason string) runner.Command {
			return runner.Command{Do: runner.DoMilestone, Milestone: milestone, Answer: answer, As: seat, Reason: reason}
		}
		w.refused(runner.NotFound, say("setled", "pass", "ibm/operator", ""))
		w.refused(runner.Usage, say("settled", "pass", "", ""))
		w.refused(runner.Forbidden, say("settled", "pass", "sse/operator", ""))
		w.refused(runner.Usage, say("settled", "go", "ibm/operator", ""))
		w.refused(runner.Refused, say("trial", "pass", "kombit/chair", ""))
		w.refused(runner.Refused, say("cutover", "pass", "kombit/chair", "")) // it has not begun
		w.refused(runner.Conflict, say("settled", "reopen", "ibm/operator", "x"))
		w.do(say("settled", "pass", "ibm/operator", ""))
		w.refused(runner.Conflict, say("settled", "pass", "ibm/operator", ""))
		w.refused(runner.Usage, say("settled", "reopen", "kombit/chair", ""))
		w.do(say("settled", "reopen", "kombit/chair", "not yet"))
		w.facts(func(f *ledger.Facts) {
			if m := f.Register.Milestone("settled"); !m.PassedAt.IsZero() || m.ReopenedAt.IsZero() {
				t.Errorf("%+v", m)
			}
		})
	})
}

// TestReopenWhatTheClockPassed: a date that comes passes what nobody has to pass. Whoever knows better opens it again, with a reason; it is
// late then until somebody says that it has passed, and a gate that asks for it waits for that.
func TestReopenWhatTheClockPassed(t *testing.T) {
	t.Parallel()
	yaml := strings.Replace(base, "  settled:", `  taken-in: {kind: release, change: transition, date: "2000-01-01 06:00", owner: ibm/operator}
  quiet: {kind: phase, from: 2000-01-01, until: 2000-01-02, owner: ibm/operator}
  frozen: {kind: zone, from: 2000-01-01, until: 2000-01-02, allow: [transition]}
  settled:`, 1)
	yaml = strings.Replace(yaml, "  timed: {", "  after: {asks: Is it in?, criteria: [{milestone: taken-in}], decides: kombit/chair}\n  timed: {", 1)
	tell(t, yaml, nil, func(w *world) {
		say := func(milestone, answer, reason string) runner.Command {
			return runner.Command{Do: runner.DoMilestone, Milestone: milestone, Answer: answer, As: "ibm/operator", Reason: reason}
		}
		state := func(id string) (state string) {
			w.facts(func(f *ledger.Facts) { state = calendar{}.MilestoneState(w.plan, &f.Register, id, time.Now()) })
			return state
		}
		row := func() (c register.CriterionSeen) {
			j, err := w.r.Judge(t.Context(), "after", "")
			if err != nil || len(j.Criteria) != 1 {
				t.Fatalf("%+v, %v", j, err)
			}
			return j.Criteria[0]
		}
		w.refused(runner.Conflict, say("taken-in", "reopen", "too early to say"))
		time.Sleep(72 * time.Hour)
		if c := row(); c.State != gate.Met || c.Reason != "by-the-calendar" {
			t.Errorf("passed by its date alone: %+v", c)
		}
		for _, id := range []string{"taken-in", "quiet"} {
			if state(id) != "passed" {
				t.Errorf("%s is %s", id, state(id))
			}
			w.refused(runner.Usage, say(id, "reopen", ""))
			w.do(say(id, "reopen", "the files were not there"))
			if state(id) != "late" {
				t.Errorf("%s is open again and %s", id, state(id))
			}
			w.refused(runner.Conflict, say(id, "reopen", "once more"))
		}
		if c := row(); c.State != gate.Unmet || c.Reason != "milestone-late" {
			t.Errorf("open again: %+v", c)
		}
		w.do(say("quiet", "pass", ""))
		if state("quiet") != "passed" || state("taken-in") != "late" {
			t.Errorf("quiet %s, taken-in %s", state("quiet"), state("taken-in"))
		}
		w.do(say("taken-in", "pass", ""))
		if c := row(); c.State != gate.Met || c.Reason != "" || c.AsOf.IsZero() {
			t.Errorf("passed by somebody: %+v", c)
		}
		w.refused(runner.Refused, runner.Command{Do: runner.DoMilestone, Milestone: "frozen", Answer: "reopen", As: "kombit/chair", Reason: "longer"})
	})
}

func TestStatusAndLog(t *testing.T) {
	t.Parallel()
	story(t, nil, func(w *world) {
		w.refused(runner.Usage, runner.Command{Do: "dance"})
		w.refused(runner.Usage, runner.Command{Do: runner.DoStatus, Answer: "blue", As: "kombit/manager", Reason: "x"})
		w.refused(runner.Usage, runner.Command{Do: runner.DoStatus, Answer: "red", As: "kombit/manager"})
		w.refused(runner.Usage, runner.Command{Do: runner.DoStatus, As: "kombit/manager", File: []byte(" \n")})
		w.refused(runner.Usage, runner.Command{Do: runner.DoLog, Reason: " "})
		w.do(runner.Command{Do: runner.DoStatus, Answer: "red", As: "kombit/manager", Reason: "late"})
		reply := w.do(runner.Command{Do: runner.DoLog, Reason: "called", Via: "phone"})
		w.facts(func(f *ledger.Facts) {
			if s := f.Register.Status; s.Light != register.Red || s.Because != "late" || s.Actor.Person != "p-manager" {
				t.Errorf("status %+v", s)
			}
			if e := f.Register.Log[0]; e.Seq != reply.Event || e.Actor.Via != "phone" || e.Actor.Person != "uid-1000" {
				t.Errorf("log %+v", e)
			}
		})
		if reply.Head != w.ledger.Head().String() {
			t.Errorf("head %s", reply.Head)
		}
	})
}

// TestEnter: a milestone is entered once for its slot, in the commit of what it starts.
func TestEnter(t *testing.T) {
	t.Parallel()
	at := time.Date(2000, 1, 10, 0, 0, 0, 0, time.UTC)
	slot := register.Slot{Schedule: "milestone/cutover", At: at, State: register.SlotDone, ClaimedAt: at, FinishedAt: at}
	enter := runner.Command{Do: runner.DoStart, Runbook: "weekend", Milestone: "cutover", Slot: &slot}
	t.Run("starts its runbook, whose end passes it", func(t *testing.T) {
		t.Parallel()
		story(t, nil, func(w *world) {
			id := w.do(enter).Run
			if _, err := w.try(enter); err == nil {
				t.Error("entered twice for one slot")
			}
			if w.count(register.MilestoneStarted) != 1 || w.count(run.RunStarted) != 1 {
				t.Error("a refused slot left something")
			}
			w.say(id, "one", "done", "ibm/operator")
			w.facts(func(f *ledger.Facts) {
				if m := f.Register.Milestone("cutover"); m.PassedAt.IsZero() || m.Run != id {
					t.Errorf("%+v", m)
				}
				if by := f.Runs.Runs[id].StartedBy; by.Via != journal.ViaScheduler {
					t.Errorf("started by %+v", by)
				}
			})
		})
	})
	t.Run("goes on with a run begun by hand", func(t *testing.T) {
		t.Parallel()
		story(t, nil, func(w *world) {
			id := w.begin("weekend")
			if reply := w.do(enter); reply.Run != id || !reply.Resumed {
				t.Errorf("%+v", reply)
			}
			if w.count(register.MilestoneStarted) != 1 {
				t.Error("not entered")
			}
		})
	})
	t.Run("does not repeat a run that was done by hand", func(t *testing.T) {
		t.Parallel()
		story(t, nil, func(w *world) {
			id := w.begin("weekend")
			w.say(id, "one", "done", "ibm/operator")
			if reply := w.do(enter); reply.Run != id {
				t.Errorf("%+v", reply)
			}
			if w.count(run.RunStarted) != 1 {
				t.Error("started again")
			}
		})
	})
	t.Run("a caller cannot name the milestone", func(t *testing.T) {
		t.Parallel()
		story(t, map[string]string{"other": "  one: {owner: ibm/operator, manual: Do}\n"}, func(w *world) {
			id := w.begin("other", func(c *runner.Command) { c.Milestone = "cutover" })
			w.say(id, "one", "done", "ibm/operator")
			w.facts(func(f *ledger.Facts) {
				if m := f.Register.Milestone("cutover"); !m.PassedAt.IsZero() {
					t.Error("any runbook passes any milestone")
				}
			})
		})
	})
	t.Run("without a runbook", func(t *testing.T) {
		t.Parallel()
		story(t, nil, func(w *world) {
			if err := w.r.Enter(context.Background(), "trial", slot); err != nil {
				t.Fatal(err)
			}
			if err := w.r.Enter(context.Background(), "trial", slot); err == nil {
				t.Error("entered twice for one slot")
			}
			if w.count(register.MilestoneStarted) != 1 {
				t.Error("not entered once")
			}
		})
	})
}

func TestStart(t *testing.T) {
	t.Parallel()
	story(t, map[string]string{"one": "  ask: {owner: ibm/operator, manual: Do}\n"}, func(w *world) {
		for _, c := range []struct {
			kind string
			cmd  runner.Command
		}{
			{runner.NotFound, runner.Command{Do: runner.DoStart, Runbook: "onne"}},
			{runner.NotFound, runner.Command{Do: runner.DoStart, Runbook: "one", Environment: "prd"}},
			{runner.Usage, runner.Command{Do: runner.DoStart, Runbook: "one", Speed: 10}},
			{runner.Usage, runner.Command{Do: runner.DoStart, Runbook: "one", As: "kombit/nobody"}},
		} {
			w.refused(c.kind, c.cmd)
		}
		id := w.begin("one")
		if again := w.do(runner.Command{Do: runner.DoStart, Runbook: "one"}); again.Run != id || !again.Resumed {
			t.Errorf("an unfinished run goes on: %+v", again)
		}
		if there := w.begin("one", exttest); there == id {
			t.Error("another environment is another run")
		}
		w.say(id, "ask", "done", "ibm/operator")
		if next := w.begin("one"); next == id {
			t.Error("a run that has ended goes on")
		}
	})
}

// TestTell: a report outside a run is queued once for its slot.
func TestTell(t *testing.T) {
	t.Parallel()
	story(t, nil, func(w *world) {
		at := time.Date(2000, 1, 3, 8, 0, 0, 0, time.UTC)
		slot := &register.Slot{Schedule: "report/steering", At: at, ClaimedAt: at}
		tell := func() error {
			_, err := w.r.Tell(context.Background(), runner.Compose{Audience: "steering", Report: "weekly", Period: "3 January"}, slot, journal.Actor{Via: journal.ViaScheduler})
			return err
		}
		if err := tell(); err != nil {
			t.Fatal(err)
		}
		if tell() == nil {
			t.Error("queued twice")
		}
		mails, err := w.store.Messages(context.Background(), register.MessageFilter{})
		if err != nil || len(mails) != 1 || w.count(register.ReportQueued) != 1 {
			t.Errorf("%d mails, %d events, %v", len(mails), w.count(register.ReportQueued), err)
		}
	})
}
