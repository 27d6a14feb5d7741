package cli

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"skift/checks"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/store"
)

// skift runs the program in this process.
func skift(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = Main(args, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

// TestValidateKnowsWhatWasObserved: a certificate that a server presented here ends inside a zone that does not allow its renewal.
func TestValidateKnowsWhatWasObserved(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "plan")
	if code, _, stderr := skift(t, "init", dir, "--from", "minimal"); code != ExitOK {
		t.Fatalf("init: exit %d: %s", code, stderr)
	}
	_, p := shipped(t, "minimal")
	st, err := store.Open(t.Context(), store.Options{Dir: filepath.Join(dir, ".skift"), Plan: p.ID})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	_, err = st.Commit(t.Context(), register.Batch{Observations: []checks.Result{{
		Unit:    checks.Unit{Check: "booking-cert", Side: checks.New, Addr: "203.0.113.10:443", Vantage: plan.LocalVantage},
		Outcome: checks.Pass, Verdict: checks.Pass, Code: checks.OK, Want: checks.Allow, StartedAt: at, ValidUntil: at.Add(time.Hour),
		Facts: map[string]string{"not_after": "2027-02-20T12:00:00Z", "best_chain_min": "2027-02-20T12:00:00Z", "subject": "CN=booking.example"},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	check := func(when string) {
		t.Helper()
		code, stdout, stderr := skift(t, "-C", dir, "validate")
		for _, want := range []string{"inside frozen-zone, which does not allow its renewal", "203.0.113.10:443 (CN=booking.example) ends 2027-02-20 13:00",
			"    booking-cert: {kind: tls", "hint: renew it before frozen-zone begins", "skift: 1 problem\n"} {
			if !strings.Contains(stderr, want) {
				t.Errorf("%s: %q is not said:\n%s", when, want, stderr)
			}
		}
		if code != ExitUsage || stdout != "" {
			t.Errorf("%s: exit %d, stdout %q", when, code, stdout)
		}
	}
	check("while another process owns the data directory")
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	check("afterwards")
}

// TestSettingsAreAFile: what stands where skift.yaml belongs is the author's mistake, told with those of the plan.
func TestSettingsAreAFile(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "plan")
	if code, _, stderr := skift(t, "init", dir, "--from", "minimal"); code != ExitOK {
		t.Fatalf("init: exit %d: %s", code, stderr)
	}
	settings := filepath.Join(dir, "skift.yaml")
	if err := errors.Join(os.Remove(settings), os.Mkdir(settings, 0o700), os.Remove(filepath.Join(dir, "shifts.csv"))); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := skift(t, "-C", dir, "validate")
	for _, want := range []string{`skift.yaml: "skift.yaml" is not a file`, `roster: there is no file "shifts.csv"`, "skift: 2 problems\n"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("%q is not said:\n%s", want, stderr)
		}
	}
	if code != ExitUsage {
		t.Errorf("exit %d", code)
	}
}
