package cli

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/internal/diag"
	"skift/internal/forecast"
	"skift/internal/journal"
	"skift/internal/people"
	"skift/internal/plan"
	"skift/internal/run"
	"skift/internal/snapshot"
	"skift/internal/term"
)

// aWeekend is a run in the middle of its window: one step is late, one failed, a gate is ahead.
func aWeekend(t *testing.T, lang string) (*plan.Plan, snapshot.Snapshot) {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		t.Fatal(err)
	}
	p := &plan.Plan{ID: "moving", Zone: zone, Language: lang}
	p.Contacts = people.Contacts{}
	at := func(hour, minute int) time.Time { return time.Date(2019, 11, 9, hour, minute, 0, 0, zone) }
	step := func(id string, start, end time.Time) forecast.Step {
		return forecast.Step{ID: id, Start: start, End: end}
	}
	f := &forecast.Forecast{At: at(4, 0), Run: "cutover-weekend-1", End: at(9, 15), Path: []string{"copy", "compare", "switch", "settle", "prove", "open", "hypercare"}, Unestimated: []string{"tell"}}
	f.Steps = []forecast.Step{step("stop-intake", at(0, 0), at(0, 20)), step("copy", at(0, 20), at(5, 0)), step("count", at(2, 0), at(4, 0)),
		step("lists", at(1, 0), at(4, 30)), step("compare", at(5, 0), at(5, 30)), step("open", at(8, 0), at(8, 15)), step("tell", at(8, 15), at(8, 15))}
	f.Steps[1].Critical, f.Steps[4].Critical, f.Steps[5].Critical = true, true, true
	f.Steps[2].Late, f.Steps[2].Slack = 25*time.Minute, time.Hour
	f.Steps[3].Slack, f.Steps[6].Unestimated = 30*time.Minute, true
	w := forecast.Window{From: at(0, 0), Until: time.Date(2019, 11, 9, 18, 0, 0, 0, zone)}
	mark := func(t time.Time) forecast.Mark {
		return forecast.Mark{At: t, Margin: w.Until.Sub(t), Holds: !t.After(w.Until)}
	}
	now, last := mark(at(6, 40)), mark(at(18, 30))
	f.Gauge = forecast.Gauge{Window: w, End: mark(f.End), Back: forecast.CanBack, BackNow: &now, BackLast: &last, TurnAt: at(14, 0)}
	f.Gates = []forecast.Gate{{ID: "open-go", ReachedAt: at(8, 0), DecideBy: at(14, 0), EndBy: at(16, 45), BackBy: at(13, 30), Latest: at(13, 30)}}
	r := snapshot.Run{ID: "cutover-weekend-1", Runbook: "cutover-weekend", Environment: "prod", Production: true, State: run.RunHeld, Reason: "lists failed: exit code 3", Forecast: f}
	states := []run.StepState{run.Done, run.Running, run.WaitingForPerson, run.Failed, run.Waiting, run.Waiting, run.Waiting}
	for i, st := range f.Steps {
		r.Steps = append(r.Steps, snapshot.Step{ID: st.ID, State: states[i], Owner: "newco/operator"})
	}
	return p, snapshot.Snapshot{At: f.At, Plan: snapshot.Plan{ID: "moving"}, Runs: []snapshot.Run{r},
		Needed: []snapshot.Needed{{Kind: "step", Subject: "count", Run: r.ID, Seat: "newco/operator"}, {Kind: "vote", Subject: "other", Run: "other-1", Seat: "customer/chair"}}}
}

