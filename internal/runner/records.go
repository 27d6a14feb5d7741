package runner

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"skift/checks"
	"skift/internal/diag"
	"skift/internal/journal"
	"skift/internal/plan"
	"skift/internal/register"
)

// record is a command that emits one event.
func (r *Runner) record(ctx context.Context, c Command, emit func(*decision, journal.Actor) (int64, string, error)) (Reply, error) {
	var reply Reply
	head, err := r.decide(ctx, func(d *decision) error {
		who, err := r.actor(c, d.Now)
		if err != nil {
			return err
		}
		reply.Event, reply.Message, err = emit(d, who)
		return err
	})
	reply.Head = head.String()
	return reply, err
}

// attest keeps a person's word for a criterion, with a file when there is one.
func (r *Runner) attest(ctx context.Context, c Command) (Reply, error) {
	g := r.plan.Gates[c.Gate]
	if g == nil {
		return Reply{}, refuse(NotFound, suggest("gate", c.Gate, r.plan.GateIDs), "the plan has no gate %q", c.Gate)
	}
	criterion, ids := plan.Criterion{}, []string{}
	for _, k := range g.Criteria {
		if k.Kind == plan.AttestedCriterion {
			ids = append(ids, k.Attested)
			if k.Attested == c.Criterion {
				criterion = k
			}
		}
	}
	if criterion.Kind == "" {
		return Reply{}, refuse(NotFound, "it asks for: "+strings.Join(ids, ", "), "%s has no criterion %q that a person attests", g.ID, c.Criterion)
	}
	if c.As != criterion.By && !r.deputises(c.As, criterion.By) {
		return Reply{}, refuse(Forbidden, "use --as "+criterion.By, "%q is attested by %s", c.Criterion, criterion.By)
	}
	return r.record(ctx, c, func(d *decision, who journal.Actor) (int64, string, error) {
		key, err := d.gateKey(g, c)
		if err != nil {
			return 0, "", err
		}
		if f := d.Facts.Register.Gate(key); f.Decision != nil && f.Decision.Decision == register.Go {
			return 0, "", refuse(Conflict, "", "%s is decided already", g.ID)
		}
		b := register.Attested{Criterion: c.Criterion, Remark: c.Reason}
		if len(c.File) > 0 { // kept only once nothing stands in the way: a refusal leaves no file behind
			if b.File, b.SHA256, err = r.cfg.Files.Save("evidence", r.clean(c.FileName), c.File); err != nil {
				return 0, "", err
			}
		}
		seq, err := d.Emit(register.GateAttested, key.Run, g.ID, who, register.Body(b))
		return seq, fmt.Sprintf("%s attests %s at %s", c.As, c.Criterion, g.ID), err
	})
}

func (r *Runner) deputises(seat, owner string) bool {
	o := r.plan.Seats[owner]
	return o != nil && slices.Contains(o.Deputies, seat)
}

// accept keeps an accepted deviation: a failing check somebody answers for, for a while. Nothing becomes green by it.
func (r *Runner) accept(ctx context.Context, c Command) (Reply, error) {
	spec := r.plan.Checks[c.Check]
	switch {
	case spec == nil:
		return Reply{}, refuse(NotFound, suggest("check", c.Check, r.plan.CheckIDs), "the plan has no check %q", c.Check)
	case c.As == "":
		return Reply{}, refuse(Usage, "add --as SEAT", "say which seat accepts it")
	case c.Side != "" && c.Side != string(checks.Old) && c.Side != string(checks.New):
		return Reply{}, refuse(Usage, "leave --side out to mean both", "a side is old or new, not %q", c.Side)
	case c.Flow != "" && !slices.ContainsFunc(r.plan.Flows, func(f *plan.Flow) bool { return f.ID == c.Flow }):
		return Reply{}, refuse(NotFound, suggest("flow", c.Flow, flowIDs(r.plan)), "the plan has no flow %q", c.Flow)
	case strings.TrimSpace(c.Reason) == "":
		return Reply{}, refuse(Usage, `add --reason "…"`, "accepting a deviation needs a reason")
	case c.Until == nil || !c.Until.After(time.Now()):
		return Reply{}, refuse(Usage, "add --until TIME", "an accepted deviation lapses: say when, in the future")
	}
	b := register.Accepted{Side: checks.Side(c.Side), Flow: c.Flow, Until: c.Until.UTC(), Reason: c.Reason, Critical: spec.Critical}
	return r.record(ctx, c, func(d *decision, who journal.Actor) (int64, string, error) {
		seq, err := d.Emit(register.DeviationAccepted, "", c.Check, who, register.Body(b))
		msg := fmt.Sprintf("deviation of %s accepted until %s", c.Check, c.Until.In(r.plan.Zone).Format(timeFormat))
		if spec.Critical {
			msg += fmt.Sprintf("; it is critical and counts once a seat of another party confirms it: skift confirm %d --as SEAT", seq)
		}
		return seq, msg, err
	})
}

