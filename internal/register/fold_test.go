package register_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/checks"
	"skift/internal/journal"
	"skift/internal/register"
)

var foldEpoch = time.Date(2019, 11, 9, 0, 0, 0, 0, time.UTC)

// chronicle folds events as they are added.
type chronicle struct {
	t testing.TB
	f *register.Facts
	n int64
}

func newChronicle(t testing.TB) *chronicle { return &chronicle{t: t, f: &register.Facts{}} }

func (c *chronicle) try(kind, run, subject, seat string, body any) error {
	c.n++
	return c.f.Apply(journal.Event{Plan: "p", Seq: c.n, At: foldEpoch.Add(time.Duration(c.n) * time.Second), Kind: kind, Run: run, Subject: subject,
		Actor: journal.Actor{Seat: seat, Person: "person of " + seat}, Body: register.Body(body)})
}

func (c *chronicle) add(kind, run, subject, seat string, body any) {
	c.t.Helper()
	if err := c.try(kind, run, subject, seat, body); err != nil {
		c.t.Fatal(err)
	}
}

func TestGateRounds(t *testing.T) {
	t.Parallel()
	c := newChronicle(t)
	key := register.GateKey{Gate: "go"}
	if g := c.f.Gate(key); g.Round != 0 || g.Decision != nil {
		t.Fatalf("a gate nobody asked: %+v", g)
	}
	c.add(register.GateAttested, "", "go", "ibm/operator", register.Attested{Criterion: "staffed"})
	c.add(register.GateOpened, "", "go", "", register.Opened{Round: 1})
	c.add(register.GateVoted, "", "go", "ibm/operator", register.Voted{Round: 1, Answer: register.Ready})
	c.add(register.GateVoted, "", "go", "ibm/operator", register.Voted{Round: 1, Answer: register.NotReady})
	c.add(register.GateExtended, "", "go", "kombit/chair", register.Extended{Round: 1, Until: foldEpoch.Add(time.Hour), Reason: "late"})
	c.add(register.GateDecided, "", "go", "kombit/chair", register.Decided{Round: 1, Decision: register.Go, Services: []string{"sftp"}})
	c.add(register.GateUsed, "weekend-1", "go", "", struct{}{})
	g := c.f.Gate(key)
	if len(g.Votes) != 1 || g.Votes["ibm/operator"].Answer != register.NotReady {
		t.Errorf("the last answer of a seat stands: %+v", g.Votes)
	}
	c.add(register.GateOpened, "", "go", "", register.Opened{Round: 2, Reason: "asked again"})
	g = c.f.Gate(key)
	switch {
	case g.Round != 2 || len(g.Votes) != 0 || g.Decision != nil || g.UsedBy != "":
		t.Errorf("a new round carries answers of the last: %+v", g)
	case len(g.Attested) != 1 || g.Until.IsZero() || len(g.Earlier) != 1:
		t.Errorf("a new round lost what stays: %+v", g)
	case g.Through("weekend-1") == nil || g.Through("weekend-1").Services[0] != "sftp" || g.Through("weekend-2") != nil:
		t.Errorf("who went through is forgotten: %+v", g.Earlier)
	}
	if d := cmp.Diff([]string{"go"}, c.f.GatesUsed("weekend-1")); d != "" {
		t.Errorf("gates used (-want +got):\n%s", d)
	}
	if used := c.f.GatesUsed("weekend-2"); len(used) != 0 {
		t.Errorf("another run used %v", used)
	}
}

