package cli

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"skift/internal/plan"
	"skift/internal/term"
	"skift/internal/timeline"
	"skift/internal/words"
)

// mostSlots bounds what one call lists.
const mostSlots = 10_000

// scheduleCommand shows what comes by itself. It reads beside whoever owns the data directory, and works without one.
func (s *session) scheduleCommand() *cobra.Command {
	var next int
	var between []string
	var files bool
	c := s.asJSON(&cobra.Command{
		Use: "schedule [--next N] [--between A,B] [--files]", Short: "Show what will run by itself, when, and why",
		Long: "Suites that are asked, reports that are sent, milestones that begin: by the plan in use and what has happened so far. A date that\n" +
			"moves moves what hangs on it. Nothing is asked and nothing is changed.",
		Args: args(),
		RunE: func(c *cobra.Command, _ []string) error {
			if next < 1 || next > mostSlots {
				return usage(fmt.Sprintf("--next %d is no number of slots that can be shown", next), fmt.Sprintf("write 1 to %d", mostSlots))
			}
			if len(between) > 0 && !c.Flags().Changed("next") {
				next = mostSlots
			}
			return s.schedule(c.Context(), next, between, files, time.Now())
		},
	})
	c.Flags().IntVar(&next, "next", 20, "how many, `N`")
	c.Flags().StringSliceVar(&between, "between", nil, "all of a stretch: `A,B` such as \"2019-11-09,2019-11-10 12:00\" in the plan's time zone")
	asFiles(c, &files)
	return c
}

// scheduled is `skift schedule --json`.
type scheduled struct {
	At    time.Time       `json:"at"`
	Slots []scheduledSlot `json:"slots"` // soonest first
	More  bool            `json:"more"`  // there are later ones
	Head  string          `json:"head,omitempty"`
}

// scheduledSlot is one thing that comes by itself.
type scheduledSlot struct {
	At       time.Time     `json:"at"`               // the slot by the plan
	Begins   time.Time     `json:"begins"`           // when its work begins: the same, or within the jitter after it
	Kind     string        `json:"kind"`             // suite report milestone
	ID       string        `json:"id"`               //
	What     string        `json:"what"`             // in the plan's language
	Why      string        `json:"why"`              // in the plan's language
	Jitter   time.Duration `json:"jitter,omitempty"` // within how long of the slot its work begins
	OnMissed string        `json:"on_missed"`        // run_once skip
}

func (s *session) schedule(ctx context.Context, next int, between []string, files bool, now time.Time) error {
	n, err := s.filesOrInUse(ctx, files, now)
	if err != nil {
		return err
	}
	p, h := n.plan, n.history
	from, until, err := stretch(p, between, now)
	if err != nil {
		return err
	}
	t := timeline.At(p, &h.Facts, now)
	entries, err := t.Schedules()
	if err != nil {
		return err
	}
	coming := timeline.Slots(entries, from, until, next+1)
	out := scheduled{At: now.UTC(), Slots: []scheduledSlot{}, More: len(coming) > next}
	if h.Used {
		out.Head = h.Head.String()
	}
	v := slotView{p, speak(p)}
	for _, c := range coming[:min(len(coming), next)] {
		out.Slots = append(out.Slots, v.slot(c))
	}
	if s.json {
		return s.printJSON(out)
	}
	return s.printSchedule(v, out)
}

// stretch reads --between; without one it begins now and does not end.
func stretch(p *plan.Plan, between []string, now time.Time) (from, until time.Time, err error) {
	if len(between) == 0 {
		return now, time.Time{}, nil
	}
	if len(between) != 2 {
		return from, until, usage("--between takes two times", `write --between "2019-11-09,2019-11-10 12:00"`)
	}
	if from, err = parseTime(p, strings.TrimSpace(between[0]), now); err != nil {
		return from, until, err
	}
	if until, err = parseEnd(p, strings.TrimSpace(between[1]), now); err != nil {
		return from, until, err
	}
	if !until.After(from) {
		return from, until, usage("--between ends before it begins", "write the earlier time first")
	}
	return from.Add(-1), until.Add(-1), nil // what comes at the beginning belongs to it, what comes at the end does not
}

