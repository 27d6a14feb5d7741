package config_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"skift/checks"
	"skift/config"
	"skift/internal/diag"
	"skift/internal/plan"
	"skift/internal/run"
	"skift/runbooks"
)

// The documents are held to the program here: this package ships the examples, and docs/ is no package of its own.

func document(t *testing.T, name string) string {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("..", "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}

// section is the text under a heading, up to the next heading of its level or above.
func section(t *testing.T, doc, heading string) string {
	t.Helper()
	_, rest, ok := strings.Cut(doc, "\n"+heading+"\n")
	if !ok {
		t.Fatalf("there is no heading %q", heading)
	}
	level := strings.IndexByte(heading, ' ')
	end := regexp.MustCompile(`(?m)^#{1,` + string(rune('0'+level)) + `} `).FindStringIndex(rest)
	if end == nil {
		return rest
	}
	return rest[:end[0]]
}

var firstCell = regexp.MustCompile("(?m)^\\| `([^`]+)` \\|")

// documented lists the keys whose own lines stand in the tables of a text, sorted.
func documented(text string) []string {
	var out []string
	for _, m := range firstCell.FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	slices.Sort(out)
	return out
}

// file: in the info string of a fenced block names the file that the block is.
var fileBlock = regexp.MustCompile("(?ms)^```[a-z]* ?file:(\\S+)\n(.*?)^```$")

// examples are the file blocks of a document as file systems: by their first folder where folders is true, else all together.
func examples(doc string, folders bool) map[string]fstest.MapFS {
	out := map[string]fstest.MapFS{}
	for _, m := range fileBlock.FindAllStringSubmatch(doc, -1) {
		dir, name := "", m[1]
		if folders {
			dir, name, _ = strings.Cut(m[1], "/")
		}
		if out[dir] == nil {
			out[dir] = fstest.MapFS{}
		}
		out[dir][name] = &fstest.MapFile{Data: []byte(m[2])}
	}
	return out
}

func TestPlanReferenceExamplesLoad(t *testing.T) {
	t.Parallel()
	plans := examples(document(t, "plan-reference.md"), true)
	if d := cmp.Diff([]string{"one-night", "smallest", "two-services"}, slices.Sorted(maps.Keys(plans))); d != "" {
		t.Fatalf("complete plans (-want +got):\n%s", d)
	}
	for name, fsys := range plans {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			load(t, fsys)
		})
	}
}

func TestPlanReferenceKeys(t *testing.T) {
	t.Parallel()
	doc := document(t, "plan-reference.md")
	dates, rest := section(t, doc, "### Dates"), section(t, doc, "## Keys of plan.yaml")
	var got []string
	for _, key := range documented(dates) {
		if strings.HasPrefix(key, "DATE.") {
			got = append(got, key)
		}
	}
	got = append(got, documented(rest)...)
	slices.Sort(got)
	if d := cmp.Diff(plan.Keys(), got); d != "" {
		t.Errorf("keys of plan.yaml (-read +documented):\n%s", d)
	}
	if d := cmp.Diff(runbooks.Keys(), documented(section(t, doc, "## Runbooks"))); d != "" {
		t.Errorf("keys of runbooks (-read +documented):\n%s", d)
	}
	if d := cmp.Diff(runbooks.StandardNames(), documented(section(t, doc, "## Standard runbooks"))); d != "" {
		t.Errorf("standard runbooks (-shipped +documented):\n%s", d)
	}
}

func TestPlanReferenceChecks(t *testing.T) {
	t.Parallel()
	doc := document(t, "plan-reference.md")
	names := func(keys []checks.Key) []string {
		var out []string
		for _, k := range keys {
			out = append(out, k.Name)
		}
		slices.Sort(out)
		return out
	}
	if d := cmp.Diff(names(checks.CommonKeys()), documented(section(t, doc, "### Every check"))); d != "" {
		t.Errorf("keys of every check (-read +documented):\n%s", d)
	}
	var kinds []string
	for _, def := range checks.Kinds() {
		kinds = append(kinds, string(def.Kind))
		if d := cmp.Diff(names(def.Keys), documented(checkPage(t, def.Kind))); d != "" {
			t.Errorf("keys of %s (-read +documented):\n%s", def.Kind, d)
		}
	}
	var listed []string
	for _, m := range regexp.MustCompile("(?m)^\\| \\[`(\\w+)`\\]\\(checks/(\\w+)\\.md\\) \\|").FindAllStringSubmatch(section(t, doc, "### Kinds"), -1) {
		if m[1] != m[2] {
			t.Errorf("%s links to the page of %s", m[1], m[2])
		}
		listed = append(listed, m[1])
	}
	if d := cmp.Diff(kinds, listed); d != "" {
		t.Errorf("kinds of check (-there are +documented):\n%s", d)
	}
}