func TestGateRefusals(t *testing.T) {
	t.Parallel()
	open := func(c *chronicle) { c.add(register.GateOpened, "", "go", "", register.Opened{Round: 1}) }
	decide := func(answer register.Answer) func(*chronicle) {
		return func(c *chronicle) {
			open(c)
			c.add(register.GateDecided, "", "go", "kombit/chair", register.Decided{Round: 1, Decision: answer})
		}
	}
	for _, x := range []struct {
		name      string
		prep      func(*chronicle)
		kind, run string
		body      any
	}{
		{"a vote before it opens", nil, register.GateVoted, "", register.Voted{Answer: register.Go}},
		{"a decision before it opens", nil, register.GateDecided, "", register.Decided{Decision: register.Go}},
		{"a vote of another round", open, register.GateVoted, "", register.Voted{Round: 2}},
		{"a round left out", open, register.GateOpened, "", register.Opened{Round: 3}},
		{"a vote after the decision", decide(register.NoGo), register.GateVoted, "", register.Voted{Round: 1}},
		{"a second decision", decide(register.NoGo), register.GateDecided, "", register.Decided{Round: 1, Decision: register.Go}},
		{"using a no-go", decide(register.NoGo), register.GateUsed, "r", struct{}{}},
		{"using nothing", open, register.GateUsed, "r", struct{}{}},
		{"use by nobody", decide(register.Go), register.GateUsed, "", struct{}{}},
		{"use by a second run", func(c *chronicle) { decide(register.Go)(c); c.add(register.GateUsed, "r", "go", "", struct{}{}) }, register.GateUsed, "q", struct{}{}},
		{"a practised vote at a gate open for the plan", open, register.GateVoted, "rehearsal-1", register.Voted{Round: 1}},
	} {
		c := newChronicle(t)
		if x.prep != nil {
			x.prep(c)
		}
		if c.try(x.kind, x.run, "go", "kombit/chair", x.body) == nil {
			t.Errorf("%s was allowed", x.name)
		}
	}
}

func TestPhases(t *testing.T) {
	t.Parallel()
	c := newChronicle(t)
	move := func(party string, to checks.Phase, services ...string) {
		c.add(register.PhaseMoved, "r", "step", "", register.Moved{Environment: "prod", Services: services, Party: party, Phase: to})
	}
	move("", checks.Switching, "gateway", "sftp")
	move("municipality-101", checks.Fallback, "gateway")
	move("", checks.Closed, "sftp")
	for _, w := range []struct {
		env, service, party string
		want                checks.Phase
	}{
		{"prod", "gateway", "", checks.Switching},
		{"prod", "gateway", "municipality-101", checks.Fallback},
		{"prod", "gateway", "municipality-102", checks.Switching},
		{"prod", "sftp", "municipality-101", checks.Closed},
		{"exttest", "gateway", "", checks.Before},
		{"prod", "admin", "", checks.Before},
	} {
		if got := c.f.Phase(w.env, w.service, w.party); got != w.want {
			t.Errorf("%s %s for %q: %s, want %s", w.env, w.service, w.party, got, w.want)
		}
	}
}

func TestDeviations(t *testing.T) {
	t.Parallel()
	c := newChronicle(t)
	until := foldEpoch.Add(time.Hour)
	c.add(register.DeviationAccepted, "", "cert", "kombit/chair", register.Accepted{Until: until, Reason: "known"})
	c.add(register.DeviationAccepted, "", "allow", "kombit/chair", register.Accepted{Until: until, Reason: "known", Critical: true})
	ds := c.f.Deviations
	if !ds[0].InForce(foldEpoch) || ds[1].InForce(foldEpoch) {
		t.Error("one that is critical counts only once it is confirmed")
	}
	c.add(register.DeviationConfirmed, "", "allow", "ibm/operator", register.Confirmed{Event: 2})
	if !ds[1].InForce(until.Add(-1)) || ds[0].InForce(until) || ds[1].InForce(until) {
		t.Error("a deviation is in force until it lapses, and not then")
	}
	if c.try(register.DeviationConfirmed, "", "allow", "ibm/operator", register.Confirmed{Event: 77}) == nil {
		t.Error("nothing was confirmed")
	}
}

