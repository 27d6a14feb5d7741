package cli

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/checks"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/snapshot"
	"skift/internal/timeline"
)

// initiated is a fresh copy of a shipped plan, in a language.
func initiated(t *testing.T, lang string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "t")
	s := &session{out: new(bytes.Buffer), err: new(bytes.Buffer)}
	if err := s.init(dir, defaultPlan, "", time.Now()); err != nil {
		t.Fatal(err)
	}
	if lang != "da" {
		rewrite(t, dir, "\nlanguage: da\n", "\nlanguage: "+lang+"\n")
	}
	return dir
}

func rewrite(t *testing.T, dir, old, new string) {
	t.Helper()
	name := filepath.Join(dir, plan.File)
	src, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	out := strings.Replace(string(src), old, new, 1)
	if out == string(src) {
		t.Fatalf("%s has no %q", name, old)
	}
	if err := os.WriteFile(name, []byte(out), 0o644); err != nil {
		t.Fatal(err)
	}
}

func planText(t *testing.T, dir string) string {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(dir, plan.File))
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}

// spoken runs one command of a session and gives what a person sees.
func spoken(dir string, do func(s *session) error) (text string, code int) {
	var out bytes.Buffer
	s := &session{dir: dir, out: &out, err: &out}
	code = s.explain(do(s))
	return out.String(), code
}

var october = time.Date(2019, 10, 1, 8, 0, 0, 0, time.UTC)

func golden(t *testing.T, file, got string) {
	t.Helper()
	file = filepath.Join("testdata", "move", file)
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s differs; run with -update to accept:\n%s", file, d)
	}
	for line := range strings.Lines(got) {
		if n := len([]rune(strings.TrimRight(line, "\n"))); n > 80 && !strings.HasPrefix(line, "hint: ") {
			t.Errorf("%s: %d columns: %s", file, n, line)
		}
	}
}

// Moving the shipped weekend to 7 November 2020, as a manager reads it: alone, which is refused, and with what has dates of its own.
func TestMoveTheWeekend(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"da", "en"} {
		dir := initiated(t, lang)
		before := planText(t, dir)
		alone := &redating{milestone: "cutover", wish: timeline.Wish{To: "2020-11-07"}, dryRun: true}
		text, code := spoken(dir, func(s *session) error { return s.planMove(t.Context(), alone, october) })
		if code != ExitNoGo {
			t.Errorf("%s: alone: exit %d", lang, code)
		}
		golden(t, "alone."+lang+".golden", text)
		whole := &redating{milestone: "cutover", reason: "The network is not ready", as: "kombit/chair", dryRun: true,
			wish: timeline.Wish{To: "2020-11-07", With: []string{"in-operation", "operational-trial", "operational-trial-passed", "acceptance-test", "acceptance-passed", "take-over"}}}
		text, code = spoken(dir, func(s *session) error { return s.planMove(t.Context(), whole, october) })
		if code != ExitNoGo { // nobody is on the roster of 2020 yet
			t.Errorf("%s: whole: exit %d", lang, code)
		}
		golden(t, "whole."+lang+".golden", text)
		if planText(t, dir) != before {
			t.Errorf("%s: a dry run wrote", lang)
		}
	}
}

