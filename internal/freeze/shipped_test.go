package freeze_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"skift/checks"
	"skift/config"
	"skift/internal/freeze"
	"skift/internal/journal"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/timeline"
)

func shipped(t *testing.T) *plan.Plan {
	t.Helper()
	files, ok := config.Plan("serviceplatformen")
	if !ok {
		t.Fatal("there is no such plan")
	}
	p, problems := plan.Load(files)
	if problems.Err() != nil {
		t.Fatal(problems.Err())
	}
	return p
}

// waived is an exception from a zone that two seats made on 1 August 2019, for a month.
func waived(zone string, w register.Waiver) *register.WaiverFacts {
	at := time.Date(2019, 8, 1, 8, 0, 0, 0, time.UTC)
	w.Until = at.AddDate(0, 1, 0)
	return &register.WaiverFacts{Waiver: w, Zone: zone, Seq: 7, At: at, ConfirmedAt: at.Add(time.Hour), ConfirmedBy: journal.Actor{Seat: "ibm/transition-manager"}}
}

// TestShippedTable is what the shipped plan's zones let through, day by day: class, platform, exceptions. A step or a release the plan lists is
// a transition of its own; one it does not list is none.
func TestShippedTable(t *testing.T) {
	t.Parallel()
	p := shipped(t)
	certificates := []*register.WaiverFacts{waived("frozen-zone-1", register.Waiver{Class: plan.Certificate, Service: "gateway"}), waived("frozen-zone-2", register.Waiver{Class: plan.Certificate, Service: "gateway"})}
	one := []*register.WaiverFacts{waived("frozen-zone-2", register.Waiver{Class: plan.Scope, Change: "CHG-1"})}
	rows := []struct {
		day     string
		side    checks.Side
		service string
		change  string
		waivers []*register.WaiverFacts
		note    string
	}{
		{"2019-05-31", "", "", "", nil, "the day before frozen zone 1"},
		{"2019-06-01", "", "", "", nil, "frozen zone 1 alone"},
		{"2019-07-01", "", "", "", nil, "both zones"},
		{"2019-07-01", "", "", "release-2019-7", nil, "the hand-over of release 2019-7"},
		{"2019-08-01", checks.Old, "", "", nil, "the old platform"},
		{"2019-08-01", checks.New, "", "", nil, "the new platform"},
		{"2019-08-15", "", "gateway", "", certificates, "with an exception for certificates of the gateway"},
		{"2019-08-15", "", "sftp", "", certificates, "with that exception, and another service"},
		{"2019-08-15", "", "", "", certificates, "with that exception, and no service named"},
		{"2019-07-31", "", "gateway", "", certificates, "before that exception"},
		{"2019-09-01", "", "gateway", "", certificates, "after that exception"},
		{"2019-08-15", "", "", "CHG-1", one, "with an exception from one of two zones for one change"},
		{"2019-08-15", "", "", "CHG-2", one, "with that exception, and another change"},
		{"2019-11-09", "", "gateway", "cutover-weekend/switch", nil, "a step of the weekend"},
		{"2019-11-09", "", "", "my-own/step", nil, "a step of nobody's runbook"},
	}
	var b strings.Builder
	b.WriteString("What the zones of the shipped plan let through: yes, or the zones that refuse (1, 2). ! is yes by an exception.\n")
	b.WriteString("A change of class transition is one of the plan's own only where the row names it.\n\n")
	fmt.Fprintf(&b, "%-11s", "day")
	for _, c := range plan.Classes() {
		fmt.Fprintf(&b, "%-12s", c)
	}
	b.WriteString("\n")
	for _, row := range rows {
		day, err := time.ParseInLocation("2006-01-02 15:04", row.day+" 12:00", p.Zone)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%-11s", row.day)
		for _, c := range plan.Classes() {
			q := freeze.Question{Class: c, Side: row.side, Service: row.service, Change: row.change, At: day, ListedTransition: p.ListsChange(row.change)}
			f := register.Facts{Waivers: row.waivers}
			fmt.Fprintf(&b, "%-12s", cell(freeze.At(p, &f, q)))
		}
		b.WriteString(row.note + "\n")
	}
	named(t, p, &b)
	golden(t, "testdata/shipped.txt", b.String())
}