func TestMilestonesAndTheRest(t *testing.T) {
	t.Parallel()
	c := newChronicle(t)
	c.add(register.PlanAdopted, "", "", "", register.Adopted{Hash: "a", First: true})
	c.add(register.PlanAdopted, "", "", "", register.Adopted{Hash: "b"})
	c.add(register.MilestoneStarted, "", "cutover", "", register.Passed{})
	c.add(register.MilestonePassed, "", "cutover", "", register.Passed{Run: "weekend-1"})
	if !c.f.AdoptedAt.Equal(foldEpoch.Add(time.Second)) || c.f.PlanHash != "b" {
		t.Errorf("adopted %v as %s", c.f.AdoptedAt, c.f.PlanHash)
	}
	dates := c.f.Dates()
	c.add(register.MilestoneReopened, "", "cutover", "kombit/chair", register.Passed{Reason: "not so"})
	if m := c.f.Milestone("cutover"); !m.PassedAt.IsZero() || m.ReopenedAt.IsZero() || m.StartedAt.IsZero() || m.Run != "" {
		t.Errorf("reopened: %+v", m)
	}
	if dates.Milestone("cutover").PassedAt.IsZero() {
		t.Error("the copy went on with the facts")
	}
	c.add(register.StatusSet, "", "", "kombit/chair", register.StatusBody{Light: register.Red, Because: "no"})
	c.add(register.NoteWritten, "", "", "kombit/chair", register.StatusBody{Note: "words"})
	c.add(register.Logged, "", "", "", register.LogBody{Text: "line"})
	c.add(register.SweepDone, "", "readiness", "", register.Swept{Suite: "readiness", Units: 3})
	c.add(register.ReportQueued, "", "steering", "", register.Queued{Audience: "steering", Simulated: true})
	if len(c.f.Reports) != 0 {
		t.Error("a simulated report counts as told")
	}
	c.add(register.ReportQueued, "", "steering", "", register.Queued{Audience: "steering"})
	if c.f.Status.Light != register.Red || c.f.Note.Note != "words" || len(c.f.Log) != 1 || c.f.Sweeps["readiness"].Units != 3 || len(c.f.Reports) != 1 {
		t.Errorf("kept: %+v", c.f)
	}
}

// FuzzFold feeds bodies of any shape to every kind: nothing panics.
func FuzzFold(f *testing.F) {
	for i := range register.Kinds() {
		f.Add(i, []byte(`{"round":1,"answer":"go","decision":"go","services":["a"],"event":1,"until":"2019-11-09T00:00:00Z","hash":"h"}`))
		f.Add(i, []byte(`null`))
		f.Add(i, []byte(`{"round":0}`))
	}
	f.Fuzz(func(t *testing.T, n int, body []byte) {
		kinds := register.Kinds()
		facts := &register.Facts{}
		for i := range 3 { // the same again: on nothing, and on what the first left
			_ = facts.Apply(journal.Event{Plan: "p", Seq: int64(i + 1), At: foldEpoch, Kind: kinds[uint(n+i)%uint(len(kinds))], Run: "r", Subject: "go", Body: body})
			_ = facts.Apply(journal.Event{Plan: "p", Seq: int64(i + 2), At: foldEpoch, Kind: kinds[uint(n)%uint(len(kinds))], Subject: "go", Body: body})
		}
		if _, err := json.Marshal(facts.Gate(register.GateKey{Gate: "go"})); err != nil {
			t.Error(err)
		}
	})
}

// A gate that is asked for another run or another time begins with nothing: no word and no extension of before counts.
func TestGateAskedAnew(t *testing.T) {
	t.Parallel()
	for _, anew := range []bool{false, true} {
		c := newChronicle(t)
		c.add(register.GateOpened, "", "go", "", register.Opened{Round: 1})
		c.add(register.GateAttested, "", "go", "ibm/operator", register.Attested{Criterion: "staffed"})
		c.add(register.GateExtended, "", "go", "kombit/chair", register.Extended{Round: 1, Until: foldEpoch.Add(time.Hour), Reason: "late"})
		c.add(register.GateDecided, "", "go", "kombit/chair", register.Decided{Round: 1, Decision: register.NoGo})
		c.add(register.GateOpened, "", "go", "", register.Opened{Round: 2, Anew: anew})
		g := c.f.Gate(register.GateKey{Gate: "go"})
		if kept := len(g.Attested) == 1 && !g.Until.IsZero() && g.Extension != ""; kept == anew || len(g.Earlier) != 1 {
			t.Errorf("anew %v: %+v", anew, g)
		}
	}
}
