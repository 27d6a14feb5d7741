package run

import (
	"fmt"
	"time"

	"skift/internal/journal"
)

// Part is what of a run is paused: one stream, one step, or with neither the whole run.
type Part struct{ Stream, Step string }

// MarshalText makes a part the key of a JSON object.
func (p Part) MarshalText() ([]byte, error) { return []byte(p.Stream + "/" + p.Step), nil }

// Pausing is the body of run.paused and run.resumed. It is about one stream, one step, or with neither the whole run.
type Pausing struct {
	Stream string `json:"stream,omitempty"`
	Step   string `json:"step,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Pause is why nothing new is started in a run or in a part of it. What is in flight goes on.
type Pause struct {
	Reason string
	Seq    int64
	At     time.Time
	Actor  journal.Actor
}

// Pauses reports whether a pause keeps a step of a stream from starting, or from being tried again.
func (r *Run) Pauses(stream, step string) bool {
	for _, part := range []Part{{}, {Stream: stream}, {Step: step}} {
		if _, ok := r.Paused[part]; ok {
			return true
		}
	}
	return false
}

func (r *Run) applyPause(e journal.Event) error {
	var b Pausing
	if err := decode(e, &b); err != nil {
		return err
	}
	part := Part{b.Stream, b.Step}
	_, paused := r.Paused[part]
	switch {
	case b.Stream != "" && b.Step != "":
		return fmt.Errorf("it is about a stream and a step")
	case b.Step != "" && r.Steps[b.Step] == nil:
		return fmt.Errorf("it has no step %q", b.Step)
	case e.Kind == RunPaused && paused:
		return fmt.Errorf("it is paused already")
	case e.Kind == RunResumed && !paused:
		return fmt.Errorf("it is not paused")
	case e.Kind == RunResumed:
		delete(r.Paused, part)
		return nil
	case r.Paused == nil:
		r.Paused = map[Part]Pause{}
	}
	r.Paused[part] = Pause{b.Reason, e.Seq, e.At, e.Actor}
	return nil
}
