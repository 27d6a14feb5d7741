package plan

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"go.yaml.in/yaml/v4"

	"skift/internal/figure"
)

// large is the full plan with 98 municipalities of 50 flows each and 5,000 steps more.
func large(t testing.TB) fstest.MapFS {
	t.Helper()
	fsys := readBundle(t, "testdata/full.txtar").fsys()
	var members, flows, steps strings.Builder
	members.WriteString("id,name,wave\n")
	flows.WriteString("party,user_system,service,direction,source_ip,cert_serial,contact\n")
	waves := []string{"pilot", "wave-1"}
	for m := range 98 {
		fmt.Fprintf(&members, "municipality-%d,Municipality %d,%s\n", 101+m, 101+m, waves[m%len(waves)])
		for f := range 50 {
			fmt.Fprintf(&flows, "municipality-%d,case-system,%s,in,192.0.2.%d,%02x:%02x,p-3\n", 101+m, []string{"gateway", "sftp"}[f%2], 1+m, m, f)
		}
	}
	steps.WriteString("runbook: large\ntitle: {da: Den store, en: The large one}\nsteps:\n")
	for s := range 5000 {
		fmt.Fprintf(&steps, "  step-%d:\n    title: {da: Trin %d, en: Step %d}\n", s, s, s)
		if s > 0 {
			fmt.Fprintf(&steps, "    needs: [step-%d]\n", s-1)
		}
		steps.WriteString("    owner: ibm/operator\n    stream: data\n    takes: 5m\n    change: transition\n    manual: Do what the instruction says and write down what came of it\n")
	}
	fsys["municipalities.csv"] = &fstest.MapFile{Data: []byte(members.String())}
	fsys["flows.csv"] = &fstest.MapFile{Data: []byte(flows.String())}
	fsys["runbooks/large.yaml"] = &fstest.MapFile{Data: []byte(steps.String())}
	return fsys
}

// bareParse is the least that reading can cost: every YAML file as nodes.
func bareParse(t testing.TB, fsys fstest.MapFS) {
	t.Helper()
	for name, file := range fsys {
		var n yaml.Node
		if strings.HasSuffix(name, ".yaml") {
			if err := yaml.Unmarshal(file.Data, &n); err != nil {
				t.Fatal(name, err)
			}
		}
	}
}

// BenchmarkLoad prints how many times the bare parse a whole reading takes, in rounds that alternate, and what it allocates.
func BenchmarkLoad(b *testing.B) {
	fsys := large(b)
	if p := mustLoad(b, fsys); len(p.Flows) != 4900 || len(p.Runbooks["large"].Steps) != 5000 {
		b.Fatal("the plan is not as large as it should be")
	}
	var ours, bare time.Duration
	var before, after runtime.MemStats
	var most uint64
	for b.Loop() {
		start := time.Now()
		bareParse(b, fsys)
		bare += time.Since(start)
		runtime.ReadMemStats(&before)
		start = time.Now()
		Load(fsys)
		ours += time.Since(start)
		runtime.ReadMemStats(&after)
		most = max(most, after.TotalAlloc-before.TotalAlloc)
	}
	figure.AtMost(b, "x-bare-parse", float64(ours)/float64(bare), 3, "reading 98 municipalities × 50 flows and 5,000 steps beside the bare parse of the same files")
	figure.AtMost(b, "MB-allocated", float64(most)/(1<<20), 150, "what that allocates, in MB")
}

// BenchmarkLoadManyProblems reads a plan with thousands of mistakes: an author who renamed one thing must not wait for suggestions.
func BenchmarkLoadManyProblems(b *testing.B) {
	fsys := large(b)
	fsys["flows.csv"] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(string(fsys["flows.csv"].Data), ",municipality-", ",kommune-"))}
	fsys["flows.csv"].Data = []byte(strings.ReplaceAll(string(fsys["flows.csv"].Data), "municipality-", "kommune-"))
	for b.Loop() {
		if _, problems := Load(fsys); problems.Errors() != 4900 {
			b.Fatal(problems.Errors())
		}
	}
}
