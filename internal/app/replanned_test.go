//go:build linux

package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/checks"
	"skift/internal/api"
	"skift/internal/app"
	"skift/internal/ledger"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/runner"
	"skift/internal/timeline"
)

var (
	replannedFrom = time.Date(2019, 11, 6, 6, 0, 0, 0, time.UTC)
	certificate   = time.Date(2020, 10, 31, 12, 0, 0, 0, time.UTC) // ends then
	renewed       = time.Date(2020, 11, 6, 12, 0, 0, 0, time.UTC)
)

// outlived: the gateway's certificate in production ends a week before the weekend of the year after, until it is renewed on the last day.
func outlived(at time.Time, ask checks.Ask) bool {
	if ask.Unit.Check != "gateway-cert" || !strings.HasPrefix(ask.Unit.Addr, "203.0.113.10:") || !at.Before(renewed) {
		return false
	}
	return at.After(certificate) || slices.ContainsFunc(ask.ValidAt, func(m checks.Moment) bool { return m.At.After(certificate) })
}

// copiedAt has what there is at an instant of the life to come copied, for another to go on from.
func (w *transition) copiedAt(at time.Time) *transition {
	left := &transition{plan: roomy(w.t), mails: map[string]int{}}
	w.story.deeds = append(slices.Clone(w.story.deeds), deed{at, func(t *testing.T, _ *app.App) {
		synctest.Wait() // nobody writes
		if err := copyLeft(w.plan, left.plan); err != nil {
			t.Error(err)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		left.data, left.lives = filepath.Join(left.plan, filepath.Base(w.data)), w.lives
		maps.Copy(left.mails, w.mails)
	}})
	return left
}

// replanned goes on from the week of the cut-over, a copy for each: the weekend is moved to 2020-11-07, or split in two before its first part or
// after it, and what comes of it is lived through.
func replanned(t *testing.T, from *transition) {
	for name, fn := range map[string]func(*testing.T, *transition){
		"moved by a year":                   movedByAYear,
		"split before the first":            splitBefore,
		"split after a partial go":          splitAfter,
		"the second weekend is backed out":  secondBackedOut,
		"split before the first, and moved": splitAndMoved,
	} {
		if name != "moved by a year" && name != "split after a partial go" && !atLength() {
			continue
		}
		t.Run(name, func(t *testing.T) {
			w := &transition{t: t, plan: roomy(t), mails: maps.Clone(from.mails), sent: map[string][]byte{}, lives: from.lives}
			if err := copyLeft(from.plan, w.plan); err != nil {
				t.Fatal(err)
			}
			w.data = filepath.Join(w.plan, filepath.Base(from.data))
			fn(t, w)
		})
	}
}

// atLength reports whether there is time for every story, and for each to the end of hypercare: `make soak` has it.
func atLength() bool { return os.Getenv("SKIFT_PLANS") != "" }

// onDuty has the roster go on for another year.
func onDuty(t *testing.T, dir string) {
	t.Helper()
	name := filepath.Join(dir, "shifts.csv")
	src, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, bytes.ReplaceAll(src, []byte("2020-03-31"), []byte("2021-12-31")), 0o644); err != nil {
		t.Fatal(err)
	}
}

// replan lives through a story from the week of the cut-over on. Where there is not the time for it, no process runs while it is away.
func (w *transition) replan(s story, away ...time.Time) *kept {
	w.t.Helper()
	began, from := time.Now(), replannedFrom
	if len(away) > 0 && !atLength() {
		w.story = s
		w.story.ends = away[0]
		w.liveFrom(from)
		from = away[1]
	}
	w.story = s
	w.liveFrom(from)
	k := keptIn(w.t, w.plan, w.data)
	w.t.Logf("lived in %v: %d events", time.Since(began).Round(time.Millisecond), len(k.events))
	if !k.report.OK() {
		w.t.Errorf("the journal: %+v", k.report)
	}
	return k
}

