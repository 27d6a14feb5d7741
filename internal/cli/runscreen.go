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

	most  int  // lines a part has at most
	terse bool // without the bar and what is not needed to decide
}

// mostRows is how many lines a part of the screen has at most where there is room.
const mostRows = 5

// draw shows the run as full as a screen of so many lines takes it; 0 = it has no end. Both ends, and whom one waits for, are there on
// the smallest.
func (v runScreen) draw(rows int, live bool) (string, error) {
	for v.most = mostRows; ; v.most-- {
		var b strings.Builder
		shown := *v.session
		shown.out, v.session = &b, &shown
		v.terse = v.most < 3
		if err := v.show(live); err != nil {
			return "", err
		}
		text := b.String()
		if rows <= 0 || strings.Count(text, "\n") < rows {
			return text, nil
		}
		if v.most == 0 {
			return clip(text, rows, func(n int) string { return v.N("screen.watch.more", n) }), nil
		}
	}
}

func (v runScreen) show(live bool) error {
	v.head()
	v.issues()
	if f := v.r.Forecast; f != nil {
		v.gate(f)
		for _, part := range []func(*forecast.Forecast) (string, *term.Table, int){v.now, v.next, v.late} {
			title, t, left := part(f)
			if err := v.part(title, t, left); err != nil {
				return err
			}
		}
	} else {
		v.printf("%s\n", v.T("watch.ended", "state", v.T("run."+string(v.r.State))))
	}
	t, left := v.waiting()
	if err := v.part(v.T("watch.waiting"), t, left); err != nil {
		return err
	}
	if err := v.gauge(); err != nil {
		return err
	}
	if v.r.Forecast != nil {
		v.path(v.r.Forecast)
	}
	if live {
		v.printf("%s\n", v.screen.Dim(v.T("watch.again", "every", v.Duration(showEvery))))
	}
	return nil
}

// line prints one line that breaks at the screen's width.
func (v runScreen) line(text string) { v.wrapped(text) }

// brief is line for what somebody wrote, which may be long: where there is little room it is cut, and says so.
func (v runScreen) brief(text string) {
	if v.terse && v.screen.Width > 0 {
		text = term.Truncate(term.Line(text), v.screen.Width)
	}
	v.line(text)
}

// head says which run it is, whether it is in earnest, and how it is.
func (v runScreen) head() {
	state := runState(v.r.State)
	done := 0
	for _, st := range v.r.Steps {
		if st.State.Settled() {
			done++
		}
	}
	word := state.Shape() + " " + v.T("run."+string(v.r.State))
	at := v.snap.At.In(v.p.Zone)
	parts := []string{word + " " + v.r.ID, where(v.Catalogue, v.r), v.Short(at) + " " + at.Format("MST"), v.T("runs.steps", "done", done, "of", len(v.r.Steps))}
	switch {
	case v.r.Rehearsal:
		parts[1] = v.T("screen.rehearsal") + " · " + where(v.Catalogue, snapshot.Run{Environment: v.r.Environment, Speed: v.r.Speed})
	case v.r.Production:
		parts[1] = v.T("screen.live") + " · " + parts[1]
	}
	for i, l := range term.Parts(parts, " · ", v.screen.Width) {
		if rest, ok := strings.CutPrefix(l, parts[0]); ok && i == 0 {
			l = v.screen.Paint(state, word) + " " + v.screen.Bold(v.r.ID) + rest
		}
		v.printf("%s\n", l)
	}
	if v.r.Reason != "" {
		v.brief(v.Retold(v.r.Reason))
	}
	for _, p := range v.r.Paused {
		v.brief(term.Risk.Shape() + " " + pauseText(v.Catalogue, p))
	}
}

func (v runScreen) clock(t time.Time) string { return clockIn(v.Catalogue, v.p, t, v.snap.At) }

// gate is the clock to the next gate, of the run or of one inside it.
func (v runScreen) gate(f *forecast.Forecast) {
	gates := slices.Clone(f.Gates)
	for _, o := range inside(v.snap, v.r) {
		if o.Forecast != nil {
			gates = append(gates, o.Forecast.Gates...)
		}
	}
	if len(gates) == 0 {
		v.line("◆ " + v.T("watch.no-gate"))
		return
	}
	g := slices.MinFunc(gates, func(a, b forecast.Gate) int { return a.ReachedAt.Compare(b.ReachedAt) })
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
	for _, l := range term.Wrap(state.Shape()+" "+head, v.screen.Width) {
		v.printf("%s\n", v.screen.Paint(state, l))
	}
	v.line("  " + strings.Join(parts, " · "))
}

// path names what the end hangs on: of a long one its next steps and its last ones.
func (v runScreen) path(f *forecast.Forecast) {
	first, last := 5, 2
	if v.terse {
		first, last = 2, 1
	}
	steps := f.Path
	if n := len(steps) - first - last; n > 1 {
		steps = slices.Concat(steps[:first], []string{"… " + v.N("screen.more", n)}, steps[len(steps)-last:])
	}
	if len(steps) > 0 {
		v.line(v.T("watch.path", "steps", strings.Join(steps, " → ")))
	}
}

// part prints a part of the screen with its title, and how much of it is left out; one without lines says so beside it.
func (v runScreen) part(title string, t *term.Table, left int) error {
	switch {
	case left > 0 && t.Len() == 0:
		title = v.screen.Bold(title) + "  " + v.N("watch.steps", left)
	case left > 0:
		title = v.screen.Bold(title) + "  … " + v.N("screen.more", left)
	case t.Len() == 0:
		title = v.screen.Bold(title) + "  " + v.T("watch.nothing")
	default:
		title = v.screen.Bold(title)
	}
	v.printf("%s\n", title)
	return t.Write(v.out, v.screen)
}

