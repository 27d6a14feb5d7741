package demo

import (
	"bytes"
	"io/fs"
	"mime"
	netmail "net/mail"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/checks"
	"skift/internal/app"
	"skift/internal/diag"
	"skift/internal/journal"
	"skift/internal/lint"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/snapshot"
	"skift/internal/timeline"
)

// firstWindow is the window that is put before the cut-over's own.
const firstWindow = "cutover-first"

// split is the shipped plan with its cut-over in two weekends: what the plan says of the cut-over is said of the last of them.
func split() (fs.FS, *plan.Plan, error) {
	shipped, _, err := shippedPlan()
	if err != nil {
		return nil, nil, err
	}
	out := fstest.MapFS{}
	err = fs.WalkDir(shipped, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(shipped, name)
		if name == plan.File {
			data = []byte(strings.NewReplacer(
				`{kind: window, from: "2019-11-09 00:00", until: {at: "2019-11-10 18:00", assumed: true}, runbook: cutover-weekend`,
				`{kind: window, from: "2019-11-16 00:00", until: {at: "2019-11-17 18:00", assumed: true}, runbook: cutover-weekend`,
				"  cutover:\n", "  "+firstWindow+":\n    {kind: window, from: \"2019-11-09 00:00\", until: \"2019-11-10 18:00\", runbook: cutover-weekend, owner: kombit/cutover-manager,\n     title: {da: Første weekend, en: First weekend}}\n  cutover:\n",
				"{kind: point, date: 2019-11-11, exit: open-go", "{kind: point, date: 2019-11-18, exit: open-go",
				"{from: cutover.start - 48h,", "{from: "+firstWindow+".start - 48h,",
			).Replace(string(data)))
		}
		out[name] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	p, problems := plan.Load(out)
	return out, p, problems.Err()
}

// splitDates leaves the first weekend as long as it takes, and begins the second soon after.
func splitDates() []anchor {
	kept := slices.DeleteFunc(anchors(), func(a anchor) bool {
		return a.gate == goGate || a.milestone == "cutover" || a.milestone == "hypercare"
	})
	return append(kept,
		anchor{milestone: firstWindow, edge: timeline.Begin, second: 36}, anchor{milestone: firstWindow, edge: timeline.Finish, second: 96},
		anchor{gate: goGate, edge: timeline.Begin, second: 98}, anchor{gate: goGate, edge: timeline.Finish, second: 112},
		anchor{milestone: "cutover", edge: timeline.Begin, second: 112}, anchor{milestone: "cutover", edge: timeline.Finish, second: 400},
		anchor{milestone: "hypercare", edge: timeline.Finish, second: 1200})
}

// between is what was seen in the course of the two weekends.
type between struct {
	first, second string            // the runs
	after         snapshot.Snapshot // when the first was over
	begun         snapshot.Snapshot // when the second had begun
}

func playSplit(t *testing.T, o Options) (*weekend, *between) {
	t.Helper()
	seen := &between{}
	o.told, o.dates, o.first = split, splitDates(), []string{"gateway", "sts-admin"}
	o.watch = func(e journal.Event, a *app.App) {
		switch {
		case e.Kind == run.RunStarted && strings.HasPrefix(e.Run, cutoverRunbook+"-") && body[run.Started](t, e.Body).Production:
			if seen.first == "" {
				seen.first = e.Run
				return
			}
			seen.second = e.Run
			seen.begun = look(t, a)
		case e.Kind == run.RunEnded && e.Run == seen.first && seen.second == "":
			seen.after = look(t, a)
		}
	}
	return playWeekend(t, o), seen
}

func look(t *testing.T, a *app.App) snapshot.Snapshot {
	s, err := a.Snapshot(t.Context())
	if err != nil {
		t.Error(err)
	}
	return s
}

// phasesOf are those of a snapshot in production.
func phasesOf(s snapshot.Snapshot) map[string]string {
	out := map[string]string{}
	for _, p := range s.Phases {
		if p.Environment == production {
			out[p.Service] = string(p.Phase)
		}
	}
	return out
}

// wantFirst looks at production between the weekends, as it was seen when the first was over.
func (w *weekend) wantFirst(t *testing.T, seen *between) {
	t.Helper()
	if d := cmp.Diff(map[string]string{"gateway": "fallback", "sftp": "before", "sts-admin": "fallback"}, phasesOf(seen.after)); d != "" {
		t.Errorf("phases after the first weekend (-want +got):\n%s", d)
	}
	for _, g := range seen.after.Gates {
		if g.Run == "" && slices.Contains([]string{goGate, switchGate, openGate}, g.Gate) && (g.State != "go" || g.Round != 1) {
			t.Errorf("after the first weekend %s is %s in round %d", g.Gate, g.State, g.Round)
		}
	}
	states := map[string]timeline.State{}
	for _, m := range seen.after.Milestones {
		states[m.ID] = m.State
	}
	if states[firstWindow] != timeline.Passed || states["cutover"] == timeline.Passed || states["in-operation"] == timeline.Passed {
		t.Errorf("after the first weekend the milestones are %v", states)
	}
	for _, env := range seen.after.Checks {
		for _, p := range env.Pairs {
			if env.ID == production && !p.Verdict.OK() {
				t.Errorf("after the first weekend %s of %s is %s", p.Check, p.Service, p.Verdict.Word)
			}
			if want := map[bool]checks.Phase{true: "before", false: "fallback"}[p.Service == "sftp"]; env.ID == production && p.Phase != want {
				t.Errorf("after the first weekend %s of %s is judged as %s", p.Check, p.Service, p.Phase)
			}
		}
	}
	if a := seen.after.Ahead[cutoverRunbook]; a == nil || a.Gauge.Window.From != dated(seen.after, "cutover").Start.Earliest {
		t.Errorf("between the weekends lies ahead: %+v", a)
	}
	for _, r := range seen.begun.Runs {
		if m := dated(seen.begun, "cutover"); r.ID == seen.second && (r.Forecast == nil || r.Forecast.Gauge.Window.From != m.Start.Earliest || r.Forecast.Gauge.Window.Until != m.End.Latest) {
			t.Errorf("the second weekend is measured against %+v, its window is %s to %s", r.Forecast.Gauge.Window, m.Start.Earliest, m.End.Latest)
		}
	}
	if d := cmp.Diff([]string{"gateway+sts-admin switching", "gateway+sts-admin fallback"}, w.movedIn(t, seen.first)); d != "" {
		t.Errorf("moved in the first weekend (-want +got):\n%s", d)
	}
}

func dated(s snapshot.Snapshot, milestone string) snapshot.Milestone {
	i := slices.IndexFunc(s.Milestones, func(m snapshot.Milestone) bool { return m.ID == milestone })
	return s.Milestones[i]
}

// movedIn lists the phases that a run moved.
func (w *weekend) movedIn(t *testing.T, runID string) (out []string) {
	t.Helper()
	for _, e := range w.events(t, register.PhaseMoved) {
		if b := body[register.Moved](t, e.Body); e.Run == runID {
			out = append(out, strings.Join(b.Services, "+")+" "+string(b.Phase))
		}
	}
	return out
}

// decisions lists what was decided at the gates of the weekend, with the services where they are named.
func (w *weekend) decisions(t *testing.T) (out []string) {
	t.Helper()
	for _, e := range w.events(t, register.GateDecided) {
		if b := body[register.Decided](t, e.Body); e.Run == "" && slices.Contains([]string{goGate, switchGate, openGate}, e.Subject) {
			out = append(out, strings.TrimSpace(e.Subject+" "+string(b.Decision)+" "+strings.Join(b.Services, "+")))
		}
	}
	return out
}

// mailed lists the subjects of mails that name something, each once.
func (w *weekend) mailed(t *testing.T, what string) (out []string) {
	t.Helper()
	for _, m := range w.theatre.stages[production].Mail.Messages() {
		parsed, err := netmail.ReadMessage(bytes.NewReader(m.Raw))
		if err != nil {
			t.Fatal(err)
		}
		subject, err := new(mime.WordDecoder).DecodeHeader(parsed.Header.Get("Subject"))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(subject, what) && !slices.Contains(out, subject) {
			out = append(out, subject)
		}
	}
	return out
}

// Two weekends: the gateway and STS Administration switch in the first, by a partial go, the exchange of files in the second. Phases, gates,
// milestones, checks, forecasts and what is told are right after each.
func TestTwoWeekends(t *testing.T) {
	t.Parallel()
	w, seen := playSplit(t, Options{})
	w.wantFirst(t, seen)
	for _, runID := range []string{seen.first, seen.second} {
		w.wantAllDone(t, runID)
	}
	if d := cmp.Diff([]string{"sftp switching", "sftp fallback"}, w.movedIn(t, seen.second)); d != "" {
		t.Errorf("moved in the second weekend (-want +got):\n%s", d)
	}
	want := []string{"cutover-go go gateway+sts-admin", "switch-go go", "open-go go", "cutover-go go gateway+sftp+sts-admin", "switch-go go", "open-go go"}
	if d := cmp.Diff(want, w.decisions(t)); d != "" {
		t.Errorf("decided (-want +got):\n%s", d)
	}
	if d := cmp.Diff(map[string]string{"gateway": "fallback", "sftp": "fallback", "sts-admin": "fallback"}, w.phases(t)); d != "" {
		t.Errorf("phases (-want +got):\n%s", d)
	}
	w.wantNames(t, "new", "new", "new")
	passed := map[string]string{}
	for _, e := range w.events(t, register.MilestonePassed) {
		b := body[register.Passed](t, e.Body)
		passed[e.Subject] = b.Run + b.Gate
	}
	if passed[firstWindow] != seen.first || passed["cutover"] != seen.second || passed["in-operation"] != openGate {
		t.Errorf("passed: %v", passed)
	}
	told := w.mailed(t, "SP gateway")
	if len(told) != 1 || strings.Contains(told[0], "SFTP") {
		t.Errorf("of the first weekend is told %q", told)
	}
	if told := w.mailed(t, "SP SFTP"); len(told) != 1 || strings.Contains(told[0], "gateway") {
		t.Errorf("of the second weekend is told %q", told)
	}
}

// The second weekend is backed out: what it moved goes back, and what the first moved stays where it is.
func TestSecondWeekendIsBackedOut(t *testing.T) {
	t.Parallel()
	w, seen := playSplit(t, Options{breaks: []breakage{{production, HostKey, stepSwitch, stepProve}}, backOut: true})
	w.wantFirst(t, seen)
	w.wantAllDone(t, seen.first)
	if d := cmp.Diff([]string{"prove failed", "held", "prove cancelled", "ended backed-out"}, w.course(t, seen.second, stepProve)); d != "" {
		t.Errorf("the second weekend (-want +got):\n%s\n%s", d, w.told)
	}
	if d := cmp.Diff([]string{"sftp before"}, w.movedIn(t, backOutRunbook+"-1")); d != "" {
		t.Errorf("moved back (-want +got):\n%s", d)
	}
	if d := cmp.Diff(map[string]string{"gateway": "fallback", "sftp": "before", "sts-admin": "fallback"}, w.phases(t)); d != "" {
		t.Errorf("phases (-want +got):\n%s", d)
	}
	w.wantNames(t, "new", "old", "new")
	if !w.theatre.stages[production].Old.IntakeOpen() || !w.ending.Back {
		t.Errorf("the old intake is open: %v; ended %+v", w.theatre.stages[production].Old.IntakeOpen(), w.ending)
	}
	for _, e := range w.events(t, register.MilestonePassed) {
		if e.Subject == "cutover" || e.Subject == "in-operation" {
			t.Errorf("%s is passed", e.Subject)
		}
	}
}

// As the plan is written for two weekends: nothing in it is worth a word, and each gate of the weekend is asked for each at its own time.
func TestSplitPlan(t *testing.T) {
	t.Parallel()
	_, p, err := split()
	if err != nil {
		t.Fatal(err)
	}
	at := func(text string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04", text, p.Zone)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	var said diag.List
	lint.Check(p, lint.Known{Now: at("2019-05-01 00:00")}, &said)
	for _, problem := range said.Sorted() {
		t.Errorf("lint: %s %s", problem.Pos, problem.Message)
	}
	facts := &register.Facts{AdoptedAt: at("2019-05-01 00:00")}
	for _, tt := range []struct{ now, gate, opens, by string }{
		{"2019-11-01 12:00", goGate, "2019-11-08 00:00", "2019-11-08 20:00"},
		{"2019-11-10 12:00", switchGate, "", "2019-11-10 10:00"},
		{"2019-11-10 12:00", openGate, "", "2019-11-10 15:00"},
		{"2019-11-11 12:00", goGate, "2019-11-15 00:00", "2019-11-15 20:00"},
		{"2019-11-11 12:00", switchGate, "", "2019-11-17 10:00"},
		{"2019-11-16 12:00", openGate, "", "2019-11-17 15:00"},
	} {
		opens, by := timeline.At(p, facts, at(tt.now)).Gate(nil, p.Gates[tt.gate])
		if tt.opens != "" && !opens.Equal(at(tt.opens)) || !by.Equal(at(tt.by)) {
			t.Errorf("on %s %s opens %s and is to be decided by %s, want %s and %s", tt.now, tt.gate, opens.In(p.Zone), by.In(p.Zone), tt.opens, tt.by)
		}
	}
}