// rewritten puts other dates into plan.yaml as `skift plan move` and `skift plan split` do, and has the process take them up.
func (w *transition) rewritten(t *testing.T, a *app.App, write func(tl *timeline.Timeline, src []byte, was plan.Was) ([]byte, error)) api.ReloadReply {
	t.Helper()
	r, err := app.Read(w.plan)
	if err != nil {
		t.Fatal(err)
	}
	var tl *timeline.Timeline
	a.Ledger().Read(func(f *ledger.Facts) { tl = timeline.At(r.Plan, &f.Register, time.Now()) })
	src := r.Plan.Sources[plan.File]
	text, err := write(tl, src, plan.Was{Moved: plan.When{Text: time.Now().In(r.Plan.Zone).Format(time.DateOnly)}, By: "kombit/chair", Reason: "The network is late"})
	if err != nil {
		t.Fatal(err)
	}
	if err := app.Rewrite(w.plan, plan.File, src, text); err != nil {
		t.Fatal(err)
	}
	reply, err := a.Reload(context.Background(), api.ReloadRequest{Acting: api.Acting{As: "kombit/chair", EnteredBy: "uid-1000"}})
	if (err != nil || !reply.Adopted || reply.Invalid()) && !w.died() { // the next process finds the plan as it is on the disk
		t.Errorf("reload: %v, %+v", err, reply)
	}
	return reply
}

// died reports whether the process of the present has ended.
func (w *transition) died() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.wound == nil
}

func (w *transition) move(at time.Time, milestone string, wish timeline.Wish, then func(*testing.T, *app.App, api.ReloadReply)) deed {
	return deed{at, func(t *testing.T, a *app.App) {
		onDuty(t, w.plan)
		reply := w.rewritten(t, a, func(tl *timeline.Timeline, src []byte, was plan.Was) ([]byte, error) {
			moves, err := tl.Redate(milestone, wish)
			for i := range moves {
				moves[i].Was = was
			}
			if err != nil {
				return nil, err
			}
			return plan.Redate(src, moves)
		})
		then(t, a, reply)
	}}
}

func (w *transition) split(at time.Time, to string, then func(*testing.T, *app.App, api.ReloadReply)) deed {
	return deed{at, func(t *testing.T, a *app.App) {
		reply := w.rewritten(t, a, func(tl *timeline.Timeline, src []byte, was plan.Was) ([]byte, error) {
			dates, err := tl.Redate("cutover", timeline.Wish{To: to})
			if err != nil {
				return nil, err
			}
			return plan.SplitWindow(src, plan.Split{Window: "cutover", Name: "cutover-2", From: dates[0].From, Until: dates[0].Until,
				First: []string{"gateway", "sts-admin"}, Rest: []string{"sftp"}, Own: tl.GatesOf("cutover-weekend"), Was: was})
		})
		then(t, a, reply)
	}}
}

func nothing(*testing.T, *app.App, api.ReloadReply) {}

// rehearsed begins another rehearsal: the one of October is too old for a later weekend.
func rehearsed(at time.Time) deed {
	return deed{at, func(t *testing.T, a *app.App) {
		if _, err := a.Do(context.Background(), runner.Command{Do: runner.DoStart, Runbook: "cutover-weekend", Environment: "exttest", Rehearsal: true,
			As: "kombit/cutover-manager", EnteredBy: "uid-1000"}); err != nil {
			t.Error(err)
		}
	}}
}

// look is a deed that changes nothing.
func look(at time.Time, fn func(t *testing.T, a *app.App, tl *timeline.Timeline, f *ledger.Facts)) deed {
	return deed{at, func(t *testing.T, a *app.App) {
		a.Ledger().Read(func(f *ledger.Facts) { fn(t, a, timeline.At(a.Plan(), &f.Register, time.Now()), f) })
	}}
}

func wantVoided(t *testing.T, r api.ReloadReply, gates ...string) {
	t.Helper()
	var got []string
	for _, v := range r.Votes {
		got = append(got, v.Gate)
	}
	if !slices.Equal(got, gates) {
		t.Errorf("answers count no more at %v, want %v", got, gates)
	}
}

func inForce(t *testing.T, tl *timeline.Timeline, zones ...string) {
	t.Helper()
	for _, z := range zones {
		if s := tl.Milestone(z).State; s != timeline.Active {
			t.Errorf("%s: %s is %s", tl.Now.Format(time.DateOnly), z, s)
		}
	}
}

func stillFrozen(t *testing.T, _ *app.App, tl *timeline.Timeline, _ *ledger.Facts) {
	inForce(t, tl, "frozen-zone-1", "frozen-zone-2")
	if s := tl.Milestone("cutover").State; s != timeline.Upcoming {
		t.Errorf("%s: the weekend is %s", tl.Now.Format(time.DateOnly), s)
	}
}

