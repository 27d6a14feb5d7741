package pemdoc

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"skift/internal/need"
)

func newCert(t testing.TB) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root"}, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func block(name string, c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: name, Bytes: c.Raw}))
}

// What is not whole is said, and never passed over.
func TestCertificates(t *testing.T) {
	t.Parallel()
	c := newCert(t)
	good := block(Certificate, c)
	cases := []struct {
		name, text string
		lines      []int
		says       string
	}{
		{"one", good, []int{1}, ""},
		{"two, with text between", "ours\n\n" + good + "theirs\r\n" + good, []int{3, 4 + strings.Count(good, "\n")}, ""},
		{"with a byte order mark", "\ufeff" + good, []int{1}, ""},
		{"of the older name", block(OlderName, c), []int{1}, ""},
		{"beside something else", block("EC PARAMETERS", c) + good, []int{1 + strings.Count(block("EC PARAMETERS", c), "\n")}, ""},
		{"nothing", "", nil, "no certificate"},
		{"text", "hello", nil, "no certificate"},
		{"something else alone", block("PUBLIC KEY", c), nil, "no certificate"},
		{"the last one is cut off", good + good[:200], nil, "of 2 PEM blocks that begin in it only 1"},
		{"the first one is cut off", good[:200] + "\n" + good, nil, "only 1 are whole"},
		{"spoilt", good + strings.Replace(good, "MII", "M!!", 1), nil, "cut off or spoilt"},
		{"behind blanks", good + "  " + good, nil, "cut off or spoilt"},
		{"without a line break between", strings.TrimSpace(good) + good, nil, "cut off or spoilt"},
		{"with an end of another name", good + strings.Replace(good, "END CERT", "END OTHER CERT", 1), nil, "cut off or spoilt"},
		{"no certificate in it", good + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", nil, "cannot be read"},
		{"with settings", block(Trusted, c), nil, "TRUSTED CERTIFICATE of OpenSSL"},
	}
	for _, q := range cases {
		certs, err := Certificates([]byte(q.text))
		if (err == nil) != (q.says == "") || err != nil && !strings.Contains(err.Error(), q.says) {
			t.Errorf("%s: got %v, want %q", q.name, err, q.says)
		}
		if q.says == "no certificate" && !errors.Is(err, ErrNone) {
			t.Errorf("%s: %v is not ErrNone", q.name, err)
		}
		if len(certs) != len(q.lines) {
			t.Errorf("%s: %d certificates, want %d", q.name, len(certs), len(q.lines))
			continue
		}
		for i, got := range certs {
			if got.Line != q.lines[i] || !got.Equal(c) {
				t.Errorf("%s: certificate %d begins in line %d, want %d", q.name, i+1, got.Line, q.lines[i])
			}
		}
	}
}

// As openssl writes it.
func TestSettingsOfOpenSSL(t *testing.T) {
	t.Parallel()
	c := newCert(t)
	file := filepath.Join(t.TempDir(), "c.pem")
	if err := os.WriteFile(file, []byte(block(Certificate, c)), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(need.Program(t, "openssl"), "x509", "-in", file, "-trustout", "-addtrust", "serverAuth", "-setalias", "ours").Output()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Certificates(out); err == nil || !strings.Contains(err.Error(), "line 1 is a TRUSTED CERTIFICATE") {
		t.Errorf("got %v", err)
	}
	blocks, err := Blocks(out)
	if err != nil || len(blocks) != 1 || !bytes.Equal(WithoutSettings(blocks[0].Bytes), c.Raw) || bytes.Equal(blocks[0].Bytes, c.Raw) {
		t.Errorf("%d blocks, %v", len(blocks), err)
	}
}

// What is taken is taken again, line by line.
func FuzzCertificates(f *testing.F) {
	good := block(Certificate, newCert(f))
	f.Add([]byte(good))
	f.Add([]byte("text\n" + good + good[:90]))
	f.Add([]byte("-----BEGIN X-----\na: b\n\nAAAA\n-----END X-----"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, text []byte) {
		blocks, err := Blocks(text)
		if err != nil {
			return
		}
		lines := bytes.Split(bytes.TrimPrefix(text, []byte("\ufeff")), []byte("\n"))
		for _, b := range blocks {
			if !bytes.HasPrefix(lines[b.Line-1], []byte("-----BEGIN "+b.Type)) {
				t.Errorf("%s begins in line %d: %q", b.Type, b.Line, lines[b.Line-1])
			}
		}
		certs, err := Certificates(text)
		if err != nil {
			return
		}
		var again []byte
		for _, c := range certs {
			again = append(again, pem.EncodeToMemory(&pem.Block{Type: Certificate, Bytes: c.Raw})...)
		}
		if twice, err := Certificates(again); err != nil || len(twice) != len(certs) {
			t.Errorf("read again: %d of %d certificates, %v", len(twice), len(certs), err)
		}
	})
}
