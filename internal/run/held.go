package run

// Holder is the step that holds a run now, and why. What held it first may have been settled while another step holds it still: then it is
// the first of those. A person's reason stands as long as they hold it.
func (r *Run) Holder() (step, reason string) {
	first := r.Steps[r.HeldStep]
	if r.State != RunHeld || first == nil || first.holds() || first.State == Waiting && first.Attempt == 0 { // not begun: its frozen zone holds it
		return r.HeldStep, r.Reason
	}
	for _, id := range r.Order {
		s := r.Steps[id]
		if !s.holds() {
			continue
		}
		switch {
		case r.HeldBy.Seat != "":
			return id, r.Reason
		case s.State == Failed:
			return id, id + " failed: " + s.Reason
		}
		return id, id + ": " + s.Reason
	}
	return r.HeldStep, r.Reason
}

// holds reports whether a step keeps its run held until somebody says what became of it.
func (s *Step) holds() bool {
	return s.State == Failed && !s.MayContinue || s.State == Uncertain
}
