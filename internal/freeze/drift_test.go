package freeze_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/checks"
	"skift/internal/freeze"
	"skift/internal/journal"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/timeline"
)

// observed is what a unit of the old gateway showed over days of August and September 2019: a fact each.
func observed(t *testing.T, p *plan.Plan) func(from, until string, facts map[string]string) register.Interval {
	t.Helper()
	var u checks.Unit
	for _, id := range p.CheckIDs {
		if spec := p.Checks[id]; spec.Kind == checks.TLS && spec.Service == "gateway" {
			u = checks.Unit{Check: id, Side: checks.Old, Addr: p.Services["gateway"].In[p.Production()][checks.Old].Addrs[0], Vantage: "local"}
		}
	}
	if u.Check == "" {
		t.Fatal("the shipped plan asks the gateway's certificate no more")
	}
	day := func(text string) time.Time {
		at, err := time.Parse("2006-01-02", text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	return func(from, until string, facts map[string]string) register.Interval {
		return register.Interval{Result: checks.Result{Unit: u, Facts: facts}, Since: day(from), Until: day(until)}
	}
}

// history is what was answered over some weeks, and the events that were kept of it.
type history struct {
	t     *testing.T
	p     *plan.Plan
	facts register.Facts
	kinds []string
	seen  []register.Interval
}

// answered takes an answer as a sweep brings it.
func (h *history) answered(i register.Interval) {
	h.t.Helper()
	r := i.Result
	r.StartedAt = i.Since
	h.seen = append(h.seen, i)
	for _, e := range freeze.Observed(h.p, &h.facts, []checks.Result{r}, i.Since) {
		h.keep(e, i.Since)
	}
}

func (h *history) keep(e freeze.Entry, at time.Time) {
	h.t.Helper()
	h.kinds = append(h.kinds, e.Kind)
	h.apply(e.Kind, e.Zone, at, e.Body)
}

func (h *history) apply(kind, zone string, at time.Time, body any) {
	h.t.Helper()
	seq := int64(100 + len(h.kinds))
	if err := h.facts.Apply(journal.Event{Plan: h.p.ID, Seq: seq, At: at, Kind: kind, Subject: zone, Body: register.Body(body)}); err != nil {
		h.t.Fatal(err)
	}
}

// say answers a question.
func (h *history) say(d freeze.Drift, word register.DriftWord) {
	h.t.Helper()
	h.apply(register.DriftAnswered, d.Zone, d.Since, register.DriftAnswer{ID: d.ID, Word: word})
}

func (h *history) drifts(at time.Time) []freeze.Drift {
	return freeze.Drifts(h.p, &h.facts, h.seen, at)
}

// lived is what was kept of answers, in order.
func lived(t *testing.T, answers ...register.Interval) *history {
	t.Helper()
	p := shipped(t)
	p.Milestones["frozen-zone-1"].Services = []string{"sftp"} // one zone is enough here
	h := &history{t: t, p: p}
	for _, i := range answers {
		h.answered(i)
	}
	return h
}

func cert(leaf string) map[string]string {
	return map[string]string{"leaf_sha256": leaf, "version": "TLS 1.3", "egress": leaf + "!"}
}

func TestDrifts(t *testing.T) {
	t.Parallel()
	see := observed(t, shipped(t))
	now := time.Date(2019, 9, 20, 0, 0, 0, 0, time.UTC)
	found := see("2019-07-20", "2019-08-30", cert("a"))
	blind := see("2019-08-30", "2019-09-01", nil)
	renewed := see("2019-09-01", "2019-09-05", cert("b"))
	h := lived(t, found, blind, see("2019-09-02", "2019-09-05", map[string]string{"leaf_sha256": "a", "egress": "elsewhere"}))
	if got := h.drifts(now); len(got) != 0 || !slices.Equal(h.kinds, []string{register.ZoneBaseline}) {
		t.Errorf("nothing that lasts has changed: %+v, %v", got, h.kinds)
	}
	h = lived(t, found, blind, renewed, renewed)
	got := h.drifts(now)
	if len(got) != 1 || !got[0].Open() || got[0].Back || got[0].Zone != "frozen-zone-2" || got[0].Owner != "sse" || got[0].Seat == "" {
		t.Fatalf("a renewed certificate: %+v", got)
	}
	if !slices.Equal(h.kinds, []string{register.ZoneBaseline, register.DriftAsked}) {
		t.Errorf("asked more than once: %v", h.kinds)
	}
	d := got[0]
	if diff := cmp.Diff([]map[string]string{{"leaf_sha256": "a"}, {"leaf_sha256": "b"}}, []map[string]string{d.Before, d.After}); diff != "" {
		t.Error(diff)
	}
	if !d.Since.Equal(renewed.Since) || !d.By.After(d.Since) || !d.Overdue(now) || d.Overdue(d.By.Add(-1)) || !d.Baseline.Equal(found.Since) || !d.AskedAt.Equal(renewed.Since) {
		t.Errorf("dates: %+v", d)
	}
	after := time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC)
	h.facts.Milestones = map[string]*register.MilestoneFacts{"hypercare": {PassedAt: now}, "operational-trial": {PassedAt: now}}
	if got := h.drifts(after); len(got) != 1 || !got[0].Overdue(after) {
		t.Errorf("the zone is over, and the question is forgotten: %+v", got)
	}
	h.say(d, register.Breach)
	if got := h.drifts(after); len(got) != 0 {
		t.Errorf("the zone is over and it was answered: %+v", got)
	}
}

// A difference is asked about once, a further one is another question, and what comes back answers nothing.
func TestDriftIsAskedOnce(t *testing.T) {
	t.Parallel()
	see := observed(t, shipped(t))
	now := time.Date(2019, 9, 20, 0, 0, 0, 0, time.UTC)
	found, renewed := see("2019-07-20", "2019-08-30", cert("a")), see("2019-09-01", "2019-09-05", cert("b"))
	back, again := see("2019-09-05", "2019-09-06", cert("a")), see("2019-09-06", "2019-09-10", cert("b"))
	further := see("2019-09-10", "2019-09-19", cert("c"))
	if got := lived(t, found, renewed, back).drifts(now); len(got) != 1 || !got[0].Back || !got[0].Open() {
		t.Errorf("back again, which answers nothing: %+v", got)
	}
	if got := lived(t, found, renewed, back, see("2019-09-07", "2019-09-08", nil)).drifts(now); len(got) != 1 || !got[0].Back {
		t.Errorf("what could not be observed since takes nothing back: %+v", got)
	}
	if got := lived(t, found, renewed, back, again).drifts(now); len(got) != 1 || got[0].Back {
		t.Errorf("the same difference is asked once: %+v", got)
	}
	h := lived(t, found, renewed, further)
	got := h.drifts(now)
	if len(got) != 2 || got[0].ID == got[1].ID || got[1].Before["leaf_sha256"] != "a" {
		t.Fatalf("a further change is another question: %+v", got)
	}
	h.say(got[0], register.Expected)
	h.answered(further)
	if got := h.drifts(now); len(got) != 2 || !got[1].Open() {
		t.Errorf("what is asked is asked again because what it is compared with has moved: %+v", got)
	}
	for word, before := range map[register.DriftWord]string{register.Expected: "b", register.Breach: "a"} {
		h := lived(t, found, renewed)
		h.say(h.drifts(now)[0], word)
		h.answered(renewed)
		h.answered(further)
		if got := h.drifts(now); len(got) != 2 || got[0].Open() || !got[1].Open() || got[1].Before["leaf_sha256"] != before {
			t.Errorf("what was %s, then something else: %+v", word, got)
		}
	}
}

func TestDriftWithAnException(t *testing.T) {
	t.Parallel()
	see := observed(t, shipped(t))
	now := time.Date(2019, 12, 1, 0, 0, 0, 0, time.UTC)
	found, renewed := see("2019-07-20", "2019-08-30", cert("a")), see("2019-09-01", "2019-09-05", cert("b"))
	w := waived("frozen-zone-2", register.Waiver{Class: plan.Certificate, Service: "gateway"})
	w.Until = w.Until.AddDate(0, 1, 0)
	h := lived(t, found)
	h.facts.Waivers = []*register.WaiverFacts{w}
	h.answered(renewed)
	h.answered(see("2019-11-20", "2019-11-21", cert("b"))) // the exception is over by then
	if got := h.drifts(now); len(got) != 1 || got[0].Waiver != w.Seq || got[0].Open() || !got[0].By.IsZero() || h.kinds[1] != register.DriftExcepted {
		t.Errorf("with an exception nobody is asked: %+v, %v", got, h.kinds)
	}
	h = lived(t, found)
	w.Class = plan.IncidentA
	h.facts.Waivers = []*register.WaiverFacts{w}
	h.answered(renewed)
	if got := h.drifts(now); len(got) != 1 || !got[0].Open() {
		t.Errorf("an exception for something else: %+v", got)
	}
	other, elsewhere := found, renewed
	other.Unit.Addr, elsewhere.Unit.Addr = "198.51.100.250:443", "198.51.100.250:443"
	if got := lived(t, other, elsewhere).drifts(now); len(got) != 0 {
		t.Errorf("zones protect production: %+v", got)
	}
}

// A zone that comes into force again has another baseline: what was said to be expected of the one before says nothing of it, and the same difference
// found again is another question.
func TestDriftOfAZoneThatComesAgain(t *testing.T) {
	t.Parallel()
	see := observed(t, shipped(t))
	now := time.Date(2019, 11, 1, 0, 0, 0, 0, time.UTC)
	again := func() (*history, freeze.Drift) {
		h := lived(t, see("2019-07-20", "2019-08-30", cert("a")), see("2019-09-01", "2019-09-05", cert("b")))
		first := h.drifts(now)[0]
		h.say(first, register.Expected)
		h.facts.Milestones = map[string]*register.MilestoneFacts{"frozen-zone-2": {InForceAt: time.Date(2019, 10, 1, 0, 0, 0, 0, time.UTC)}}
		return h, first
	}
	open := func(h *history) (out []freeze.Drift) {
		for _, d := range h.drifts(now) {
			if d.Open() {
				out = append(out, d)
			}
		}
		return out
	}
	h, _ := again()
	h.answered(see("2019-10-02", "2019-10-03", cert("c")))
	h.answered(see("2019-10-03", "2019-10-04", cert("c")))
	if got := open(h); len(got) != 0 {
		t.Errorf("nothing has changed since it began: %+v", got)
	}
	h.answered(see("2019-10-04", "2019-10-05", cert("b")))
	if got := open(h); len(got) != 1 || got[0].Before["leaf_sha256"] != "c" || got[0].After["leaf_sha256"] != "b" {
		t.Errorf("changed to what was expected the time before: %+v", got)
	}
	h, first := again()
	h.answered(see("2019-10-02", "2019-10-03", cert("a")))
	for _, on := range []string{"2019-10-04", "2019-10-05"} {
		h.answered(see(on, "2019-10-06", cert("b")))
	}
	if got := open(h); len(got) != 1 || got[0].ID == first.ID || got[0].Before["leaf_sha256"] != "a" {
		t.Errorf("the same change again: %+v", got)
	}
}

// Where a name leads is frozen too; what a name server said only later in the zone is what it found.
func TestWhereANameLeadsIsFrozen(t *testing.T) {
	t.Parallel()
	see := observed(t, shipped(t))
	now := time.Date(2019, 9, 20, 0, 0, 0, 0, time.UTC)
	led := func(to string) map[string]string {
		out := cert("a")
		if to != "" {
			out[checks.FactLeadsTo+"192.0.2.53:53"] = to
		}
		return out
	}
	silent, found := see("2019-07-20", "2019-08-10", led("")), see("2019-08-10", "2019-08-20", led("198.51.100.10"))
	moved := see("2019-09-01", "2019-09-05", led("203.0.113.10"))
	if got := lived(t, silent, found, see("2019-08-20", "2019-08-25", led("")), see("2019-08-25", "2019-08-26", led("198.51.100.10"))).drifts(now); len(got) != 0 {
		t.Errorf("nothing has changed: %+v", got)
	}
	h := lived(t, silent, found, moved, moved)
	got := h.drifts(now)
	if len(got) != 1 || got[0].Before[checks.FactLeadsTo+"192.0.2.53:53"] != "198.51.100.10" || got[0].After[checks.FactLeadsTo+"192.0.2.53:53"] != "203.0.113.10" {
		t.Fatalf("%+v", got)
	}
	if !got[0].Baseline.Equal(found.Since) || !slices.Equal(h.kinds, []string{register.ZoneBaseline, register.ZoneBaseline, register.DriftAsked}) {
		t.Errorf("baseline of %s: %v", got[0].Baseline, h.kinds)
	}
	h = lived(t, silent, found, see("2019-09-01", "2019-09-05", cert("b")))
	if got := h.drifts(now); len(got) != 1 || !got[0].Baseline.Equal(silent.Since) {
		t.Errorf("the certificate is of when it was seen: %+v", got)
	}
}

// A baseline is what was stored before the zone began, else the first seen in it, and keeps the facts themselves.
func TestBaseline(t *testing.T) {
	t.Parallel()
	h := lived(t)
	see := observed(t, h.p)
	now := time.Date(2019, 9, 20, 0, 0, 0, 0, time.UTC)
	zones := freeze.Unbased(h.p, &h.facts, now)
	i := slices.IndexFunc(zones, func(z timeline.InForce) bool { return z.ID == "frozen-zone-2" })
	if i < 0 {
		t.Fatalf("%d zones", len(zones))
	}
	z := zones[i]
	found, renewed := see("2019-06-20", "2019-08-30", cert("a")), see("2019-09-01", "2019-09-05", cert("b"))
	b := freeze.Baseline(h.p, z, []register.Interval{see("2019-06-01", "2019-06-10", cert("old")), found, renewed})
	if b == nil || len(b.Units) != 1 || b.Facts[0]["leaf_sha256"] != "a" || b.Facts[0]["egress"] != "" || !b.Units[0].At.Equal(z.Since) || len(b.Digest) != 64 {
		t.Fatalf("%+v", b)
	}
	if b := freeze.Baseline(h.p, z, []register.Interval{see("2019-04-01", "2019-05-10", cert("old")), renewed}); b == nil || b.Facts[0]["leaf_sha256"] != "b" {
		t.Errorf("older than a month, it is no baseline: %+v", b)
	}
	if b := freeze.Baseline(h.p, z, []register.Interval{see("2019-06-20", "2019-08-30", nil)}); b != nil {
		t.Errorf("nothing was seen: %+v", b)
	}
	h.keep(freeze.Entry{Kind: register.ZoneBaseline, Zone: z.ID, Body: *b}, now)
	if zones := freeze.Unbased(h.p, &h.facts, now); slices.ContainsFunc(zones, func(z timeline.InForce) bool { return z.ID == "frozen-zone-2" }) {
		t.Error("a baseline is taken twice")
	}
	h.answered(renewed)
	if got := h.drifts(now); len(got) != 1 || got[0].Before["leaf_sha256"] != "a" || !got[0].Baseline.Equal(z.Since) {
		t.Errorf("%+v", got)
	}
}
