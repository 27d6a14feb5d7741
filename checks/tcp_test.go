package checks

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skift/internal/diag"
	"skift/internal/yamldoc"
)

func TestUnescape(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{`EHLO x\r\n`: "EHLO x\r\n", `a\\b\t\x00\xFf`: "a\\b\t\x00\xff", "": "", "æ\n": "æ\n"} {
		if got, err := Unescape(text); err != nil || got != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{`\`, `a\`, `\q`, `\x`, `\x1`, `\xg0`, `\x+1`} {
		if got, err := Unescape(text); err == nil {
			t.Errorf("%q is taken as %q", text, got)
		}
	}
}

func TestTCPSteps(t *testing.T) {
	t.Parallel()
	got, problems := read(t, `c: {kind: tcp, service: s, steps: [{expect: "^220 "}, {send: 'STARTTLS\r\n'}, {starttls: true}, {send: 'QUIT\r\n'}]}`)
	if problems.Len() > 0 {
		t.Fatal(problems.Sorted())
	}
	want := TCPOptions{Steps: []Step{{Expect: "^220 "}, {Send: "STARTTLS\r\n"}, {StartTLS: true}, {Send: "QUIT\r\n"}}}
	if d := cmp.Diff(want, got.Options); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// FuzzSteps: no text makes the reader of a talk panic, and what is accepted stays within its bounds.
func FuzzSteps(f *testing.F) {
	for _, s := range []string{`[{expect: "^220 "}]`, `[{send: 'a\r\n'}, {starttls: true}]`, `[{expect: "("}]`, `[{expect: "a{1001}"}]`, `[{send: '\x'}]`, `{}`, `[[]]`,
		`[{expect: a, send: b}]`, `[{}]`, `[{starttls: false}]`, `[{starttls: true}, {starttls: true}]`, "[" + strings.Repeat("{send: a},", 30) + "]", `[{send: ""}]`, `"` + "\xff" + `"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var problems diag.List
		root, ok := yamldoc.Parse("plan.yaml", []byte("c: {kind: tcp, service: s, steps: "+s+"}"), &problems)
		if !ok {
			return
		}
		n, ok := root.Map().OptNode("c")
		if !ok {
			return
		}
		spec := ParseSpec("c", n)
		o, ok := spec.Options.(TCPOptions)
		if problems.Len() > 0 || !ok {
			return
		}
		if len(o.Steps) > maxSteps {
			t.Fatalf("%d steps", len(o.Steps))
		}
		for _, step := range o.Steps {
			if len(step.Send) > maxSend || len(step.Expect) > maxExpect || step == (Step{}) {
				t.Errorf("%+v", step)
			}
		}
	})
}
