package cli

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"skift/internal/app"
	"skift/internal/freeze"
	"skift/internal/register"
	"skift/internal/runner"
	"skift/internal/store"
	"skift/internal/term"
)

// driftCommand is what changed in frozen zones, and what people make of it.
func (s *session) driftCommand() *cobra.Command {
	var open bool
	c := s.asJSON(&cobra.Command{
		Use: "drift [--open] | drift answer ID breach|expected", Short: "Show what changed in a frozen zone, or say what it is",
		Long: "Certificates, host keys, algorithms, versions and where names lead are compared with what the zone found. A difference without an\n" +
			"exception is a question to its owner. What could not be observed is no difference. Exit: 0 nobody is asked · 1 somebody is.",
		Args: args(),
		RunE: func(c *cobra.Command, _ []string) error { return s.drift(c.Context(), open, time.Now()) },
	})
	c.Flags().BoolVar(&open, "open", false, "only those that wait for an answer")
	var a act
	answer := acting(&cobra.Command{
		Use: "answer ID breach|expected --as SEAT --reason …", Short: "Say what a difference is",
		Long: "Its owner's and the customer's seats say that it is a breach; that it was expected, the customer or who answers for the zone. From then on\n" +
			"the expected facts are what is compared with. A later answer replaces an earlier one.",
		Args: args("ID", "breach|expected"),
		RunE: func(c *cobra.Command, got []string) error {
			a.Do, a.Drift, a.Answer = runner.DoDrift, got[0], got[1]
			return s.send(c, a)
		},
	}, &a)
	answer.Flags().SortFlags, answer.DisableFlagsInUseLine = false, true
	c.AddCommand(answer)
	return c
}

// drifted is `skift drift --json`.
type drifted struct {
	At          time.Time      `json:"at"`
	Differences []freeze.Drift `json:"differences"` // in the zones in force, and of others what nobody has answered; oldest first
	Open        int            `json:"open"`        // that wait for an answer
	Overdue     int            `json:"overdue"`
}

func (s *session) drift(ctx context.Context, open bool, now time.Time) error {
	n, err := s.inUse(ctx, now)
	if err != nil {
		return err
	}
	p, h := n.plan, n.history
	out := drifted{At: now.UTC(), Differences: []freeze.Drift{}}
	if h.Used {
		st, err := store.Open(ctx, store.Options{Dir: n.data, Plan: p.ID, ReadOnly: true})
		if err != nil {
			return err
		}
		defer st.Close()
		all, err := app.Drifts(ctx, st, p, &h.Facts, now)
		if err != nil {
			return err
		}
		for _, d := range all {
			if d.Open() {
				out.Open++
			}
			if d.Overdue(now) {
				out.Overdue++
			}
			if !open || d.Open() {
				out.Differences = append(out.Differences, d)
			}
		}
	}
	if s.json {
		err = s.printJSON(out)
	} else {
		v := s.sheet(p)
		for _, d := range out.Differences {
			v.drift(d, now)
		}
		if len(out.Differences) == 0 {
			v.text(0, v.c.T("drift.none"))
		}
		s.print(v)
	}
	if err == nil && out.Open > 0 {
		err = exit(ExitFailed)
	}
	return err
}

// drift shows one difference.
func (v *sheet) drift(d freeze.Drift, now time.Time) {
	state, says := term.Risk, v.c.T("drift.state.open", "by", localTime(v.p, d.By))
	switch {
	case d.Waiver != 0:
		state, says = term.OK, v.c.T("drift.state.waived", "event", strconv.FormatInt(d.Waiver, 10))
	case d.Overdue(now):
		state, says = term.Fail, v.c.T("drift.state.overdue", "by", localTime(v.p, d.By))
	case d.Answer == nil:
	case d.Answer.Word == register.Breach:
		state, says = term.Fail, v.c.T("drift.state.breach", "reason", d.Answer.Reason)
	default:
		state, says = term.OK, v.c.T("drift.state.expected", "reason", d.Answer.Reason)
	}
	v.heading(state, d.ID, " · "+d.Zone+" · "+d.Unit.Check+", "+place(v.c.T("side.short."+string(d.Unit.Side)), d.Unit.Addr)+" · "+says)
	who := d.Seat
	if who == "" {
		who = d.Owner
	}
	v.field(v.c.T("drift.asked"), who)
	v.field(v.c.T("drift.seen"), localTime(v.p, d.Baseline)+" → "+localTime(v.p, d.Since))
	for _, fact := range slices.Sorted(maps.Keys(d.After)) {
		v.field(fact, v.c.T("drift.fact", "before", d.Before[fact], "after", d.After[fact]))
	}
	if d.Back {
		v.text(2, v.c.T("drift.back"))
	}
}
