package runner

import (
	"context"
	"fmt"
	"time"

	"skift/internal/ledger"
	"skift/internal/run"
)

// Launch is the process behind one attempt of a step.
type Launch struct {
	Run, Step    string
	Attempt, PID int
	StartedAt    string
}

// launchedAfter is how long a command may run before its process gets a commit of its own. One that is over sooner is told in the
// commit that ends its step. Either way it was noted in the moment it began.
const launchedAfter = 50 * time.Millisecond

// launched is how the process of a command comes into the journal.
type launched struct {
	launch Launch
	timer  *time.Timer
	done   chan struct{} // closed when what the timer does is done
}

// note keeps the process of a command where whoever comes after a crash of ours finds it, and puts it into the journal if the command
// goes on. stop ends the command if that cannot be done.
func (r *Runner) note(ctx context.Context, l Launch, stop context.CancelCauseFunc) (*launched, error) {
	if err := r.cfg.Launches.Note(l); err != nil {
		return nil, fmt.Errorf("note process %d: %w", l.PID, err)
	}
	rec := &launched{launch: l, done: make(chan struct{})}
	rec.timer = time.AfterFunc(launchedAfter, func() {
		defer close(rec.done)
		_, err := r.cfg.Ledger.Decide(ctx, func(tx *ledger.Tx) error {
			_, err := tx.Emit(run.StepLaunched, l.Run, l.Step, engine(), run.Body(l.body()))
			return err
		})
		if err != nil {
			stop(fmt.Errorf("record process %d: %w", l.PID, err))
		}
	})
	return rec, nil
}

// rest is what is still to be told of the process once the command is over; nil = nothing.
func (rec *launched) rest() *run.Launched {
	if rec == nil {
		return nil
	}
	if !rec.timer.Stop() {
		<-rec.done
		return nil
	}
	b := rec.launch.body()
	return &b
}

func (l Launch) body() run.Launched {
	return run.Launched{Attempt: l.Attempt, PID: l.PID, StartedAt: l.StartedAt}
}

// tellNoted puts the processes into the journal that an earlier process of ours began, and died before it could.
func (d *decision) tellNoted(noted []Launch) error {
	for _, l := range noted {
		rn := d.Facts.Runs.Runs[l.Run]
		if rn == nil || rn.State.Final() || rn.Steps[l.Step] == nil {
			continue
		}
		b := l.body()
		if err := d.tell(rn, l.Step, &b); err != nil {
			return err
		}
	}
	return nil
}

// tell puts the process of a step in flight into the journal where it is not there yet.
func (d *decision) tell(rn *run.Run, step string, l *run.Launched) error {
	if st := rn.Steps[step]; l == nil || st.State != run.Running || st.Attempt != l.Attempt || st.PID != 0 {
		return nil
	}
	_, err := d.Emit(run.StepLaunched, rn.ID, step, engine(), run.Body(*l))
	return err
}