func checkPage(t *testing.T, kind checks.Kind) string {
	t.Helper()
	return document(t, filepath.Join("checks", string(kind)+".md"))
}

// A kind of check is whole: it is read, asked and described, and shown against a real server and at the command line.
func TestEveryKindIsWhole(t *testing.T) {
	t.Parallel()
	for _, def := range checks.Kinds() {
		k := string(def.Kind)
		for _, file := range []string{"checks/" + k + ".go", "checks/probe/" + k + ".go", "checks/probe/" + k + "_test.go",
			"docs/checks/" + k + ".md", "internal/cli/testdata/script/check-" + k + ".txtar"} {
			if _, err := os.Stat(filepath.Join("..", filepath.FromSlash(file))); err != nil {
				t.Errorf("kind %s has no %s", k, file)
			}
		}
	}
}

var yamlBlock = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")

// withChecks is a plan with other checks, which all of its suites ask.
func withChecks(planYAML []byte, example string) *fstest.MapFile {
	head, rest, _ := strings.Cut(string(planYAML), "\nchecks:\n")
	_, rest, _ = strings.Cut(rest, "\nsuites:\n")
	suites, rest, _ := strings.Cut(rest, "\nmilestones:\n")
	suites = regexp.MustCompile(`checks: \[[^]]*\]`).ReplaceAllString(suites, `checks: ["*"]`)
	example = regexp.MustCompile("(?m)^").ReplaceAllString(strings.TrimSpace(example), "  ")
	return &fstest.MapFile{Data: []byte(head + "\nchecks:\n" + example + "\nsuites:\n" + suites + "\nmilestones:\n" + rest)}
}

// The examples on the page of a kind are checks to copy. Each block is put into the plan of two services in place of its checks,
// with the file blocks of the page beside it, and must load without a word.
func TestCheckPagesExamplesLoad(t *testing.T) {
	t.Parallel()
	base := examples(document(t, "plan-reference.md"), true)["two-services"]
	for _, def := range checks.Kinds() {
		page := checkPage(t, def.Kind)
		blocks := yamlBlock.FindAllStringSubmatch(page, -1)
		if len(blocks) == 0 {
			t.Errorf("the page of %s has no example", def.Kind)
		}
		for i, m := range blocks {
			t.Run(fmt.Sprintf("%s-%d", def.Kind, i+1), func(t *testing.T) {
				t.Parallel()
				fsys := maps.Clone(base)
				maps.Copy(fsys, examples(page, false)[""])
				fsys["plan.yaml"] = withChecks(base["plan.yaml"].Data, m[1])
				p := load(t, fsys)
				if !slices.ContainsFunc(p.CheckIDs, func(id string) bool { return p.Checks[id].Kind == def.Kind }) {
					t.Errorf("the example holds no check of kind %s", def.Kind)
				}
			})
		}
	}
}

// The keys that settings.go reads are found in its text: they stand there once, as literals.
var settingsKey = regexp.MustCompile(`\b([mbf])\.(?:Opt)?[A-Z][A-Za-z]*\("([a-z_]+)"`)

func TestPlanReferenceSettings(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("settings.go")
	if err != nil {
		t.Fatal(err)
	}
	head, smtp, ok := strings.Cut(string(src), "func readSMTP(")
	if !ok {
		t.Fatal("settings.go reads smtp elsewhere now")
	}
	known := map[string]bool{}
	for _, m := range settingsKey.FindAllStringSubmatch(head, -1) {
		known[map[string]string{"m": "", "b": "budget.", "f": "freeze."}[m[1]]+m[2]] = true
	}
	for _, m := range settingsKey.FindAllStringSubmatch(smtp, -1) {
		known["smtp."+m[2]] = true
	}
	got := documented(section(t, document(t, "plan-reference.md"), "## skift.yaml"))
	if d := cmp.Diff(slices.Sorted(maps.Keys(known)), got); d != "" {
		t.Errorf("keys of skift.yaml (-read +documented):\n%s", d)
	}
}

