package sweeper

import (
	"context"
	"errors"

	"skift/checks"
)

// errHeld ends the asking of a unit that is held.
var errHeld = errors.New("held")

// flight is one unit between the beginning of its sweep and its result.
type flight struct {
	ask    checks.Ask
	held   func(checks.Ask) (checks.Result, bool) // nil = never
	cancel context.CancelCauseFunc
}

// holds reports whether the unit is held now, with the result to record instead.
func (f *flight) holds() (checks.Result, bool) {
	if f.held == nil {
		return checks.Result{}, false
	}
	return f.held(f.ask)
}

// depart notes a unit as under way; what it returns strikes it off.
func (s *Sweeper) depart(f *flight) (arrive func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flights[f] = struct{}{}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.flights, f)
	}
}

// Hold asks of every unit under way whether it is held now: those that are are not asked any more, and their connections are closed.
// The others go on.
func (s *Sweeper) Hold() {
	s.mu.Lock()
	under := make([]*flight, 0, len(s.flights))
	for f := range s.flights {
		under = append(under, f)
	}
	s.mu.Unlock()
	for _, f := range under {
		if _, ok := f.holds(); ok {
			f.cancel(errHeld)
		}
	}
}
