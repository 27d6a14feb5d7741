package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"skift/internal/api"
	"skift/internal/journal"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/snapshot"
	"skift/internal/term"
	"skift/internal/words"
)

// handoverCommand tells the next shift.
func (s *session) handoverCommand() *cobra.Command {
	var since string
	c := &cobra.Command{
		Use: "handover --since TIME", Short: "Tell the next shift: what happened, what is open, who is next", Args: args(),
		Long: "What happened since TIME, oldest first, without what comes and goes by itself; what is open now and of whom it is waited for; who sits\n" +
			"where, until when, and who comes then. In the plan's language.",
		RunE: func(c *cobra.Command, _ []string) error {
			if since == "" {
				return usage("--since is missing", `"2019-11-09 02:00" in the plan's time zone, "-8h" for the last eight hours, or RFC 3339`)
			}
			return s.withDesk(c.Context(), func(d api.Desk, p *plan.Plan) error {
				from, err := parsePast(p, since, time.Now())
				if err != nil {
					return err
				}
				h, err := handOver(c.Context(), d, p, from)
				if err != nil {
					return err
				}
				if s.json {
					return s.printJSON(h)
				}
				return s.showHandover(p, h)
			})
		},
	}
	c.Flags().StringVar(&since, "since", "", "when the shift began: `TIME` such as -8h or \"2019-11-09 02:00\"")
	return s.asJSON(c)
}

// parsePast is parseTime that also reads "-8h".
func parsePast(p *plan.Plan, text string, now time.Time) (time.Time, error) {
	if rest, ok := strings.CutPrefix(text, "-"); ok {
		ahead, err := parseTime(p, "+"+rest, now)
		return now.Add(now.Sub(ahead)), err
	}
	return parseTime(p, text, now)
}

// handover is `skift handover --json`.
type handover struct {
	Since    time.Time            `json:"since"`
	At       time.Time            `json:"at"`
	Happened []happened           `json:"happened"` // oldest first
	Needed   []snapshot.Needed    `json:"needed"`   // of whom something is waited for
	Open     []openStep           `json:"open"`     // steps that failed, are uncertain, held, under way, or have an issue
	Accepted []snapshot.Deviation `json:"accepted,omitempty"`
	Unsent   []snapshot.Letter    `json:"unsent,omitempty"`
	Duty     []snapshot.Duty      `json:"duty"`
	Head     string               `json:"head"`
}

// happened is one event worth telling.
type happened struct {
	Event int64         `json:"event"`
	At    time.Time     `json:"at"`
	Kind  string        `json:"kind"`
	Text  string        `json:"text"` // one sentence in the plan's language
	Actor journal.Actor `json:"actor"`

	run, step string // of a step that was done with no word of a person's about it; "" = it is something else
}

// openStep is a step somebody must know of.
type openStep struct {
	Run    string        `json:"run"`
	Step   string        `json:"step"`
	State  run.StepState `json:"state"`
	Owner  string        `json:"owner,omitempty"`
	Reason string        `json:"reason,omitempty"`
	Since  time.Time     `json:"since,omitzero"`
	Issue  string        `json:"issue,omitempty"` // what was flagged as wrong with it
}

// handOver gathers what the next shift must know.
func handOver(ctx context.Context, d api.Desk, p *plan.Plan, since time.Time) (handover, error) {
	snap, err := d.Snapshot(ctx)
	if err != nil {
		return handover{}, err
	}
	h := handover{Since: since.UTC(), At: snap.At, Happened: []happened{}, Needed: snap.Needed, Open: []openStep{}, Unsent: snap.Outbox.Unsent, Duty: snap.Duty, Head: snap.Head}
	for _, a := range snap.Deviations {
		if a.Until.After(snap.At) {
			h.Accepted = append(h.Accepted, a)
		}
	}
	events, err := d.Events(ctx, 0, false)
	if err != nil {
		return h, err
	}
	c := speak(p)
	for _, e := range events {
		if text := tell(c, p, e); text != "" && !e.At.Before(since) {
			x := happened{Event: e.Seq, At: e.At, Kind: e.Kind, Text: text, Actor: e.Actor}
			if b, ok := body[run.Finished](e); ok && e.Kind == run.StepFinished && b.State == run.Done {
				x.run, x.step = e.Run, e.Subject
			}
			h.Happened = append(h.Happened, x)
		}
	}
	states := []run.StepState{run.Failed, run.Uncertain, run.Held, run.Running, run.Verifying}
	for _, r := range snap.Runs {
		for _, st := range r.Steps {
			if r.State.Final() || !slices.Contains(states, st.State) && st.Issue == nil {
				continue
			}
			o := openStep{Run: r.ID, Step: st.ID, State: st.State, Owner: st.Owner, Reason: st.Reason, Since: st.AskedAt}
			if st.Issue != nil {
				o.Issue = st.Issue.Text
			}
			h.Open = append(h.Open, o)
		}
	}
	return h, nil
}