// TestRunScreen: the screen in both languages at 80 columns without colour; with colour it says the same.
func TestRunScreen(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"da", "en"} {
		p, snap := aWeekend(t, lang)
		draw := func(screen term.Screen) string {
			text, err := runScreen{session: &session{screen: screen}, Catalogue: speak(p), p: p, snap: snap, r: snap.Runs[0]}.draw(0, false)
			if err != nil {
				t.Fatal(err)
			}
			return text
		}
		plain := draw(term.Screen{Width: 80})
		for line := range strings.Lines(plain) {
			if term.Width(strings.TrimRight(line, "\n")) > 80 {
				t.Errorf("%s: wider than 80 columns: %s", lang, line)
			}
		}
		if coloured := draw(term.Screen{Width: 80, Colour: true}); coloured == plain || string(term.Strip(coloured)) != plain {
			t.Errorf("%s: with colour it says something else:\n%s", lang, coloured)
		}
		file := filepath.Join("testdata", "watch."+lang+".golden")
		if flag.Lookup("update").Value.String() == "true" { // defined beside the scripts
			if err := os.WriteFile(file, []byte(plain), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), plain); d != "" {
			t.Errorf("%s differs; run with -update to accept:\n%s", file, d)
		}
	}
}

// aLongNight is a weekend of forty steps with long names, long seats, Danish letters and a reason that no end is seen of; some of it hostile.
func aLongNight(t *testing.T, lang string) (*plan.Plan, snapshot.Snapshot) {
	t.Helper()
	p, snap := aWeekend(t, lang)
	r := &snap.Runs[0]
	r.Reason = "lists failed: \x1b[2J\u202e" + strings.Repeat("fortegnelsen over ændrede afgørelser på Ærø stemmer ikke; ", 20)
	r.Paused = []snapshot.Pause{{Stream: "netværk", Reason: "deres telefon er optaget", By: journal.Actor{Seat: "data-sources-and-registers/coordinator-of-the-night"}}}
	for i := range 40 {
		id := fmt.Sprintf("reconcile-the-registers-of-every-municipality-%02d", i)
		st := forecast.Step{ID: id, Start: r.Forecast.At, End: r.Forecast.At.Add(time.Duration(i) * time.Minute), Late: time.Duration(i) * time.Minute}
		r.Forecast.Steps = append(r.Forecast.Steps, st)
		r.Forecast.Path = append(r.Forecast.Path, id)
		state := []run.StepState{run.Running, run.WaitingForPerson, run.Failed, run.Waiting, run.Uncertain}[i%5]
		r.Steps = append(r.Steps, snapshot.Step{ID: id, State: state, Owner: "data-sources-and-registers/coordinator-of-the-night"})
		snap.Needed = append(snap.Needed, snapshot.Needed{Kind: snapshot.NeedStep, Subject: id, Run: r.ID, Seat: "data-sources-and-registers/coordinator-of-the-night", Person: "p-1", By: st.End})
	}
	p.Contacts = people.ReadContacts("contacts.csv", []byte("person,name,phone\np-1,\"Datakildernes koordinator, natten mellem lørdag og søndag\",+45 00 00 00 37\n"), &diag.List{})
	return p, snap
}

// TestRunScreenFits: whatever the run, nothing of the screen is wider or longer than the terminal; the next gate, both ends and whom to call are
// on it, and what is left out says so.
func TestRunScreenFits(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"da", "en"} {
		for _, size := range []struct{ rows, columns int }{{24, 80}, {40, 120}, {24, 200}, {50, 60}} {
			for name, make := range map[string]func(*testing.T, string) (*plan.Plan, snapshot.Snapshot){"a weekend": aWeekend, "a long night": aLongNight} {
				p, snap := make(t, lang)
				for _, colour := range []bool{false, true} {
					text, err := runScreen{session: &session{screen: term.Screen{Width: size.columns, Colour: colour}}, Catalogue: speak(p), p: p, snap: snap, r: snap.Runs[0]}.draw(size.rows, true)
					if err != nil {
						t.Fatal(err)
					}
					plain := string(term.Strip(text))
					lines := strings.Split(strings.TrimSuffix(plain, "\n"), "\n")
					if len(lines) >= size.rows {
						t.Errorf("%s %s: %d lines on %d:\n%s", lang, name, len(lines), size.rows, plain)
					}
					for _, l := range lines {
						if term.Width(l) > size.columns {
							t.Errorf("%s %s: wider than %d: %s", lang, name, size.columns, l)
						}
					}
					want := []string{"open-go", "copy → compare", "◀  ", "◁  ", "count"}
					if name == "a long night" {
						want = append(want, "+45 00 00 00 37", "… ", "netværk")
					}
					for _, w := range want {
						if !strings.Contains(plain, w) {
							t.Errorf("%s %s, %d×%d: %q is not on the screen:\n%s", lang, name, size.columns, size.rows, w, plain)
						}
					}
					if strings.ContainsRune(plain, '\u202e') {
						t.Errorf("%s: the direction of text was turned", lang)
					}
				}
			}
		}
	}
}

