package cli

import (
	"slices"
	"strings"
	"time"

	"skift/internal/forecast"
	"skift/internal/plan"
	"skift/internal/run"
	"skift/internal/snapshot"
	"skift/internal/term"
	"skift/internal/words"
)

// runScreen is one run on one screen, in the plan's language.
type runScreen struct {
	*session
	*words.Catalogue
	p    *plan.Plan
	snap snapshot.Snapshot
	r    snapshot.Run
}

// mostRows is how many lines a part of the screen has at most.
const mostRows = 5

func (v runScreen) show(live bool) error {
	v.head()
	if f := v.r.Forecast; f != nil {
		v.gate(f)
		v.path(f)
		for _, part := range []func(*forecast.Forecast) (string, *term.Table){v.now, v.next, v.late} {
			title, t := part(f)
			if err := v.part(title, t); err != nil {
				return err
			}
		}
	} else {
		v.printf("%s\n", v.T("watch.ended", "state", v.T("run."+string(v.r.State))))
	}
	if err := v.part(v.T("watch.waiting"), v.waiting()); err != nil {
		return err
	}
	if err := v.gauge(); err != nil {
		return err
	}
	if live {
		v.printf("%s\n", v.screen.Dim(v.T("watch.again", "every", v.Duration(showEvery))))
	}
	return nil
}

// line prints one line that breaks at the screen's width.
func (v runScreen) line(text string) {
	for _, l := range term.Wrap(text, v.screen.Width) {
		v.printf("%s\n", l)
	}
}

// head says which run it is and how it is.
func (v runScreen) head() {
	state := runState(v.r.State)
	done := 0
	for _, st := range v.r.Steps {
		if st.State.Settled() {
			done++
		}
	}
	v.printf("%s %s\n", v.screen.Paint(state, state.Shape()+" "+v.T("run."+string(v.r.State))),
		term.Line(v.T("watch.head", "run", v.r.ID, "where", where(v.Catalogue, v.r), "now", v.Short(v.snap.At.In(v.p.Zone))+" "+v.snap.At.In(v.p.Zone).Format("MST"), "done", done, "of", len(v.r.Steps))))
	if v.r.Reason != "" {
		v.line(v.r.Reason)
	}
}

func (v runScreen) clock(t time.Time) string { return clockIn(v.Catalogue, v.p, t, v.snap.At) }

// gate is the clock to the next gate.
func (v runScreen) gate(f *forecast.Forecast) {
	if len(f.Gates) == 0 {
		v.line("◆ " + v.T("watch.no-gate"))
		return
	}
	g := f.Gates[0]
	until := g.ReachedAt
	if !g.DecideBy.IsZero() && g.DecideBy.Before(until) {
		until = g.DecideBy
	}
	head := v.T("watch.gate.now", "gate", g.ID)
	if in := until.Sub(v.snap.At); in >= time.Second {
		head = v.T("watch.gate", "gate", g.ID, "in", away(v.Catalogue, in))
	}
	parts := []string{v.T("watch.gate.reached", "at", v.clock(g.ReachedAt))}
	if !g.DecideBy.IsZero() {
		parts = append(parts, v.T("watch.gate.by", "at", v.clock(g.DecideBy)))
	}
	state := term.Gate
	if !g.Latest.IsZero() {
		parts = append(parts, v.T("watch.gate.latest", "at", v.clock(g.Latest)))
		if !g.Holds() {
			state = term.Fail
		}
	}
	v.printf("%s\n", v.screen.Paint(state, state.Shape()+" "+term.Line(head)))
	v.line("  " + strings.Join(parts, " · "))
}

// path names what the end hangs on.
func (v runScreen) path(f *forecast.Forecast) {
	if len(f.Path) > 0 {
		v.line(v.T("watch.path", "steps", strings.Join(f.Path, " → ")))
	}
}

// part prints a part of the screen with its title; one without lines says so.
func (v runScreen) part(title string, t *term.Table) error {
	v.printf("%s\n", v.screen.Bold(title))
	if t.Len() == 0 {
		v.printf("  %s\n", v.T("watch.nothing"))
		return nil
	}
	return t.Write(v.out, v.screen)
}

// row is one step as far as it fits.
func (v runScreen) row(t *term.Table, st snapshot.Step, when, remark string) {
	state := stepState(st.State)
	t.Cells(term.Cell{Text: state.Shape(), State: state}, term.Cell{Text: st.ID}, term.Cell{Text: v.T("step." + string(st.State)), State: state},
		term.Cell{Text: when}, term.Cell{Text: strings.Join(slices.DeleteFunc([]string{remark, st.Owner}, func(s string) bool { return s == "" }), " · ")})
}

