package config_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/timeline"
	"skift/runbooks"
)

// The runbooks in which every planning area has work that checks must agree to: before the weekend, in it, and after it.
var stretches = map[string]string{"before": "cutover-preparation", "in": "cutover-weekend", "after": "hypercare"}

// Every planning area has, before the weekend, in it and after it, a step that is done only when checks of this plan agree.
func TestEveryAreaIsVerified(t *testing.T) {
	t.Parallel()
	p := serviceplatformen(t)
	for when, id := range stretches {
		verified := map[string]bool{}
		for _, s := range p.Runbooks[id].Steps {
			if len(s.Verify) == 0 {
				continue
			}
			verified[s.Area] = true
			if len(p.MatchChecks(s.Verify)) == 0 {
				t.Errorf("%s/%s is verified by nothing", id, s.ID)
			}
		}
		for _, area := range p.Areas {
			if !verified[area] {
				t.Errorf("%s: no step of area %s %s the weekend has a verify", id, area, when)
			}
		}
	}
}

// What an area's steps are verified by is about that area: no two areas are asked the same, and the way back is the old side's alone.
func TestAreasAreVerifiedByTheirOwn(t *testing.T) {
	t.Parallel()
	p := serviceplatformen(t)
	asked := map[string]string{}
	for _, id := range stretches {
		for _, s := range p.Runbooks[id].Steps {
			if len(s.Verify) == 0 || s.ID == "open" {
				continue
			}
			names := slices.Sorted(slices.Values(p.MatchChecks(s.Verify)))
			key := s.VerifyOn + " " + cmp.Diff([]string(nil), names)
			if other, taken := asked[key]; taken && other != s.Area {
				t.Errorf("%s/%s of area %s asks what area %s asks", id, s.ID, s.Area, other)
			}
			asked[key] = s.Area
			if (s.Area == "contingency") != (s.VerifyOn == "old") {
				t.Errorf("%s/%s of area %s is verified on side %q", id, s.ID, s.Area, s.VerifyOn)
			}
		}
	}
}

// The weekend: five streams, four parties, three gates, and no step that nothing would come of.
func TestCutoverWeekendIsWhole(t *testing.T) {
	t.Parallel()
	p := serviceplatformen(t)
	streams, parties, gates := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, s := range p.Runbooks["cutover-weekend"].Steps {
		streams[s.Stream] = true
		if s.Owner != "" {
			parties[plan.SeatParty(s.Owner)] = true
		}
		if s.AfterGate != "" {
			gates[s.AfterGate] = true
		}
	}
	for what, want := range map[string]struct {
		have map[string]bool
		want []string
	}{
		"streams": {streams, []string{"connections", "control", "data", "platform", "users"}},
		"parties": {parties, []string{"data-sources", "ibm", "kombit", "sse"}},
		"gates":   {gates, []string{"cutover-go", "open-go", "switch-go"}},
	} {
		if d := cmp.Diff(want.want, slices.Sorted(maps.Keys(want.have))); d != "" {
			t.Errorf("%s (-want +got):\n%s", what, d)
		}
	}
	for _, id := range p.RunbookIDs {
		for _, s := range p.Runbooks[id].Steps {
			if s.Kind == runbooks.Command && (len(s.Argv) == 0 || s.Argv[0] == "true" || s.Argv[0] == ":") {
				t.Errorf("%s/%s does nothing", id, s.ID)
			}
			if s.Kind == runbooks.Manual && (s.Instruction.Da == "" || s.Instruction.En == "" || s.Takes <= 0) {
				t.Errorf("%s/%s does not say what is to be done, or how long it takes", id, s.ID)
			}
		}
	}
}

// Preparation begins ahead of the weekend, in production; hypercare begins with it and lets it pass before it asks anybody.
func TestAroundTheWeekend(t *testing.T) {
	t.Parallel()
	p := serviceplatformen(t)
	tl := timeline.At(p, &register.Facts{}, time.Date(2019, 5, 1, 0, 0, 0, 0, time.UTC))
	begins := map[string]time.Time{}
	for _, id := range p.MilestoneIDs {
		m := p.Milestones[id]
		for _, rb := range within(p, m.Runbook) {
			if !slices.Contains(slices.Collect(maps.Values(stretches)), rb.ID) || id == "acceptance-test" {
				continue
			}
			begins[rb.ID] = tl.Milestone(id).Start.At
			if m.Rehearsal || m.Environment != "" {
				t.Errorf("%s runs %s elsewhere than in production, or as a rehearsal", id, rb.ID)
			}
		}
	}
	if len(begins) != len(stretches) || !begins["cutover-preparation"].Before(begins["cutover-weekend"]) {
		t.Errorf("begins %v", begins)
	}
	first := p.Runbooks["hypercare"].Steps[0]
	if first.WaitBody.Until != "cutover.passed" {
		t.Errorf("hypercare begins with %+v", first)
	}
	for _, s := range p.Runbooks["hypercare"].Steps[1:] {
		if len(s.Needs) == 0 {
			t.Errorf("hypercare/%s does not wait for the weekend", s.ID)
		}
	}
}
