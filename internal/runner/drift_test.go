package runner_test

import (
	"testing"

	"skift/checks"
	"skift/internal/freeze"
	"skift/internal/ledger"
	"skift/internal/register"
	"skift/internal/runner"
)

// Its owner says that it is a breach, the customer also that it was expected; nobody excuses themselves, and the last word stands.
func TestDriftIsAnsweredByAPerson(t *testing.T) {
	t.Parallel()
	tell(t, frozenFrom(""), nil, func(w *world) {
		d := &freeze.Drift{ID: "0a1b2c3d", Zone: "zone", Unit: checks.Unit{Check: "cert", Side: checks.Old}, Owner: "sse", Before: map[string]string{"serial": "1"}, After: map[string]string{"serial": "2"}}
		say := func(word, seat, reason string) runner.Command {
			return runner.Command{Do: runner.DoDrift, Drift: d.ID, Difference: d, Answer: word, As: seat, Reason: reason}
		}
		unknown := say("breach", "sse/operator", "we did")
		unknown.Difference = nil
		w.refused(runner.NotFound, unknown)
		w.refused(runner.Usage, say("breach", "", "we did"))
		w.refused(runner.Usage, say("breach", "sse/operator", " "))
		w.refused(runner.Usage, say("fine", "kombit/chair", "it is"))
		w.refused(runner.Forbidden, say("breach", "ibm/operator", "they did"))
		w.refused(runner.Forbidden, say("expected", "sse/operator", "it is only a certificate"))
		w.do(say("breach", "sse/operator", "we renewed it"))
		w.do(say("expected", "kombit/chair", "the issuer revoked it"))
		w.facts(func(f *ledger.Facts) {
			if got := f.Register.Drift(d.ID); got == nil || got.Word != register.Expected || got.After["serial"] != "2" || len(f.Register.Drifts) != 2 {
				t.Errorf("%+v", got)
			}
		})
	})
}