// now is what is under way, or stands still with something wrong.
func (v runScreen) now(f *forecast.Forecast) (string, *term.Table) {
	t := term.NewTable()
	for _, st := range v.r.Steps {
		if !st.State.Open() && st.State != run.Failed {
			continue
		}
		is, _ := f.Step(st.ID)
		when := v.T("watch.ends", "at", v.clock(is.End))
		if is.Unestimated {
			when = v.T("watch.since", "at", v.clock(is.Start))
		}
		v.row(t, st, when, v.remark(is))
	}
	return v.T("watch.now"), t
}

// next is what begins soonest.
func (v runScreen) next(f *forecast.Forecast) (string, *term.Table) {
	var steps []snapshot.Step
	for _, st := range v.r.Steps {
		if st.State == run.Waiting || st.State == run.Startable || st.State == run.Held {
			steps = append(steps, st)
		}
	}
	start := func(st snapshot.Step) time.Time { is, _ := f.Step(st.ID); return is.Start }
	slices.SortStableFunc(steps, func(a, b snapshot.Step) int { return start(a).Compare(start(b)) })
	t := term.NewTable()
	for _, st := range steps[:min(len(steps), mostRows)] {
		is, _ := f.Step(st.ID)
		if is.Start.IsZero() {
			continue
		}
		v.row(t, st, v.T("watch.from", "at", v.clock(is.Start)), v.remark(is))
	}
	return v.T("watch.next"), t
}

// late is what should have ended or begun, the latest first.
func (v runScreen) late(f *forecast.Forecast) (string, *term.Table) {
	var steps []snapshot.Step
	late := func(st snapshot.Step) time.Duration { is, _ := f.Step(st.ID); return is.Late.Truncate(time.Second) }
	for _, st := range v.r.Steps {
		if late(st) > 0 {
			steps = append(steps, st)
		}
	}
	slices.SortStableFunc(steps, func(a, b snapshot.Step) int { return int(late(b)/time.Second - late(a)/time.Second) })
	t := term.NewTable()
	for _, st := range steps[:min(len(steps), mostRows)] {
		t.Cells(term.Cell{Text: term.Risk.Shape(), State: term.Risk}, term.Cell{Text: st.ID}, term.Cell{Text: v.T("watch.late-by", "by", away(v.Catalogue, late(st))), State: term.Risk},
			term.Cell{Text: st.Owner})
	}
	return v.T("watch.late"), t
}

// remark says what is to be known of a step's duration.
func (v runScreen) remark(is forecast.Step) string {
	switch {
	case is.Unestimated:
		return v.T("watch.no-estimate")
	case is.Critical:
		return v.T("watch.critical")
	}
	return v.T("watch.slack", "by", away(v.Catalogue, is.Slack))
}

// waiting is whom the run waits for, with the number to call.
func (v runScreen) waiting() *term.Table {
	t := term.NewTable()
	needed := concern(v.snap, v.r)
	for _, n := range needed[:min(len(needed), mostRows)] {
		t.Cells(term.Cell{Text: term.Gate.Shape(), State: term.Gate}, term.Cell{Text: n.Subject}, term.Cell{Text: n.Seat}, term.Cell{Text: call(v.p, n.Person)})
	}
	return t
}

// gauge shows both ends against the window.
func (v runScreen) gauge() error {
	f := v.r.Forecast
	if f == nil {
		return nil
	}
	v.printf("%s\n", v.screen.Bold(windowText(v.Catalogue, v.p, f.Gauge.Window)))
	if b := bar(f); b != "" {
		v.printf("%s\n", b)
		v.line(v.T("gauge.legend"))
	}
	t := term.NewTable()
	for _, m := range marks(v.Catalogue, v.p, f) {
		t.Cells(term.Cell{Text: m.shape}, term.Cell{Text: m.label}, term.Cell{Text: v.clock(m.At)}, margin(v.Catalogue, m.Mark, f.Gauge.Window))
	}
	if err := t.Write(v.out, v.screen); err != nil {
		return err
	}
	if f.Gauge.Back != forecast.CanBack {
		v.line(v.T("gauge.back." + string(f.Gauge.Back)))
	}
	if least := leastText(v.Catalogue, f); least != "" {
		v.line(least)
	}
	return nil
}