// confirm is the second seat.
func (r *Runner) confirm(ctx context.Context, c Command) (Reply, error) {
	switch asked := r.asked(c.Event); asked.(type) {
	case *register.OverrideFacts:
		return r.confirmOverride(ctx, c)
	case *register.WaiverFacts:
		return r.confirmWaiver(ctx, c)
	}
	return r.record(ctx, c, func(d *decision, who journal.Actor) (int64, string, error) {
		dev := d.Facts.Register.Deviation(c.Event)
		if dev == nil {
			return 0, "", refuse(NotFound, "skift status lists what waits for a second seat", "event %d is nothing that a second seat confirms", c.Event)
		}
		if err := r.maySecond(who, dev.Wish(), "skift accept", d.Now); err != nil {
			return 0, "", err
		}
		seq, err := d.Emit(register.DeviationConfirmed, "", dev.Check, who, register.Body(register.Confirmed{Event: c.Event}))
		return seq, fmt.Sprintf("deviation of %s confirmed by %s", dev.Check, who.Seat), err
	})
}

// States of milestones: timePassed also where only its end came and nobody said so.
const (
	timePassed   = "passed"
	timeUpcoming = "upcoming"
)

// milestone passes or reopens a milestone by a person's word. One with an exit gate passes by its gate only. What passed by the clock can be
// reopened too: it is late then until somebody says that it has passed.
func (r *Runner) milestone(ctx context.Context, c Command) (Reply, error) {
	m := r.plan.Milestones[c.Milestone]
	if m == nil {
		return Reply{}, refuse(NotFound, suggest("milestone", c.Milestone, r.plan.MilestoneIDs), "the plan has no milestone %q", c.Milestone)
	}
	if c.As == "" {
		return Reply{}, refuse(Usage, "add --as with its owner or a seat of the customer", "say which seat acts")
	}
	if !r.customer(c.As) && c.As != m.Owner {
		return Reply{}, refuse(Forbidden, "use --as with its owner or a seat of the customer", "%q cannot say that %s has passed", c.As, m.ID)
	}
	return r.record(ctx, c, func(d *decision, who journal.Actor) (int64, string, error) {
		passed, state := !d.Facts.Register.Milestone(m.ID).PassedAt.IsZero(), r.cfg.Calendar.MilestoneState(r.plan, &d.Facts.Register, m.ID, d.Now)
		switch {
		case c.Answer == "pass" && m.Exit != "":
			return 0, "", refuse(Refused, "vote at "+m.Exit, "%s passes by a go at its exit gate %s", m.ID, m.Exit)
		case c.Answer == "pass" && m.Kind == plan.Zone: // one seat would open it alone
			return 0, "", refuse(Refused, "for an exception: skift freeze waive "+m.ID+", which a seat of another party confirms; or change the plan together",
				"%s is a zone and ends when its end comes (%s): nobody ends it alone", m.ID, m.Until.Text)
		case c.Answer == "pass" && m.Kind == plan.Window && state == timeUpcoming: // and what hangs on its end with it, such as a zone in force
			return 0, "", refuse(Refused, "to bring it forward: skift plan move "+m.ID+" DATE", "%s has not begun", m.ID)
		case c.Answer == "pass" && passed:
			return 0, "", refuse(Conflict, "", "%s has passed already", m.ID)
		case c.Answer == "pass":
			seq, err := d.Emit(register.MilestonePassed, "", m.ID, who, register.Body(register.Passed{Reason: c.Reason}))
			return seq, m.ID + " has passed", err
		case c.Answer == "reopen" && !passed && state == timePassed && m.Kind == plan.Zone: // it would be in force again without an end, and nobody could end it
			return 0, "", refuse(Refused, "give it another end: skift plan move "+m.ID+" --until DATE", "%s is a zone and ends when its end comes (%s)", m.ID, m.Until.Text)
		case c.Answer == "reopen" && !passed && state != timePassed:
			return 0, "", refuse(Conflict, "", "%s has not passed: it is %s", m.ID, state)
		case c.Answer == "reopen" && c.Reason == "":
			return 0, "", refuse(Usage, `add --reason "…"`, "reopening a milestone needs a reason")
		case c.Answer == "reopen":
			seq, err := d.Emit(register.MilestoneReopened, "", m.ID, who, register.Body(register.Passed{Reason: c.Reason}))
			if err != nil {
				return 0, "", err
			}
			key := register.GateKey{Gate: m.Exit}
			if f := d.Facts.Register.Gate(key); f.Decision != nil && f.Decision.Decision == register.Go { // else nobody could pass it again
				err = d.openGate(key, f.Round+1, m.ID+" was reopened")
			}
			return seq, m.ID + " is open again", err
		}
		return 0, "", refuse(Usage, "", "a milestone can pass or reopen, not %q", c.Answer)
	})
}

