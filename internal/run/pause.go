package run

import (
	"fmt"
	"time"

	"skift/internal/journal"
)

// Pausing is the body of run.paused and run.resumed.
type Pausing struct {
	Stream string `json:"stream,omitempty"` // "" = the whole run
	Reason string `json:"reason,omitempty"`
}

// Pause is why nothing new is started in a run, or in one stream of it. What is in flight goes on.
type Pause struct {
	Reason string
	Seq    int64
	At     time.Time
	Actor  journal.Actor
}

// Pauses reports whether a pause keeps steps of a stream from starting.
func (r *Run) Pauses(stream string) bool {
	if _, ok := r.Paused[""]; ok {
		return true
	}
	_, ok := r.Paused[stream]
	return ok
}

func (r *Run) applyPause(e journal.Event) error {
	var b Pausing
	if err := decode(e, &b); err != nil {
		return err
	}
	_, paused := r.Paused[b.Stream]
	switch {
	case e.Kind == RunPaused && paused:
		return fmt.Errorf("it is paused already")
	case e.Kind == RunResumed && !paused:
		return fmt.Errorf("it is not paused")
	case e.Kind == RunResumed:
		delete(r.Paused, b.Stream)
		return nil
	case r.Paused == nil:
		r.Paused = map[string]Pause{}
	}
	r.Paused[b.Stream] = Pause{b.Reason, e.Seq, e.At, e.Actor}
	return nil
}