// table is one that fits on any screen.
func (v runScreen) table() *term.Table { return term.NewTable().Fold(4) }

// row is one step as far as it fits.
func (v runScreen) row(t *term.Table, st snapshot.Step, when, remark string) {
	state := stepState(st.State)
	about := []string{remark, v.owner(st)}
	t.Cells(term.Cell{Text: state.Shape(), State: state}, term.Cell{Text: st.ID}, term.Cell{Text: v.T("step." + string(st.State)), State: state},
		term.Cell{Text: when}, term.Cell{Text: strings.Join(slices.DeleteFunc(about, func(s string) bool { return s == "" }), " · ")})
}

// owner is whose a step is; where there is little room only of what is waited for.
func (v runScreen) owner(st snapshot.Step) string {
	if v.terse {
		return ""
	}
	return st.Owner
}

// now is what is under way, or stands still with something wrong; what is wrong first.
func (v runScreen) now(f *forecast.Forecast) (string, *term.Table, int) {
	var steps []snapshot.Step
	for _, st := range v.r.Steps {
		if st.State.Open() || st.State == run.Failed {
			steps = append(steps, st)
		}
	}
	calm := func(st snapshot.Step) int { // a step that nobody has to look at
		if st.State == run.Failed || st.State == run.Uncertain {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(steps, func(a, b snapshot.Step) int { return calm(a) - calm(b) })
	t, most := v.table(), max(v.most, 1)
	for _, st := range steps[:min(len(steps), most)] {
		is, _ := f.Step(st.ID)
		when := v.T("watch.ends", "at", v.clock(is.End))
		switch {
		case !st.FinishedAt.IsZero(): // it failed, and has no end before somebody sees to it
			when = v.T("watch.since", "at", v.clock(st.FinishedAt))
		case is.Unestimated:
			when = v.T("watch.since", "at", v.clock(is.Start))
		}
		v.row(t, st, when, v.remark(is))
	}
	return v.T("watch.now"), t, len(steps) - most
}

// next is what begins soonest.
func (v runScreen) next(f *forecast.Forecast) (string, *term.Table, int) {
	var steps []snapshot.Step
	start := func(st snapshot.Step) time.Time { is, _ := f.Step(st.ID); return is.Start }
	for _, st := range v.r.Steps {
		if (st.State == run.Waiting || st.State == run.Startable || st.State == run.Held) && !start(st).IsZero() {
			steps = append(steps, st)
		}
	}
	slices.SortStableFunc(steps, func(a, b snapshot.Step) int { return start(a).Compare(start(b)) })
	t := v.table()
	for _, st := range steps[:min(len(steps), v.most)] {
		is, _ := f.Step(st.ID)
		v.row(t, st, v.T("watch.from", "at", v.clock(is.Start)), v.remark(is))
	}
	return v.T("watch.next"), t, len(steps) - v.most
}

// late is what should have ended or begun, the latest first.
func (v runScreen) late(f *forecast.Forecast) (string, *term.Table, int) {
	var steps []snapshot.Step
	late := func(st snapshot.Step) time.Duration { is, _ := f.Step(st.ID); return is.Late.Truncate(time.Second) }
	for _, st := range v.r.Steps {
		if late(st) > 0 {
			steps = append(steps, st)
		}
	}
	slices.SortStableFunc(steps, func(a, b snapshot.Step) int { return int(late(b)/time.Second - late(a)/time.Second) })
	t := v.table()
	for _, st := range steps[:min(len(steps), v.most)] {
		t.Cells(term.Cell{Text: term.Risk.Shape(), State: term.Risk}, term.Cell{Text: st.ID}, term.Cell{Text: v.T("watch.late-by", "by", away(v.Catalogue, late(st))), State: term.Risk},
			term.Cell{Text: v.owner(st)})
	}
	return v.T("watch.late"), t, len(steps) - v.most
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

// waiting is whom the run waits for and for what, with the number to call.
func (v runScreen) waiting() (*term.Table, int) {
	t := term.NewTable().Fold(3)
	needed, most := concern(v.snap, v.r), max(v.most, 2)
	for _, n := range needed[:min(len(needed), most)] {
		by := term.Cell{}
		if !n.By.IsZero() {
			by = term.Cell{Text: v.T("watch.by", "at", v.clock(n.By))}
			if n.By.Before(v.snap.At) {
				by = term.Cell{Text: v.T("report.overdue", "at", by.Text), State: term.Fail}
			}
		}
		t.Cells(term.Cell{Text: term.Gate.Shape(), State: term.Gate}, term.Cell{Text: v.owed(n)}, by, term.Cell{Text: n.Seat}, term.Cell{Text: call(v.p, n.Person)})
	}
	return t, len(needed) - most
}

// gauge shows both ends against the window.
func (v runScreen) gauge() error {
	f := v.r.Forecast
	if f == nil {
		return nil
	}
	v.printf("%s\n", v.screen.Bold(windowText(v.Catalogue, v.p, f.Gauge.Window)))
	if b := bar(f); b != "" && !v.terse && (v.screen.Width <= 0 || v.screen.Width >= gaugeWidth) {
		v.printf("%s\n", b)
		v.line(v.T("gauge.legend"))
	}
	t := term.NewTable().Fold(3)
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
