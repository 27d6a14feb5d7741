package runner

import (
	"context"
	"fmt"
	"slices"

	"skift/internal/journal"
	"skift/internal/register"
	"skift/internal/run"
)

// pause stops new starts in a run, or all probing of a party, and resume lets them go on. A command says which of the two it means.
func (r *Runner) pause(ctx context.Context, c Command) (Reply, error) {
	switch {
	case c.Party != "" && c.Run != "":
		return Reply{}, refuse(Usage, "give one of them", "RUN pauses a run, --party the probing of a party")
	case c.Party != "" && c.Stream+c.Step != "":
		return Reply{}, refuse(Usage, "name a RUN, or leave them out", "--stream and --step are parts of a run")
	case c.Stream != "" && c.Step != "":
		return Reply{}, refuse(Usage, "leave both out to mean the whole run", "give --stream or --step, not both")
	case c.Step != "":
		return r.pauseStep(ctx, c)
	case c.Run != "":
		return r.pauseRun(ctx, c)
	}
	return r.pauseParty(ctx, c)
}

// pauseParty stops all probing of a party. Steps that copy or call are no probing and are not touched.
func (r *Runner) pauseParty(ctx context.Context, c Command) (Reply, error) {
	_, member := r.plan.Member(c.Party)
	switch {
	case c.Party == "":
		return Reply{}, refuse(Usage, "name a RUN, or add --party PARTY", "say which run, or which party, is meant")
	case r.plan.Parties[c.Party] == nil && !member:
		return Reply{}, refuse(NotFound, suggest("party", c.Party, slices.Clone(r.plan.PartyIDs)), "the plan has no party %q", c.Party)
	}
	return r.record(ctx, c, func(d *decision, who journal.Actor) (int64, string, error) {
		was, paused := d.Facts.Register.Paused[c.Party]
		body := register.Body(register.PauseBody{Reason: c.Reason})
		switch {
		case c.Do == DoPause && paused:
			return 0, "", refuse(Conflict, "skift resume --party "+c.Party+" lets it go on", "%s is paused since %s (event %d)", c.Party, was.At.In(r.plan.Zone).Format(timeFormat), was.Seq)
		case c.Do == DoPause:
			seq, err := d.Emit(register.ProbingPaused, "", c.Party, who, body)
			return seq, fmt.Sprintf("nothing of %s is asked any more, by nobody, until skift resume --party %s", c.Party, c.Party), err
		case !paused:
			return 0, "", refuse(Conflict, "", "%s is not paused", c.Party)
		}
		seq, err := d.Emit(register.ProbingResumed, "", c.Party, who, body)
		return seq, c.Party + " may be asked again", err
	})
}

// pauseRun stops new starts in a run or one of its streams, or lets them happen again. What is in flight is not touched.
func (r *Runner) pauseRun(ctx context.Context, c Command) (Reply, error) {
	return r.control(ctx, c, func(d *decision, rn *run.Run, who journal.Actor) (string, error) {
		what, flag, part := rn.ID, "", run.Part{Stream: c.Stream}
		if c.Stream != "" {
			what, flag = "stream "+c.Stream+" of "+rn.ID, " --stream "+c.Stream
			if known := streams(rn); !slices.Contains(known, c.Stream) {
				return "", refuse(NotFound, suggest("stream", c.Stream, known), "%s has no stream %q", rn.ID, c.Stream)
			}
		}
		if err := r.commands(who, c.Do+"s"); err != nil {
			return "", err
		}
		was, paused := rn.Paused[part]
		body := run.Body(run.Pausing{Stream: c.Stream, Step: c.Step, Reason: c.Reason})
		switch {
		case c.Do == DoPause && paused:
			return fmt.Sprintf("%s is paused since %s (event %d)", what, was.At.In(r.plan.Zone).Format(timeFormat), was.Seq), nil
		case c.Do == DoPause:
			_, err := d.Emit(run.RunPaused, rn.ID, "", who, body)
			return fmt.Sprintf("%s is paused: nothing new is started until skift resume %s%s; what is in flight goes on", what, rn.ID, flag), err
		case !paused:
			return what + " is not paused", nil
		}
		if _, err := d.Emit(run.RunResumed, rn.ID, "", who, body); err != nil {
			return "", err
		}
		if err := d.advance(rn); err != nil {
			return "", err
		}
		return fmt.Sprintf("%s goes on; %s is %s", what, rn.ID, rn.State), nil
	})
}

// pauseStep stops new starts of one step. One that has not begun is held, which is what skift step RUN STEP hold does. What is in
// flight is not touched: no further attempt of it begins, whoever asks for one, until it is resumed.
func (r *Runner) pauseStep(ctx context.Context, c Command) (Reply, error) {
	return r.control(ctx, c, func(d *decision, rn *run.Run, who journal.Actor) (string, error) {
		_, st, err := d.find(c.Run, c.Step)
		if err != nil {
			return "", err
		}
		if err := r.mayAct(who.Seat, st); err != nil {
			return "", err
		}
		what, part := st.ID+" of "+rn.ID, run.Part{Step: st.ID}
		was, paused := rn.Paused[part]
		body := run.Body(run.Pausing{Stream: c.Stream, Step: c.Step, Reason: c.Reason})
		switch {
		case c.Do == DoResume && paused:
			if _, err := d.Emit(run.RunResumed, rn.ID, "", who, body); err != nil {
				return "", err
			}
			if err := d.advance(rn); err != nil {
				return "", err
			}
			return fmt.Sprintf("%s goes on; it is %s", what, st.State), nil
		case c.Do == DoResume && st.State == run.Held:
			err := d.sayRelease(rn, st, who, c.Reason)
			return fmt.Sprintf("%s: %s", what, st.State), err
		case c.Do == DoResume:
			return what + " is not paused", nil
		case paused:
			return fmt.Sprintf("%s is paused since %s (event %d)", what, was.At.In(r.plan.Zone).Format(timeFormat), was.Seq), nil
		case st.State == run.Waiting || st.State == run.Held:
			err := d.sayHold(rn, st, who, c.Reason)
			return fmt.Sprintf("%s: %s", what, st.State), err
		case st.State.Settled():
			return "", refuse(Conflict, "", "%s is %s: nothing of it begins any more", st.ID, st.State)
		}
		_, err = d.Emit(run.RunPaused, rn.ID, "", who, body)
		return fmt.Sprintf("%s is paused: what is in flight goes on, and no other attempt begins until skift resume %s --step %s", what, rn.ID, st.ID), err
	})
}

// paused reports whether a pause keeps a step from starting: of its run, of its stream, of itself, or of those around a nested run.
func (d *decision) paused(rn *run.Run, stream, step string) bool {
	for o := rn; o != nil; {
		if o.Pauses(stream, step) {
			return true
		}
		parent := d.Facts.Runs.Runs[o.Started.Parent]
		if parent != nil && parent.Steps[o.Started.ParentStep] != nil {
			stream, step = parent.Steps[o.Started.ParentStep].Stream, o.Started.ParentStep
		}
		o = parent
	}
	return false
}