// longestNote is how many characters the manager's note may have: about a page, which reports print whole.
const longestNote = 3000

// status keeps the manager's own light or note.
func (r *Runner) status(ctx context.Context, c Command) (Reply, error) {
	b, kind := register.StatusBody{Light: register.Light(c.Answer), Because: c.Reason}, register.StatusSet
	switch b.Light {
	case register.Green, register.Yellow, register.Red:
		if strings.TrimSpace(c.Reason) == "" {
			return Reply{}, refuse(Usage, `add --because "…"`, "a status needs its reason: it is printed beside the computed one")
		}
	case "":
		b.Note, kind = r.clean(string(c.File)), register.NoteWritten
		if strings.TrimSpace(b.Note) == "" {
			return Reply{}, refuse(Usage, "", "the note is empty")
		}
		if n := utf8.RuneCountInString(b.Note); n > longestNote {
			return Reply{}, refuse(Usage, "say what matters; the rest belongs into an attachment of yours", "the note has %d characters; a report has room for %d", n, longestNote)
		}
	default:
		return Reply{}, refuse(Usage, "", "a status is green, yellow or red, not %q", c.Answer)
	}
	return r.record(ctx, c, func(d *decision, who journal.Actor) (int64, string, error) {
		seq, err := d.Emit(kind, "", "", who, register.Body(b))
		return seq, "status kept", err
	})
}

// log keeps a line.
func (r *Runner) log(ctx context.Context, c Command) (Reply, error) {
	if strings.TrimSpace(c.Reason) == "" {
		return Reply{}, refuse(Usage, "", "there is nothing to log")
	}
	return r.record(ctx, c, func(d *decision, who journal.Actor) (int64, string, error) {
		seq, err := d.Emit(register.Logged, "", "", who, register.Body(register.LogBody{Text: c.Reason}))
		return seq, "logged", err
	})
}

func flowIDs(p *plan.Plan) []string {
	out := make([]string, 0, len(p.Flows))
	for _, f := range p.Flows {
		out = append(out, f.ID)
	}
	return out
}

// suggest is a hint naming the nearest of the known words.
func suggest(what, word string, known []string) string {
	if s := diag.Suggest(word, known); s != "" {
		return fmt.Sprintf("did you mean %q?", s)
	}
	if len(known) == 0 {
		return "there is no " + what + " yet"
	}
	return "there are: " + strings.Join(known, ", ")
}

func (r *Runner) suggestSeat(seat string) string { return suggest("seat", seat, r.plan.SeatIDs) }
