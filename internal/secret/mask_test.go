package secret

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// awkward holds characters that every notation writes differently, and its
// length makes base64 pad.
const awkward = "pæss wörd/+=&\"<>\\%?1"

// encodings are the ways programs print a secret, each inside something else.
func encodings(secret string) map[string]string {
	text, _ := json.Marshal(map[string]string{"password": secret})
	b64 := base64.StdEncoding.EncodeToString
	return map[string]string{
		"raw":               "password=" + secret + ".",
		"hex":               "key " + hex.EncodeToString([]byte(secret)) + " end",
		"HEX":               "key " + strings.ToUpper(hex.EncodeToString([]byte(secret))) + " end",
		"hex inside":        hex.EncodeToString([]byte("x" + secret + "y")),
		"base64":            "token " + b64([]byte(secret)) + " end",
		"base64 url":        "token " + base64.RawURLEncoding.EncodeToString([]byte(secret)) + " end",
		"base64 of a login": "Basic " + b64([]byte("a:"+secret)) + " end",
		"base64 shifted":    "Basic " + b64([]byte("user:"+secret)) + " end",
		"base64 inside":     b64([]byte("abc" + secret + "def")),
		"url query":         "?p=" + url.QueryEscape(secret) + "&q=1",
		"url path":          "/p/" + url.PathEscape(secret) + "/q",
		"json":              string(text),
		"go":                fmt.Sprintf("%q", secret),
	}
}

// leaks tells which part of the secret can be read in s, in any notation.
func leaks(s, secret string) string {
	for name, whole := range map[string]string{
		"raw": secret, "hex": hex.EncodeToString([]byte(secret)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(secret))),
		"query": url.QueryEscape(secret), "path": url.PathEscape(secret),
	} {
		if strings.Contains(s, whole) {
			return name
		}
	}
	// Any run of base64 that decodes, at any offset, to something holding five
	// bytes of the secret.
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for _, run := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune("* .{}\"", r) }) {
			for from := range min(4, len(run)) {
				part := strings.TrimRight(run[from:], "=")
				data, _ := enc.DecodeString(part[:len(part)/4*4])
				for i := 0; i+5 <= len(secret); i++ {
					if strings.Contains(string(data), secret[i:i+5]) {
						return "base64 of " + secret[i:i+5]
					}
				}
			}
		}
	}
	return ""
}

func TestMaskEveryEncoding(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{canary, awkward, "sixsix", "seven77", "eight888", strings.Repeat("long", 50)} {
		m := new(Masker)
		if !m.Add(NewValue(secret)) {
			t.Fatalf("%q is not masked", secret)
		}
		for name, text := range encodings(secret) {
			got := m.Mask(text)
			if !strings.Contains(got, "***") {
				t.Errorf("%s of %q: nothing masked: %s", name, secret, got)
			}
			if leak := leaks(got, secret); leak != "" {
				t.Errorf("%s of %q leaks %s: %s", name, secret, leak, got)
			}
		}
	}
}

// Of base64 nothing is left but the characters that the text around the secret
// has a share in.
func TestMaskBase64ToTheLastCharacter(t *testing.T) {
	t.Parallel()
	for length := MinLength; length < MinLength+6; length++ {
		secret := canary[:length]
		m := new(Masker)
		m.Add(NewValue(secret))
		for before := range 7 {
			text := base64.StdEncoding.EncodeToString([]byte("abcdefg"[:before] + secret + "xyz"))
			head, tail, ok := strings.Cut(m.Mask(text), "***")
			wantHead, wantTail := (8*before+5)/6, len(text)-8*(before+length)/6
			if !ok || len(head) != wantHead || len(tail) != wantTail {
				t.Errorf("%d before %d: %q leaves %q and %q, want %d and %d characters", before, length, text, head, tail, wantHead, wantTail)
			}
		}
	}
}

