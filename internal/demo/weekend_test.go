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

func playWeekend(t *testing.T, late Fault, backOut bool) *weekend {
	t.Helper()
	if testing.Short() {
		t.Skip("the story takes half a minute of real time")
	}
	w := &weekend{before: map[checks.Side][]sim.ManifestRow{}}
	var out bytes.Buffer
	o := Options{Fault: NoFault, Dir: filepath.Join(t.TempDir(), "demo"), Out: &out, late: late, backOut: backOut, backstage: func(th *theatre) {
		w.theatre = th
		for _, side := range checks.Sides() {
			w.before[side] = th.stages[production].Platform(string(side)).Manifest("")
		}
	}}
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

// course lists what happened to the run as such and to the step that proves it, in order.
func (w *weekend) course(t *testing.T) (out []string) {
	t.Helper()
	for _, e := range w.events(t, run.RunWasHeld, run.RunReleased, run.RunEnded, run.StepRetried, run.StepFinished) {
		switch {
		case e.Run != w.live:
		case e.Kind == run.StepFinished && e.Subject == stepProve:
			out = append(out, "prove "+string(body[run.Finished](t, e.Body).State))
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

// Rehearsed, begun, and then something breaks on the new platform between the switch and its proof: the run stands still, whose it is mends
// it, somebody has the step tried again, and the weekend ends as planned.
func TestFaultInTheMiddle(t *testing.T) {
	t.Parallel()
	w := playWeekend(t, AllowList, false)
	want := []string{"prove failed", "held", "prove retried by kombit/cutover-manager", "released", "prove done", "ended done"}
	if d := cmp.Diff(want, w.course(t)); d != "" {
		t.Errorf("the weekend (-want +got):\n%s\n%s", d, w.told)
	}
	if d := cmp.Diff(map[string]string{"gateway": "fallback", "sftp": "fallback", "sts-admin": "fallback"}, w.phases(t)); d != "" {
		t.Errorf("phases (-want +got):\n%s", d)
	}
	stage := w.theatre.stages[production]
	if stage.Front.To() != "new" || w.ending.Back || w.ending.NoGo {
		t.Errorf("the name leads to the %s platform; ended %+v", stage.Front.To(), w.ending)
	}
	for _, text := range []string{"run cutover-weekend-1 is done", "on the new side: whitelist_missing", "is held: prove failed", "puts ", "on the allow-list", "run " + w.live + " is done"} {
		_, after, ok := strings.Cut(w.told, text)
		if !ok {
			t.Fatalf("%q is not told in its place:\n%s", text, w.told)
		}
		w.told = after
	}
}

// The same, and the weekend is backed out: the name leads back, the phases are those of before, the old platform is asked and proven, its
// files are what they were, and nothing of the copy is left in operation.
func TestBackedOutToAProvenOldState(t *testing.T) {
	t.Parallel()
	w := playWeekend(t, HostKey, true)
	if d := cmp.Diff([]string{"prove failed", "held", "prove cancelled", "ended backed-out"}, w.course(t)); d != "" {
		t.Errorf("the weekend (-want +got):\n%s\n%s", d, w.told)
	}
	for service, phase := range w.phases(t) {
		if phase != "before" {
			t.Errorf("%s is %s", service, phase)
		}
	}
	ended := map[string]run.StepState{}
	for _, e := range w.events(t, run.StepFinished) {
		if strings.HasPrefix(e.Run, backOutRunbook+"-") {
			ended[e.Subject] = body[run.Finished](t, e.Body).State
		}
	}
	for _, s := range w.app.Plan().Runbooks[backOutRunbook].Steps {
		if ended[s.ID] != run.Done {
			t.Errorf("%s of the back-out is %q", s.ID, ended[s.ID])
		}
	}
	stage := w.theatre.stages[production]
	if d := cmp.Diff(w.before[checks.Old], stage.Old.Manifest("")); d != "" {
		t.Errorf("the files of the old platform (-before +after):\n%s", d)
	}
	if left := append(stage.New.Manifest("OUT"), stage.New.Manifest("IN")...); len(left) > 0 {
		t.Errorf("%d files of the copy are left in operation, such as %s", len(left), left[0].Name)
	}
	if stage.Front.To() != "old" || !stage.Old.IntakeOpen() || !w.ending.Back {
		t.Errorf("the name leads to the %s platform, its intake is open: %v; ended %+v", stage.Front.To(), stage.Old.IntakeOpen(), w.ending)
	}
	if zone, err := os.ReadFile(filepath.Join(w.ending.Dir, "plan", namesDir, production)); err != nil || string(zone) != "old\n" {
		t.Errorf("the zone file says %q (%v)", zone, err)
	}
}