// told are the kinds of event that a shift is told of. What comes and goes by itself is not among them.
var told = []string{run.RunStarted, run.RunWasHeld, run.RunReleased, run.RunPaused, run.RunResumed, run.RunEnded, run.StepFinished, run.StepUncertain, run.StepRetried,
	run.StepWasHeld, run.StepReleased, run.StepAdded, run.StepChanged, run.StepFlagged, run.StepCleared, run.StepNoted,
	register.GateOpened, register.GateExtended, register.GateDecided, register.PhaseMoved, register.DeviationAccepted, register.DeviationConfirmed,
	register.MilestoneStarted, register.MilestonePassed, register.MilestoneReopened, register.StatusSet, register.Logged, register.PlanAdopted,
	register.ProbingPaused, register.ProbingResumed, register.MessageSettled, register.DataTakenOver,
	register.OverrideAsked, register.OverrideConfirmed, register.WaiverAsked, register.WaiverConfirmed,
	register.DriftAsked, register.DriftExcepted, register.DriftAnswered,
	register.IncidentOpened, register.IncidentChanged, register.IncidentClosed, register.IncidentsListed, run.StepContradicted, run.StepAgrees, run.StepContradictionAccepted}

// said is what bodies of events have in common.
type said struct {
	State    string   `json:"state"`
	Decision string   `json:"decision"`
	Reason   string   `json:"reason"`
	Because  string   `json:"because"`
	Text     string   `json:"text"`
	Error    string   `json:"error"`
	Light    string   `json:"light"`
	Phase    string   `json:"phase"`
	Stream   string   `json:"stream"`
	Step     string   `json:"step"`
	Services []string `json:"services"`

	Environment string `json:"environment"`
	Rehearsal   bool   `json:"rehearsal"`
}

// changedText says how a step is planned otherwise: "takes 1 h 30 min, newco/operator".
func changedText(c *words.Catalogue, e journal.Event) string {
	b, _ := body[run.Changed](e)
	var out []string
	if b.Takes > 0 {
		out = append(out, c.T("told.step.takes", "takes", c.Duration(b.Takes)))
	}
	if b.Owner != "" {
		out = append(out, c.T("told.step.owner", "owner", b.Owner))
	}
	return strings.Join(out, ", ")
}

// tell is an event as one sentence; "" = nothing worth telling.
func tell(c *words.Catalogue, p *plan.Plan, e journal.Event) string {
	var b said
	switch added, ok := body[run.Added](e); {
	case !slices.Contains(told, e.Kind):
		return ""
	case e.Kind == run.StepAdded && ok: // its step is more than a name
		b.Reason = added.Reason
	case len(e.Body) > 0 && json.Unmarshal(e.Body, &b) != nil:
		return ""
	}
	state := ""
	switch {
	case e.Kind == register.MessageSettled && b.State == string(register.MessageSent):
		return "" // as it must be
	case e.Kind == register.MessageSettled:
		state = c.T("mail.state." + b.State)
	case e.Kind == run.StepFinished:
		state = c.T("step." + b.State)
	case e.Kind == run.StepChanged:
		state = changedText(c, e)
	case e.Kind == run.RunEnded:
		state = c.T("run." + b.State)
	case e.Kind == register.GateDecided:
		state = c.T("decision." + b.Decision)
	case e.Kind == register.StatusSet:
		state = c.T("light." + b.Light)
	case e.Kind == register.IncidentsListed:
		listed, _ := body[register.Listed](e)
		state = localTime(p, listed.AsOf)
	case e.Kind == register.PhaseMoved:
		state = strings.Join(b.Services, ", ") + ": " + c.T("phase."+b.Phase)
	case e.Kind == register.PlanAdopted:
		state = zonesText(c, e)
	}
	gated := strings.HasPrefix(e.Kind, "gate.")
	key := "told." + e.Kind
	part := cmp.Or(b.Stream, b.Step)
	switch kept := e.Kind == run.RunPaused || e.Kind == run.RunResumed; {
	case kept && b.Stream != "":
		key += ".stream"
	case kept && b.Step != "":
		key += ".step"
	}
	text := c.T(key, "part", part, "subject", e.Subject, "run", e.Run, "state", state)
	switch { // what was only tried must not be taken for the night itself
	case gated && e.Run != "":
		text += " (" + c.T("handover.practised", "run", e.Run) + ")"
	case e.Kind == run.RunStarted && b.Rehearsal:
		text += " (" + c.T("runs.rehearsal", "where", b.Environment) + ")"
	case e.Kind == run.RunStarted, e.Kind == register.PhaseMoved:
		text += " (" + b.Environment + ")"
	}
	if why := cmp.Or(b.Reason, b.Because, b.Text, b.Error); why != "" {
		text += ": " + c.Retold(why)
	}
	if who := e.Actor.Seat; who != "" {
		text += " (" + who + ")"
	}
	return term.Line(text)
}