// What is refused is written with --accept, and moving back gives every date its old place; both moves stay told.
func TestMoveThereAndBack(t *testing.T) {
	t.Parallel()
	dir := initiated(t, "da")
	first := timelineOf(t, dir)
	for _, to := range []string{"2020-11-07", "2019-11-09"} {
		r := &redating{milestone: "cutover", reason: "so it is", accept: true, wish: timeline.Wish{To: to, With: []string{"in-operation", "operational-trial"}}}
		if text, code := spoken(dir, func(s *session) error { return s.planMove(t.Context(), r, october) }); code != ExitOK {
			t.Fatalf("to %s: exit %d\n%s", to, code, text)
		}
		if to == "2020-11-07" {
			m := timelineOf(t, dir).Milestone("hypercare")
			if slip, _ := m.Slip(october); slip != 364*24*time.Hour || m.OriginalEnd.At.In(time.UTC).Format(time.DateOnly) != "2019-12-05" {
				t.Errorf("hypercare slips by %s from %s", slip, m.OriginalEnd.At)
			}
		}
	}
	for _, m := range timelineOf(t, dir).Milestones {
		was := first.Milestone(m.ID)
		if !m.Start.At.Equal(was.Start.At) || !m.End.At.Equal(was.End.At) || m.Start.Assumed != was.Start.Assumed {
			t.Errorf("%s: %v to %v, was %v to %v", m.ID, m.Start.At, m.End.At, was.Start.At, was.End.At)
		}
		if slip, _ := m.Slip(october); slip != 0 && len(m.Was) > 0 {
			t.Errorf("%s slips by %s", m.ID, slip)
		}
	}
	if n := strings.Count(planText(t, dir), "reason: so it is"); n != 6 {
		t.Errorf("%d entries of history", n)
	}
}

func timelineOf(t *testing.T, dir string) *timeline.Timeline {
	t.Helper()
	p, problems := plan.Load(os.DirFS(dir))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return timeline.At(p, nil, october)
}

// Of several who move at once each that says it is written is there, and nobody writes over another: the file is whole at every time.
func TestMoveAtOnce(t *testing.T) {
	t.Parallel()
	dir := initiated(t, "da")
	var done atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			r := &redating{milestone: "clarification-end", reason: "at once", accept: true, wish: timeline.Wish{To: "+1d"}}
			text, code := spoken(dir, func(s *session) error { return s.planMove(t.Context(), r, october) })
			switch {
			case code == ExitOK:
				done.Add(1)
			case code != ExitUsage || !strings.Contains(text, "was changed meanwhile; nothing was written"):
				t.Errorf("exit %d: %s", code, text)
			}
		})
	}
	wg.Wait()
	if n := int32(strings.Count(planText(t, dir), "reason: at once")); n != done.Load() || n == 0 {
		t.Errorf("%d say they wrote, %d are there", done.Load(), n)
	}
	timelineOf(t, dir)
}

func TestMoveRefusals(t *testing.T) {
	t.Parallel()
	dir := initiated(t, "da")
	for _, tt := range []struct {
		name string
		r    redating
		want string
	}{
		{"no reason", redating{milestone: "cutover", wish: timeline.Wish{To: "2020-11-07"}}, "a change of dates needs a reason"},
		{"unknown", redating{milestone: "cut-over", wish: timeline.Wish{To: "2020-11-07"}}, `did you mean "cutover"?`},
		{"no such day", redating{milestone: "cutover", wish: timeline.Wish{To: "2020-11-31"}}, "there is no date 2020-11-31"},
		{"no such time", redating{milestone: "cutover", wish: timeline.Wish{To: "2020-03-29 02:30"}}, "clocks are set forward over it"},
		{"a time that comes twice", redating{milestone: "cutover", wish: timeline.Wish{To: "2020-10-25 02:30"}}, "comes twice"},
		{"ends first", redating{milestone: "cutover", wish: timeline.Wish{Until: "2019-11-08 18:00"}}, "is not after"},
		{"month and day", redating{milestone: "internal-test", wish: timeline.Wish{To: "2020-11-07"}}, "2019-07 is a month"},
		{"nothing to count from", redating{milestone: "hypercare", wish: timeline.Wish{To: "+1w"}}, "there is nothing to count from"},
		{"with what hangs", redating{milestone: "cutover", wish: timeline.Wish{To: "+52w", With: []string{"hypercare"}}}, "it hangs on others"},
		{"with nothing", redating{milestone: "cutover", wish: timeline.Wish{To: "+52w", With: []string{"nobody"}}}, "no milestone or gate"},
		{"no such seat", redating{milestone: "cutover", as: "kombit/char", wish: timeline.Wish{To: "+52w"}}, `did you mean "kombit/chair"?`},
		{"a circle", redating{milestone: "cutover", wish: timeline.Wish{To: "hypercare.start"}}, "circle"},
	} {
		before := planText(t, dir)
		if tt.name != "no reason" {
			tt.r.reason = "why not"
		}
		text, code := spoken(dir, func(s *session) error { return s.planMove(t.Context(), &tt.r, october) })
		if code != ExitUsage || !strings.Contains(text, tt.want) {
			t.Errorf("%s: exit %d: %s", tt.name, code, text)
		}
		if planText(t, dir) != before {
			t.Errorf("%s: it wrote", tt.name)
		}
	}
	if err := os.Rename(filepath.Join(dir, plan.File), filepath.Join(dir, "real.yaml")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real.yaml", filepath.Join(dir, plan.File)); err != nil {
		t.Fatal(err)
	}
	r := &redating{milestone: "clarification-end", reason: "a link", accept: true, wish: timeline.Wish{To: "+1d"}}
	if text, code := spoken(dir, func(s *session) error { return s.planMove(t.Context(), r, october) }); code == ExitOK || !strings.Contains(text, "is a link and is not replaced") {
		t.Errorf("a link: exit %d: %s", code, text)
	}
}

