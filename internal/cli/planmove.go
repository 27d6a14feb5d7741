package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"skift/internal/app"
	"skift/internal/diag"
	"skift/internal/gate"
	"skift/internal/lint"
	"skift/internal/plan"
	"skift/internal/snapshot"
	"skift/internal/timeline"
)

// redating is a change of dates that is looked at before it is written.
type redating struct {
	reason, as      string
	dryRun, accept  bool
	wish            timeline.Wish
	milestone, file string // what is moved, and where its dates stand
	split           string // the second window; "" = it is a move
	before          app.Reading
	known           history
	now             time.Time
	after           app.Reading
	was, is         *timeline.Timeline
	said            lint.Moved
	overtakenByDate []timeline.Overtaken
}

// planMoveCommand moves a milestone and says what that brings, before anything is written.
func (s *session) planMoveCommand() *cobra.Command {
	r := &redating{}
	c := s.asJSON(&cobra.Command{
		Use: "move MILESTONE DATE --reason WHY [--until DATE] [--with IDS] [--accept] [--dry-run]", Short: "Move a milestone in plan.yaml, and say what that brings",
		Long: "Writes the new date into plan.yaml in the place of the old one, which stays as `was:` with the reason; every other line stays as it is.\n" +
			"DATE is a day (the time of day is kept), a time, a month, or +7d, +2w, -3wd (working days). The milestone lasts as long as it did. What\n" +
			"hangs on it moves along; what has a date of its own stays, unless --with names it. First it is said what moves, what stays on the other\n" +
			"side, which answers at gates count no more, and what becomes impossible; with --accept that is written all the same.\n" +
			"A skift that serves goes on with the plan as it was until skift reload.\n" +
			"Exit: 0 written, or would be · 2 the plan could not be read so · 3 something becomes impossible.",
		Args: between(1, "MILESTONE", "DATE"),
		RunE: func(c *cobra.Command, a []string) error {
			r.milestone = a[0]
			if len(a) > 1 {
				r.wish.To = a[1]
			}
			return s.planMove(c.Context(), r, time.Now())
		},
	})
	r.flags(c)
	c.Flags().StringVar(&r.wish.Until, "until", "", "its new end, `DATE` (default: it lasts as long as it did)")
	c.Flags().StringSliceVar(&r.wish.With, "with", nil, "milestones and gates, `IDS`, that go along by as many days")
	return c
}

// flags are those of everything that writes dates.
func (r *redating) flags(c *cobra.Command) {
	c.Flags().StringVar(&r.reason, "reason", "", "`WHY`; kept in the plan")
	c.Flags().StringVar(&r.as, "as", "", "`SEAT` that moves it; kept in the plan")
	c.Flags().BoolVar(&r.accept, "accept", false, "write it although something becomes impossible")
	c.Flags().BoolVar(&r.dryRun, "dry-run", false, "say what it would bring, and write nothing")
}

func (s *session) planMove(ctx context.Context, r *redating, now time.Time) error {
	if err := s.readForMove(ctx, r, now); err != nil {
		return err
	}
	p := r.before.Plan
	if p.Milestones[r.milestone] == nil {
		return unknownWord("milestone", r.milestone, p.MilestoneIDs)
	}
	moves, err := r.was.Redate(r.milestone, r.wish)
	if err != nil {
		return wishError(err)
	}
	for i := range moves {
		moves[i].Was = r.entry()
	}
	r.file = plan.File
	var text []byte
	if m := p.Milestones[r.milestone]; m.Wave == "" {
		text, err = plan.Redate(p.Sources[plan.File], moves)
	} else {
		text, err = r.redateWave(p, m, moves)
	}
	if err != nil {
		return usage(err.Error(), "or "+r.byHand())
	}
	var ids []string
	for _, m := range moves {
		ids = append(ids, m.Milestone+m.Gate)
	}
	return s.settleMove(r, text, func(c plan.Change) bool { return slices.Contains(ids, c.ID) })
}

// byHand says what to do where the dates cannot be written in place.
func (r *redating) byHand() string {
	if r.file == "" || r.file == plan.File {
		return "change the dates by hand, and keep the old ones under `was:` (docs/plan-reference.md)"
	}
	return "change the dates in " + r.file + " by hand, and keep what column NAME had in NAME_was, NAME_moved and NAME_reason (docs/plan-reference.md)"
}

// redateWave writes the dates of a wave's milestone, and of what goes along in the same table, into their rows.
func (r *redating) redateWave(p *plan.Plan, m *plan.Milestone, moves []plan.Redated) ([]byte, error) {
	if r.file = m.WaveTable(); r.file == "" {
		return nil, fmt.Errorf("change dates of %s: they are written once for all waves, at %s", m.ID, m.From.Pos)
	}
	if len(moves) > 1 {
		return nil, fmt.Errorf("change dates of %s: nothing goes along with a milestone of a wave", m.ID)
	}
	return plan.RedateWave(p.Sources[r.file], m, moves[0])
}

// entry is what the plan keeps of the move beside the dates. A dry run may have no reason yet.
func (r *redating) entry() plan.Was {
	why := r.reason
	if why == "" {
		why = "dry run"
	}
	return plan.Was{Moved: plan.When{Text: r.now.In(r.before.Plan.Zone).Format(time.DateOnly)}, By: r.as, Reason: why}
}

func wishError(err error) error {
	var wish *timeline.WishError
	if errors.As(err, &wish) {
		return usage(wish.Message, wish.Hint)
	}
	return err
}