func (s *session) showHandover(p *plan.Plan, h handover) error {
	c := speak(p)
	head := func(key string, args ...any) { s.printf("%s\n", s.screen.Bold(c.T(key, args...))) }
	head("handover.happened", "since", c.DateTime(h.Since.In(p.Zone)))
	t := term.NewTable()
	day := ""
	for _, e := range briefly(c, h.Happened) {
		at := e.At.In(p.Zone)
		clock := c.Clock(at)
		if d := c.ShortDay(at); d != day {
			day, clock = d, d+" "+clock
		}
		t.Cells(term.Cell{Text: clock}, term.Cell{Text: e.Text})
	}
	t.Right(0)
	if len(h.Happened) == 0 {
		t.Row(c.T("handover.nothing"))
	}
	if err := t.Write(s.out, s.screen); err != nil {
		return err
	}
	head("handover.open")
	if err := s.showOpen(c, p, h); err != nil {
		return err
	}
	head("handover.next")
	t = term.NewTable().Fold(1)
	for _, d := range h.Duty {
		now, next := call(p, d.Person), c.T("handover.no-next")
		if !d.Until.IsZero() {
			now += " " + c.T("handover.until", "at", near(c, p, d.Until, h.At))
		}
		if d.Next != "" {
			next = c.T("handover.from", "at", near(c, p, d.NextFrom, h.At), "who", call(p, d.Next))
		}
		t.Cells(term.Cell{Text: d.Seat}, term.Cell{Text: now + "\n→ " + next})
	}
	if err := t.Write(s.out, s.screen); err != nil {
		return err
	}
	s.printf("head %s\n", h.Head)
	return nil
}

// showOpen lists what somebody must see to, each with whom to call.
func (s *session) showOpen(c *words.Catalogue, p *plan.Plan, h handover) error {
	t := term.NewTable()
	for _, o := range h.Open {
		state := stepState(o.State)
		text := c.T("handover.step", "step", o.Step, "run", o.Run, "state", c.T("step."+string(o.State)))
		if o.Reason != "" {
			text += ": " + c.Retold(o.Reason)
		}
		if o.Issue != "" {
			if state == term.Plain {
				state = term.Risk
			}
			text += "; " + c.T("handover.issue", "why", o.Issue)
		}
		t.Cells(term.Cell{Text: state.Shape(), State: state}, term.Cell{Text: text})
	}
	for _, n := range h.Needed {
		text := c.T("handover.needed", "what", wanted(c, n), "seat", n.Seat, "who", call(p, n.Person))
		if !n.By.IsZero() {
			by := c.T("handover.by", "at", near(c, p, n.By, h.At))
			if n.By.Before(h.At) {
				by = c.T("report.overdue", "at", by)
			}
			text += " " + by
		}
		t.Cells(term.Cell{Text: term.Gate.Shape(), State: term.Gate}, term.Cell{Text: text})
	}
	for _, a := range h.Accepted {
		t.Cells(term.Cell{Text: term.Risk.Shape(), State: term.Risk}, term.Cell{Text: c.T("handover.accepted", "check", a.Check, "until", near(c, p, a.Until, h.At))})
	}
	if n := len(h.Unsent); n > 0 {
		t.Cells(term.Cell{Text: term.Unknown.Shape(), State: term.Unknown}, term.Cell{Text: c.N("handover.unsent", n)})
	}
	if len(h.Open)+len(h.Needed)+len(h.Accepted)+len(h.Unsent) == 0 {
		t.Row(c.T("handover.nothing-open"))
	}
	return t.Write(s.out, s.screen)
}

// briefly puts steps of a run that were done one after the other into one line: what went well is told shortly.
func briefly(c *words.Catalogue, all []happened) []happened {
	var out []happened
	for _, e := range all {
		if n := len(out) - 1; n >= 0 && e.run != "" && out[n].run == e.run {
			out[n].step += ", " + e.step
			out[n].Text = c.T("told.step.finished", "subject", out[n].step, "run", e.run, "state", c.T("step.done"))
			continue
		}
		out = append(out, e)
	}
	return out
}