// A process that is killed while it writes leaves the plan as it was or as it was to be, never half of it.
func TestMoveIsKilled(t *testing.T) {
	t.Parallel()
	dir := initiated(t, "da")
	killed := 0
	for range 6 {
		before := planText(t, dir)
		c := exec.Command("skift", "-C", dir, "plan", "move", "clarification-end", "+1d", "--accept", "--reason", "killed")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { _ = c.Wait(); close(ended) }()
		for done := false; !done; {
			select {
			case <-ended:
				done = true
			default:
				if found, _ := filepath.Glob(filepath.Join(dir, ".new-*")); len(found) > killed {
					_ = c.Process.Kill()
					<-ended
					killed, done = len(found), true
				}
			}
		}
		if after := planText(t, dir); after != before && strings.Count(after, "reason: killed") != strings.Count(before, "reason: killed")+1 {
			t.Fatalf("neither the old nor the new plan:\n%s", after)
		}
		timelineOf(t, dir)
	}
}

// A weekend is split: what hangs on the end of it all hangs on the second, each weekend has its gates at its own times, certificates must
// outlive the second, and the slip of what is left is told.
func TestSplitTheWeekend(t *testing.T) {
	t.Parallel()
	dir := initiated(t, "da")
	before := planText(t, dir)
	r := &redating{milestone: "cutover", reason: "The files need another week", wish: timeline.Wish{To: "2019-11-16"}}
	if text, code := spoken(dir, func(s *session) error { return s.planSplit(t.Context(), r, []string{"sftp"}, "", october) }); code != ExitNoGo || before != planText(t, dir) ||
		!strings.Contains(text, "er forbi 11. november 2019, og open-go") {
		t.Fatalf("what ends with the last weekend stays behind: exit %d: %s", code, text)
	}
	r = &redating{milestone: "cutover", reason: "The files need another week", wish: timeline.Wish{To: "2019-11-16", With: []string{"in-operation"}}}
	text, code := spoken(dir, func(s *session) error { return s.planSplit(t.Context(), r, []string{"sftp"}, "", october) })
	if code != ExitOK || !strings.Contains(text, "cutover is for gateway, sts-admin; cutover-2 is for sftp") {
		t.Fatalf("exit %d: %s", code, text)
	}
	golden(t, "split.da.golden", text[:strings.Index(text, "plan.yaml is written")])
	tl := timelineOf(t, dir)
	second := tl.Milestone("cutover-2")
	if slip, _ := second.Slip(october); slip != 7*24*time.Hour || second.Runbook != "cutover-weekend" || tl.Milestone("cutover").Start.At.Format(time.DateOnly) != "2019-11-08" {
		t.Errorf("the windows: slip %s, %+v", slip, second)
	}
	if end, ok := tl.Moment(tl.Plan().Checks["gateway-cert"].Moments()[0]); !ok || !end.Equal(second.End.At) {
		t.Errorf("certificates must last until %s", end)
	}
	if h := tl.Milestone("hypercare"); !h.Start.At.Equal(tl.Milestone("cutover").Start.At) || h.End.At.Sub(h.OriginalEnd.At) != 0 && h.End.At.Before(second.End.At) {
		t.Errorf("hypercare: %v to %v", h.Start.At, h.End.At)
	}
	if in := tl.Milestone("in-operation"); in.Start.At.In(tl.Plan().Zone).Format(time.DateOnly) != "2019-11-18" || len(in.Was) != 1 {
		t.Errorf("what goes along: %v, %+v", in.Start, in.Was)
	}
	go1, _ := tl.Gate(nil, tl.Plan().Gates["cutover-go"])
	later := timeline.At(tl.Plan(), nil, second.Start.At.AddDate(0, 0, -3))
	go2, _ := later.Gate(nil, later.Plan().Gates["cutover-go"])
	if go2.Sub(go1) != 7*24*time.Hour {
		t.Errorf("the go is asked %s and %s", go1, go2)
	}
	for _, tt := range []struct{ services, name, want string }{
		{"sftp", "", "milestone \"cutover-2\" already"}, {"", "x", "say which services"}, {"gateway,sts-admin", "x", "say which services"}, {"sftp", "x", "is not for the service"}, {"nobody", "x", "no service"},
	} {
		var ids []string
		if tt.services != "" {
			ids = strings.Split(tt.services, ",")
		}
		r := &redating{milestone: "cutover", reason: "again", wish: timeline.Wish{To: "2019-11-23"}}
		if text, code := spoken(dir, func(s *session) error { return s.planSplit(t.Context(), r, ids, tt.name, october) }); code != ExitUsage || !strings.Contains(text, tt.want) {
			t.Errorf("%+v: exit %d: %s", tt, code, text)
		}
	}
	if before == planText(t, dir) {
		t.Error("nothing was written")
	}
}

