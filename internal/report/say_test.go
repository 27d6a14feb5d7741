package report_test

import (
	"strings"
	"testing"
	"time"

	"skift/internal/gate"
	"skift/internal/register"
	"skift/internal/report"
	"skift/internal/run"
	"skift/internal/snapshot"
	"skift/internal/words"
)

// What a report says about a state, and what it must not say.
func TestWhatIsSaid(t *testing.T) {
	t.Parallel()
	undecided := func(s *snapshot.Snapshot) { s.Decisions, s.Gates = nil, s.Gates[1:] }
	for _, c := range []struct {
		name, kind string
		with       func(*snapshot.Snapshot)
		o          report.Options
		clause     string // the subject ends so
		says       []string
		not        []string
	}{
		{"nothing is wrong", "weekly", func(s *snapshot.Snapshot) {
			s.Status, s.Needed = snapshot.Status{Computed: register.Green}, nil
		}, report.Options{}, ": on track", []string{"● GREEN: on track", "Nothing speaks against the plan.", "No decisions are needed right now."}, []string{"first report", "RED"}},
		{"whom nobody asks", "weekly", func(s *snapshot.Snapshot) {
			s.Status = snapshot.Status{Computed: register.Yellow, Reasons: []snapshot.Reason{{Code: snapshot.WhyPaused, Light: register.Yellow, Subject: "ibm", At: now.Add(-time.Hour)}}}
		}, report.Options{}, "", []string{"Probing of IBM is paused since Mon 11 Nov 07:"}, []string{"{party}"}},
		{"a decision is what matters most", "weekly", func(s *snapshot.Snapshot) { s.Needed = s.Needed[2:] }, report.Options{},
			": Is hypercare over? is to be decided by Fri 6 Dec 08:00", nil, nil},
		{"both lights are printed", "weekly", nil, report.Options{}, "", []string{"Set to YELLOW by kombit/cutover-manager: én kommune", "Computed: RED"}, nil},
		{"the first report of an audience", "weekly", nil, report.Options{Audience: "new-audience"}, "", []string{"This is the first report.", "audience new-audience"}, []string{"Since last"}},
		{"what changed since the last one", "weekly", nil, report.Options{Audience: "steering"}, "", []string{"Since last time (Mon 4 Nov 08:00): worse. Then: GREEN."}, nil},
		{"what nobody states is not green", "weekly", nil, report.Options{}, "", []string{"Scope: not stated", "Economy: not stated"}, nil},
		{"a fuzzy, an assumed and an unset date", "weekly", nil, report.Options{}, "", []string{"July 2019", "6 December 2019 (assumed)", "no date yet", "when Operational trial has passed (about 10 February 2020)", "early February 2020"}, nil},
		{"the programme's own words", "weekly", nil, report.Options{Words: map[string]string{"owner": "who answers", "unheard-of": "x"}}, "", []string{"Who answers: IBM"}, nil},

		{"no flow of this party", "own-flows", nil, report.Options{Party: "municipality-999"}, ": no connections are registered", []string{"No connections are registered for you."}, []string{"192.0.2.11"}},
		{"its flows are ready", "own-flows", nil, report.Options{Party: "municipality-101"}, ": all connections are ready", []string{"All your connections are ready.", "Informed: ● Fri 8 Nov"}, []string{"192.0.2.11", "Keep watch"}},
		{"another party's needs are not its own", "own-flows", nil, report.Options{Party: "municipality-102"}, ": 2 connections are not ready", []string{"192.0.2.11", "Owner: IBM"}, []string{"Kommune 101", "192.0.2.10", "Keep watch", "hypercare over"}},

		{"under way is not done", "cutover-done", nil, report.Options{}, ": SP Gateway switched", []string{"▶ running", "until now", "3 of 4 steps"}, []string{"The cut-over is done"}},
		{"done is said when it is", "cutover-done", func(s *snapshot.Snapshot) {
			s.Runs[0].State, s.Runs[0].EndedAt = run.RunDone, now
		}, report.Options{}, ": SP Gateway switched", []string{"The cut-over is done", "● done: From Sat 9 November 2019 00:04 CET until Mon 11 November 2019 08:00 CET."}, nil},
		{"backed out", "cutover-done", func(s *snapshot.Snapshot) { s.Runs[0].State, s.Runs[0].EndedAt = run.RunBacked, now }, report.Options{},
			": Cut-over weekend: backed out", []string{"backed out"}, []string{"The cut-over is done"}},
		{"a simulated switch switched nothing", "cutover-done", func(s *snapshot.Snapshot) { s.Runs[0].Steps[1].Simulated = true }, report.Options{}, "Cut-over weekend: running", []string{"done: simulated"}, []string{"SP Gateway switched"}},
		{"a rehearsal is no cut-over", "cutover-done", func(s *snapshot.Snapshot) { s.Runs = s.Runs[1:] }, report.Options{}, ": nothing is switched yet", []string{"No cut-over has been carried out"}, []string{"The cut-over is done"}},
		{"the rehearsal that was asked for", "cutover-done", nil, report.Options{Run: "cutover-weekend-1"}, "Cut-over weekend: done", []string{"This is a rehearsal"}, []string{"The cut-over is done"}},

		{"go, with dissent and who typed it", "gate", nil, report.Options{}, "Start the cut-over?: Go", []string{"● Go", "sse/operator · Answer: ■ not ready", "3 of 3 answers entered by one person",
			"196 of 197 passed, 1 accepted", "manifestet mangler stadig", "lapsed: journal entry 812", "Ny nøgle er bestilt"}, []string{"Adressen åbnes i aften"}},
		{"several typed it", "gate", func(s *snapshot.Snapshot) { s.Decisions[0].EnteredBy = map[string]int{"p-1": 1, "p-2": 1, "p-9": 1} }, report.Options{}, "", nil, []string{"entered by one person"}},
		{"not decided yet", "gate", undecided, report.Options{}, "is to be decided by Fri 6 Dec 08:00", []string{"For decision", "◆ not decided", "otherwise no-go", "What stands in the way of a go", "ibm/operator) · Answer: ? no answer", "the observations are too old"}, []string{"● Go"}},
		{"too late", "gate", func(s *snapshot.Snapshot) { undecided(s); s.Gates[0].State = gate.Due }, report.Options{}, "", []string{"■ deadline passed, no-go"}, nil},
		{"asked again after a decision", "gate", func(s *snapshot.Snapshot) { s.Gates[0].Round, s.Gates = 2, s.Gates[:1]; s.Gates[0].Decision = nil }, report.Options{}, ": Start the cut-over?: not decided", nil, []string{"Go. Decided by"}},
		{"a no-go that nobody gave", "gate", func(s *snapshot.Snapshot) {
			s.Decisions[0].Decision.Decision, s.Decisions[0].Actor.Seat = register.NoGo, ""
		}, report.Options{}, ": No-go", []string{"passed without a decision"}, []string{"Decided by"}},
		{"an answer that does not count", "gate", func(s *snapshot.Snapshot) { s.Decisions[0].Poll[1].Void = "same-person" }, report.Options{}, "", []string{"Does not count: the same person answered"}, nil},
		{"no gate at all", "gate", func(s *snapshot.Snapshot) { s.Gates, s.Decisions = nil, nil }, report.Options{}, ": no gate is open", nil, nil},

		{"the zone in force", "zone", nil, report.Options{}, "", []string{"▲ in force now", "Allowed: fix and the transition itself", "Binds: both platforms", "Chair of the steering group (kombit/chair) · On shift: Nobody on shift", "On shift: p-17"}, []string{"christmas · Who"}},
		{"the zone that was asked for", "zone", nil, report.Options{Zone: "christmas"}, "christmas is in force until 2 January 2020", []string{"Binds: new platform", "the zone allows no change"}, []string{"fix and the transition"}},
		{"no zone", "zone", func(s *snapshot.Snapshot) { s.Zones = nil }, report.Options{}, ": no Frozen zone is in force", []string{"No Frozen zones"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := rich(t)
			if c.with != nil {
				c.with(&s)
			}
			c.o.Lang = words.En
			r := render(t, c.kind, s, c.o)
			text := strings.Join(strings.Fields(r.Text), " ")
			if !strings.HasSuffix(r.Subject, c.clause) {
				t.Errorf("the subject is %q, want the clause %q", r.Subject, c.clause)
			}
			for _, want := range c.says {
				if !strings.Contains(text, want) {
					t.Errorf("%q is not said in:\n%s", want, r.Text)
				}
			}
			for _, never := range c.not {
				if strings.Contains(text, never) {
					t.Errorf("%q is said in:\n%s", never, r.Text)
				}
			}
		})
	}
}

func TestSubject(t *testing.T) {
	t.Parallel()
	s := rich(t)
	s.At = time.Date(2019, 12, 30, 7, 0, 0, 0, time.UTC) // ISO week 1 of 2020
	s.Status = snapshot.Status{Computed: register.Red}
	s.Needed = nil
	if got, want := render(t, "weekly", s, report.Options{Lang: words.Da}).Subject, "[RØD] Skift serviceplatformen – uge 1: efter planen"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if r := render(t, "weekly", s, report.Options{Lang: "sv"}); !strings.HasPrefix(r.Subject, "[RED]") || !strings.Contains(r.HTML, `<html lang="en">`) {
		t.Errorf("another language is not read as English: %q", r.Subject)
	}
}
