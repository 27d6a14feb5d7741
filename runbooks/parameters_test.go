package runbooks

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"skift/internal/diag"
)

// FuzzParameter: whatever a type takes is one line of valid text; no host, service or duration can be read as an option; what Fill
// takes arrives in the argument unchanged, and nothing that begins with "-" arrives before "--".
func FuzzParameter(f *testing.F) {
	for _, value := range []string{"web.example", "192.0.2.1", "2001:db8::1", "-oProxyCommand=x", "-5", "90m", "new", "a b", "; rm", "two\nlines", "x\x00", "\xff", "", "--", "ø"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, typ := range parameterTypes {
			p := &Parameter{Name: "p", Type: ParameterType(typ), Values: []string{"new", "old"}}
			if p.Wrong(value) != "" {
				continue
			}
			if value == "" || !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl) {
				t.Errorf("%s takes %q", typ, value)
			}
			if strings.HasPrefix(value, "-") && typ != string(TextParameter) && typ != string(IntParameter) {
				t.Errorf("%s takes %q", typ, value)
			}
			r := &Runbook{ID: "r", Parameters: []*Parameter{p}}
			for _, argv := range [][]string{{"x", ""}, {"x", "--", ""}} {
				r.Steps = []*Step{{ID: "a", Kind: Command, Argv: argv, ArgvFrom: map[int]string{len(argv) - 1: "p"}}}
				values, err := r.Fill(map[string]string{"p": value})
				safe := len(argv) == 3 || !strings.HasPrefix(value, "-")
				if (err == nil) != safe {
					t.Errorf("%q in %q: %v", value, argv, err)
				}
				if err != nil {
					continue
				}
				want := append(slices.Clone(argv[:len(argv)-1]), value)
				if got := r.Steps[0].Bound(values).Argv; !slices.Equal(got, want) || r.Steps[0].Argv[len(argv)-1] != "" {
					t.Errorf("%q becomes %q", want, got)
				}
			}
		}
	})
}

// TestASecretIsNoParameter: its value would be kept in the journal.
func TestASecretIsNoParameter(t *testing.T) {
	t.Parallel()
	problems := &diag.List{}
	Read("r.yaml", []byte("runbook: r\nparameters: {api-token: {}}\nsteps: {a: {check: x}}\n"), problems)
	if all := problems.Sorted(); len(all) != 1 || all[0].Code != CodeSecretInClear {
		t.Errorf("%v", all)
	}
	if got := Variable("how-far"); got != "SKIFT_PARAM_HOW_FAR" {
		t.Error(got)
	}
}