// What was switched already is not left for a second window, and what a window is not for cannot be split from it.
func TestSplitWhatIsSwitched(t *testing.T) {
	t.Parallel()
	p := timelineOf(t, initiated(t, "da")).Plan()
	facts := &register.Facts{Phases: map[register.PhaseKey]checks.Phase{{Environment: "prod", Service: "gateway"}: checks.Fallback}}
	for _, tt := range []struct {
		of, services []string
		want         string
	}{
		{nil, []string{"sftp"}, "[gateway sts-admin] <nil>"},
		{[]string{"gateway", "sftp"}, []string{"sftp"}, "[gateway] <nil>"},
		{nil, []string{"gateway"}, "gateway is not left for a second window: it is in phase fallback"},
		{[]string{"gateway", "sftp"}, []string{"sts-admin"}, `cutover is not for the service "sts-admin"`},
	} {
		m := *p.Milestones["cutover"]
		m.Services = tt.of
		first, err := leftInFirst(p, &m, facts, tt.services)
		if got := fmt.Sprint(first, " ", err); !strings.Contains(got, tt.want) {
			t.Errorf("%v of %v: %s", tt.services, tt.of, got)
		}
	}
}

// A window that another revision puts on another weekday is told when it is taken up, or would be.
func TestReloadedWeekday(t *testing.T) {
	t.Parallel()
	p := timelineOf(t, initiated(t, "da")).Plan()
	saturday := p.Milestones["cutover"].From.At
	for was, want := range map[time.Time]int{saturday.AddDate(0, 0, -7): 0, saturday.AddDate(0, 0, -2): 1} {
		dates := []snapshot.Shifted{{Kind: timeline.OfMilestone, ID: "cutover", Edge: "start", Was: snapshot.Date{At: was}}, {Kind: timeline.OfMilestone, ID: "hypercare", Edge: "start", Was: snapshot.Date{At: was}},
			{Kind: timeline.OfMilestone, ID: "cutover", Edge: "end", Was: snapshot.Date{At: was}}}
		if got := otherWeekdays(p, dates); len(got) != want {
			t.Errorf("from %s: %+v", was, got)
		}
	}
}
