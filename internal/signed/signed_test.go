package signed_test

import (
	"bytes"
	"crypto/ed25519"
	"math/rand/v2"
	"strings"
	"testing"

	"skift/internal/signed"
)

// key is a private key and the line others check with.
func key(t testing.TB, seed byte) (ed25519.PrivateKey, signed.Verifier) {
	t.Helper()
	text, err := signed.NewKey(rand.NewChaCha8([32]byte{seed}))
	if err != nil {
		t.Fatal(err)
	}
	private, err := signed.ReadKey(text)
	if err != nil {
		t.Fatal(err)
	}
	line, err := signed.Public("move", private)
	if err != nil {
		t.Fatal(err)
	}
	v, err := signed.ReadPublic(line + "\n")
	if err != nil || v.Name != "move" {
		t.Fatalf("%q: %v", v.Name, err)
	}
	return private, v
}

func write(t testing.TB, kind string, private ed25519.PrivateKey) []byte {
	t.Helper()
	data, err := signed.Write(kind, map[string]int{"n": 1}, func(m []byte) []byte { return ed25519.Sign(private, m) })
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestSignedByItsKeyAlone(t *testing.T) {
	t.Parallel()
	private, v := key(t, 1)
	_, other := key(t, 2)
	data := write(t, "a/1", private)
	f, err := signed.Read("a/1", data)
	if err != nil || !f.By(v.Verify) || f.By(other.Verify) || string(f.Body) != `{"n":1}` {
		t.Errorf("%s: %v", f.Body, err)
	}
	f, err = signed.Read("a/1", bytes.Replace(data, []byte(": 1"), []byte(": 2"), 1))
	if err != nil || f.By(v.Verify) {
		t.Errorf("a changed body: %v", err)
	}
	if _, err := signed.Read("b/1", data); err == nil || !strings.Contains(err.Error(), `it says that it is "a/1"`) {
		t.Errorf("another kind: %v", err)
	}
	f, err = signed.Read("b/1", bytes.Replace(data, []byte("a/1"), []byte("b/1"), 1))
	if err != nil || f.By(v.Verify) {
		t.Errorf("one kind passes for another: %v", err)
	}
	for what, bad := range map[string]string{"cut": string(data[:len(data)/2]), "nothing": "", "more behind it": string(data) + "{}", "more in it": `{"skift":"a/1","more":1}`} {
		if _, err := signed.Read("a/1", []byte(bad)); err == nil {
			t.Errorf("%s was read", what)
		}
	}
	if _, err := signed.Read("a/1", make([]byte, signed.MaxBytes+1)); err == nil {
		t.Error("too large a file was read")
	}
}

func TestKeysThatAreNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "move", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"} {
		if _, err := signed.ReadKey([]byte(text)); err == nil || strings.Contains(err.Error(), "AAAA") {
			t.Errorf("%q: %v", text, err)
		}
		if _, err := signed.ReadPublic(text); err == nil {
			t.Errorf("%q is a public key", text)
		}
	}
}

func FuzzRead(f *testing.F) {
	private, v := key(f, 1)
	f.Add(write(f, "a/1", private))
	f.Add([]byte(`{"skift":"a/1","body":{},"signature":""}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := signed.Read("a/1", data)
		if err == nil && file.By(v.Verify) && string(file.Body) != `{"n":1}` {
			t.Errorf("forged: %s", data)
		}
		if _, err := signed.ReadKey(data); err == nil && bytes.Contains(data, []byte(`"skift"`)) {
			t.Error("a file is a key")
		}
		if v, err := signed.ReadPublic(string(data)); err == nil && v.Name == "" {
			t.Error("a key without a name")
		}
	})
}
