package demo

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skift/checks"
	"skift/internal/app"
	"skift/internal/journal"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/sim"
)

// weekend is one whole story in which something breaks in the middle of the weekend, and what is left when it is over.
type weekend struct {
	ending  Ending
	told    string
	theatre *theatre
	before  map[checks.Side][]sim.ManifestRow // what lay on the platforms of production before anything happened
	app     *app.App                          // of the plan that was kept
	live    string
}

// playWeekend tells a story to its end.
func playWeekend(t *testing.T, o Options) *weekend {
	t.Helper()
	if testing.Short() {
		t.Skip("the story takes half a minute of real time")
	}
	w := &weekend{before: map[checks.Side][]sim.ManifestRow{}}
	var out bytes.Buffer
	o.Fault, o.Dir, o.Out = NoFault, filepath.Join(t.TempDir(), "demo"), &out
	o.backstage = func(th *theatre) {
		w.theatre = th
		for _, side := range checks.Sides() {
			w.before[side] = th.stages[production].Platform(string(side)).Manifest("")
		}
	}
	var err error
	w.ending, err = Run(t.Context(), o)
	w.told = out.String()
	if err != nil {
		t.Fatalf("%v\n%s", err, w.told)
	}
	if w.app, err = app.Open(t.Context(), app.Options{PlanDir: filepath.Join(w.ending.Dir, "plan"), Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.app.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, e := range w.events(t, run.RunStarted) {
		if b := body[run.Started](t, e.Body); b.Runbook == cutoverRunbook && b.Production {
			w.live = e.Run
		}
	}
	return w
}

func (w *weekend) events(t *testing.T, kinds ...string) []journal.Event {
	t.Helper()
	all, err := w.app.Events(t.Context(), 0, false)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(e journal.Event) bool { return !slices.Contains(kinds, e.Kind) })
}

// course lists what happened to a run as such and to one of its steps, in order.
func (w *weekend) course(t *testing.T, runID, step string) (out []string) {
	t.Helper()
	for _, e := range w.events(t, run.RunWasHeld, run.RunReleased, run.RunEnded, run.StepRetried, run.StepFinished) {
		switch {
		case e.Run != runID:
		case e.Kind == run.StepFinished && e.Subject == step:
			out = append(out, step+" "+string(body[run.Finished](t, e.Body).State))
		case e.Kind == run.StepRetried:
			out = append(out, e.Subject+" retried by "+e.Actor.Seat)
		case e.Kind == run.RunEnded:
			out = append(out, "ended "+string(body[run.Ended](t, e.Body).State))
		case e.Kind != run.StepFinished && body[run.Ended](t, e.Body).Gate == "":
			out = append(out, strings.TrimPrefix(e.Kind, "run."))
		}
	}
	return out
}

// wantNames looks where the name of each service in production leads, in its zone file and where it is served.
func (w *weekend) wantNames(t *testing.T, gateway, sftp, sts string) {
	t.Helper()
	for service, want := range map[string]string{"gateway": gateway, "sftp": sftp, "sts-admin": sts} {
		leads, err := os.ReadFile(filepath.Join(w.ending.Dir, "plan", namesDir, zone(production, service)))
		if err != nil || string(leads) != want+"\n" {
			t.Errorf("the zone file of %s says %q (%v), want %s", service, leads, err, want)
		}
		if door, is := doors[service]; is && w.theatre.stages[production].Front.Leads(door) != want {
			t.Errorf("the name of %s leads to the %s platform, want %s", service, w.theatre.stages[production].Front.Leads(door), want)
		}
	}
}

func (w *weekend) phases(t *testing.T) map[string]string {
	t.Helper()
	snap, err := w.app.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, p := range snap.Phases {
		if p.Environment == production {
			out[p.Service] = fmt.Sprint(p.Phase)
		}
	}
	return out
}

// Rehearsed and carried out, and in each something breaks on the new platform in the middle: in the rehearsal before anything is moved, so that
// the checks do not agree with who says done; live between the switch and its proof. Each time the run stands still, whose it is mends it,
// somebody has the step tried again, and the weekend ends as planned, through its three gates.
func TestFaultInTheMiddle(t *testing.T) {
	t.Parallel()
	w := playWeekend(t, Options{breaks: []breakage{{"exttest", AllowList, "look", "allow-lists"}, {production, AllowList, stepSwitch, stepProve}}})
	want := []string{"allow-lists failed", "held", "allow-lists retried by kombit/cutover-manager", "released", "allow-lists done", "ended done"}
	if d := cmp.Diff(want, w.course(t, "cutover-weekend-1", "allow-lists")); d != "" {
		t.Errorf("the rehearsal (-want +got):\n%s\n%s", d, w.told)
	}
	want = []string{"prove failed", "held", "prove retried by kombit/cutover-manager", "released", "prove done", "ended done"}
	if d := cmp.Diff(want, w.course(t, w.live, stepProve)); d != "" {
		t.Errorf("the weekend (-want +got):\n%s\n%s", d, w.told)
	}
	if d := cmp.Diff(map[string]string{"gateway": "fallback", "sftp": "fallback", "sts-admin": "fallback"}, w.phases(t)); d != "" {
		t.Errorf("phases (-want +got):\n%s", d)
	}
	w.wantNames(t, "new", "new", "new")
	if w.ending.Back || w.ending.NoGo {
		t.Errorf("ended %+v", w.ending)
	}
	for _, runID := range []string{"cutover-weekend-1", w.live} {
		w.wantAllDone(t, runID)
	}
	for _, text := range []string{"is held: allow-lists failed", "puts ", "run cutover-weekend-1 is done", "on the new side: whitelist_missing", "is held: prove failed", "puts ", "on the allow-list", "run " + w.live + " is done"} {
		_, after, ok := strings.Cut(w.told, text)
		if !ok {
			t.Fatalf("%q is not told in its place:\n%s", text, w.told)
		}
		w.told = after
	}
}

// wantAllDone wants every step of a run done, none skipped, and each of its gates a go.
func (w *weekend) wantAllDone(t *testing.T, runID string) {
	t.Helper()
	snap, err := w.app.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	gates := 0
	for _, r := range snap.Runs {
		for _, s := range r.Steps {
			if r.ID == runID && s.State != run.Done {
				t.Errorf("%s of %s is %s", s.ID, r.ID, s.State)
			}
			if r.ID == runID && s.AfterGate != "" {
				gates++
			}
		}
	}
	if gates != 3 {
		t.Errorf("%s has %d gates", runID, gates)
	}
}

// The same, and the weekend is backed out: the name leads back, the phases are those of before, the old platform is asked and proven, its
// files are what they were, and nothing of the copy is left in operation. What was done last is undone first.
func TestBackedOutToAProvenOldState(t *testing.T) {
	t.Parallel()
	w := playWeekend(t, Options{breaks: []breakage{{production, HostKey, stepSwitch, stepProve}}, backOut: true})
	if d := cmp.Diff([]string{"prove failed", "held", "prove cancelled", "ended backed-out"}, w.course(t, w.live, stepProve)); d != "" {
		t.Errorf("the weekend (-want +got):\n%s\n%s", d, w.told)
	}
	w.wantUndone(t, nil)
	if d := cmp.Diff([]string{"switch-back before"}, w.movedBack(t)); d != "" {
		t.Errorf("phases moved back by (-want +got):\n%s", d)
	}
}

// It is backed out before the switch, because the copy is not what was copied: only what was begun is undone.
func TestBackedOutBeforeTheSwitch(t *testing.T) {
	t.Parallel()
	w := playWeekend(t, Options{breaks: []breakage{{production, Fault(sim.FaultChangedByte), stepStopIntake, stepCompare}}, backOut: true})
	if d := cmp.Diff([]string{"compare failed", "held", "compare cancelled", "ended backed-out"}, w.course(t, w.live, stepCompare)); d != "" {
		t.Errorf("the weekend (-want +got):\n%s\n%s", d, w.told)
	}
	w.wantUndone(t, []string{stepSwitchBack})
	if moved := w.movedBack(t); len(moved) > 0 {
		t.Errorf("phases moved back: %v", moved)
	}
}

// movedBack lists which step of a back-out moved phases, and where to.
func (w *weekend) movedBack(t *testing.T) (out []string) {
	t.Helper()
	for _, e := range w.events(t, register.PhaseMoved) {
		if b := body[register.Moved](t, e.Body); strings.HasPrefix(e.Run, backOutRunbook+"-") {
			out = append(out, b.Step+" "+string(b.Phase))
		}
	}
	return out
}

// wantUndone looks whether production is as it was, undone in the reverse order of what had been done, but for the steps of the back-out
// that had nothing to undo.
func (w *weekend) wantUndone(t *testing.T, idle []string) {
	t.Helper()
	for service, phase := range w.phases(t) {
		if phase != "before" {
			t.Errorf("%s is %s", service, phase)
		}
	}
	ended, began, did := map[string]run.StepState{}, []string{}, []string{}
	for _, e := range w.events(t, run.StepStarted, run.StepFinished) {
		switch {
		case strings.HasPrefix(e.Run, backOutRunbook+"-") && e.Kind == run.StepStarted:
			began = append(began, e.Subject)
		case strings.HasPrefix(e.Run, backOutRunbook+"-"):
			ended[e.Subject] = body[run.Finished](t, e.Body).State
		case e.Run == w.live && e.Kind == run.StepStarted:
			did = append(did, e.Subject)
		}
	}
	book := w.app.Plan().Runbooks[backOutRunbook]
	for _, s := range book.Steps {
		want := run.Done
		if slices.Contains(idle, s.ID) {
			want = run.Skipped
		}
		if ended[s.ID] != want {
			t.Errorf("%s of the back-out is %q, want %s", s.ID, ended[s.ID], want)
		}
	}
	for i, a := range began {
		for _, b := range began[i+1:] {
			ua, ub := book.Step(a).Undoes, book.Step(b).Undoes
			if ua != "" && ub != "" && slices.Contains(w.app.Plan().Runbooks[cutoverRunbook].Step(ub).Needs, ua) {
				t.Errorf("%s is undone before %s, which came after it", ua, ub)
			}
		}
	}
	if len(began) == 0 || len(did) == 0 {
		t.Error("nothing was done, or nothing undone")
	}
	stage := w.theatre.stages[production]
	if d := cmp.Diff(w.before[checks.Old], stage.Old.Manifest("")); d != "" {
		t.Errorf("the files of the old platform (-before +after):\n%s", d)
	}
	if left := append(stage.New.Manifest("OUT"), stage.New.Manifest("IN")...); len(left) > 0 {
		t.Errorf("%d files of the copy are left in operation, such as %s", len(left), left[0].Name)
	}
	w.wantNames(t, "old", "old", "old")
	if !stage.Old.IntakeOpen() || !w.ending.Back {
		t.Errorf("the old intake is open: %v; ended %+v", stage.Old.IntakeOpen(), w.ending)
	}
}