// readForMove reads the plan and what is known beside it.
func (s *session) readForMove(ctx context.Context, r *redating, now time.Time) error {
	if r.reason == "" && !r.dryRun {
		return usage("a change of dates needs a reason", "add --reason WHY: it is kept in the plan, and told with the slip")
	}
	var err error
	if r.before, err = app.Read(s.dir); err != nil {
		return err
	}
	if r.before.Problems.Errors() > 0 {
		return &app.PlanError{Problems: r.before.Problems.Sorted(), Sources: r.before.Sources}
	}
	p := r.before.Plan
	if r.as != "" && p.Seats[r.as] == nil {
		return unknownWord("seat", r.as, p.SeatIDs)
	}
	r.now = now
	if r.known, err = s.history(ctx, p, r.before.Settings, now); err != nil {
		return err
	}
	r.was = timeline.At(p, &r.known.Facts, now)
	return nil
}

// settleMove reads the plan as it would be, tells what that brings, and writes it unless something is in the way. wanted says which changes
// are meant: should another come of it, nothing is written.
func (s *session) settleMove(r *redating, text []byte, wanted func(plan.Change) bool) error {
	var err error
	if r.after, err = app.ReadAs(s.dir, r.file, text); err != nil {
		return err
	}
	if r.after.Problems.Errors() > 0 {
		return &app.PlanError{Problems: r.after.Problems.Sorted(), Sources: r.after.Sources}
	}
	for _, c := range plan.Diff(r.before.Plan, r.after.Plan) {
		if !wanted(c) {
			return usage(fmt.Sprintf("%s cannot be changed in place: %s %s would not be what it was", r.file, c.Section, c.ID), r.byHand())
		}
	}
	known := lint.Known{Now: r.now, Facts: &r.known.Facts, Latest: r.known.Latest, Runs: &r.known.Runs}
	r.is = timeline.At(r.after.Plan, &r.known.Facts, r.now)
	r.said = lint.Compare(r.before.Plan, r.after.Plan, known)
	if r.split == "" {
		r.overtakenByDate = r.is.Overtaken(r.was, r.milestone)
	} else {
		r.overtakenByDate = r.is.Between(r.was, r.milestone, r.split)
	}
	out := r.outcome()
	if out.Refused = out.impossible() && !r.accept; !out.Refused && !r.dryRun {
		err := app.Rewrite(s.dir, r.file, r.before.Plan.Sources[r.file], text)
		if errors.Is(err, app.ErrWritten) {
			return usage(err.Error()+"; nothing was written", "look at it, and give the command again")
		}
		if err != nil {
			return err
		}
		out.Written = true
	}
	if s.json {
		err = s.printJSON(out)
	} else {
		err = s.tellMove(r, out)
	}
	if err == nil && out.Refused {
		err = exit(ExitNoGo)
	}
	return err
}

// movedPlan is `skift plan move --json`.
type movedPlan struct {
	Milestone  string             `json:"milestone"`
	Reason     string             `json:"reason,omitempty"`
	By         string             `json:"by,omitempty"` // seat
	Written    bool               `json:"written"`
	Refused    bool               `json:"refused"`    // something becomes impossible, and --accept was not given
	Changes    []plan.Change      `json:"changes"`    // in the plan as it is written
	Dates      []snapshot.Shifted `json:"dates"`      // that are others then
	Stays      []movedDate        `json:"stays"`      // that stay and stand on the other side of the milestone then
	Impossible []lint.Hindrance   `json:"impossible"` // what becomes so
	Cautions   []lint.Hindrance   `json:"cautions"`   // what one should know and nothing forbids: weekday
	Problems   []diag.Problem     `json:"problems"`   // what skift validate says of the plan then, and does not say now
	Votes      []gate.Voided      `json:"votes"`      // answers that count no more
	Runs       []string           `json:"runs"`       // under way: they go on by the plan they were begun on
	Hash       string             `json:"hash"`       // of the plan as it was
	NewHash    string             `json:"new_hash"`
}

// movedDate is a date that stays.
type movedDate struct {
	Kind   string        `json:"kind"` // milestone or gate
	ID     string        `json:"id"`
	Edge   string        `json:"edge"` // start, end, opens or decide_by
	Is     snapshot.Date `json:"is"`
	Before bool          `json:"before"` // it lies before the milestone then, and lies behind it now
}

func (m movedPlan) impossible() bool {
	return len(m.Impossible) > 0 || slices.ContainsFunc(m.Problems, func(p diag.Problem) bool { return p.Severity == diag.Error })
}

func (r *redating) outcome() movedPlan {
	p := r.after.Plan
	out := movedPlan{Milestone: r.milestone, Reason: r.reason, By: r.as, Changes: plan.Diff(r.before.Plan, p), Dates: snapshot.Shifts(r.was, r.is), Stays: []movedDate{},
		Impossible: slices.Concat([]lint.Hindrance{}, r.said.Hindrances), Cautions: slices.Concat([]lint.Hindrance{}, r.said.Cautions), Problems: slices.Concat([]diag.Problem{}, r.said.Problems),
		Votes: gate.Voids(r.before.Plan, p, &r.known.Facts), Runs: r.known.Runs.UnderWay(), Hash: r.before.Plan.Hash, NewHash: p.Hash}
	for _, d := range r.overtakenByDate {
		out.Stays = append(out.Stays, movedDate{Kind: d.Kind, ID: d.ID, Edge: string(d.Edge), Is: snapshot.DateOf(d.At), Before: d.Before})
	}
	return out
}
