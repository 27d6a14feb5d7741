package app_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/checks"
	"skift/internal/api"
	"skift/internal/app"
	"skift/internal/matrix"
	"skift/internal/probefile"
)

// rewrite changes the plan and opens it anew, as after a stop.
func (s *small) rewrite(t *testing.T, replace ...string) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(s.dir, "plan.yaml")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.NewReplacer(replace...).Replace(string(text))
	if changed == string(text) {
		t.Fatalf("nothing of %q is in the plan", replace)
	}
	if err := os.WriteFile(name, []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
	if s.App, err = app.Open(t.Context(), app.Options{PlanDir: s.dir, Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // once more is nothing
}

// export is what a party is given.
func (s *small) export(t *testing.T, party string, patterns ...string) (api.ExportReply, probefile.Export) {
	t.Helper()
	r, err := s.Export(t.Context(), api.ExportRequest{Patterns: patterns, For: party, Expires: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	e, err := probefile.ReadExport(r.File)
	if err != nil {
		t.Fatal(err)
	}
	return r, e
}

// letIn answers every question: let in, so long ago.
func letIn(t *testing.T, e probefile.Export, ago time.Duration) []byte {
	t.Helper()
	at := time.Now().Add(-ago)
	r := probefile.Results{Export: e.ID, StartedAt: at, EndedAt: at, Asked: e.Asked()}
	for _, a := range e.Asked() {
		r.Answers = append(r.Answers, checks.Result{Unit: a.Unit, Outcome: checks.Pass, Verdict: checks.Pass, Code: checks.OK, ConfigHash: a.ConfigHash,
			CheckerVersion: "reach/2", StartedAt: at})
	}
	data, err := r.Write(e)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// known says of both sides of a flow what its answers are worth now.
func (s *small) known(t *testing.T, flow string) string {
	t.Helper()
	r, err := s.Explain(t.Context(), api.ExplainRequest{Patterns: []string{"let-in"}, Flow: flow})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, x := range r.Explanations {
		for _, a := range x.Answers {
			out = append(out, strings.TrimSpace(strings.Join([]string{string(a.Side), string(a.Verdict), string(a.Code), string(a.Reason), string(a.Brought.By), a.Brought.Party}, " ")))
		}
	}
	return strings.Join(out, ", ")
}

// What was brought holds as long as its check says, from when it was asked, and only for what is asked today.
func TestBroughtAnswersThatProveNothing(t *testing.T) {
	imports := func(s *small, file []byte) map[string]int {
		t.Helper()
		r, err := s.Import(t.Context(), api.ImportRequest{File: file})
		if err != nil {
			t.Fatal(err)
		}
		why := map[string]int{}
		for _, n := range r.NotNow {
			why[n.Why]++
		}
		return why
	}
	s := newSmall(t, nil, "")
	s.rewrite(t, "proof: http, for_each: flows}", "proof: http, for_each: flows, max_age: 1m}")
	_, e := s.export(t, "k101", "*")
	if len(e.Questions) != 2 {
		t.Fatalf("%+v", e.Questions)
	}
	if d := cmp.Diff(map[string]int{string(matrix.TooOld): 2}, imports(s, letIn(t, e, 90*time.Second))); d != "" {
		t.Errorf("too old:\n%s", d)
	}
	if got := s.known(t, "f1"); got != "old unverified stale too-old probe k101, new unverified stale too-old probe k101" {
		t.Errorf("too old: %s", got)
	}
	fresh := letIn(t, e, time.Second)
	if d := cmp.Diff(map[string]int{}, imports(s, fresh)); d != "" {
		t.Errorf("fresh:\n%s", d)
	}
	if got := s.known(t, "f1"); got != "old pass ok  probe k101, new pass ok  probe k101" {
		t.Errorf("fresh: %s", got)
	}
	if got := s.known(t, "f2"); strings.Contains(got, "probe") || strings.Contains(got, "pass") {
		t.Errorf("somebody else's flow: %s", got)
	}
	if old, new := s.old.asked.Load(), s.new.asked.Load(); old+new != 0 {
		t.Errorf("somebody was asked from here: %d, %d", old, new)
	}

	late := letIn(t, e, 500*time.Millisecond)
	s.rewrite(t, "proof: http, for_each: flows, max_age: 1m}", "proof: http, for_each: flows, max_age: 1m, timeout: 7s}")
	if d := cmp.Diff(map[string]int{string(matrix.OtherConfig): 2}, imports(s, late)); d != "" {
		t.Errorf("other config:\n%s", d)
	}
	if got := s.known(t, "f1"); got != "old unverified stale other-config probe k101, new unverified stale other-config probe k101" {
		t.Errorf("other config: %s", got)
	}

	_, e = s.export(t, "k101", "*")
	s.rewrite(t, "  let-in: {kind: reach", "  comes-in: {kind: reach", "[up, let-in]", "[up, comes-in]")
	if d := cmp.Diff(map[string]int{"gone": 2}, imports(s, letIn(t, e, 0))); d != "" {
		t.Errorf("gone from the plan:\n%s", d)
	}
	r, err := s.Check(t.Context(), api.CheckRequest{Dry: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range r.Pairs {
		if p.Verdict.Word != checks.WordNotObserved {
			t.Errorf("%s %s is %s by an answer to what is asked no more", p.Check, p.Flow, p.Verdict.Word)
		}
	}
}

// An answer from another address than the flow's proves nothing of the flow, whatever the program there made of it.
func TestBroughtFromAnotherAddress(t *testing.T) {
	s := newSmall(t, nil, "")
	_, e := s.export(t, "k101", "*")
	for _, c := range []struct{ local, egress, want string }{
		{"198.51.100.9:40000", "", "old unverified unobserved  probe k101, new unverified unobserved  probe k101"},
		{"198.51.100.9:40000", "198.51.100.9", "old unverified unobserved  probe k101, new unverified unobserved  probe k101"},
		{"198.51.100.9:40000", "127.0.0.2", "old pass ok  probe k101, new pass ok  probe k101"},
		{"127.0.0.2:40000", "", "old pass ok  probe k101, new pass ok  probe k101"},
	} {
		at := time.Now()
		r := probefile.Results{Export: e.ID, StartedAt: at, EndedAt: at, Asked: e.Asked()}
		for _, a := range e.Asked() {
			answer := checks.Result{Unit: a.Unit, Outcome: checks.Pass, Verdict: checks.Pass, Code: checks.OK, ConfigHash: a.ConfigHash,
				CheckerVersion: "reach/2", StartedAt: at, LocalAddr: c.local}
			if c.egress != "" {
				answer.Facts = map[string]string{checks.FactEgress: c.egress}
			}
			r.Answers = append(r.Answers, answer)
		}
		data, err := r.Write(e)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Import(t.Context(), api.ImportRequest{File: data}); err != nil {
			t.Fatal(err)
		}
		if got := s.known(t, "f1"); got != c.want {
			t.Errorf("from %s, seen as %q: %s", c.local, c.egress, got)
		}
	}
}

// What travels says where the other host keeps its secrets, and holds none of ours; what lies here as a file or lacks a consent stays here.
func TestWhatIsNotExported(t *testing.T) {
	const canary = "CANARY-of-a-secret"
	t.Setenv("SKIFT_TEST_KEY", canary)
	s := newSmall(t, nil, "")
	if err := os.Mkdir(filepath.Join(s.dir, "keys"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "keys", "id"), []byte(canary), 0o600); err != nil {
		t.Fatal(err)
	}
	s.rewrite(t, "suites:", `  files: {kind: sftp, service: web, for_each: flows, user: skift, key: "file:keys/id", host_key: {old: ["SHA256:ExampleOnlyOldSftpProdKey000000000000000000"], new: ["SHA256:ExampleOnlyNewSftpProdKey000000000000000000"]}}
  drop: {kind: sftp, service: web, for_each: flows, user: skift, key: "env:SKIFT_TEST_KEY", host_key: {old: ["SHA256:ExampleOnlyOldSftpProdKey000000000000000000"], new: ["SHA256:ExampleOnlyNewSftpProdKey000000000000000000"]}}
  paper: {kind: cert_file, service: web, for_each: flows, file: {column: id}}
suites:`, "olde: {role: old-supplier}", "olde: {role: old-supplier, consent: {levels: [sftp-login]}}")
	r, e := s.export(t, "k101", "*")
	asked, left := map[string]int{}, map[string]int{}
	for _, q := range e.Questions {
		asked[q.Unit.Check+" "+string(q.Unit.Side)]++
	}
	for _, l := range r.LeftOut {
		left[l.Unit.Check+" "+string(l.Unit.Side)+" "+l.Why]++
	}
	if d := cmp.Diff(map[string]int{"let-in old": 1, "let-in new": 1, "files old": 1, "drop old": 1}, asked); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string]int{"files new consent": 1, "drop new consent": 1, "paper old file": 1, "paper new file": 1}, left); d != "" {
		t.Error(d)
	}
	for _, where := range []string{"file:keys/id", "env:SKIFT_TEST_KEY"} {
		if !bytes.Contains(r.File, []byte(where)) {
			t.Errorf("the file does not say %s", where)
		}
	}
	if bytes.Contains(r.File, []byte(canary)) {
		t.Error("a secret is in the file")
	}
}

// What was brought before keeps no baseline, so none is taken for kept: a zone that came into force meanwhile finds what was stored before it.
func TestBroughtAgainIntoAZone(t *testing.T) {
	t.Parallel()
	s := newSmall(t, nil, "")
	answered := func(version string, ago time.Duration) []byte {
		_, e := s.export(t, "k101", "*")
		r := probefile.Results{Export: e.ID, StartedAt: time.Now().Add(-ago), EndedAt: time.Now().Add(-ago), Asked: e.Asked()}
		for _, a := range e.Asked() {
			r.Answers = append(r.Answers, checks.Result{Unit: a.Unit, Outcome: checks.Pass, Verdict: checks.Pass, Code: checks.OK, ConfigHash: a.ConfigHash,
				CheckerVersion: "reach/2", StartedAt: r.StartedAt, Facts: map[string]string{"version": version}})
		}
		data, err := r.Write(e)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	imported := func(file []byte) api.ImportReply {
		t.Helper()
		r, err := s.Import(t.Context(), api.ImportRequest{File: file})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	taken := func() {
		t.Helper()
		if _, err := s.Reload(t.Context(), api.ReloadRequest{}); err != nil {
			t.Fatal(err)
		}
	}
	taken()
	before := answered("TLS 1.2", time.Minute)
	imported(before)
	s.rewrite(t, "milestones: {", "milestones: {quiet: {kind: zone, from: 2020-01-01, until: 2099-01-01, allow: []}, ")
	taken()
	if r := imported(before); !r.Already {
		t.Fatalf("%+v", r)
	}
	imported(answered("TLS 1.3", 0))
	snap, err := s.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(snap.Drifts) != 2 { // of two platforms
		t.Fatalf("%d differences", len(snap.Drifts))
	}
	for _, d := range snap.Drifts {
		if d.Before["version"] != "TLS 1.2" || d.After["version"] != "TLS 1.3" {
			t.Errorf("%+v", d)
		}
	}
}
