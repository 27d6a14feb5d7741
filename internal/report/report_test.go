package report_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skift/internal/report"
	"skift/internal/snapshot"
	"skift/internal/words"
)

var update = flag.Bool("update", false, "write golden files")

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
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
}

func render(t testing.TB, kind string, s snapshot.Snapshot, o report.Options) report.Rendered {
	t.Helper()
	r, err := report.Render(kind, s, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// everyReport lists what people get, also what nobody asks for.
func everyReport() []string { return append(report.Kinds(), report.Contradiction, report.Difference) }

func TestGolden(t *testing.T) {
	t.Parallel()
	for _, kind := range everyReport() {
		for _, lang := range words.Langs() {
			o := report.Options{Lang: lang, BaseURL: "https://skift.example/plan", Audience: "steering", AudienceTitle: "Styregruppe"}
			switch kind {
			case "own-flows":
				o.Party = "municipality-102"
			case report.Contradiction:
				o.Audience, o.AudienceTitle, o.Run, o.Step = "", "", "cutover-weekend-2", "switch"
			case report.Difference:
				o.Audience, o.AudienceTitle, o.Owner = "", "", "sse"
			}
			r := render(t, kind, rich(t), o)
			base := filepath.Join("testdata", kind+"."+string(lang))
			golden(t, base+".html", r.HTML)
			golden(t, base+".txt", r.Subject+"\n\n"+r.Text)
		}
	}
}
