package checks

import (
	"math/big"
	"strings"
	"testing"
)

func TestSameSerial(t *testing.T) {
	t.Parallel()
	serial := big.NewInt(0x5a0f31)
	cases := []struct{ registered, base string }{
		{"5a0f31", "hexadecimal"}, {"5A:0F:31", "hexadecimal"}, {"00 5a 0f 31", "hexadecimal"}, {"0x5A0F31", "hexadecimal"},
		{"5902129", "decimal"}, {"0005902129", "decimal"}, {"\u200e5a 0f 31", "hexadecimal"},
		{"5a0f32", ""}, {"59:02:12:9", ""}, {"", ""}, {"CN=x", ""}, {"-5902129", ""}, {strings.Repeat("0", 200) + "5a0f31", ""},
	}
	for _, c := range cases {
		base, ok := SameSerial(c.registered, serial)
		if base != c.base || ok != (c.base != "") {
			t.Errorf("%q: got %q, %v, want %q", c.registered, base, ok, c.base)
		}
	}
	// Digits alone are read both ways, and the certificate decides.
	if base, ok := SameSerial("10", big.NewInt(16)); base != "hexadecimal" || !ok {
		t.Errorf("10 as 16: %q, %v", base, ok)
	}
	if base, ok := SameSerial("10", big.NewInt(10)); base != "decimal" || !ok {
		t.Errorf("10 as 10: %q, %v", base, ok)
	}
}

func TestThumbprint(t *testing.T) {
	t.Parallel()
	sha1, sha256 := strings.Repeat("0a", 20), strings.Repeat("0a", 32)
	for text, want := range map[string]string{
		sha1: sha1, strings.ToUpper(sha256): sha256, "\u200e" + strings.TrimSuffix(strings.Repeat("0A:", 20), ":"): sha1,
		strings.Repeat("0a ", 32): sha256, "0a": "", sha1 + "0a": "", strings.Repeat("zz", 20): "",
	} {
		if got := Thumbprint(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// Whatever a number is registered as, it matches the certificate with that number and no other.
func FuzzSerialForms(f *testing.F) {
	for _, s := range []string{"5a:0f", "0x10", "10", "-", "00", "\u200e1f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, form := range SerialForms(text) {
			if _, ok := SameSerial(text, form.N); !ok || form.N.Sign() < 0 {
				t.Errorf("%q is read as %s %d and does not match it", text, form.Base, form.N)
			}
		}
	})
}
