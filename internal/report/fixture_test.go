package report_test

import (
	"testing"
	"time"

	"skift/checks"
	"skift/internal/gate"
	"skift/internal/journal"
	"skift/internal/matrix"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/snapshot"
	"skift/internal/timeline"
	"skift/internal/yamldoc"
)

// now is a Monday morning in the week after the weekend.
var now = time.Date(2019, 11, 11, 7, 0, 0, 0, time.UTC)

func copenhagen(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func both(da, en string) yamldoc.Text { return yamldoc.Text{Da: da, En: en} }

func exact(at time.Time) snapshot.Date {
	return snapshot.Date{At: at, Earliest: at, Latest: at, Certainty: timeline.Exact}
}

// day is a bare local date: as a beginning its first instant, as an end the first after it.
func day(year int, month time.Month, d int) snapshot.Date {
	at := time.Date(year, month, d, 0, 0, 0, 0, time.UTC).Add(-time.Hour)
	return snapshot.Date{At: at, Earliest: at, Latest: at, Certainty: timeline.Day}
}

var unset = snapshot.Date{Certainty: timeline.Unknown, Text: "unset"}

// rich is a transition with something of everything.
func rich(t testing.TB) snapshot.Snapshot {
	t.Helper()
	s := snapshot.Snapshot{
		Plan: snapshot.Plan{ID: "serviceplatformen", Title: both("Transition af Serviceplatformen fra SSE til IBM", "Transition of Serviceplatformen from SSE to IBM"),
			Hash: "9f2c41d7a0b35e6c88d1f0e4b7a2c3d5e6f708192a3b4c5d6e7f8091a2b3c4d5", Timezone: "Europe/Copenhagen", Language: "da",
			Contact: "kombit/chair", Zone: copenhagen(t)},
		At: now, Head: journal.Head{Plan: "serviceplatformen", Size: 4711, Root: journal.Hash{9, 8, 7}}.String(), Events: 4711,
		Titles: map[string]yamldoc.Text{
			"seat/kombit/chair": both("Styregruppens formand", "Chair of the steering group"), "seat/ibm/operator": both("IBM's vagt", "IBM's operator"),
			"gate/cutover-go": both("Skal vi starte omlægningen?", "Start the cut-over?"), "gate/hypercare-exit": both("Er Hypercare slut?", "Is hypercare over?"),
			"milestone/cutover": both("Cut over weekend", "Cut-over weekend"), "milestone/hypercare": both("Hypercare", "Hypercare"),
			"milestone/operational-trial": both("Driftsprøve", "Operational trial"), "milestone/frozen-zone-1": both("Frozen zone 1", "Frozen zone 1"),
			"milestone/first-release": both("Første release fra IBM", "First release from IBM"), "milestone/training": both("Uddannelse", "Training"),
			"runbook/cutover-weekend": both("Skifteweekend", "Cut-over weekend"), "service/gateway": both("SP Gateway", "SP Gateway"),
			"party/sse": both("Systematic", "Systematic"), "party/ibm": both("IBM", "IBM"),
		},
		Outbox: snapshot.Outbox{Sent: 12, Failed: 1},
		Told:   map[string]register.Told{"steering": {Light: register.Green, At: now.Add(-7 * 24 * time.Hour)}},
	}
	addDates(&s)
	addChecks(&s)
	addDecisions(&s)
	addIncidents(&s)
	addDrifts(&s)
	addRuns(&s)
	addStatus(&s)
	return s
}

func addDates(s *snapshot.Snapshot) {
	start, end := time.Date(2019, 11, 8, 23, 0, 0, 0, time.UTC), time.Date(2019, 11, 10, 17, 0, 0, 0, time.UTC)
	trialEnd := snapshot.Date{At: time.Date(2020, 2, 10, 23, 0, 0, 0, time.UTC), Earliest: time.Date(2020, 1, 31, 23, 0, 0, 0, time.UTC),
		Latest: time.Date(2020, 2, 10, 23, 0, 0, 0, time.UTC), Certainty: timeline.About}
	assumed := day(2019, 12, 6)
	assumed.Assumed = true
	passed := snapshot.Date{At: trialEnd.At, Certainty: timeline.Event, Text: "operational-trial.passed"}
	add := func(m snapshot.Milestone) {
		m.WasStart, m.WasEnd, m.LastWeek = m.Start, m.End, m.End
		s.Milestones = append(s.Milestones, m)
	}
	add(snapshot.Milestone{ID: "frozen-zone-1", Kind: "zone", State: timeline.Active, Start: day(2019, 6, 1), End: passed})
	add(snapshot.Milestone{ID: "internal-test", Kind: "phase", State: timeline.Missed,
		Start: snapshot.Date{At: time.Date(2019, 6, 30, 22, 0, 0, 0, time.UTC), Earliest: time.Date(2019, 6, 30, 22, 0, 0, 0, time.UTC), Latest: time.Date(2019, 7, 31, 22, 0, 0, 0, time.UTC), Certainty: timeline.Month},
		End:   snapshot.Date{At: time.Date(2019, 7, 31, 22, 0, 0, 0, time.UTC), Earliest: time.Date(2019, 6, 30, 22, 0, 0, 0, time.UTC), Latest: time.Date(2019, 7, 31, 22, 0, 0, 0, time.UTC), Certainty: timeline.Month}})
	add(snapshot.Milestone{ID: "training", Kind: "phase", State: timeline.Late, Start: day(2019, 10, 1), End: day(2019, 11, 1), SlipDays: 10, SlipLastWeek: 3, Exit: "trained"})
	add(snapshot.Milestone{ID: "cutover", Kind: "window", State: timeline.Passed, Start: exact(start), End: exact(end), PassedAt: end.Add(-2 * time.Hour), Runbook: "cutover-weekend"})
	add(snapshot.Milestone{ID: "hypercare", Kind: "phase", State: timeline.Active, Start: exact(start), End: day(2019, 12, 6), Exit: "hypercare-exit"})
	add(snapshot.Milestone{ID: "operational-trial", Kind: "phase", State: timeline.Upcoming, Start: assumed, End: trialEnd})
	add(snapshot.Milestone{ID: "first-release", Kind: "release", State: timeline.Unset, Start: unset, End: unset})
	s.Zones = []snapshot.Zone{
		{ID: "frozen-zone-1", InForce: true, From: day(2019, 6, 1), Until: passed, Sides: []string{"old", "new"}, Allow: []string{"fix", "transition"}, MayLift: []string{"kombit/chair", "ibm/operator"}},
		{ID: "christmas", InForce: false, From: day(2019, 11, 20), Until: day(2020, 1, 3), Sides: []string{"new"}, MayLift: []string{"kombit/chair"}},
	}
	s.Next = []snapshot.Happening{
		{Milestone: "hypercare", Edge: timeline.Finish, When: day(2019, 12, 6)},
		{Milestone: "christmas", Edge: timeline.Begin, When: day(2019, 11, 15)},
		{Milestone: "operational-trial", Edge: timeline.Begin, When: assumed},
	}
	s.Duty = []snapshot.Duty{{Seat: "kombit/chair"}, {Seat: "ibm/operator", Person: "p-17", Until: now.Add(8 * time.Hour)}}
}

func addChecks(s *snapshot.Snapshot) {
	pass := &snapshot.Side{Addr: "198.51.100.10:443", Want: checks.Allow, Outcome: checks.Pass, Verdict: checks.Pass, Code: checks.OK, At: now.Add(-4 * time.Minute), Asked: 1}
	fail := &snapshot.Side{Addr: "203.0.113.10:443", Want: checks.Allow, Outcome: checks.Fail, Verdict: checks.Fail, Code: checks.FilteredDrop, At: now.Add(-4 * time.Minute), Asked: 2}
	none := &snapshot.Side{Addr: "203.0.113.10:443", Want: checks.Allow, Outcome: checks.Unverified, Verdict: checks.Unverified, Code: checks.Stale, Asked: 2}
	regression := checks.PairVerdict{Word: checks.WordRegression, Blocks: true, Level: checks.SeverityBad, Whose: checks.WhoseNew}
	unseen := checks.PairVerdict{Word: checks.WordNotObserved, Blocks: true, Level: checks.SeverityUnknown}
	fine := checks.PairVerdict{Word: checks.WordOK, Level: checks.SeverityOK}
	s.Checks = []snapshot.Environment{
		{ID: "exttest", Counts: map[string]int{"ok": 1}, Pairs: []snapshot.Pair{{Check: "gateway-cert", Service: "gateway", Verdict: fine, Old: pass, New: pass}}},
		{ID: "prod", Counts: map[string]int{"regression": 1, "not-observed": 1, "ok": 1}, Pairs: []snapshot.Pair{
			{Check: "gateway-allow", Service: "gateway", Critical: true, Flow: "municipality-102-gateway-1", Party: "municipality-102", Phase: checks.Fallback, Verdict: regression, Old: pass, New: fail,
				Why: matrix.Why{Sides: []matrix.SideWhy{{Side: checks.New, Verdict: checks.Fail, Code: checks.FilteredDrop, Owner: "ibm"}}}},
			{Check: "files", Service: "sftp", Phase: checks.Fallback, Verdict: unseen, New: none, Why: matrix.Why{Sides: []matrix.SideWhy{{Side: checks.New, Verdict: checks.Unverified, Code: checks.Stale}}}},
			{Check: "gateway-cert", Service: "gateway", Critical: true, Phase: checks.Fallback, Verdict: fine, Old: pass, New: pass}}},
	}
	s.Flows = []snapshot.Flow{
		{ID: "municipality-101-gateway-1", Party: "municipality-101", PartyName: "Kommune 101", UserSystem: "Sagssystem", Service: "gateway", Source: "192.0.2.10", Direction: "in", Phase: checks.Fallback,
			Old: checks.Pass, New: checks.Pass, Word: checks.WordOK, InformedAt: now.Add(-72 * time.Hour), Allowed: snapshot.Sides{Old: checks.Pass, New: checks.Pass}, Tested: snapshot.Sides{New: checks.Warn}},
		{ID: "municipality-102-gateway-1", Party: "municipality-102", PartyName: "Kommune 102", UserSystem: "Sagssystem", Service: "gateway", Source: "192.0.2.11", Direction: "in", Phase: checks.Fallback,
			Old: checks.Pass, New: checks.Fail, Word: checks.WordRegression, Owner: "ibm", Code: checks.FilteredDrop, Allowed: snapshot.Sides{Old: checks.Pass, New: checks.Fail}},
		{ID: "municipality-102-sftp-1", Party: "municipality-102", PartyName: "Kommune 102", Service: "sftp", Direction: "out", Phase: checks.Before},
	}
	s.Deviations = []snapshot.Deviation{
		{Deviation: register.Deviation{Check: "files", Seq: 900, Accepted: register.Accepted{Side: checks.New, Until: now.Add(48 * time.Hour), Reason: "Ny nøgle er bestilt"}, Actor: journal.Actor{Seat: "ibm/operator"}}, InForce: true},
		{Deviation: register.Deviation{Check: "gateway-allow", Seq: 901, Accepted: register.Accepted{Flow: "municipality-102-gateway-1", Until: now.Add(24 * time.Hour), Critical: true, Reason: "Adressen åbnes i aften"}, Actor: journal.Actor{Seat: "ibm/operator"}}},
	}
	s.Phases = []snapshot.Phase{{Environment: "prod", Service: "gateway", Phase: checks.Fallback}, {Environment: "prod", Service: "sftp", Phase: checks.Before}}
}

func addDecisions(s *snapshot.Snapshot) {
	at := time.Date(2019, 11, 8, 19, 12, 0, 0, time.UTC)
	criteria := []register.CriterionSeen{
		{ID: "readiness", Kind: "suite", State: gate.Met, Binding: true, Reason: "with-deviations", Critical: &register.Count{Passed: 196, Accepted: 1, Total: 197, Need: "all"},
			Others: &register.Count{Passed: 40, Total: 41, Need: "95%"}, AsOf: at.Add(-10 * time.Minute), Findings: []register.Finding{{Check: "files", Side: checks.New, Code: checks.Silent}}},
		{ID: "incidents-new", Kind: "incidents", State: gate.Unmet, Reason: "incidents", Binding: true, AsOf: at.Add(-9 * time.Hour), Open: []string{"INC-17"},
			Incidents: []register.ClassCount{{Class: plan.IncidentA, Count: 1}, {Class: plan.IncidentC, Count: 2, Most: 5}}},
		{ID: "green-days-hypercare", Kind: "green_days", State: gate.Unknown, Reason: "blind-day", Binding: true,
			Days: []register.DaySeen{{Day: "2019-11-07", Units: 4}, {Day: "2019-11-06", Units: 4, Blind: 1}}},
		{ID: "acceptance-test", Kind: "milestone", State: gate.Met, Binding: true, AsOf: at.Add(-200 * time.Hour)},
		{ID: "cutover-weekend", Kind: "rehearsal", State: gate.Met, Binding: true, AsOf: at.Add(-300 * time.Hour)},
		{ID: "staffed", Kind: "attested", State: gate.Met, Binding: true, AsOf: at.Add(-time.Hour)},
	}
	poll := []register.PollAnswer{
		{Seat: "kombit/cutover-manager", Person: "p-2", Answer: register.Ready, By: "p-2", Via: journal.ViaConsole},
		{Seat: "ibm/operator", Person: "p-17", Answer: register.Ready, Remark: "med to mand på vagt", By: "p-2", Via: journal.ViaPhone},
		{Seat: "sse/operator", Person: "p-9", Answer: register.NotReady, Remark: "manifestet mangler stadig", By: "p-2", Via: journal.ViaPhone},
	}
	went := register.Decision{Seq: 4001, At: at, Actor: journal.Actor{Seat: "kombit/chair", Person: "p-1"}, Decided: register.Decided{Round: 1, Decision: register.Go,
		Services: []string{"gateway"}, Criteria: criteria, Poll: poll, EnteredBy: map[string]int{"p-2": 3}, Deviations: []int64{900, 812},
		Reasons: []register.Reason{{Code: "voted", Subject: "kombit/chair", Remark: "vi tager sftp næste weekend"}, {Code: "not-ready", Subject: "sse/operator", Remark: "manifestet mangler stadig"}}}}
	practised := register.Decision{Seq: 3000, At: at.Add(-300 * time.Hour), Actor: journal.Actor{Seat: "kombit/chair"}, Decided: register.Decided{Round: 1, Decision: register.NoGo, Practised: true}}
	s.Decisions = []snapshot.Decision{{Gate: "cutover-go", Decision: went}, {Gate: "cutover-go", Run: "cutover-weekend-1", Decision: practised}}
	s.Gates = []snapshot.Gate{
		{Judgement: gate.Judgement{Gate: "cutover-go", State: gate.Went, Round: 1, Criteria: criteria, Poll: poll, Decision: &went}, Decides: "kombit/chair"},
		{Judgement: gate.Judgement{Gate: "hypercare-exit", State: gate.Open, Round: 1, DecideBy: now.Add(600 * time.Hour),
			Criteria: []register.CriterionSeen{{ID: "readiness", Kind: "suite", State: gate.Unknown, Reason: "stale"}},
			Poll:     []register.PollAnswer{{Seat: "ibm/operator"}}, Reasons: []register.Reason{{Code: "criterion-unknown", Subject: "readiness", Remark: "stale"}, {Code: "not-answered", Subject: "ibm/operator"}}}, Decides: "kombit/chair"},
	}
	s.Needed = []snapshot.Needed{
		{Kind: snapshot.NeedStep, Subject: "watch", Run: "cutover-weekend-2", Seat: "ibm/operator", Person: "p-17", By: now.Add(-30 * time.Minute)},
		{Kind: snapshot.NeedConfirm, Subject: "gateway-allow", Seat: "kombit/chair", By: now.Add(24 * time.Hour), Event: 901},
		{Kind: snapshot.NeedDecision, Subject: "hypercare-exit", Gate: "hypercare-exit", Seat: "kombit/chair", By: now.Add(600 * time.Hour)},
		{Kind: snapshot.NeedVote, Subject: "hypercare-exit", Gate: "hypercare-exit", Seat: "ibm/operator", Person: "p-17", By: now.Add(600 * time.Hour)},
		{Kind: snapshot.NeedAttest, Subject: "calm", Gate: "hypercare-exit", Seat: "ibm/operator"},
	}
}

func addIncidents(s *snapshot.Snapshot) {
	incident := func(id string, class plan.Class, side checks.Side, title string, ago time.Duration) register.IncidentFacts {
		return register.IncidentFacts{ID: id, Incident: register.Incident{Class: class, Platform: side, Service: "sftp", Title: title, OpenedAt: now.Add(-ago)}}
	}
	s.Incidents = snapshot.Incidents{
		Open:  []register.IncidentFacts{incident("INC-17", plan.IncidentA, checks.New, "ingen kvitteringer", 2*time.Hour), incident("INC-9", plan.IncidentC, checks.Old, "langsom log", 70*time.Hour)},
		Lists: []snapshot.IncidentList{{Platform: checks.Old, C: 1}, {Platform: checks.New, A: 1, AsOf: now.Add(-9 * time.Hour)}}}
}

func addDrifts(s *snapshot.Snapshot) {
	differs := func(id, check, owner, seat string, by time.Duration, before, after map[string]string) snapshot.Difference {
		return snapshot.Difference{ID: id, Zone: "frozen-zone-1", Event: 4400, Unit: checks.Unit{Check: check, Side: checks.Old, Addr: "198.51.100.10:443"}, Service: "gateway", Owner: owner, Seat: seat,
			Since: now.Add(-20 * time.Hour), AskedAt: now.Add(-20 * time.Hour), By: now.Add(by), Before: before, After: after}
	}
	breach := differs("7a8b9c0d", "gateway-cert", "sse", "sse/operator", -time.Hour, map[string]string{"suite": "TLS_AES_128_GCM_SHA256"}, map[string]string{"suite": "TLS_CHACHA20_POLY1305_SHA256"})
	breach.Answer = &register.DriftFacts{DriftAnswer: register.DriftAnswer{ID: breach.ID, Word: register.Breach, Reason: "nobody was asked"}}
	s.Drifts = []snapshot.Difference{
		differs("0a1b2c3d", "gateway-cert", "sse", "sse/operator", -2*time.Hour,
			map[string]string{"leaf_sha256": "3f4a1c", "not_after": "2020-01-31T23:00:00Z", "serial": "0x11", "spki_sha256": "aa01"},
			map[string]string{"leaf_sha256": "99e2b0", "not_after": "2022-01-31T23:00:00Z", "serial": "0x27", "spki_sha256": "bb02"}),
		differs("4e5f6a7b", "sftp-facts", "ibm", "", 4*time.Hour, map[string]string{"ssh_version": "SSH-2.0-OpenSSH_8.0"}, map[string]string{"ssh_version": "SSH-2.0-OpenSSH_9.2"}),
		breach,
	}
}

func addRuns(s *snapshot.Snapshot) {
	start := time.Date(2019, 11, 8, 23, 4, 0, 0, time.UTC)
	s.Runs = []snapshot.Run{
		{ID: "cutover-weekend-2", Runbook: "cutover-weekend", Environment: "prod", Production: true, State: run.RunRunning, StartedAt: start, Changed: true, NoReturn: true, Switches: true, BackOut: "back-out", Steps: []snapshot.Step{
			{ID: "stop-in", Name: both("Stop indtag på gammel", "Stop the intake on old"), State: run.Done, Owner: "sse/operator", FinishedAt: start.Add(22 * time.Minute), By: journal.Actor{Seat: "sse/operator"}},
			{ID: "switch", Name: both("Skift navneopslag", "Switch the name service"), State: run.Done, Owner: "ibm/operator", FinishedAt: start.Add(4 * time.Hour), Switches: []string{"gateway"},
				Contradiction: &run.Contradiction{Event: 4500, Since: start.Add(6*time.Hour + 30*time.Minute), Side: "new", Reason: "7 of 8 measurements on the new side are as they must be", Facts: map[string]string{
					"finding.01": "gateway-cert|new|srv_expired||gateway|||203.0.113.10:443|ibm", "finding.02": "gateway-allow|new|filtered_drop||gateway|municipality-102|flow-2|203.0.113.10:443|ibm"}}},
			{ID: "open", Name: both("Åbn for trafik", "Open for traffic"), State: run.Done, Owner: "ibm/operator", FinishedAt: start.Add(6 * time.Hour), NoReturn: true, By: journal.Actor{Seat: "ibm/operator"}},
			{ID: "watch", Name: both("Hold øje", "Keep watch"), State: run.WaitingForPerson, Owner: "ibm/operator", AskedAt: start.Add(7 * time.Hour)},
		}},
		{ID: "cutover-weekend-1", Runbook: "cutover-weekend", Environment: "exttest", Rehearsal: true, State: run.RunDone, StartedAt: start.Add(-300 * time.Hour), EndedAt: start.Add(-290 * time.Hour), Switches: true,
			Steps: []snapshot.Step{{ID: "stop-in", State: run.Done}, {ID: "switch", State: run.Skipped}}},
	}
}

func addStatus(s *snapshot.Snapshot) {
	manager := journal.Actor{Seat: "kombit/cutover-manager", Person: "p-2", EnteredBy: "p-2", Via: journal.ViaConsole}
	s.Status = snapshot.Status{Computed: register.Red,
		Reasons: []snapshot.Reason{
			{Code: snapshot.WhyPairs, Light: register.Red, Count: 1, Of: 3, Owner: "ibm"},
			{Code: snapshot.WhyIncidents, Light: register.Red, Subject: "incident-a", Side: "new", Count: 1, Owner: "ibm"},
			{Code: snapshot.WhyLate, Light: register.Yellow, Subject: "training", Days: 10, Owner: "kombit/cutover-manager", At: time.Date(2019, 10, 31, 23, 0, 0, 0, time.UTC)},
			{Code: snapshot.WhyNotObserved, Light: register.Yellow, Count: 1, Of: 3, Owner: "kombit/chair"},
			{Code: snapshot.WhyUnsent, Light: register.Yellow, Count: 1, Owner: "kombit/chair"},
			{Code: snapshot.WhyEmptySeat, Light: register.Yellow, Owner: "kombit/chair", At: now.Add(24 * time.Hour)},
			{Code: snapshot.WhySlip, Light: register.Yellow, Subject: "operational-trial", Days: 3, Owner: "kombit/cutover-manager"},
		},
		Set:  &register.Status{StatusBody: register.StatusBody{Light: register.Yellow, Because: "én kommune mangler, resten kører"}, Seq: 4600, At: now.Add(-time.Hour), Actor: manager},
		Note: &register.Status{StatusBody: register.StatusBody{Note: "Weekenden gik som planlagt."}, Seq: 4601, At: now.Add(-time.Hour), Actor: manager},
		Dimensions: []snapshot.Dimension{{ID: "schedule", Light: register.Yellow, LastWeek: register.Green}, {ID: "scope"}, {ID: "economy"},
			{ID: "risk", Light: register.Yellow}, {ID: "quality", Light: register.Red}, {ID: "resources", Light: register.Yellow}}}
}
