package runner_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skift/internal/run"
	"skift/internal/runner"
)

var parameterBooks = map[string]string{
	"one": `runbook: one
back_out: undo
parameters:
  text: {default: plain}
  host: {type: host}
  times: {type: int, default: 3}
  wait: {type: duration, default: 10m}
  side: {type: enum, values: [old, new], default: new}
  service: {type: service, default: gateway}
steps:
  go: {owner: ibm/operator, command: [./go, fixed, {parameter: host}, --, {parameter: text}], change: transition}
  in: {needs: [go], runbook: inner, with: {target: {parameter: host}, colour: red}}
  ask: {needs: [in], owner: ibm/operator, manual: Ask}
`,
	"inner": "runbook: inner\nparameters: {target: {type: host}, colour: {}}\nsteps:\n  deep: {owner: ibm/operator, command: [./deep, {parameter: target}, {parameter: colour}]}\n",
	"undo":  "runbook: undo\nparameters: {host: {type: host}, why: {default: none}}\nsteps:\n  back: {owner: ibm/operator, undoes: go, command: [./back, {parameter: host}, {parameter: why}]}\n",
	"plain": "  go: {owner: ibm/operator, command: [./plain]}\n",
}

// argvs lists what programs would have been started with.
func (w *world) argvs() *[][]string {
	var out [][]string
	w.actions.will(func(_ context.Context, e runner.Effect) (runner.Outcome, error) {
		out = append(out, append([]string{e.Env["SKIFT_PARAM_HOST"], e.Env["SKIFT_PARAM_TARGET"], e.Env["SKIFT_PARAM_TEXT"]}, e.Step.Argv...))
		return runner.Outcome{OK: true}, nil
	})
	return &out
}

func set(pairs ...string) func(*runner.Command) {
	return func(c *runner.Command) {
		c.Set = map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			c.Set[pairs[i]] = pairs[i+1]
		}
	}
}

// TestParameters: values reach programs as whole arguments and variables, go on into runs inside and into the back-out, and stay
// what they were after a restart.
func TestParameters(t *testing.T) {
	t.Parallel()
	story(t, parameterBooks, func(w *world) {
		seen := w.argvs()
		w.refused(runner.Usage, runner.Command{Do: runner.DoStart, Runbook: "one"})
		id := w.begin("one", set("host", "web.example"))
		w.restart()
		w.refused(runner.Conflict, runner.Command{Do: runner.DoStart, Runbook: "one", Set: map[string]string{"host": "other.example"}})
		if again := w.begin("one", set("host", "web.example")); again != id {
			t.Errorf("%s goes on as %s", id, again)
		}
		w.begin("undo", chaired, set("why", "tired"))
		want := [][]string{
			{"web.example", "", "plain", "./go", "fixed", "web.example", "--", "plain"},
			{"", "web.example", "", "./deep", "web.example", "red"},
			{"web.example", "", "", "./back", "web.example", "tired"},
		}
		if d := cmp.Diff(want, *seen); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		w.wantRun(id, run.RunBacked)
	})
}

// TestHostileParameters: what looks like a command, an option or another argument is one argument, byte for byte, or refused.
func TestHostileParameters(t *testing.T) {
	t.Parallel()
	payloads := []string{"; rm -rf /", "$(touch x)", "`touch x`", "a' b\" c", "%2F..%2F", "a&&b", "x | y", "../../etc", "*", "~root", "{{.Secret}}", "ø\u202eæ", "-rf",
		"--option=value", "-oProxyCommand=x", "%SYSTEMROOT%", "^&calc", "<a>", "a=b", "\\", "${IFS}", "!!"}
	story(t, parameterBooks, func(w *world) {
		for _, payload := range payloads {
			seen := w.argvs()
			id := w.begin("one", set("host", "web.example", "text", payload))
			if got := (*seen)[0]; got[len(got)-1] != payload || got[2] != payload || len(got) != 8 {
				t.Errorf("%q arrives as %q", payload, got)
			}
			w.do(runner.Command{Do: runner.DoAbort, Run: id, As: chair, Reason: "next"})
		}
		calls := len(w.actions.made())
		for name, values := range map[string][]string{
			"text":  {"", "two\nlines", "nul\x00", "tab\t", "\x1b[2J", "\xff", strings.Repeat("x", 1001)},
			"host":  append(payloads, "a b", "a.example:22", "user@host.example", "-h", "host-", "fe80::1%eth0", "a..b", strings.Repeat("a", 64)),
			"times": {"three", "1.5", "0x10", "1e3", "+1", " 1", "9223372036854775808"}, "wait": {"5", "-5m", "soon"},
			"side": {"both", "NEW", "old,new"}, "service": {"nothing", "*", "Gateway"}, "nobody": {"x"},
		} {
			for _, value := range values {
				c := runner.Command{Do: runner.DoStart, Runbook: "one", Set: map[string]string{"host": "web.example"}}
				c.Set[name] = value
				w.refused(runner.Usage, c)
			}
		}
		w.refused(runner.Usage, runner.Command{Do: runner.DoStart, Runbook: "plain", Set: map[string]string{"x": "y"}})
		if n := len(w.actions.made()); n != calls {
			t.Errorf("%d programs were started for values that were refused", n-calls)
		}
	})
}
