package secret

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const canary = "kanariefugl-7731"

func TestParseRef(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"env:SMTP_PASSWORD", "env:_x1", "file:keys/id_ed25519", "file:/run/secrets/a b", "cred:smtp.password", "file:æ"} {
		ref, err := ParseRef(s)
		if err != nil || ref.String() != s || ref.IsZero() {
			t.Errorf("%q: %q, %v", s, ref, err)
		}
		if text, err := json.Marshal(ref); err != nil || string(text) != `"`+s+`"` {
			t.Errorf("%q as JSON: %s, %v", s, text, err)
		}
	}
	for _, s := range []string{"", canary, "hunter2", "https://x", "ENV:X", " env:X", "vault:x", "pass:word:x"} {
		if _, err := ParseRef(s); !errors.Is(err, ErrClear) {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, s := range []string{"env:", "env:1X", "env:A-B", "env:A B", "env:" + canary, "file:", "file:a\x00b", "file:a\nb", "file:\xff",
		"cred:", "cred:..", "cred:a/b", "cred:.hidden", "cred:" + strings.Repeat("x", 256)} {
		ref, err := ParseRef(s)
		if err == nil || errors.Is(err, ErrClear) || !ref.IsZero() || strings.Contains(err.Error(), canary) {
			t.Errorf("%q: %q, %v", s, ref, err)
		}
	}
	if (Ref{}).String() != "" {
		t.Error("the zero Ref is written as something")
	}
}

// There is no way to print a Value, however deep it is hidden.
func TestValueCannotBePrinted(t *testing.T) {
	t.Parallel()
	v := NewValue(canary)
	type open struct{ V Value }
	type closed struct {
		v  Value
		p  *Value
		in []Value
		m  map[string]Value
		a  any
	}
	hidden := closed{v, &v, []Value{v}, map[string]Value{"k": v}, v}
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%T", "%10s", "%c", "%U", "%t", "%e", "%p", "%b", "%o"} {
		for _, x := range []any{v, &v, open{v}, &open{v}, hidden, &hidden, []any{v}, map[string]any{"k": v}} {
			fmt.Fprintf(&out, verb+"\n", x)
		}
	}
	fmt.Fprintln(&out, v, hidden, v.String(), v.GoString(), errors.Join(fmt.Errorf("with %v", v)))
	for _, x := range []any{v, open{v}, &v, map[string]Value{"k": v}} {
		text, err := json.Marshal(x)
		if err != nil || !strings.Contains(string(text), `"***"`) {
			t.Errorf("JSON: %s, %v", text, err)
		}
		out.Write(text)
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("m", "v", v, "p", &v, "open", open{v}, "hidden", hidden, slog.Any("any", []any{v}))
	}
	hexed := fmt.Sprintf("%x", canary)
	for _, leak := range []string{canary, hexed, strings.ToUpper(hexed), canary[:8]} {
		if strings.Contains(out.String(), leak) {
			i := strings.Index(out.String(), leak)
			t.Errorf("leaked %q: …%s…", leak, out.String()[max(0, i-80):i+len(leak)])
		}
	}
	if fmt.Sprintf("%v|%+v|%#v|%x", v, v, v, v) != "***|***|***|***" {
		t.Errorf("%v %+v %#v %x", v, v, v, v)
	}
	if v.Reveal() != canary || v.IsZero() || !(Value{}).IsZero() || (Value{}).Reveal() != "" {
		t.Error("Reveal does not give the secret")
	}
}

// plan makes a directory with files and an environment.
func plan(t *testing.T, files map[string]string) (dir string, env map[string]string, lookup func(string) (string, bool)) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env = map[string]string{}
	return dir, env, func(name string) (string, bool) { s, ok := env[name]; return s, ok }
}

