package probe

import (
	"flag"
	"fmt"
	"os"
	"sync"
	"testing"

	"skift/checks"
	"skift/internal/need"
)

// produced are the codes that a peer has given to a probe in this run of the tests.
var produced sync.Map

// saw takes down what a probe made of a peer. Whoever runs a Prober in a test without the help of run says it.
func saw(r checks.Result) { produced.Store(r.Code, true) }

// nobodys are the codes that no peer can give, each with who gives it and what shows it.
var nobodys = map[checks.Code]string{
	checks.NoConsent: "given before anybody is asked: internal/matrix, TestConsent",
	checks.Differs:   "given to two answers: internal/matrix, TestDiffers",
	checks.Internal:  "given by the sweeper about a bug of ours: internal/sweeper, TestOurOwnFaults",
	checks.SOAPFault: "the kind that speaks SOAP comes later",
}

// whole holds a run of all tests to what it promises: that every code there is was given by a real peer. A run of some tests, or
// one where programs are missing and nobody demands them, proves nothing and is not held to it.
type whole struct{ *testing.M }

// Run runs the tests and looks at what they saw.
func (w whole) Run() int {
	status := w.M.Run()
	if status != 0 || os.Getenv(need.Variable) == "" || !everything() {
		return status
	}
	for _, i := range checks.Codes() {
		_, seen := produced.Load(i.Code)
		switch why := nobodys[i.Code]; {
		case !seen && why == "":
			fmt.Printf("no peer of any test gave %s\n", i.Code)
			status = 1
		case seen && why != "":
			fmt.Printf("a peer gave %s, which is listed as %q\n", i.Code, why)
			status = 1
		}
	}
	return status
}

// everything reports whether no test was left out.
func everything() bool {
	for name, all := range map[string]string{"run": "", "skip": "", "list": "", "fuzz": "", "short": "false"} {
		if f := flag.Lookup("test." + name); f == nil || f.Value.String() != all {
			return false
		}
	}
	return true
}
