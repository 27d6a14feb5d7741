package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"skift/internal/agenda"
	"skift/internal/app"
	"skift/internal/ics"
	"skift/internal/plan"
	"skift/internal/store"
	"skift/internal/words"
)

// calendarCommand gives the plan's dates to calendars. It reads beside whoever owns the data directory, and works without one.
func (s *session) calendarCommand() *cobra.Command {
	var q calendarQuery
	export := s.asJSON(&cobra.Command{
		Use: "export (--audience A | --party P | --all) [--out FILE]", Short: "Write the dates of an audience or a party as a calendar file (.ics)",
		Long: "Milestones, zones, openings and deadlines of gates, and meetings, as far as everybody in the audience, or the party, may know of them; in\n" +
			"a wave, its own. Take the file into a calendar anew after each change: what has moved is moved there, what is gone is cancelled, and nothing is\n" +
			"there twice. It tells the plan in use. --all writes one file for each audience, party and member into the directory --out.",
		Args: args(),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := q.check(c.Flags().Changed("out")); err != nil {
				return err
			}
			return s.exportCalendar(c.Context(), q)
		},
	})
	f := export.Flags()
	f.StringVar(&q.audience, "audience", "", "what everybody in the audience `A` may know")
	f.StringVar(&q.party, "party", "", "what the party or member `P` may know")
	f.BoolVar(&q.all, "all", false, "every audience, party and member, each in a file of its own")
	f.StringVar(&q.out, "out", "", "write it into `FILE`; with --all, a directory (default: standard output)")
	c := &cobra.Command{Use: "calendar export", Short: "Give the plan's dates to people's calendars",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(c, args[0])
			}
			return usage("say what is to be done", "skift calendar export --party PARTY --out FILE.ics")
		}}
	f.SortFlags = false
	export.DisableFlagsInUseLine = true
	c.AddCommand(export)
	return c
}

// calendarQuery is whose calendar is wanted, and where it goes.
type calendarQuery struct {
	audience, party, out string
	all                  bool
}

func (q calendarQuery) check(out bool) error {
	chosen := 0
	for _, b := range []bool{q.audience != "", q.party != "", q.all} {
		if b {
			chosen++
		}
	}
	switch {
	case chosen == 0:
		return usage("say whose calendar", "--audience, --party or --all; skift plan names the waves, plan.yaml the audiences and parties")
	case chosen > 1:
		return usage("--audience, --party and --all exclude each other", "choose one")
	case out && q.out == "":
		return usage("--out names no file", "leave it out to write to standard output")
	case q.all && q.out == "":
		return usage("--all writes many files", "name a directory for them: --out DIR")
	}
	return nil
}

// calendarFile is `skift calendar export --json`.
type calendarFile struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"` // names what has no date yet
	Plan        string          `json:"plan"`                  // hash of the plan it tells of
	Events      []calendarEvent `json:"events"`
}

// calendarEvent is one event of it.
type calendarEvent struct {
	UID         string    `json:"uid"`
	Summary     string    `json:"summary"` // in the audience's or the plan's language
	Description string    `json:"description,omitempty"`
	Location    string    `json:"location,omitempty"`
	Start       time.Time `json:"start"`
	End         time.Time `json:"end,omitzero"` // the first instant after it; missing for a moment
	AllDay      bool      `json:"all_day,omitempty"`
	Tentative   bool      `json:"tentative,omitempty"` // its date is not fixed
	Cancelled   bool      `json:"cancelled,omitempty"`
	Sequence    int       `json:"sequence"` // how often it changed
	Modified    time.Time `json:"modified"`
}