// slotView says what a slot is, in the plan's language.
type slotView struct {
	p *plan.Plan
	c *words.Catalogue
}

func (v slotView) slot(s timeline.Coming) scheduledSlot {
	kind, _, _ := strings.Cut(s.Key, "/")
	out := scheduledSlot{At: s.At, Begins: s.Begins(s.At), Kind: kind, ID: s.ID, Jitter: s.Jitter, OnMissed: string(cmp.Or(s.OnMissed, plan.RunOnce))}
	switch kind + "/" {
	case timeline.SuiteKey:
		suite := v.p.Suites[s.ID]
		out.What = v.c.T("schedule.suite", "suite", s.ID, "n", strconv.Itoa(len(suite.Checks)), "environment", v.p.SuiteEnvironment(suite))
		out.Why = v.rhythm(suite.Every, suite.Cron) + v.during(suite)
	case timeline.ReportKey:
		a := v.p.Audiences[s.ID]
		out.What = v.c.T("schedule.report", "report", v.c.T("report."+a.Report), "audience", s.ID)
		out.Why = v.rhythm(0, a.Cron)
	case timeline.MilestoneKey:
		m := v.p.Milestones[s.ID]
		out.What = v.c.T("schedule.milestone", "milestone", titleOf(v.c, m))
		if m.Runbook != "" {
			out.What += " · " + v.c.T("schedule.starts", "runbook", m.Runbook)
		}
		out.Why = v.c.T("schedule.date", "date", m.From.Text)
	}
	out.Why += v.pace(s, out.Begins)
	return out
}

// pace says what keeps the work of a slot from beginning at its time.
func (v slotView) pace(s timeline.Coming, begins time.Time) string {
	out := ""
	if s.Jitter > 0 {
		out = " · " + v.c.T("schedule.jitter", "begins", v.c.ClockSeconds(begins.In(v.p.Zone)), "jitter", v.c.Duration(s.Jitter))
	}
	if s.OnMissed == plan.SkipMissed {
		out += " · " + v.c.T("schedule.skip")
	}
	return out
}

func (v slotView) rhythm(every time.Duration, cron string) string {
	if every != 0 {
		return v.c.T("schedule.every", "every", v.c.Duration(every))
	}
	return "cron " + cron
}

func (v slotView) during(suite *plan.Suite) string {
	var out []string
	for _, d := range suite.During {
		if d.Milestone != "" {
			out = append(out, d.Milestone)
			continue
		}
		out = append(out, d.From.Text+" – "+d.Until.Text)
	}
	if len(out) == 0 {
		return ""
	}
	return " · " + v.c.T("schedule.during", "periods", v.c.List(out))
}

func (s *session) printSchedule(v slotView, out scheduled) error {
	if len(out.Slots) == 0 {
		s.printf("%s\n", v.c.T("schedule.none"))
		return nil
	}
	t := term.NewTable("", v.c.T("runs.col.when"), v.c.T("runs.col.what"), v.c.T("screen.col.why")).Fold(3)
	for _, slot := range out.Slots {
		t.Cells(term.Cell{Text: slotSign[slot.Kind]}, term.Cell{Text: localTime(v.p, slot.At)}, term.Cell{Text: slot.What}, term.Cell{Text: slot.Why})
	}
	if err := t.Write(s.out, s.screen); err != nil {
		return err
	}
	if out.More {
		key := "schedule.more"
		if len(out.Slots) == mostSlots {
			key = "schedule.most"
		}
		s.printf("%s\n", v.c.T(key, "n", strconv.Itoa(len(out.Slots))))
	}
	return nil
}

// slotSign tells the kinds of slot apart at a glance.
var slotSign = map[string]string{"suite": "?", "report": "✉", "milestone": "▶"}
