package plan

import (
	"strings"
	"testing"
	"testing/fstest"

	"skift/internal/diag"
)

// FuzzLoad reads whatever stands in the files of a plan. Nothing may panic, and every problem must lie inside a file that was read.
func FuzzLoad(f *testing.F) {
	seed := func(b *bundle) {
		f.Add(b.files[File], b.files["runbooks/cutover-weekend.yaml"], b.files["flows.csv"], b.files["shifts.csv"], b.files["waves.csv"])
	}
	whole := readBundle(f, "testdata/full.txtar")
	seed(whole)
	seed(readBundle(f, lintdata+"/base/minimal.txtar"))
	seed(readBundle(f, lintdata+"/bad/unknown-name.txtar"))
	seed(readBundle(f, lintdata+"/base/waves.txtar"))
	seed(readBundle(f, lintdata+"/bad/milestone-left-out.txtar"))
	f.Fuzz(func(t *testing.T, planFile, runbook, flows, shifts, waves string) {
		fsys := fstest.MapFS{}
		for name, text := range whole.files {
			fsys[name] = &fstest.MapFile{Data: []byte(text)}
		}
		fsys[File] = &fstest.MapFile{Data: []byte(planFile)}
		fsys["runbooks/cutover-weekend.yaml"] = &fstest.MapFile{Data: []byte(runbook)}
		fsys["flows.csv"] = &fstest.MapFile{Data: []byte(flows)}
		fsys["shifts.csv"] = &fstest.MapFile{Data: []byte(shifts)}
		fsys["waves.csv"] = &fstest.MapFile{Data: []byte(waves)}
		p, problems := Load(fsys)
		for _, problem := range problems.Sorted() {
			if problem.Message == "" || problem.Code == "" || problem.File == "" {
				t.Errorf("%+v says too little", problem)
			}
			if strings.Contains(problem.Message, "yaml:") || strings.Contains(problem.Message, "strconv") {
				t.Errorf("%s speaks Go", problem)
			}
			inside(t, p, problem)
		}
		if p.Hash == "" || p.Sources == nil {
			t.Error("a plan with problems has no hash or no sources")
		}
		if problems.Errors() == 0 {
			again, second := Load(fsys)
			if second.Len() != problems.Len() || again.Hash != p.Hash {
				t.Error("reading it twice gives something else")
			}
		}
	})
}

// inside demands that a problem lies inside a file that was read.
func inside(t testing.TB, p *Plan, problem diag.Problem) {
	t.Helper()
	if problem.Line == 0 {
		return // the file as a whole
	}
	src, ok := p.Sources[problem.File]
	if !ok {
		t.Errorf("%s: the file was not read", problem)
		return
	}
	src = []byte(strings.TrimPrefix(string(src), "\ufeff"))
	if at := diag.Inside(src, problem.Pos); at != problem.Pos {
		t.Errorf("%s: lies outside the file", problem)
	}
}