// movedByAYear: the go was given when the weekend is moved.
func movedByAYear(t *testing.T, w *transition) {
	at := time.Date(2019, 11, 8, 10, 0, 0, 0, time.UTC)
	var hash string
	ends := time.Date(2020, 11, 8, 6, 0, 0, 0, time.UTC)
	if atLength() {
		ends = time.Date(2021, 2, 20, 6, 0, 0, 0, time.UTC)
	}
	k := w.replan(story{red: outlived, ends: ends, deeds: []deed{
		w.move(at, "cutover", timeline.Wish{To: "2020-11-07", With: []string{"in-operation", "operational-trial", "operational-trial-passed"}}, func(t *testing.T, a *app.App, r api.ReloadReply) {
			wantVoided(t, r, "cutover-go")
			hash = r.Hash
		}),
		look(time.Date(2020, 6, 1, 12, 0, 0, 0, time.UTC), stillFrozen),
		rehearsed(time.Date(2020, 10, 12, 7, 0, 0, 0, time.UTC)),
		look(time.Date(2020, 10, 20, 12, 0, 0, 0, time.UTC), stillFrozen),
		{time.Date(2020, 11, 6, 8, 0, 0, 0, time.UTC), func(t *testing.T, a *app.App) {
			j, err := a.Judge(context.Background(), "cutover-go", "")
			if err != nil || j.MayGo() || j.Round != 2 || !slices.ContainsFunc(j.Reasons, func(r register.Reason) bool { return strings.Contains(r.Subject, "readiness") }) {
				t.Errorf("the certificate ended: %v, round %d, %+v", err, j.Round, j.Reasons)
			}
		}},
	}}, time.Date(2019, 11, 12, 6, 0, 0, 0, time.UTC), time.Date(2020, 10, 12, 6, 0, 0, 0, time.UTC))
	w.wantCourse(k, "cutover-go go gateway+sftp+sts-admin 2019-11-08", "cutover-go go gateway+sftp+sts-admin 2020-11-06", "switch-go go 2020-11-07", "open-go go 2020-11-07")
	for _, id := range k.facts.Runs.Order {
		if r := k.facts.Runs.Runs[id]; r.Started.Runbook == "cutover-weekend" && r.Started.Production && r.Started.PlanHash != hash {
			t.Errorf("%s is of another revision", id)
		}
	}
	w.wantRuns(k, "cutover done")
	w.wantPassed(k, "cutover 2020-11-07", "in-operation 2020-11-07")
	if atLength() {
		w.wantPassed(k, "hypercare 2020-12-02", "operational-trial 2021-01-25")
	}
	for _, z := range []string{"frozen-zone-1", "frozen-zone-2"} { // they end with what ends them
		want := map[bool]timeline.State{true: timeline.Passed, false: timeline.Active}[atLength()]
		if got := timeline.At(k.plan, &k.facts.Register, ends).Milestone(z).State; got != want {
			w.t.Errorf("at the end %s is %s, want %s", z, got, want)
		}
	}
	w.wantQuiet(k, "readiness", at.Add(time.Hour), time.Date(2020, 11, 4, 23, 0, 0, 0, time.UTC))
	w.wantQuiet(k, "hypercare", at, time.Date(2020, 11, 6, 23, 0, 0, 0, time.UTC))
	tl := timeline.At(k.plan, &k.facts.Register, w.story.ends)
	if m := tl.Milestone("cutover"); m.Was[0].Reason != "The network is late" || m.OriginalStart.At.Year() != 2019 {
		t.Errorf("the first dates are lost: %+v", m.Was)
	}
	w.wantTold(k, at, "The network is late")
}

// In two weekends the gateway and STS Administration come first.
var firstPart = map[string][]string{"cutover-go/1": {"gateway", "sts-admin"}}

func between(t *testing.T, a *app.App, tl *timeline.Timeline, f *ledger.Facts) {
	for service, want := range map[string]checks.Phase{"gateway": "fallback", "sts-admin": "fallback", "sftp": "before"} {
		if got := f.Register.Phase("prod", service, ""); got != want {
			t.Errorf("between the weekends %s is %s", service, got)
		}
	}
	inForce(t, tl, "frozen-zone-1", "frozen-zone-2", "hypercare")
	end, _ := tl.Moment(a.Plan().Checks["gateway-cert"].Moments()[0])
	if want := time.Date(2019, 11, 17, 17, 0, 0, 0, time.UTC); !end.Equal(want) {
		t.Errorf("certificates must last until %s", end)
	}
}