func ref(t *testing.T, s string) Ref {
	t.Helper()
	r, err := ParseRef(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const key = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----\n"

func TestResolve(t *testing.T) {
	t.Parallel()
	dir, env, lookup := plan(t, map[string]string{
		"plan/keys/id": key, "plan/password": canary + "\n", "plan/windows": canary + "\r\n", "plan/bytes": "\xff\xfe\n",
		"plan/inner": "  spaces stay  ", "creds/smtp": canary, "elsewhere": canary,
	})
	env["PASSWORD"] = canary
	env["CREDENTIALS_DIRECTORY"] = filepath.Join(dir, "creds")
	if err := os.Symlink("password", filepath.Join(dir, "plan", "link")); err != nil {
		t.Fatal(err)
	}
	r := NewResolver(filepath.Join(dir, "plan"), lookup, nil)
	for s, want := range map[string]string{
		"env:PASSWORD": canary, "file:password": canary, "file:windows": canary, "file:bytes": "\xff\xfe\n", "file:./password": canary,
		"file:keys/id": strings.TrimRight(key, "\n"), "file:inner": "  spaces stay  ", "file:link": canary, "file:keys/../password": canary,
		"cred:smtp": canary, "file:" + filepath.Join(dir, "elsewhere"): canary,
	} {
		v, err := r.Resolve(ref(t, s))
		if err != nil || v.Reveal() != want {
			t.Errorf("%s: %q, %v", s, v.Reveal(), err)
		}
	}
}

func TestResolveRefuses(t *testing.T) {
	t.Parallel()
	dir, env, lookup := plan(t, map[string]string{
		"plan/empty": "\n\n", "plan/large": strings.Repeat("x", MaxBytes+1), "plan/open-key": key, "plan/dir/x": "", "outside": canary,
		"plan/group-key": key,
	})
	in := func(name string) string { return filepath.Join(dir, "plan", name) }
	for _, err := range []error{
		os.Chmod(in("open-key"), 0o644), os.Chmod(in("group-key"), 0o640),
		os.Symlink("../outside", in("escape")), os.Symlink(filepath.Join(dir, "outside"), in("absolute")),
		syscall.Mkfifo(in("pipe"), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	env["EMPTY"], env["LARGE"] = "", strings.Repeat("x", MaxBytes+1)
	r := NewResolver(filepath.Join(dir, "plan"), lookup, nil)
	for _, tt := range []struct {
		ref    string
		reason Reason
		says   string
	}{
		{"env:UNSET", NotSet, "secret env:UNSET is not set"},
		{"env:EMPTY", Empty, "secret env:EMPTY is empty"},
		{"env:LARGE", TooLarge, "secret env:LARGE is larger than 64 kB"},
		{"cred:smtp", NotSet, "secret cred:smtp cannot be found: CREDENTIALS_DIRECTORY is not set"},
		{"file:none", NotSet, "secret file:none does not exist"},
		{"file:empty", Empty, "secret file:empty is empty"},
		{"file:large", TooLarge, "secret file:large is larger than 64 kB"},
		{"file:dir", NotAFile, "secret file:dir is not a file"},
		{"file:pipe", NotAFile, "secret file:pipe is not a file"},
		{"file:open-key", TooOpen, "secret file:open-key is a private key that others may read (mode 0644)"},
		{"file:group-key", TooOpen, "secret file:group-key is a private key that others may read (mode 0640)"},
		{"file:../outside", Unreadable, "secret file:../outside cannot be read: path escapes from parent"},
		{"file:escape", Unreadable, "secret file:escape cannot be read: path escapes from parent"},
		{"file:absolute", Unreadable, "secret file:absolute cannot be read: path escapes from parent"},
	} {
		v, err := r.Resolve(ref(t, tt.ref))
		var re *ResolveError
		if !errors.As(err, &re) || re.Reason != tt.reason || err.Error() != tt.says || !v.IsZero() {
			t.Errorf("%s: %v (%q)", tt.ref, err, v.Reveal())
		}
		if strings.Contains(fmt.Sprintf("%+v %#v", err, err), "b3Blbn") {
			t.Errorf("%s: the error holds the secret", tt.ref)
		}
	}
	if _, err := r.Resolve(Ref{}); err == nil {
		t.Error("the zero Ref was resolved")
	}
}

// A secret is fetched when it is used, not before and not once for all.
func TestResolveFetchesEachTime(t *testing.T) {
	t.Parallel()
	_, env, lookup := plan(t, nil)
	masker := new(Masker)
	r := NewResolver(t.TempDir(), lookup, masker)
	x := ref(t, "env:X")
	for _, want := range []string{"first-secret", "second-secret"} {
		env["X"] = want
		v, err := r.Resolve(x)
		if err != nil || v.Reveal() != want {
			t.Errorf("%q, %v", v.Reveal(), err)
		}
	}
	if got := masker.Mask("first-secret and second-secret"); got != "*** and ***" {
		t.Errorf("what was fetched is not masked: %s", got)
	}
}

func TestMaskCivil(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"borger 010190-1234 ringede": "borger ******-**** ringede", "0101901234": "******-****", "311299-0000,290200-9999": "******-****,******-****",
		"brev_010190-1234_2.pdf": "brev_******-****_2.pdf", "101019-0101901234": "101019-******-****", "a010190-1234 010190-1234b": "a010190-1234 010190-1234b", "brev 010190-1234.pdf": "brev ******-****.pdf",
		"320190-1234": "320190-1234", "011390-1234": "011390-1234", "000190-1234": "000190-1234", "10101901234": "10101901234",
		"01019012345": "01019012345", "2019-06-01 15:04": "2019-06-01 15:04", "203.0.113.10:443": "203.0.113.10:443", "": "",
		"no. 12345, of 010190-1234": "no. 12345, of ******-****", "12345": "12345",
	} {
		if got := MaskCivil(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestMaskIsStableOnItsOutput(t *testing.T) {
	t.Parallel()
	m := new(Masker)
	m.Add(NewValue(canary))
	once := m.Mask("a " + canary + " b")
	if d := cmp.Diff(once, m.Mask(once)); d != "" {
		t.Error(d)
	}
	if bytes.Contains([]byte(once), []byte(canary)) {
		t.Error(once)
	}
}
