package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"skift/checks"
	"skift/internal/api"
	"skift/internal/matrix"
	"skift/internal/snapshot"
)

// hostile is text as nobody should be able to bring it to a screen or a collector.
const hostile = "\x1b[2J\x1b]52;c;ZXZpbA==\x07\x1b]8;;http://evil.example\x1b\\red\r\n\u202etxet \"} 1\nskift_pairs{word=\"down\"} 99 \\\xff<script>{{.}}"

// Whatever is in a label, a collector reads exactly the samples that were meant.
func TestPromIsReadByItsParser(t *testing.T) {
	t.Parallel()
	at := time.Date(2019, 11, 9, 2, 14, 0, 0, time.UTC)
	e := snapshot.Explanation{Pair: snapshot.Pair{Check: "cert", Service: hostile, Flow: hostile, Party: hostile, Vantage: hostile},
		Answers: []snapshot.Answer{{SideWhy: matrix.SideWhy{Side: checks.New, Addr: hostile, Verdict: checks.Fail, Code: checks.Code(hostile), Owner: hostile,
			LastAt: at.Add(-90 * time.Second), Facts: map[string]string{"subject": hostile, "not_after": "2020-01-01T00:00:00Z"}}}}}
	text := promText(api.CheckReply{Environment: hostile, At: at, Pairs: []snapshot.Pair{{Verdict: checks.PairVerdict{Word: checks.WordGap}}}},
		api.ExplainReply{At: at, Environment: hostile, Explanations: []snapshot.Explanation{e}})
	inert(t, text)
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	got := map[string]float64{}
	for name, f := range families {
		for _, m := range f.Metric {
			got[name] += m.GetGauge().GetValue()
		}
	}
	want := map[string]float64{"skift_check_verdict": 1, "skift_check_age_seconds": 90, "skift_cert_not_after_seconds": 1577836800,
		"skift_pairs": 1, "skift_check_timestamp_seconds": 1573265640}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("read (-want +got):\n%s", d)
	}
	if n := len(families["skift_pairs"].Metric); n != len(checks.Words()) {
		t.Errorf("%d words, want %d", n, len(checks.Words()))
	}
}

// inert fails when a text could do something to a terminal.
func inert(t *testing.T, text string) {
	t.Helper()
	for i, r := range text {
		if r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			t.Fatalf("%U at %d: %q", r, i, text[max(0, i-40):min(len(text), i+40)])
		}
	}
}

// A file that cannot be replaced stays as it was, and nothing is left beside it.
func TestReplaceFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, "x.prom")
	for _, text := range []string{"one", "two"} {
		if err := replaceFile(name, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(name); err != nil || string(got) != text {
			t.Fatalf("%q, %v", got, err)
		}
	}
	folder := filepath.Join(dir, "folder")
	if err := os.MkdirAll(filepath.Join(folder, "full"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := replaceFile(folder, []byte("x")); err == nil {
		t.Error("a folder was replaced")
	}
	device := filepath.Join(dir, "device")
	if err := os.Symlink(os.DevNull, device); err != nil {
		t.Fatal(err)
	}
	if err := replaceFile(device, []byte("x")); err == nil {
		t.Error("a device was replaced")
	}
	if st, err := os.Stat(device); err != nil || st.Mode().IsRegular() {
		t.Errorf("where the device was lies %v, %v", st, err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 3 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