func TestShippedSettingsAreRead(t *testing.T) {
	t.Parallel()
	for _, name := range config.Plans() {
		src, err := os.ReadFile(filepath.Join(name, config.File))
		if err != nil {
			t.Fatal(err)
		}
		// What is commented out must be right as well: it is there to be switched on.
		on := regexp.MustCompile(`(?m)^# ((?:base_url|smtp|  [a-z]+):)`).ReplaceAll(src, []byte("$1"))
		for _, text := range [][]byte{src, on} {
			var problems diag.List
			s := config.Read(text, &problems)
			if problems.Len() > 0 {
				t.Errorf("%s: %v", name, problems.Sorted())
			}
			if string(text) == string(on) && (s.SMTP == nil || s.SMTP.Password.String() != "env:SKIFT_SMTP_PASSWORD") {
				t.Errorf("%s: the mail server is not read: %+v", name, s.SMTP)
			}
		}
	}
}

func TestStateMachineIsTheTable(t *testing.T) {
	t.Parallel()
	row := regexp.MustCompile("(?m)^\\| (?:`([a-z-]+)`|–) \\| `([a-z.]+)` \\| `([a-z-]+)` \\|")
	var steps []run.Transition
	var runs []run.RunTransition
	for _, m := range row.FindAllStringSubmatch(document(t, "state-machine.md"), -1) {
		if strings.HasPrefix(m[2], "run.") {
			runs = append(runs, run.RunTransition{From: run.State(m[1]), Event: m[2], To: run.State(m[3])})
			continue
		}
		steps = append(steps, run.Transition{From: run.StepState(m[1]), Event: m[2], To: run.StepState(m[3])})
	}
	if d := cmp.Diff(run.Transitions(), steps); d != "" {
		t.Errorf("transitions of a step (-table +document):\n%s", d)
	}
	if d := cmp.Diff(run.RunTransitions(), runs); d != "" {
		t.Errorf("transitions of a run (-table +document):\n%s", d)
	}
}

// What may be said of a step in which state is in the document, and nothing else.
func TestMarksAreInTheStateMachine(t *testing.T) {
	t.Parallel()
	row := regexp.MustCompile("(?m)^\\| `(step\\.[a-z]+)` \\| [^|]* \\| ([^|]*) \\|$")
	got := map[string][]string{}
	for _, m := range row.FindAllStringSubmatch(document(t, "state-machine.md"), -1) {
		got[m[1]] = strings.Fields(strings.ReplaceAll(m[2], "`", ""))
	}
	want := map[string][]string{}
	for _, kind := range run.Marked() {
		for _, s := range run.Marks(kind) {
			want[kind] = append(want[kind], string(s))
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("what is said of steps (-read +documented):\n%s", d)
	}
}

// Every direct dependency has its line of why, and no line speaks of one that is gone.
func TestDependenciesAreExplained(t *testing.T) {
	t.Parallel()
	mod, err := os.ReadFile(filepath.Join("..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	var modules []string
	for _, m := range regexp.MustCompile(`(?m)^\s*(?:require )?([a-z0-9.-]+\.[a-z]+/\S+) v`).FindAllStringSubmatch(string(mod), -1) {
		modules = append(modules, m[1])
	}
	direct := map[string]bool{}
	err = filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if d.IsDir() || filepath.Ext(name) != ".go" {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return nil // half-written files fail elsewhere
		}
		for _, i := range f.Imports {
			imported := strings.Trim(i.Path.Value, `"`)
			for _, m := range modules {
				if imported == m || strings.HasPrefix(imported, m+"/") {
					direct[m] = true
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(slices.Sorted(maps.Keys(direct)), documented(document(t, "dependencies.md"))); d != "" {
		t.Errorf("direct dependencies (-imported +explained):\n%s", d)
	}
}

// A link to a file of the repository leads somewhere.
func TestLinksLead(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("..", "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	more, _ := filepath.Glob(filepath.Join("..", "docs", "*", "*.md"))
	files = append(append(files, more...), filepath.Join("..", "README.md"), filepath.Join("..", "CONTRIBUTING.md"))
	link := regexp.MustCompile(`\]\(([^)#: ]+)(#[^)]*)?\)`)
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(src), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", file, m[1])
			}
		}
	}
}
