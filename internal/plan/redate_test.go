package plan

import (
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const shipped = "../../config/serviceplatformen"

// withPlan is the shipped plan directory with another plan.yaml.
func withPlan(t testing.TB, src []byte) fs.FS {
	t.Helper()
	out := fstest.MapFS{}
	err := fs.WalkDir(os.DirFS(shipped), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(os.DirFS(shipped), name)
		out[name] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if src != nil {
		out[File] = &fstest.MapFile{Data: src}
	}
	return out
}

// changedLines are the lines that are not the same, the old behind -, the new behind +.
func changedLines(a, b string) string {
	var out strings.Builder
	have := map[string]int{}
	for line := range strings.Lines(a) {
		have[line]++
	}
	for line := range strings.Lines(b) {
		if have[line]--; have[line] < 0 {
			out.WriteString("+" + line)
		}
	}
	return out.String()
}

// crlf is a text as other systems end its lines.
func crlf(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }

func moved(by string) Was {
	return Was{Moved: When{Text: "2019-10-01"}, By: by, Reason: `the "old" lines: late`}
}

// A move changes the dates in their place, keeps what they were, and touches nothing else.
func TestRedate(t *testing.T) {
	t.Parallel()
	before := mustLoad(t, withPlan(t, nil))
	src := before.Sources[File]
	moves := []Redated{
		{Milestone: "cutover", From: "2020-11-07 00:00", Until: "2020-11-08 18:00", Was: moved("kombit/chair")},
		{Milestone: "in-operation", From: "2020-11-09", Was: moved("")},
		{Milestone: "acceptance-test", From: "2020-09..2020-10", Was: moved("")},
		{Milestone: "operational-trial", From: "2020-12-04", Until: "2021-01-30..2021-02-08", Was: moved("")},
		{Gate: "acceptance-passed", From: "2020-10-19", Until: "2020-11-04 16:00"},
	}
	out, err := Redate(src, moves)
	if err != nil {
		t.Fatal(err)
	}
	if ends, err := Redate([]byte(crlf(string(src))), moves); err != nil || string(ends) != crlf(string(out)) {
		t.Errorf("with CRLF at the ends of lines: %v\n%s", err, changedLines(crlf(string(out)), string(ends)))
	}
	want := `+    {kind: phase, in: 2020-09..2020-10, runbook: acceptance-test, environment: exttest, rehearsal: true, exit: acceptance-passed, owner: kombit/test-manager,
+     title: {da: Overtagelsesprøve, en: Acceptance test},
+     was: [{in: 2019-09..2019-10, moved: 2019-10-01, reason: "the \"old\" lines: late"}]}
+    {kind: window, from: "2020-11-07 00:00", until: {at: "2020-11-08 18:00", assumed: true}, runbook: cutover-weekend, owner: kombit/cutover-manager,
+     title: {da: Cut over weekend, en: Cut-over weekend},
+     was: [{from: "2019-11-09 00:00", until: {at: "2019-11-10 18:00", assumed: true}, moved: 2019-10-01, by: kombit/chair, reason: "the \"old\" lines: late"}]}
+    {kind: point, date: 2020-11-09, exit: open-go, title: {da: SP og STS Admin i drift hos IBM, en: SP and STS Admin in operation at IBM},
+     was: [{date: 2019-11-11, moved: 2019-10-01, reason: "the \"old\" lines: late"}]}
+    {kind: phase, from: {at: 2020-12-04, assumed: true}, until: {about: 2021-01-30..2021-02-08}, runbook: operational-trial,
+     title: {da: Driftsprøve bestået og godkendt, en: Operational trial passed and approved},
+     was: [{from: {at: 2019-12-06, assumed: true}, until: {about: 2020-02-01..2020-02-10}, moved: 2019-10-01, reason: "the \"old\" lines: late"}]}
+    opens: 2020-10-19
+    decide_by: "2020-11-04 16:00"
`
	if d := cmp.Diff(want, changedLines(string(src), string(out))); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	after := mustLoad(t, withPlan(t, out))
	var said []string
	for _, c := range Diff(before, after) {
		said = append(said, strings.TrimSpace(c.Section+" "+c.ID+" "+c.How+" "+strings.Join(c.Keys, "+")+" "+c.Was+" > "+c.Is+" "+c.Reason))
	}
	if d := cmp.Diff([]string{
		`milestones acceptance-test moved  2019-09..2019-10 > 2020-09..2020-10 the "old" lines: late`,
		`milestones cutover moved  2019-11-09 00:00 – 2019-11-10 18:00 > 2020-11-07 00:00 – 2020-11-08 18:00 the "old" lines: late`,
		`milestones in-operation moved  2019-11-11 > 2020-11-09 the "old" lines: late`,
		`milestones operational-trial moved  2019-12-06 – 2020-02-01..2020-02-10 > 2020-12-04 – 2021-01-30..2021-02-08 the "old" lines: late`,
		`gates acceptance-passed changed opens+decide_by  >`,
	}, said); d != "" {
		t.Errorf("diff (-want +got):\n%s", d)
	}
	// A second move is put behind the first.
	again, err := Redate(out, []Redated{{Milestone: "cutover", From: "2019-11-09 00:00", Until: "2019-11-10 18:00", Was: moved("")}})
	if err != nil {
		t.Fatal(err)
	}
	m := mustLoad(t, withPlan(t, again)).Milestones["cutover"]
	if from, until := m.First(); len(m.Was) != 2 || m.Was[1].From.Text != "2020-11-07 00:00" || from.Text != "2019-11-09 00:00" || !until.Assumed {
		t.Errorf("after two moves: %+v", m.Was)
	}
}

// Written in lines instead of in braces, a milestone is moved alike.
func TestRedateBlock(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ src, want string }{
		"first":   {"    kind: window\n    from: 2019-11-09 # a Saturday\n    until: 2019-11-10\n", "    kind: window\n    was: [{from: 2019-11-09, until: 2019-11-10, moved: 2019-10-01, by: kombit/chair, reason: late}]\n    from: 2020-11-07 # a Saturday\n    until: 2020-11-08\n"},
		"a list":  {"    was:\n      - {from: 2019-01-01, until: 2019-01-02, moved: 2018-01-01, reason: a} # why\n    kind: window\n    from: 2019-11-09\n    until: 2019-11-10\n", "    was:\n      - {from: 2019-01-01, until: 2019-01-02, moved: 2018-01-01, reason: a} # why\n      - {from: 2019-11-09, until: 2019-11-10, moved: 2019-10-01, by: kombit/chair, reason: late}\n    kind: window\n    from: 2020-11-07\n    until: 2020-11-08\n"},
		"a map":   {"    kind: window\n    from: 2019-11-09\n    until:\n      at: 2019-11-10\n      assumed: true\n", ""},
		"in text": {"    kind: window\n    from: >-\n      2019-11-09\n    until: 2019-11-10\n", ""},
	} {
		src := "plan: p\nmilestones:\n  cutover:\n" + tt.src
		out, err := Redate([]byte(src), []Redated{{Milestone: "cutover", From: "2020-11-07", Until: "2020-11-08", Was: Was{Moved: When{Text: "2019-10-01"}, By: "kombit/chair", Reason: "late"}}})
		if (err == nil) != (tt.want != "") {
			t.Errorf("%s: %v\n%s", name, err, out)
			continue
		}
		if err == nil {
			if d := cmp.Diff("plan: p\nmilestones:\n  cutover:\n"+tt.want, string(out)); d != "" {
				t.Errorf("%s (-want +got):\n%s", name, d)
			}
			ends, err := Redate([]byte(crlf(src)), []Redated{{Milestone: "cutover", From: "2020-11-07", Until: "2020-11-08", Was: Was{Moved: When{Text: "2019-10-01"}, By: "kombit/chair", Reason: "late"}}})
			if d := cmp.Diff(crlf(string(out)), string(ends)); d != "" || err != nil {
				t.Errorf("%s with CRLF at the ends of lines: %v (-want +got):\n%s", name, err, d)
			}
		} else if !strings.Contains(err.Error(), "write it in one line") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A window is split whether it stands in braces or in lines; what hangs on its end hangs on the second, and each names its services.
func TestSplitWindow(t *testing.T) {
	t.Parallel()
	split := Split{Window: "cutover", Name: "cutover-2", From: "2019-11-16 00:00", Until: "2019-11-17 18:00", First: []string{"gateway"}, Rest: []string{"sftp", "sts-admin"},
		Own: []string{"go"}, Was: Was{Moved: When{Text: "2019-10-01"}, Reason: "late"}}
	const was = `was: [{from: "2019-11-09 00:00", until: "2019-11-10 18:00", moved: 2019-10-01, reason: late}]`
	for name, tt := range map[string]struct{ window, first, second string }{
		"braces": {
			`    {kind: window, from: "2019-11-09 00:00", until: "2019-11-10 18:00"} # a weekend` + "\n",
			`    {kind: window, services: [gateway], from: "2019-11-09 00:00", until: "2019-11-10 18:00"} # a weekend` + "\n",
			`    {kind: window, services: [sftp, sts-admin], from: "2019-11-16 00:00", until: "2019-11-17 18:00",` + "\n     " + was + "}\n"},
		"lines": {
			"    kind: window\n    # why\n    from: \"2019-11-09 00:00\"\n    until: \"2019-11-10 18:00\" # Sunday\n",
			"    kind: window\n    # why\n    services: [gateway]\n    from: \"2019-11-09 00:00\"\n    until: \"2019-11-10 18:00\" # Sunday\n",
			"    kind: window\n    # why\n    " + was + "\n    services: [sftp, sts-admin]\n    from: \"2019-11-16 00:00\"\n    until: \"2019-11-17 18:00\" # Sunday\n"},
		"lines, split before": {
			"    services:   [gateway, sftp, sts-admin] # all\n    from: \"2019-11-09 00:00\"\n    until: \"2019-11-10 18:00\"\n",
			"    services:   [gateway] # all\n    from: \"2019-11-09 00:00\"\n    until: \"2019-11-10 18:00\"\n",
			"    services:   [sftp, sts-admin] # all\n    " + was + "\n    from: \"2019-11-16 00:00\"\n    until: \"2019-11-17 18:00\"\n"},
	} {
		const after = "\n  # Behind it.\n  prepare: {kind: phase, from: 2019-10-01, until: cutover.start}\n  freeze: {kind: phase, from: 2019-10-01, until: {at: cutover.start - 3d, assumed: true}}\n" +
			"  watch: {kind: phase, from: cutover.start, until: %[1]s.start + 14d}\n  hypercare: {kind: phase, from: cutover.start, until: {at: %[1]s.end + 26d, assumed: true}}\n" +
			"suites:\n  smoke: {during: [{from: 2019-10-01, until: cutover.start}, {from: cutover.start, until: %[1]s.end}]}\n" +
			"gates:\n  go: {opens: cutover.end - 1d}\n  exit: {opens: %[1]s.end - 1d, decide_by: \"cutover.start + 1d\"}\n"
		fill := func(id string) string { return strings.ReplaceAll(after, "%[1]s", id) }
		out, err := SplitWindow([]byte("milestones:\n  cutover:\n"+tt.window+fill("cutover")), split)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := "milestones:\n  cutover:\n" + tt.first + "  # What cutover leaves.\n  cutover-2:\n" + tt.second + fill("cutover-2")
		if d := cmp.Diff(want, string(out)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
		ends, err := SplitWindow([]byte(crlf("milestones:\n  cutover:\n"+tt.window+fill("cutover"))), split)
		if d := cmp.Diff(crlf(want), string(ends)); d != "" || err != nil {
			t.Errorf("%s with CRLF at the ends of lines: %v (-want +got):\n%s", name, err, d)
		}
	}
	last := "milestones:\n  cutover:\n    from: 2019-11-09\n    until: 2019-11-10"
	if out, err := SplitWindow([]byte(last), split); err != nil || !strings.HasPrefix(string(out), "milestones:\n  cutover:\n    services: [gateway]\n    from: 2019-11-09\n    until: 2019-11-10\n  # What") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := SplitWindow([]byte("milestones:\n  cutover:\n    from: >-\n      2019-11-09\n    until: 2019-11-10\n"), split); err == nil {
		t.Error("a date over two lines was copied")
	}
	if _, err := SplitWindow([]byte("milestones:\n  cutover: {kind: window, in: 2019-11}\n"), split); err == nil || !strings.Contains(err.Error(), "write from and until instead of in") {
		t.Errorf("a window of a month: %v", err)
	}
}

// What hangs on what was moved is known, however far behind it; what hangs on an edge that stays where it was has the dates it had.
func TestAlong(t *testing.T) {
	t.Parallel()
	p := func(from, until string) *Plan {
		out := &Plan{Milestones: map[string]*Milestone{}}
		for _, m := range [][3]string{{"last", "mid.start", ""}, {"mid", "a.start", "a.start + 5d"}, {"a", from, until}, {"b", "2020-01-01", ""}, {"far", "b.end", ""},
			{"end", "2019-01-01", "a.end"}, {"over", "a.passed", "over.start + 1d"}} {
			read := func(text string) When {
				if text == "" {
					return When{}
				}
				w, err := ParseWhen(text, time.UTC)
				if err != nil {
					t.Fatal(err)
				}
				return w
			}
			out.MilestoneIDs = append(out.MilestoneIDs, m[0])
			out.Milestones[m[0]] = &Milestone{ID: m[0], Kind: Phase, From: read(m[1]), Until: read(m[2])}
		}
		return out
	}
	before := p("2019-11-09", "2019-11-10")
	changes := []Change{{Section: "milestones", ID: "a", How: Moved}, {Section: "milestones", ID: "b", How: Changed}, {Section: "gates", ID: "b", How: Added}}
	for _, tt := range []struct {
		name  string
		after *Plan
		want  []string
	}{
		{"all of it", p("2019-11-16", "2019-11-17"), []string{"last", "mid", "end", "over"}},
		{"its beginning", p("2019-11-08", "2019-11-10"), []string{"last", "mid"}},
		{"its end", p("2019-11-09", "2019-11-11"), []string{"end", "over"}},
	} {
		if d := cmp.Diff(tt.want, Along(before, tt.after, changes)); d != "" {
			t.Errorf("%s is moved (-want +got):\n%s", tt.name, d)
		}
	}
	if d := cmp.Diff([]string{"last", "mid", "end", "over"}, Along(&Plan{}, before, []Change{{Section: "milestones", ID: "a", How: Added}})); d != "" {
		t.Errorf("it is new (-want +got):\n%s", d)
	}
}