// named writes the questions that everybody asks, with who may make an exception, and every change of the weekend.
func named(t *testing.T, p *plan.Plan, b *strings.Builder) {
	t.Helper()
	b.WriteString("\nThe questions that are asked by name, on both platforms at noon:\n\n")
	ask := func(day string, class plan.Class, change, what string) {
		at, err := time.ParseInLocation("2006-01-02 15:04", day, p.Zone)
		if err != nil {
			t.Fatal(err)
		}
		a := freeze.At(p, &register.Facts{}, freeze.Question{Class: class, Change: change, At: at, ListedTransition: p.ListsChange(change)})
		says := "yes"
		if !a.Allowed {
			says = "no: " + cell(a) + ", exceptions by " + strings.Join(a.MayWaive(), ", ")
		}
		fmt.Fprintf(b, "%s  %-12s %-62s %s\n", day, class, what, says)
	}
	ask("2019-08-01 12:00", plan.IncidentA, "", "an A-incident is mended")
	ask("2019-08-01 12:00", plan.Scope, "", "something new is built")
	ask("2019-07-01 12:00", plan.Transition, "release-2019-7", "release 2019-7 is handed over")
	ask("2019-09-01 12:00", plan.Certificate, "", "a certificate is renewed")
	ask("2019-09-01 12:00", plan.Emergency, "", "something is called an emergency")
	b.WriteString("\nEvery change of the cut-over weekend and of its back-out, in the first night:\n\n")
	for _, book := range []string{"cutover-weekend", "back-out"} {
		for _, s := range p.Runbooks[book].Steps {
			if s.Changes() {
				ask("2019-11-09 02:14", plan.Class(s.Change), book+"/"+s.ID, book+"/"+s.ID)
			}
		}
	}
}

func cell(a freeze.Answer) string {
	if a.Allowed {
		return "yes" + strings.Repeat("!", min(1, len(a.Waived)))
	}
	var by []string
	for _, r := range a.Refusals {
		by = append(by, strings.TrimPrefix(r.Zone.ID, "frozen-zone-"))
	}
	return strings.Join(by, "+")
}

// TestEveryStepOfThePlanIsAllowed: the zones stand in the way of none of the plan's own work, on the first and on the last day of what starts it.
// The golden file lists every step in production that changes something.
func TestEveryStepOfThePlanIsAllowed(t *testing.T) {
	t.Parallel()
	p := shipped(t)
	tl := timeline.At(p, &register.Facts{}, time.Date(2019, 5, 1, 0, 0, 0, 0, time.UTC))
	var b strings.Builder
	b.WriteString("What the shipped plan changes in production by itself, and what the zones say on the first and the last day.\n\n")
	var row func(m *timeline.Milestone, book string)
	row = func(m *timeline.Milestone, book string) {
		for _, s := range p.Runbooks[book].Steps {
			if s.Runbook != "" {
				row(m, s.Runbook)
			}
			if s.Change == "" {
				continue
			}
			ref := book + "/" + s.ID
			fmt.Fprintf(&b, "%-18s%-32s%-12s", m.ID, ref, s.Change)
			for _, at := range []time.Time{m.Start.At.Add(2 * time.Hour), m.End.Latest.Add(-time.Hour)} {
				a := freeze.At(p, &register.Facts{}, freeze.Question{Class: plan.Class(s.Change), Party: plan.SeatParty(s.Owner), Change: ref, At: at, ListedTransition: p.ListsChange(ref)})
				if !a.Allowed {
					t.Errorf("%s of %s on %s: %+v", ref, m.ID, at.In(p.Zone), a.Refusals)
				}
				fmt.Fprintf(&b, "%s %-5s", at.In(p.Zone).Format(time.DateOnly), cell(a))
			}
			b.WriteString("\n")
		}
	}
	for _, m := range tl.Milestones {
		if m.Runbook != "" && m.Environment == "" && m.Kind != plan.Zone {
			row(m, m.Runbook)
		}
	}
	golden(t, "testdata/steps.txt", b.String())
}

