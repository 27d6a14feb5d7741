package config_test

import (
	"slices"
	"testing"
	"time"

	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/timeline"
	"skift/runbooks"
)

// The work of each milestone that is more than a date: its runbook, where it runs ("" = production), the gate it ends with.
var work = map[string]struct{ runbook, environment, exit string }{
	"frozen-zone-1":     {"frozen-zone", "", ""},
	"frozen-zone-2":     {"frozen-zone", "", ""},
	"internal-test":     {"internal-test", "exttest", "internal-test-accepted"},
	"delivery-test":     {"delivery-test", "exttest", "delivery-accepted"},
	"acceptance-test":   {"acceptance-test", "exttest", "acceptance-passed"},
	"take-over":         {"takeover-day", "", "taken-over"},
	"hypercare":         {"hypercare", "", "hypercare-exit"},
	"cutover":           {"cutover-weekend", "", ""},
	"in-operation":      {"", "", "open-go"},
	"operational-trial": {"operational-trial", "", "operational-trial-passed"},
}

func TestEveryPhaseHasItsWork(t *testing.T) {
	t.Parallel()
	p := serviceplatformen(t)
	for id, want := range work {
		m := p.Milestones[id]
		if m.Runbook != want.runbook || m.Environment != want.environment || m.Exit != want.exit {
			t.Errorf("%s starts %q in %q and ends with %q, want %+v", id, m.Runbook, m.Environment, m.Exit, want)
		}
	}
	for _, id := range p.MilestoneIDs {
		if _, listed := work[id]; !listed && (p.Milestones[id].Runbook != "" || p.Milestones[id].Exit != "" || p.Milestones[id].Kind == plan.Phase) {
			t.Errorf("%s is not listed", id)
		}
	}
}

// A phase can pass before its last day, and its run never stands in its own way: the plan asks the gate, by its own date, before the phase is
// over; no step of the run waits for that gate or for the end of the phase, and the gate does not ask whether the phase has passed.
func TestPhasesDoNotBlockThemselves(t *testing.T) {
	t.Parallel()
	p := serviceplatformen(t)
	tl := timeline.At(p, &register.Facts{}, time.Date(2019, 5, 1, 0, 0, 0, 0, time.UTC))
	for id, w := range work {
		g := p.Gates[w.exit]
		if g == nil || w.runbook == "" {
			continue
		}
		opens, dated := tl.OpensAt(g.Opens)
		if end := tl.Milestone(id).End.Latest; !dated || !opens.Before(end) {
			t.Errorf("%s opens %s, and %s ends %s", g.ID, opens, id, end)
		}
		for _, c := range g.Criteria {
			if c.Milestone == id {
				t.Errorf("%s asks whether %s has passed", g.ID, id)
			}
		}
		for _, rb := range within(p, w.runbook) {
			for _, s := range rb.Steps {
				if s.AfterGate == g.ID || s.WaitBody.Until == id+".end" || s.WaitBody.Until == id+".passed" {
					t.Errorf("%s/%s waits for the end of %s, which started it", rb.ID, s.ID, id)
				}
			}
		}
	}
}

// Nothing but the weekend moves a service, and nothing at all closes the old platform by itself.
func TestOnlyTheWeekendSwitches(t *testing.T) {
	t.Parallel()
	p := serviceplatformen(t)
	for id, w := range work {
		for _, rb := range within(p, w.runbook) {
			for _, s := range rb.Steps {
				if len(s.Closes) > 0 || len(s.Switches) > 0 && rb.ID != "cutover-weekend" {
					t.Errorf("%s: %s/%s moves a service", id, rb.ID, s.ID)
				}
			}
		}
	}
}

// Outside production and beside the weekend, what a check does not agree to holds nobody up: a person goes on with a reason.
func TestTestsGoOnWithAReason(t *testing.T) {
	t.Parallel()
	p := serviceplatformen(t)
	for _, id := range []string{"internal-test", "delivery-test", "takeover-day", "operational-trial", "service-review"} {
		areas := map[string]bool{}
		for _, s := range p.Runbooks[id].Steps {
			areas[s.Area] = true
			if (len(s.Verify) > 0 || s.Kind == runbooks.Check) && s.OnFailure != runbooks.Continue {
				t.Errorf("%s/%s holds the run when a check does not agree", id, s.ID)
			}
			if s.Kind == runbooks.Manual && (s.Owner == "" || s.Title.Da == "" || s.Title.En == "") {
				t.Errorf("%s/%s has no owner or no title", id, s.ID)
			}
		}
		for _, area := range p.Areas {
			tests := id == "internal-test" || id == "delivery-test"
			if !areas[area] && id != "service-review" && (!tests || area != "hypercare" && area != "whitelisting") {
				t.Errorf("%s has no step of area %s", id, area)
			}
		}
	}
}

// within are the runbook and those inside it.
func within(p *plan.Plan, id string) (out []*runbooks.Runbook) {
	rb := p.Runbooks[id]
	if rb == nil {
		return nil
	}
	out = append(out, rb)
	for _, s := range rb.Steps {
		out = slices.Concat(out, within(p, s.Runbook))
	}
	return out
}