// TestShorter: a duration that begins with a minus is one, and everywhere else what begins so stays a flag.
func TestShorter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"what-if r s -30m", "what-if r s −30m"},
		{"-C x what-if r s -30m --json", "-C x what-if r s −30m --json"},
		{"step r s -30m", "step r s -30m"},
		{"what-if r s --data -x", "what-if r s --data -x"},
	} {
		if got := strings.Join(shorter(strings.Fields(c.in)), " "); got != c.want {
			t.Errorf("%s: %s", c.in, got)
		}
	}
}

// FuzzWhatIf: what is no other duration is refused, and nothing panics.
func FuzzWhatIf(f *testing.F) {
	for _, s := range []string{"+2h", "-30m", "−30m", "=2h", "2h", "", "+", "=", "+-1h", "=-1h", "+2x", "+9999999999h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := whatIf(text)
		if err == nil && q.To != nil && (*q.To < 0 || q.By != 0) || err == nil && q.To == nil && strings.HasPrefix(text, "+") && q.By < 0 {
			t.Errorf("%q is %+v", text, q)
		}
	})
}

// TestRunInsideIsWaitedFor: what a run inside waits for, its gate and its people, is on the screen of the run around it, and nothing of one
// that has ended or of another.
func TestRunInsideIsWaitedFor(t *testing.T) {
	t.Parallel()
	p, snap := aWeekend(t, "en")
	r := &snap.Runs[0]
	r.Forecast.Gates, r.State, r.Reason = nil, run.RunRunning, ""
	inner := func(id, parent, gate string, state run.State) snapshot.Run {
		f := *r.Forecast
		f.Gates = []forecast.Gate{{ID: gate, ReachedAt: snap.At}}
		return snapshot.Run{ID: id, Runbook: "inner", Parent: parent, Environment: "prod", Production: true, State: state, Forecast: &f, Waiting: []string{gate},
			Steps: []snapshot.Step{{ID: "act", State: run.WaitingForPerson, Owner: "newco/operator"}}}
	}
	snap.Runs = append(snap.Runs, inner("mid-1", r.ID, "mid-go", run.RunRunning), inner("deep-1", "mid-1", "deep-go", run.RunRunning),
		inner("past-1", r.ID, "past-go", run.RunFailed), inner("strange-1", "other-1", "strange-go", run.RunRunning))
	snap.Needed = nil
	for _, o := range snap.Runs[1:] {
		snap.Needed = append(snap.Needed, snapshot.Needed{Kind: snapshot.NeedStep, Subject: "act", Run: o.ID, Seat: "newco/operator"},
			snapshot.Needed{Kind: snapshot.NeedDecision, Subject: o.Waiting[0], Gate: o.Waiting[0], Seat: "customer/chair"})
	}
	text, err := runScreen{session: &session{}, Catalogue: speak(p), p: p, snap: snap, r: snap.Runs[0]}.draw(0, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []string{"Next gate: mid-go now", "step act (mid-1)", "decision mid-go", "step act (deep-1)", "decision deep-go"} {
		if !strings.Contains(text, w) {
			t.Errorf("%q is not on the screen:\n%s", w, text)
		}
	}
	for _, w := range []string{"past-", "strange-"} {
		if strings.Contains(text, w) {
			t.Errorf("%q is on the screen:\n%s", w, text)
		}
	}
}
