package runner

import (
	"fmt"
	"slices"
	"strings"

	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
)

// mayAnswer says who may answer what, and whether the answer makes sense.
func (r *Runner) mayAnswer(g *plan.Gate, c Command) error {
	seat, a := c.As, register.Answer(c.Answer)
	if seat == "" {
		return refuse(Usage, fmt.Sprintf("add --as SEAT; asked are %s, and %s decides", strings.Join(g.Poll, ", "), g.Decides), "say which seat answers")
	}
	switch a {
	case register.Ready, register.NotReady:
		if !slices.Contains(g.Poll, seat) {
			return refuse(Forbidden, "asked are: "+strings.Join(g.Poll, ", "), "%q is not asked at %s", seat, g.ID)
		}
	case register.Go, register.NoGo, register.HoldVote:
		if seat != g.Decides {
			return refuse(Forbidden, "use --as "+g.Decides, "%s is decided by %s, not by %q", g.ID, g.Decides, seat)
		}
	default:
		return refuse(Usage, "", "a vote is ready, not-ready, go, no-go or hold, not %q", a)
	}
	if c.Until != nil && a != register.HoldVote {
		return refuse(Usage, "leave it out, or vote hold", "--until goes with hold only")
	}
	if len(c.Services) > 0 && a != register.Go {
		return refuse(Usage, "leave it out, or vote go", "--services goes with go only")
	}
	scope := r.scope(g)
	for _, s := range c.Services {
		if !slices.Contains(scope, s) {
			return refuse(NotFound, suggest("service", s, scope), "%s does not decide about a service %q", g.ID, s)
		}
	}
	return nil
}

// gateKey says whose gate is meant: with a run that is a rehearsal, the one practised there; else the plan's own.
func (d *decision) gateKey(g *plan.Gate, c Command) (register.GateKey, error) {
	key, err := keyOf(&d.Facts.Runs, g, c.Run)
	if rn := d.Facts.Runs.Runs[key.Run]; err == nil && rn != nil && rn.State.Final() {
		err = refuse(Conflict, "", "%s has ended (%s): nobody is asked in it any more", rn.ID, rn.State)
	}
	return key, err
}

func keyOf(runs *run.Facts, g *plan.Gate, runID string) (register.GateKey, error) {
	if runID == "" {
		return register.GateKey{Gate: g.ID}, nil
	}
	rn, err := findRun(runs, runID)
	if err != nil {
		return register.GateKey{}, err
	}
	for _, st := range rn.Steps {
		if st.AfterGate == g.ID {
			return register.GateKey{Gate: g.ID, Run: gateRun(rn)}, nil
		}
	}
	return register.GateKey{}, refuse(Usage, "without --run the plan's own gate is meant", "no step of %s stands behind %s", rn.ID, g.ID)
}