func TestMaskLeavesTheRest(t *testing.T) {
	t.Parallel()
	m := new(Masker)
	m.Add(NewValue("hunter2-hunter2"))
	m.Add(NewValue("hunter2"))
	m.Add(NewValue("2-overlaps"))
	for in, want := range map[string]string{
		"":                               "",
		"nothing to see":                 "nothing to see",
		"a hunter2 b":                    "a *** b",
		"hunter2-hunter2":                "***",
		"hunter2-hunter":                 "***-hunter",
		"hunter2hunter2":                 "******",
		"hunter2-overlaps-too":           "***-too",
		"hunter2-hunter2-overlaps":       "***",
		"HUNTER2":                        "HUNTER2",
		"æ hunter2 ø":                    "æ *** ø",
		"{\"a\":\"hunter2\",\"b\":\"\"}": `{"a":"***","b":""}`,
	} {
		if got := m.Mask(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestShortSecretsAreNotMasked(t *testing.T) {
	t.Parallel()
	m := new(Masker)
	if m.Add(NewValue("abcde")) || m.Add(Value{}) {
		t.Error("a short secret is masked")
	}
	if got := m.Mask("abcde"); got != "abcde" {
		t.Error(got)
	}
}

func TestMaskEachLine(t *testing.T) {
	t.Parallel()
	m := new(Masker)
	m.Add(NewValue("-----BEGIN PRIVATE KEY-----\r\nMIIEvQIBADANBgkq\r\n  hkiG9w0BAQEFAASC\nabc\n-----END PRIVATE KEY-----\n"))
	for in, want := range map[string]string{
		"line: hkiG9w0BAQEFAASC.":                      "line: ***.",
		"MIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC":           "***\n***",
		hex.EncodeToString([]byte("MIIEvQIBADANBgkq")): "***",
		"abc":                                "abc",
		"-----BEGIN PRIVATE KEY-----\nother": "-----BEGIN PRIVATE KEY-----\nother",
	} {
		if got := m.Mask(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// A stream is masked the same wherever it is cut.
func TestWriterAtEveryCut(t *testing.T) {
	t.Parallel()
	m := new(Masker)
	for _, s := range []string{canary, awkward, "hunter2", "hunter2-hunter2", "2-overlaps"} {
		m.Add(NewValue(s))
	}
	var all strings.Builder
	for _, s := range []string{canary, awkward} {
		for _, text := range encodings(s) {
			all.WriteString(text + "\n")
		}
	}
	all.WriteString("hunter2-hunter hunter2-hunter2 hunter2-hunter2-overlaps hunter2-overlap hunter")
	in := all.String()
	want := m.Mask(in)
	for cut := range len(in) + 1 {
		if got := written(t, m, in[:cut], in[cut:]); got != want {
			t.Fatalf("cut at %d:\n%s\nwant\n%s", cut, got, want)
		}
	}
	var bytes []string
	for i := range len(in) {
		bytes = append(bytes, in[i:i+1])
	}
	if got := written(t, m, bytes...); got != want {
		t.Errorf("byte by byte:\n%s\nwant\n%s", got, want)
	}
}

func written(t *testing.T, m *Masker, parts ...string) string {
	t.Helper()
	var out strings.Builder
	w := m.Writer(&out)
	for _, p := range parts {
		if n, err := w.Write([]byte(p)); n != len(p) || err != nil {
			t.Fatalf("wrote %d of %d: %v", n, len(p), err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// Only what may be the beginning of a secret waits; the rest is passed on at
// once, so that a live log is live.
func TestWriterHoldsBackLittle(t *testing.T) {
	t.Parallel()
	m := new(Masker)
	m.Add(NewValue(canary))
	var out strings.Builder
	w := m.Writer(&out)
	fmt.Fprint(w, "step 1 of 2\n")
	if out.String() != "step 1 of 2\n" {
		t.Errorf("held back: %q", out.String())
	}
	fmt.Fprint(w, "x "+canary[:5])
	if out.String() != "step 1 of 2\nx " {
		t.Errorf("passed on: %q", out.String())
	}
	fmt.Fprint(w, "!")
	if out.String() != "step 1 of 2\nx "+canary[:5]+"!" {
		t.Errorf("held back: %q", out.String())
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

// A secret that becomes known while a stream runs is masked from then on.
func TestMaskerLearnsWhileWriting(t *testing.T) {
	t.Parallel()
	m := new(Masker)
	var out strings.Builder
	w := m.Writer(&out)
	fmt.Fprint(w, canary+"\n")
	m.Add(NewValue(canary))
	fmt.Fprint(w, canary+"\n")
	if got := out.String(); got != canary+"\n***\n" {
		t.Errorf("%q", got)
	}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			m.Add(NewValue(fmt.Sprintf("secret-number-%d", i)))
			if got := m.Mask(fmt.Sprintf("secret-number-%d", i)); got != "***" {
				t.Errorf("%d: %s", i, got)
			}
		})
	}
	all.Wait()
	if got := m.Mask("secret-number-0 secret-number-7 " + canary); got != "*** *** ***" {
		t.Error(got)
	}
}

type failing struct{}

var errFull = errors.New("disk full")

func (failing) Write([]byte) (int, error) { return 0, errFull }

func TestWriterTellsWriteErrors(t *testing.T) {
	t.Parallel()
	w := new(Masker).Writer(failing{})
	if n, err := w.Write([]byte("x")); n != 0 || !errors.Is(err, errFull) {
		t.Errorf("%d, %v", n, err)
	}
}

// FuzzMask holds that no known secret is left and that a stream cut anywhere
// gives the same.
func FuzzMask(f *testing.F) {
	f.Add("hunter2", "a hunter2 b", 4)
	f.Add("aaaaaa", "aaaaaaaaaaaaaab", 7)
	f.Add("ababab", "abababababa", 3)
	f.Add("line one\nline two", "x line two y", 5)
	f.Fuzz(func(t *testing.T, secret, in string, cut int) {
		m := new(Masker)
		known := m.Add(NewValue(secret))
		got := m.Mask(in)
		if known && strings.Contains(got, secret) && !strings.Contains(secret, "*") {
			t.Fatalf("%q is left in %q", secret, got)
		}
		cut = min(max(cut, 0), len(in))
		if stream := written(t, m, in[:cut], in[cut:]); stream != got {
			t.Fatalf("cut at %d: %q, want %q", cut, stream, got)
		}
	})
}