var (
	betweenThem = time.Date(2019, 11, 12, 6, 0, 0, 0, time.UTC)
)

// twice is what is decided in both weekends. A go that names nothing is for what its window names: the first names nothing before it is split.
func twice(first string) []string {
	return []string{"cutover-go go gateway+sts-admin 2019-11-08", "switch-go go " + first + "2019-11-09", "open-go go " + first + "2019-11-09",
		"cutover-go go sftp 2019-11-15", "switch-go go sftp 2019-11-16", "open-go go sftp 2019-11-16"}
}

func splitEnds() time.Time {
	if atLength() {
		return time.Date(2019, 12, 20, 6, 0, 0, 0, time.UTC)
	}
	return time.Date(2019, 11, 17, 6, 0, 0, 0, time.UTC)
}

// splitBefore: each go names nothing, and is for what its window is for.
func splitBefore(t *testing.T, w *transition) {
	k := w.replan(story{ends: splitEnds(), deeds: []deed{
		w.split(time.Date(2019, 11, 6, 8, 0, 0, 0, time.UTC), "2019-11-16", nothing), look(betweenThem, between), rehearsed(betweenThem.Add(time.Hour))}})
	w.wantBoth(k, "gateway+sts-admin ")
}

func splitAfter(t *testing.T, w *transition) {
	k := w.replan(story{services: firstPart, ends: splitEnds(), deeds: []deed{
		w.split(time.Date(2019, 11, 11, 9, 0, 0, 0, time.UTC), "2019-11-16", func(t *testing.T, a *app.App, r api.ReloadReply) { wantVoided(t, r) }),
		look(betweenThem, between), rehearsed(betweenThem.Add(time.Hour))}}, time.Date(2019, 11, 13, 6, 0, 0, 0, time.UTC), time.Date(2019, 11, 14, 22, 0, 0, 0, time.UTC))
	w.wantBoth(k, "")
}

// wantBoth: both weekends are lived to the end, and each moves its own.
func (w *transition) wantBoth(k *kept, first string) {
	w.t.Helper()
	w.wantCourse(k, twice(first)...)
	w.wantRuns(k, "cutover done", "cutover-2 done")
	w.wantMoved(k, "cutover gateway+sts-admin switching", "cutover gateway+sts-admin fallback", "cutover-2 sftp switching", "cutover-2 sftp fallback")
	w.wantPassed(k, "cutover 2019-11-09", "cutover-2 2019-11-16")
	if atLength() {
		w.wantPassed(k, "hypercare 2019-12-11")
	}
}

func secondBackedOut(t *testing.T, w *transition) {
	k := w.replan(story{services: firstPart, ends: time.Date(2019, 11, 18, 6, 0, 0, 0, time.UTC),
		notBefore: map[string]time.Time{"gate/open-go/2": splitEnds()}, deeds: []deed{
			w.split(time.Date(2019, 11, 6, 8, 0, 0, 0, time.UTC), "2019-11-16", nothing), rehearsed(betweenThem),
			{time.Date(2019, 11, 17, 6, 0, 0, 0, time.UTC), func(t *testing.T, a *app.App) {
				a.Ledger().Read(func(f *ledger.Facts) {
					if got := f.Register.Phase("prod", "sftp", ""); got != checks.Fallback {
						t.Errorf("in the second weekend sftp is %s", got)
					}
				})
				if _, err := a.Do(context.Background(), runner.Command{Do: runner.DoStart, Runbook: "back-out", As: "kombit/chair", EnteredBy: "uid-1000", Reason: "files are lost"}); err != nil {
					t.Error(err)
				}
			}},
		}})
	w.wantRuns(k, "cutover done", "cutover-2 backed-out")
	w.wantMoved(k, "cutover gateway+sts-admin switching", "cutover gateway+sts-admin fallback", "cutover-2 sftp switching", "cutover-2 sftp fallback", " sftp before")
	w.wantPassed(k, "cutover 2019-11-09", "cutover-2 ", "hypercare ")
}