func (s *session) exportCalendar(ctx context.Context, q calendarQuery) error {
	n, err := s.inUse(ctx, time.Now())
	if err != nil {
		return err
	}
	revisions, err := s.revisions(ctx, n.plan, n.data)
	if err != nil {
		return err
	}
	used := revisions[len(revisions)-1].Plan
	if q.all {
		return s.allCalendars(used, revisions, q.out)
	}
	cal, err := calendarOf(used, revisions, q)
	if err != nil {
		return err
	}
	if a := used.Audiences[q.audience]; a != nil && a.ForEach != "" {
		s.note("%s is for each of %s: this tells what all of them may know; --party gives each its own", a.ID, a.ForEach)
	}
	if cal.Description != "" {
		s.note("%s", cal.Description)
	}
	if s.json {
		return s.printJSON(asCalendarFile(used, cal))
	}
	data, err := cal.Encode()
	if err != nil {
		return err
	}
	if q.out != "" {
		return replaceFile(q.out, data)
	}
	_, err = s.out.Write(data)
	return err
}

// revisions are those that were in use; of a plan that never was, the one there is.
func (s *session) revisions(ctx context.Context, p *plan.Plan, dir string) ([]agenda.Revision, error) {
	st, err := store.Open(ctx, store.Options{Dir: dir, Plan: p.ID, ReadOnly: true})
	if errors.Is(err, store.ErrNone) {
		return app.Unused(p, s.dir), nil
	}
	if err != nil {
		return nil, err
	}
	defer st.Close()
	out, err := app.Revisions(ctx, st, p, dir)
	if err == nil && len(out) == 0 {
		out = app.Unused(p, s.dir)
	}
	return out, err
}

// calendarOf is the calendar of one audience or party.
func calendarOf(p *plan.Plan, revisions []agenda.Revision, q calendarQuery) (ics.Calendar, error) {
	if q.party != "" {
		if err := knownParty(p, q.party); err != nil {
			return ics.Calendar{}, err
		}
		return agenda.Build(revisions, agenda.Member(p, q.party), speak(p)), nil
	}
	a := p.Audiences[q.audience]
	if a == nil {
		return ics.Calendar{}, unknownWord("audience", q.audience, p.AudienceIDs)
	}
	lang := a.Language
	if lang == "" {
		lang = p.Language
	}
	return agenda.Build(revisions, agenda.Audience(p, a, lang), words.In(words.Lang(lang)).With(p.Words)), nil
}

// partyIDs are all parties and members.
func partyIDs(p *plan.Plan) (ids []string) {
	for _, id := range p.PartyIDs {
		ids = append(ids, id)
		for _, m := range p.Parties[id].Members {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// allCalendars writes a file for each audience, party and member.
func (s *session) allCalendars(p *plan.Plan, revisions []agenda.Revision, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write calendars: %w", err)
	}
	written := 0
	write := func(prefix, id string, q calendarQuery) error {
		cal, err := calendarOf(p, revisions, q)
		if err != nil {
			return err
		}
		data, err := cal.Encode()
		if err != nil {
			return err
		}
		written++
		return replaceFile(filepath.Join(dir, prefix+id+".ics"), data)
	}
	for _, id := range p.AudienceIDs {
		if err := write("audience-", id, calendarQuery{audience: id}); err != nil {
			return err
		}
	}
	for _, id := range partyIDs(p) {
		if err := write("party-", id, calendarQuery{party: id}); err != nil {
			return err
		}
	}
	s.printf("wrote %s to %s\n", numbered(written, "calendar"), dir)
	return nil
}

func asCalendarFile(p *plan.Plan, cal ics.Calendar) calendarFile {
	out := calendarFile{Name: cal.Name, Description: cal.Description, Plan: p.Hash, Events: []calendarEvent{}}
	for _, e := range cal.Sorted() {
		end := e.End
		if !end.After(e.Start) {
			end = time.Time{}
		}
		out.Events = append(out.Events, calendarEvent{e.UID, e.Summary, e.Description, e.Location, e.Start.UTC(), end.UTC(), e.AllDay, e.Tentative, e.Cancelled, e.Sequence, e.Modified.UTC()})
	}
	return out
}
