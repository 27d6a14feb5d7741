package probe

import (
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"skift/checks"
)

const hostStoreChild = "SKIFT_TEST_HOST_STORE"

// The host's trust store does not show what is in it; what is wrong with a chain is told apart all the same. The library reads the store
// once, so it is asked in a process of its own.
func TestTheHostsTrustStore(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		t.Skip("the store is not a file here")
	}
	dir := t.TempDir()
	root := newAuthority(t, "root", noon.AddDate(-2, 0, 0), noon.AddDate(2, 0, 0), nil, nil)
	issuer := newAuthority(t, "issuer", noon.AddDate(-2, 0, 0), noon.AddDate(2, 0, 0), root, nil)
	stranger := newAuthority(t, "stranger", noon.AddDate(-2, 0, 0), noon.AddDate(2, 0, 0), nil, nil)
	old := root.spoilt(t, "of old", func(c *x509.Certificate) { c.SignatureAlgorithm = x509.ECDSAWithSHA1 })
	chains := map[string][]*x509.Certificate{
		"whole":              {issuer.spoilt(t, gatewayName, nil).cert, issuer.cert},
		"expired":            {issuer.spoilt(t, gatewayName, func(c *x509.Certificate) { c.NotAfter = noon.AddDate(0, -1, 0) }).cert, issuer.cert},
		"for clients":        {issuer.spoilt(t, gatewayName, func(c *x509.Certificate) { c.ExtKeyUsage[0] = x509.ExtKeyUsageClientAuth }).cert, issuer.cert},
		"without its issuer": {issuer.spoilt(t, gatewayName, nil).cert},
		"of a stranger":      {stranger.spoilt(t, gatewayName, nil).cert, stranger.cert},
		"of old":             {old.spoilt(t, gatewayName, nil).cert, old.cert},
	}
	if err := os.WriteFile(filepath.Join(dir, "store.pem"), pemOf(root.cert), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, served := range chains {
		if err := os.WriteFile(filepath.Join(dir, name), pemOf(served...), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	child := exec.Command(os.Args[0], "-test.run=^TestHostStoreChild$", "-test.v")
	child.Env = append(os.Environ(), hostStoreChild+"="+dir, "SSL_CERT_FILE="+filepath.Join(dir, "store.pem"), "SSL_CERT_DIR="+filepath.Join(dir, "none"))
	out, err := child.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for name, want := range map[string]checks.Code{"whole": "", "expired": checks.SrvExpired, "for clients": checks.SrvUsage,
		"without its issuer": checks.MissingIntermediate, "of a stranger": checks.SrvUntrusted, "of old": checks.SrvWeak} {
		if line := fmt.Sprintf("%s: [%s]", name, want); !strings.Contains(string(out), line+"\n") {
			t.Errorf("want %s in:\n%s", line, out)
		}
	}
}

// TestHostStoreChild is the other half of TestTheHostsTrustStore.
func TestHostStoreChild(t *testing.T) {
	dir := os.Getenv(hostStoreChild)
	if dir == "" {
		t.Skip("asked by TestTheHostsTrustStore only")
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	none := &trustCache{}
	bundles, err := none.bundles(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		b, err := parseBundle(e.Name(), text)
		if err != nil {
			t.Fatal(err)
		}
		var codes []checks.Code
		for _, f := range newServedChain(b.certs, bundles, []string{gatewayName}, noon).findings(demands{}) {
			if f.code != checks.SrvName { // the store itself is among them
				codes = append(codes, f.code)
			}
		}
		fmt.Printf("%s: %v\n", e.Name(), codes)
	}
}