// splitAndMoved: the second is moved by another week after the first.
func splitAndMoved(t *testing.T, w *transition) {
	k := w.replan(story{services: firstPart, ends: time.Date(2019, 11, 25, 6, 0, 0, 0, time.UTC), deeds: []deed{
		w.split(time.Date(2019, 11, 6, 8, 0, 0, 0, time.UTC), "2019-11-16", nothing), rehearsed(betweenThem),
		w.move(time.Date(2019, 11, 15, 10, 0, 0, 0, time.UTC), "cutover-2", timeline.Wish{To: "2019-11-23"}, func(t *testing.T, a *app.App, r api.ReloadReply) { wantVoided(t, r, "cutover-go") })}})
	w.wantRuns(k, "cutover done", "cutover-2 done")
	w.wantPassed(k, "cutover 2019-11-09", "cutover-2 2019-11-23")
}

// wantCourse compares what was decided at the gates of the weekend since the copy was made, with the local day.
func (w *transition) wantCourse(k *kept, want ...string) {
	w.t.Helper()
	var got []string
	for _, e := range k.events {
		var b register.Decided
		if e.Kind != register.GateDecided || e.Run != "" || e.At.Before(replannedFrom) || !slices.Contains([]string{"cutover-go", "switch-go", "open-go"}, e.Subject) || json.Unmarshal(e.Body, &b) != nil {
			continue
		}
		words := []string{e.Subject, string(b.Decision)}
		if len(b.Services) > 0 {
			words = append(words, strings.Join(b.Services, "+"))
		}
		got = append(got, strings.Join(append(words, e.At.In(k.plan.Zone).Format(time.DateOnly)), " "))
	}
	if d := cmp.Diff(want, got); d != "" {
		w.t.Errorf("decided (-want +got):\n%s", d)
	}
}

// wantRuns compares the cut-overs in production by the window they were for.
func (w *transition) wantRuns(k *kept, want ...string) {
	w.t.Helper()
	var got []string
	for _, id := range k.facts.Runs.Order {
		if r := k.facts.Runs.Runs[id]; r.Started.Runbook == "cutover-weekend" && r.Started.Production {
			got = append(got, r.Started.Milestone+" "+string(r.State))
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		w.t.Errorf("runs (-want +got):\n%s", d)
	}
}

// wantMoved compares the phases that were moved in production, by the window of the run.
func (w *transition) wantMoved(k *kept, want ...string) {
	w.t.Helper()
	var got []string
	for _, e := range k.events {
		var b register.Moved
		if e.Kind == register.PhaseMoved && json.Unmarshal(e.Body, &b) == nil && b.Environment == "prod" {
			got = append(got, k.facts.Runs.Runs[e.Run].Started.Milestone+" "+strings.Join(b.Services, "+")+" "+string(b.Phase))
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		w.t.Errorf("moved (-want +got):\n%s", d)
	}
}

// wantPassed compares the local days on which milestones were passed; no day = not.
func (w *transition) wantPassed(k *kept, want ...string) {
	w.t.Helper()
	for _, line := range want {
		id, day, _ := strings.Cut(line, " ")
		got := ""
		if at := k.facts.Register.Milestone(id).PassedAt; !at.IsZero() {
			got = at.In(k.plan.Zone).Format(time.DateOnly)
		}
		if got != day {
			w.t.Errorf("%s was passed on %q, want %q", id, got, day)
		}
	}
}

// wantQuiet: the suite is not asked by its schedule between two instants, and is afterwards.
func (w *transition) wantQuiet(k *kept, suite string, from, until time.Time) {
	w.t.Helper()
	after := 0
	for _, s := range k.slots {
		if s.Schedule != timeline.SuiteKey+suite || s.At.Before(from) {
			continue
		}
		if s.At.Before(until) {
			w.t.Errorf("%s was asked on %s", suite, s.At)
			return
		}
		after++
	}
	if after == 0 {
		w.t.Errorf("%s was not asked any more", suite)
	}
}

// wantTold: the first report to the steering group after an instant gives the reason.
func (w *transition) wantTold(k *kept, after time.Time, reason string) {
	w.t.Helper()
	for _, m := range k.mails {
		if m.Audience == "steering" && m.Report == "weekly" && m.QueuedAt.After(after) {
			raw := w.sent[m.ID]
			if !bytes.Contains(raw, []byte(reason)) {
				w.t.Errorf("the report of %s does not say why the weekend slips:\n%.3000s", m.QueuedAt, raw)
			}
			return
		}
	}
	w.t.Error("nothing was told")
}
