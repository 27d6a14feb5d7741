package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"skift/internal/app"
	"skift/internal/diag"
	"skift/internal/lint"
	"skift/internal/plan"
)

// validateCommand reads the plan strictly and says everything an author should know before it is used.
func (s *session) validateCommand() *cobra.Command {
	return s.asJSON(&cobra.Command{
		Use: "validate", Short: "Read the plan strictly: every problem at once, with its place and what to do",
		Long: "Reads plan.yaml, the files it names, runbooks and skift.yaml. What was last observed here is used too, where there is a data\n" +
			"directory. Exit 0 when the plan can be used, warnings or not; 2 when it cannot.",
		Args: args(),
		RunE: func(c *cobra.Command, _ []string) error { return s.validate(c.Context(), time.Now()) },
	})
}

// validated is `skift validate --json`.
type validated struct {
	OK       bool           `json:"ok"`
	Plan     string         `json:"plan"`
	Hash     string         `json:"hash"`
	Errors   int            `json:"errors"`
	Warnings int            `json:"warnings"`
	Counts   counted        `json:"counts"`
	Problems []diag.Problem `json:"problems"`
}

// counted is how much a plan holds.
type counted struct {
	Milestones int `json:"milestones"`
	Waves      int `json:"waves"`
	Gates      int `json:"gates"`
	Runbooks   int `json:"runbooks"`
	Steps      int `json:"steps"`
	Checks     int `json:"checks"`
	Suites     int `json:"suites"`
	Flows      int `json:"flows"`
	Parties    int `json:"parties"`
	Members    int `json:"members"`
	Audiences  int `json:"audiences"`
	Meetings   int `json:"meetings"`
}

func (s *session) validate(ctx context.Context, now time.Time) error {
	r, err := app.Read(s.dir)
	if err != nil {
		return err
	}
	if r.Plan.ID != "" { // else not even a plan could be read
		h, err := s.history(ctx, r.Plan, r.Settings, now)
		if err != nil && r.Problems.Errors() == 0 { // with errors the data directory may be another plan's
			return err
		}
		lint.Check(r.Plan, lint.Known{Now: now, Facts: &h.Facts, Latest: h.Latest}, &r.Problems)
	}
	return s.tellValidated(r)
}

func (s *session) tellValidated(r app.Reading) error {
	out := validated{OK: r.Problems.Errors() == 0, Plan: r.Plan.ID, Hash: r.Plan.Hash, Counts: count(r.Plan),
		Errors: r.Problems.Errors(), Warnings: r.Problems.Len() - r.Problems.Errors(), Problems: r.Problems.Sorted()}
	if out.Problems == nil {
		out.Problems = []diag.Problem{}
	}
	switch {
	case s.json:
		if err := s.printJSON(out); err != nil {
			return err
		}
	default:
		if err := diag.Render(s.err, out.Problems, r.Sources, s.screen.Colour); err != nil {
			return err
		}
		if n := r.Problems.Dropped(); n > 0 {
			fmt.Fprintf(s.err, "skift: and %s more\n", numbered(n, "problem"))
		}
		if out.OK {
			s.printf("ok: %s%s\n", out.Counts, warned(out.Warnings))
		} else {
			fmt.Fprintf(s.err, "skift: %s%s\n", numbered(out.Errors, "problem"), warned(out.Warnings))
		}
	}
	if !out.OK {
		return exit(ExitUsage)
	}
	return nil
}

func warned(n int) string {
	if n == 0 {
		return ""
	}
	return "; " + numbered(n, "warning")
}

func count(p *plan.Plan) counted {
	c := counted{Milestones: len(p.Milestones), Waves: len(p.Waves), Gates: len(p.Gates), Runbooks: len(p.Runbooks), Checks: len(p.Checks), Suites: len(p.Suites),
		Flows: len(p.Flows), Parties: len(p.Parties), Audiences: len(p.Audiences), Meetings: len(p.Meetings)}
	for _, r := range p.Runbooks {
		c.Steps += len(r.Steps)
	}
	for _, pt := range p.Parties {
		c.Members += len(pt.Members)
	}
	return c
}

// String names what there is; what there is none of is left out, except milestones.
func (c counted) String() string {
	out := []string{numbered(c.Milestones, "milestone")}
	for _, part := range []struct {
		n    int
		noun string
	}{{c.Waves, "wave"}, {c.Gates, "gate"}, {c.Runbooks, "runbook"}, {c.Steps, "step"}, {c.Checks, "check"}, {c.Suites, "suite"}, {c.Flows, "flow"},
		{c.Parties, "party"}, {c.Members, "member"}, {c.Audiences, "audience"}, {c.Meetings, "meeting"}} {
		if part.n > 0 {
			out = append(out, numbered(part.n, part.noun))
		}
	}
	return strings.Join(out, ", ")
}

// numbered is "1 gate", "3 gates", "2 parties".
func numbered(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "y"):
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(noun, "y"))
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
