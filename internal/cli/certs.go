package cli

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"skift/checks"
	"skift/internal/plan"
	"skift/internal/snapshot"
	"skift/internal/term"
	"skift/internal/timeline"
)

// certsCommand shows every certificate known. It reads beside whoever owns the data directory, and works without one.
func (s *session) certsCommand() *cobra.Command {
	return s.asJSON(&cobra.Command{
		Use: "certs", Short: "Show every certificate known, soonest end first, against the plan's dates and frozen zones",
		Long: "The certificates that servers presented and that files hold, as the checks last saw them in any environment, and those of the\n" +
			"plan's trust bundles: when each ends, who renews it, where it was seen, and the frozen zone that stands in the way. Nothing is asked.",
		Args: args(),
		RunE: func(c *cobra.Command, _ []string) error { return s.showCerts(c.Context(), time.Now()) },
	})
}

// certificates is `skift certs --json`.
type certificates struct {
	At           time.Time              `json:"at"`
	Head         string                 `json:"head,omitempty"` // of the journal; none while the plan was not used here
	Certificates []snapshot.Certificate `json:"certificates"`   // soonest end first; those without a known end before all
}

func (s *session) showCerts(ctx context.Context, now time.Time) error {
	n, err := s.inUse(ctx, now)
	if err != nil {
		return err
	}
	p, h := n.plan, n.history
	all := snapshot.Certificates(snapshot.In{Plan: p, Register: &h.Facts, Latest: h.Latest, Now: now})
	if s.json {
		out := certificates{At: now.UTC(), Certificates: all}
		if h.Used {
			out.Head = h.Head.String()
		}
		return s.printJSON(out)
	}
	v := certView{sheet: s.sheet(p), t: timeline.At(p, &h.Facts, now), now: now}
	v.draw(all)
	s.print(v.sheet)
	return nil
}

// certView draws certificates along the plan's time.
type certView struct {
	*sheet
	t     *timeline.Timeline
	now   time.Time
	chart timeline.Chart
	names int // columns of names before the chart
}

func (v *certView) draw(all []snapshot.Certificate) {
	v.heading(term.Plain, v.c.T("certs.title"), " · "+v.c.DateTime(v.now.In(v.p.Zone)))
	if len(all) == 0 {
		v.text(0, v.c.T("certs.none"))
		return
	}
	v.names = max(v.width*3/10, 10)
	v.chart = v.t.Chart(v.width - v.names - 3)
	if !v.chart.From.IsZero() {
		v.dates()
	}
	for _, c := range all {
		v.space()
		v.certificate(c)
	}
}

// dates draws the months, the milestones, and the zones that do not allow a renewal.
func (v *certView) dates() {
	plan := planView{v.screen, v.p, v.t, v.c, v.width}
	years, months := plan.ticks(v.chart)
	for _, l := range []string{years, months} {
		if l != "" {
			v.b.WriteString(strings.Repeat(" ", v.names+3) + v.screen.Dim(l) + "\n")
		}
	}
	for _, r := range v.chart.Rows {
		if !v.shown(r.Milestone) {
			continue
		}
		v.line(milestoneState(r.Milestone.State), titleOf(v.c, r.Milestone.Milestone), plan.cells(r, v.chart.Now))
	}
	v.text(0, "= "+v.c.T("certs.legend.valid")+"   "+signZone+" "+v.c.T("certs.legend.zone")+"   "+signNow+" "+v.c.T("now")+"   x "+v.c.T("certs.legend.end"))
}

// shown reports whether a milestone matters to certificates: it has a date, and is no zone that allows their renewal.
func (v *certView) shown(m *timeline.Milestone) bool {
	return m.Start.Known() && (m.Kind != plan.Zone || !slices.Contains(m.Allow, plan.Certificate))
}

// line is a name and what is drawn beside it.
func (v *certView) line(state term.State, name, cells string) {
	sign := " "
	if state != term.Plain {
		sign = v.screen.Paint(state, state.Shape())
	}
	v.b.WriteString(strings.TrimRight(sign+" "+term.Pad(term.Truncate(term.Line(name), v.names), v.names)+" "+cells, " ") + "\n")
}