// TestWaivers: an exception lets through what it is for, while it holds, and nothing else.
func TestWaivers(t *testing.T) {
	t.Parallel()
	z := zone("z", 6, nil, plan.IncidentA)
	at := time.Date(2019, 8, 15, 0, 0, 0, 0, time.UTC)
	ask := freeze.Question{Class: plan.Fix, Side: checks.New, Service: "gateway", Party: "ibm", Change: "CHG-1", At: at}
	fix := register.Waiver{Class: plan.Fix}
	judge := func(z timeline.InForce, w *register.WaiverFacts, change func(*freeze.Question)) freeze.Answer {
		q := ask
		if change != nil {
			change(&q)
		}
		return freeze.Judge([]timeline.InForce{z}, []*register.WaiverFacts{w}, q)
	}
	for name, c := range map[string]struct {
		waiver  *register.WaiverFacts
		change  func(*freeze.Question)
		allowed bool
	}{
		"for all of the class":           {waived("z", fix), nil, true},
		"for a wider class":              {waived("z", register.Waiver{Class: plan.Scope}), nil, true},
		"for a narrower class":           {waived("z", register.Waiver{Class: plan.IncidentB}), nil, false},
		"for another zone":               {waived("y", fix), nil, false},
		"for this platform":              {waived("z", register.Waiver{Class: plan.Fix, Side: checks.New}), nil, true},
		"for the other platform":         {waived("z", register.Waiver{Class: plan.Fix, Side: checks.Old}), nil, false},
		"for a platform, none named":     {waived("z", register.Waiver{Class: plan.Fix, Side: checks.New}), func(q *freeze.Question) { q.Side = "" }, false},
		"for this service":               {waived("z", register.Waiver{Class: plan.Fix, Service: "gateway"}), nil, true},
		"for another service":            {waived("z", register.Waiver{Class: plan.Fix, Service: "sftp"}), nil, false},
		"for another party":              {waived("z", register.Waiver{Class: plan.Fix, Party: "sse"}), nil, false},
		"for this change":                {waived("z", register.Waiver{Class: plan.Fix, Change: "CHG-1"}), nil, true},
		"for another change":             {waived("z", register.Waiver{Class: plan.Fix, Change: "CHG-2"}), nil, false},
		"before it was confirmed":        {waived("z", fix), func(q *freeze.Question) { q.At = time.Date(2019, 8, 1, 8, 59, 0, 0, time.UTC) }, false},
		"when it lapses":                 {waived("z", fix), func(q *freeze.Question) { q.At = time.Date(2019, 9, 1, 8, 0, 0, 0, time.UTC) }, false},
		"for a transition nobody listed": {waived("z", register.Waiver{Class: plan.Transition}), func(q *freeze.Question) { q.Class = plan.Transition }, true},
	} {
		a := judge(z, c.waiver, c.change)
		if a.Allowed != c.allowed || a.Allowed != (len(a.Waived) == 1) || a.Allowed == (len(a.Refusals) == 1) {
			t.Errorf("%s: %+v", name, a)
		}
	}
	unconfirmed := waived("z", fix)
	unconfirmed.ConfirmedAt = time.Time{}
	if a := judge(z, unconfirmed, nil); a.Allowed {
		t.Error("one seat is enough")
	}
	if a := judge(z, waived("z", register.Waiver{Class: "urgent"}), func(q *freeze.Question) { q.Class = "urgent" }); a.Allowed {
		t.Error("a class there is not was let through")
	}
	hard := *z.Milestone
	hard.Hard = true
	z.Milestone = &hard
	if a := judge(z, waived("z", fix), nil); a.Allowed || a.MayWaive() != nil {
		t.Errorf("an exception from a hard zone: %+v", a)
	}
}

// TestScopes: a zone of some services or parties has no say about others; a question that names none is about any.
func TestScopes(t *testing.T) {
	t.Parallel()
	z := zone("z", 6, nil)
	scoped := *z.Milestone
	scoped.Services, scoped.Parties = []string{"gateway"}, []string{"ibm", "sse"}
	z.Milestone = &scoped
	for _, c := range []struct {
		service, party string
		refused        bool
	}{{"", "", true}, {"gateway", "", true}, {"sftp", "", false}, {"gateway", "ibm", true}, {"gateway", "kombit", false}, {"", "sse", true}, {"sftp", "sse", false}} {
		if a := freeze.Judge([]timeline.InForce{z}, nil, freeze.Question{Class: plan.Fix, Service: c.service, Party: c.party}); a.Allowed == c.refused {
			t.Errorf("%q by %q: %+v", c.service, c.party, a)
		}
	}
	p := shipped(t)
	p.Milestones["frozen-zone-2"].Parties = []string{"municipalities"}
	day := time.Date(2019, 8, 1, 0, 0, 0, 0, time.UTC)
	for party, refused := range map[string]bool{p.Parties["municipalities"].Members[0].ID: true, "municipalities": true, "sse": false} {
		if a := freeze.At(p, &register.Facts{}, freeze.Question{Class: plan.Fix, Party: party, At: day}); a.Allowed == refused {
			t.Errorf("a zone of the municipalities, and %s: %+v", party, a)
		}
	}
}
