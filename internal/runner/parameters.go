package runner

import (
	"fmt"
	"maps"
	"slices"

	"skift/internal/plan"
	"skift/internal/run"
	"skift/runbooks"
)

// sameParameters refuses to go on with a run as if it had been started with other values.
func sameParameters(rn *run.Run, set map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if was, is := rn.Started.Parameters[name]; !is || was != set[name] {
			return refuse(Conflict, "leave --set out to go on with it", "%s is unfinished and was not started with %s=%s", rn.ID, name, set[name])
		}
	}
	return nil
}

// inherit adds to the given values those of the run that is backed out: what was done is undone for the same.
func (d *decision) inherit(rb *runbooks.Runbook, undoes string, given map[string]string) map[string]string {
	undone := d.Facts.Runs.Runs[undoes]
	if undone == nil {
		return given
	}
	out := map[string]string{}
	for _, name := range rb.ParameterNames() {
		if value, is := undone.Started.Parameters[name]; is {
			out[name] = value
		}
	}
	maps.Copy(out, given)
	return out
}

// nestedParameters are the values with which a step starts the run inside it.
func nestedParameters(p *plan.Plan, rn *run.Run, s *runbooks.Step, rb *runbooks.Runbook) (map[string]string, error) {
	given, err := s.Given(rn.Started.Parameters)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", rb.ID, err)
	}
	return p.Parameters(rb, given)
}
