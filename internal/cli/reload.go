package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"skift/internal/api"
	"skift/internal/app"
	"skift/internal/diag"
	"skift/internal/gate"
	"skift/internal/journal"
	"skift/internal/lint"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/snapshot"
	"skift/internal/term"
	"skift/internal/timeline"
	"skift/internal/words"
)

// reloadCommand has the process that serves take the plan up as its files have it now.
func (s *session) reloadCommand() *cobra.Command {
	var q api.ReloadRequest
	c := s.asJSON(&cobra.Command{
		Use: "reload [--dry-run]", Short: "Have the running skift serve take up the plan as its files have it now",
		Long: "The changed plan is a new revision: it is shown what is not the same, which dates move, and which answers at gates count no more. It is\n" +
			"gone by from the next decision on; runs that are under way go on by the plan they were begun on. A plan with errors changes nothing.\n" +
			"SIGHUP to skift serve does the same. Plan id, time zone and data directory cannot change while it runs; skift.yaml is read at the start.\n" +
			"A revision by which a frozen zone in force ends or protects less is refused, to SIGHUP as well, without --accept, --reason and --as.\n" +
			"--dry-run says what it would bring, also where nothing serves: a process that begins takes the files as they are.\n" +
			"Exit: 0 taken up, or nothing changed · 2 the plan has errors · 3 a zone in force would end or protect less.",
		Args: args(),
		RunE: func(c *cobra.Command, _ []string) error { return s.reload(c.Context(), q, time.Now()) },
	})
	c.Flags().BoolVar(&q.Dry, "dry-run", false, "say what it would bring, and change nothing")
	c.Flags().StringVar(&q.As, "as", "", "`SEAT` that takes it into use")
	c.Flags().BoolVar(&q.Accept, "accept", false, "zones in force may end or protect less by it; with --reason and a seat of the customer")
	c.Flags().StringVar(&q.Reason, "reason", "", "why they may: it is kept in the journal")
	return c
}

func (s *session) reload(ctx context.Context, q api.ReloadRequest, now time.Time) error {
	client, err := s.running()
	if errors.Is(err, api.ErrNobody) {
		if q.Dry {
			return s.wouldBring(ctx, now)
		}
		return usage("no skift serve runs for this data directory", "the next process takes the files as they are; see with --dry-run what that brings")
	}
	if err != nil {
		return err
	}
	defer client.Close()
	r, err := client.Reload(ctx, q)
	if err != nil {
		return err
	}
	return s.tellReload(r)
}

// wouldBring compares the files with the revision in use, where no process could be asked.
func (s *session) wouldBring(ctx context.Context, now time.Time) error {
	r, err := app.Read(s.dir)
	if err != nil {
		return err
	}
	out := api.NewReload(r.Plan.ID, "")
	if out.Problems = append(out.Problems, r.Problems.Sorted()...); out.Invalid() {
		return s.tellReload(out)
	}
	h, err := s.history(ctx, r.Plan, r.Settings, now)
	if err != nil {
		return err
	}
	out.Was, out.Hash = h.Facts.PlanHash, r.Plan.Hash
	if h.Used {
		out.Head = h.Head.String()
	}
	if out.Was == "" {
		s.printf("the plan was not used here yet: the first process takes it as it is\n")
		return nil
	}
	before := r.Plan
	if out.Was != out.Hash {
		if before, err = app.Revision(app.DataDir(s.dir, s.data, r.Settings), out.Was); err != nil {
			return err
		}
	}
	out.Brings(before, r.Plan, &h.Facts, &h.Runs, now)
	return s.tellReload(out)
}

// tellReload says what came of reading the plan anew.
func (s *session) tellReload(r api.ReloadReply) error {
	if s.json {
		if err := s.printJSON(r); err != nil {
			return err
		}
		if r.Invalid() {
			return exit(ExitUsage)
		}
		return nil
	}
	if r.Invalid() {
		_ = diag.Render(s.err, r.Problems, s.sourceOf, s.screen.Colour)
		s.note("the plan has %s: nothing was changed, and what runs goes on as it was", numbered(len(r.Problems), "problem"))
		return exit(ExitUsage)
	}
	s.printf("%s", s.brought(r))
	switch {
	case r.Adopted:
		s.printf("revision %.12s is in use (was %.12s)\nhead %s\n", r.Hash, r.Was, r.Head)
	case r.Unchanged:
		s.printf("nothing changed: revision %.12s is in use\n", r.Hash)
	default:
		s.printf("revision %.12s is in use still (the files have %.12s)\n", r.Was, r.Hash)
	}
	for _, file := range r.Restart {
		s.note("%s has changed too: it is read when skift starts, not now", file)
	}
	return nil
}

// sourceOf is a file of the plan directory, for snippets; nil where it cannot be read.
func (s *session) sourceOf(file string) []byte {
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return nil
	}
	defer root.Close()
	f, err := root.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	src, err := io.ReadAll(io.LimitReader(f, diag.MaxBytes))
	if err != nil {
		return nil
	}
	return src
}

