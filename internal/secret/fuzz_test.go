package secret

import (
	"strings"
	"testing"
)

// What is no reference is most likely the secret itself: no error repeats it. What is one is written as it was read.
func FuzzParseRef(f *testing.F) {
	for _, s := range []string{"env:TOKEN", "file:keys/id_ed25519", "cred:db", "hunter2-hunter2", "env:=x", "file:\x00", "cred:../x", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRef(text)
		if err == nil {
			if r.String() != text || r.IsZero() {
				t.Errorf("%q is written as %q", text, r)
			}
			return
		}
		scheme, _, ok := strings.Cut(text, ":")
		_, other := ParseRef(scheme + ":\x00")
		if !ok {
			other = ErrClear
		}
		if err.Error() != other.Error() {
			t.Errorf("the error knows more than %q: %v", scheme, err)
		}
	})
}
