package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"skift/internal/health"
)

// TestEveryTroubleHasASection: whatever /healthz says is wrong, operations.md says where to look and what to do.
func TestEveryTroubleHasASection(t *testing.T) {
	t.Parallel()
	doc := document(t, "operations.md")
	var told []string
	for _, m := range regexp.MustCompile(`(?m)^#### Red: (\S+)$`).FindAllStringSubmatch(doc, -1) {
		told = append(told, m[1])
		text := section(t, doc, "#### Red: "+m[1])
		if !strings.Contains(text, "*Look:*") && !strings.Contains(text, "*Look* and *do*") || !strings.Contains(strings.ToLower(text), "*do") || !strings.Contains(text, "`") && !strings.Contains(text, "](#") {
			t.Errorf("the section of %s does not say where to look and what to do", m[1])
		}
	}
	var want []string
	for _, c := range health.Causes() {
		want = append(want, string(c))
	}
	if d := cmp.Diff(want, told); d != "" {
		t.Errorf("troubles (-program +document): %s", d)
	}
}

const metricsMark = "| metric | labels | value |\n|---|---|---|\n"

// TestMetricsAreDocumented: the table of figures is that of the program.
func TestMetricsAreDocumented(t *testing.T) {
	t.Parallel()
	var want strings.Builder
	for _, m := range health.Metrics() {
		labels := make([]string, len(m.Labels))
		for i, l := range m.Labels {
			labels[i] = "`" + l + "`"
		}
		fmt.Fprintf(&want, "| `%s` | %s | %s |\n", m.Name, strings.Join(labels, " "), m.Help)
	}
	doc := document(t, "operations.md")
	head, rest, ok := strings.Cut(section(t, doc, "### Figures"), metricsMark)
	if !ok {
		t.Fatal("the table of figures has lost its head")
	}
	got, _, _ := strings.Cut(rest, "\n\n")
	if *update {
		was := head + metricsMark + rest
		now := head + metricsMark + want.String() + strings.TrimPrefix(rest, got+"\n")
		if err := os.WriteFile(filepath.Join("..", "docs", "operations.md"), []byte(strings.Replace(doc, was, now, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(want.String(), strings.TrimRight(got, "\n")+"\n"); d != "" {
		t.Errorf("figures (-program +document); go test ./config -run Metrics -update:\n%s", d)
	}
}

// TestAlertsNameFigures: the alerts that ship can be read, ask for figures and labels that there are, and lead to a section that there is.
func TestAlertsNameFigures(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile(filepath.Join("..", "packaging", "skift.rules.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(src, &file); err != nil {
		t.Fatal(err)
	}
	known := map[string][]string{"up": {"job"}}
	for _, m := range health.Metrics() {
		known[m.Name] = m.Labels
	}
	doc, n := document(t, "operations.md"), 0
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			n++
			if r.Alert == "" || r.Labels["severity"] == "" || r.Annotations["summary"] == "" {
				t.Errorf("alert %q lacks name, severity or summary", r.Alert)
			}
			names := regexp.MustCompile(`\b(skift_\w+|up)\b(?:\{([^}]*)\})?`).FindAllStringSubmatch(r.Expr, -1)
			if len(names) == 0 {
				t.Errorf("%s asks for no figure: %s", r.Alert, r.Expr)
			}
			for _, m := range names {
				labels, ok := known[m[1]]
				if !ok {
					t.Errorf("%s asks for %s, which is not exported", r.Alert, m[1])
				}
				for _, l := range regexp.MustCompile(`(\w+)(?:=|!=|=~|!~)"`).FindAllStringSubmatch(m[2], -1) {
					if !slices.Contains(labels, l[1]) {
						t.Errorf("%s asks %s for the label %s, which it has not", r.Alert, m[1], l[1])
					}
				}
			}
			if see := r.Annotations["see"]; !strings.Contains(doc, "\n### "+see+"\n") && !strings.Contains(doc, "\n#### "+see+"\n") {
				t.Errorf("%s leads to %q, which is no section of operations.md", r.Alert, see)
			}
		}
	}
	if n < 10 {
		t.Errorf("%d alerts", n)
	}
}