// brought says what is not the same in another revision, in the plan's language.
func (s *session) brought(r api.ReloadReply) string {
	p, _, err := app.Load(s.dir)
	if err != nil {
		return "" // it is being edited again
	}
	v := planView{screen: s.screen, p: p, c: speak(p), width: columns(s.screen)}
	var b strings.Builder
	if !r.Unchanged {
		b.WriteString(v.screen.Bold(v.c.T("reload.changes")) + "\n")
		if len(r.Changes) == 0 {
			v.item(&b, "", v.c.T("reload.changes.none"))
		}
		for i, c := range r.Changes {
			if i == manyChanges && len(r.Changes) > manyChanges+1 {
				v.item(&b, "", v.c.N("reload.more", len(r.Changes)-i))
				break
			}
			v.item(&b, changeSign[c.How], changeText(v.c, c))
		}
	}
	if len(r.Zones) > 0 {
		v.section(&b, v.c.T("reload.zones"))
		for _, z := range r.Zones {
			v.item(&b, zoneSign[z.How], zoneText(v.c, z))
		}
	}
	if len(r.Dates) > 0 {
		v.section(&b, v.c.T("move.dates"))
		t := term.NewTable()
		for i, d := range r.Dates {
			if i == manyChanges && len(r.Dates) > manyChanges+1 {
				t.Row("", "", v.c.N("reload.more", len(r.Dates)-i))
				break
			}
			t.Row(v.shown(d.Was, d.Edge), "→ "+v.shown(d.Is, d.Edge), v.dated(timeline.Dated{Kind: d.Kind, ID: d.ID, Edge: timeline.Edge(d.Edge)}))
		}
		screen := v.screen
		screen.Width = v.width
		_ = t.Write(&b, screen) // a buffer takes everything
	}
	v.hindrances(&b, "move.cautions", term.Risk, otherWeekdays(p, r.Dates))
	v.voided(&b, r.Votes)
	if !r.Unchanged {
		v.bound(&b, r.Runs)
	}
	if b.Len() > 0 {
		b.WriteString("\n")
	}
	return b.String()
}

// otherWeekdays tells of the windows with other dates that begin on another weekday than at first.
func otherWeekdays(p *plan.Plan, dates []snapshot.Shifted) (out []lint.Hindrance) {
	t := timeline.At(p, &register.Facts{}, time.Now())
	for _, d := range dates {
		if d.Kind == timeline.OfMilestone && d.Edge == string(timeline.Begin) {
			out = append(out, lint.Weekday(p, t, d.ID, d.Was.At)...)
		}
	}
	return out
}

// manyChanges is how many changes and dates are listed; --json has all.
const manyChanges = 40

var changeSign = map[string]string{plan.Added: "+", plan.Removed: "-", plan.Changed: "~", plan.Moved: "→"}

var zoneSign = map[string]string{register.ZoneBegins: "+", register.ZoneEnds: "-", register.ZoneLoosens: "~"}

// zoneText says what becomes of a zone in force.
func zoneText(c *words.Catalogue, z register.ZoneChange) string {
	return term.Line(c.T("zone-change."+z.How, "zone", z.Zone, "until", z.Ends, "keys", strings.Join(z.Loosened, ", ")))
}

// zonesText says what became of the zones in force, after what else is told of a revision.
func zonesText(c *words.Catalogue, e journal.Event) (text string) {
	adopted, _ := body[register.Adopted](e)
	for _, z := range adopted.Zones {
		text += "; " + zoneText(c, z)
	}
	return text
}

// changeText says one change.
func changeText(c *words.Catalogue, ch plan.Change) string {
	what := c.T("section." + ch.Section)
	if ch.ID != "" {
		what += " " + ch.ID
	}
	text := c.T("change."+ch.How, "what", what, "was", ch.Was, "is", ch.Is)
	if len(ch.Keys) > 0 {
		text += " (" + strings.Join(ch.Keys, ", ") + ")"
	}
	if ch.Reason != "" {
		text += ": " + ch.Reason
	}
	return term.Line(text)
}

// shown is brief for a date of a reply.
func (v planView) shown(d snapshot.Date, edge string) string {
	return v.brief(timeline.Instant{At: d.At, Earliest: d.Earliest, Latest: d.Latest, Certainty: d.Certainty}, timeline.Edge(edge))
}

func (v planView) voided(b *strings.Builder, votes []gate.Voided) {
	if len(votes) == 0 {
		return
	}
	v.section(b, v.c.T("move.votes"))
	for _, g := range votes {
		key := "move.votes.open"
		if g.Decided {
			key = "move.votes.decided"
		}
		v.item(b, "·", v.c.T(key, "gate", g.Gate, "seats", v.c.List(g.Seats)))
	}
}

func (v planView) bound(b *strings.Builder, runs []string) {
	if len(runs) == 0 {
		return
	}
	v.section(b, v.c.T("move.runs"))
	for _, id := range runs {
		v.item(b, "·", v.c.T("move.runs.bound", "run", id))
	}
}

// reloads takes the plan up whenever it is hung up on, until ctx ends. What the plan's errors are is said here; skift status shows that
// there are some.
func (s *session) reloads(ctx context.Context, a *app.App) {
	asked := s.hangup.catch()
	for {
		select {
		case <-ctx.Done():
			return
		case <-asked:
		}
		by := app.Caller(a.Plan(), strconv.Itoa(os.Getuid()))
		r, err := a.Reload(ctx, api.ReloadRequest{Acting: api.Acting{EnteredBy: by}})
		if err == nil {
			err = s.tellReload(r)
		}
		var code exit
		if err != nil && !errors.As(err, &code) && ctx.Err() == nil {
			fmt.Fprintf(s.err, "skift: the plan was not taken up: %s\n", term.Line(err.Error()))
		}
	}
}

// printAdopted shows that another revision of the plan is in use. The first is no news.
func (w *watcher) printAdopted(e journal.Event) {
	if b, ok := body[register.Adopted](e); ok && w.all && !b.First {
		w.line(e, term.Gate, "revision %.12s of the plan is in use: %s", b.Hash, numbered(len(b.Changes)+b.More, "change"))
		for _, z := range b.Zones {
			w.line(e, term.Gate, "%s", z)
		}
	}
}