// certState is how much a certificate asks for attention.
func (v *certView) certState(c snapshot.Certificate) term.State {
	const soon = 30 * 24 * time.Hour
	switch {
	case c.NotAfter.IsZero():
		return term.Unknown
	case !v.now.Before(c.NotAfter), v.now.Before(c.NotBefore):
		return term.Fail
	case c.EndsIn != nil, c.NotAfter.Sub(v.now) < soon:
		return term.Risk
	}
	return term.OK
}

func (v *certView) certificate(c snapshot.Certificate) {
	name := cmp.Or(c.Subject, c.SHA256)
	v.line(v.certState(c), name, v.life(c))
	if term.Width(term.Line(name)) > v.names {
		v.text(2, name)
	}
	v.text(2, v.end(c))
	if z := c.EndsIn; z != nil && !z.From.At.IsZero() && z.From.At.Before(v.now) {
		v.text(2, term.Risk.Shape()+" "+v.c.T("certs.zone.begun", "zone", z.Zone))
	} else if z != nil {
		v.text(2, term.Risk.Shape()+" "+v.c.T("certs.zone", "zone", z.Zone, "from", cmp.Or(v.day(z.From), z.Zone)))
	}
	for _, seen := range v.places(c) {
		v.text(2, seen)
	}
	who := v.c.Owner("ours")
	if c.Owner != "" {
		who = partyName(v.p, c.Owner)
	}
	about := v.c.T("certs.owner", "who", who)
	if c.Issuer != "" && c.Issuer != c.Subject {
		about += " · " + v.c.T("certs.issuer", "issuer", c.Issuer)
	}
	v.text(2, about)
}

func (v *certView) day(d snapshot.Date) string {
	if d.At.IsZero() {
		return d.Text
	}
	return localTime(v.p, d.At)
}

// end says when a certificate ends, in words.
func (v *certView) end(c snapshot.Certificate) string {
	switch {
	case c.NotAfter.IsZero():
		return v.c.T("certs.unknown")
	case v.now.Before(c.NotBefore):
		return v.c.T("certs.begins", "begin", localTime(v.p, c.NotBefore))
	case !v.now.Before(c.NotAfter):
		return v.c.T("certs.ended", "end", localTime(v.p, c.NotAfter), "ago", v.c.Ago(v.now.Sub(c.NotAfter).Round(time.Minute)))
	}
	return v.c.T("certs.ends", "end", localTime(v.p, c.NotAfter), "ahead", v.c.Ahead(c.NotAfter.Sub(v.now).Round(time.Minute)))
}

// life draws a certificate's time on the plan's: where it is valid, and where it ends.
func (v *certView) life(c snapshot.Certificate) string {
	if v.chart.From.IsZero() || c.NotAfter.IsZero() {
		return ""
	}
	first, _ := v.chart.Column(c.NotBefore)
	last, inside := v.chart.Column(c.NotAfter)
	cells := make([]string, len(v.chart.Rows[0].Cells))
	begun, over := c.NotBefore.Before(v.chart.Until), c.NotAfter.Before(v.chart.From)
	for i := range cells {
		cells[i] = " "
		if begun && !over && i >= first && i <= last {
			cells[i] = signPhase
		}
	}
	if v.chart.Now >= 0 {
		cells[v.chart.Now] = v.screen.Paint(term.Running, signNow)
	}
	if inside {
		cells[last] = v.screen.Paint(v.certState(c), "x")
	}
	return strings.Join(cells, "")
}

// places says where a certificate was seen, each place once.
func (v *certView) places(c snapshot.Certificate) []string {
	var out []string
	for _, s := range c.Seen {
		text := ""
		switch s.Place {
		case snapshot.CertBundle:
			text = v.c.T("certs.bundle", "file", s.File)
		case snapshot.CertFile:
			text = v.c.T("certs.file", "file", strings.TrimSpace(cmp.Or(s.File, s.Check)+" "+s.Flow))
		default:
			text = v.c.T("certs.served", "service", s.Service, "side", v.c.T("side.short."+string(cmp.Or(s.Side, checks.New))), "addr", s.Addr)
			if s.Position > 0 {
				text = v.c.T("certs.above", "where", text)
			}
		}
		if !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}
