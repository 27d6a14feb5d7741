package sim

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"
)

func TestWorldOftenInOneProcess(t *testing.T) {
	t.Parallel()
	for range 10 {
		w, err := Start(t.Context(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		// Leave a connection of each kind open: Close must end them.
		if err := w.New.SetFault(FaultSilent, DoorGateway); err != nil {
			t.Fatal(err)
		}
		var left []net.Conn
		for _, addr := range []netip.AddrPort{w.Old.SFTPAddr(), w.New.GatewayAddr(), w.Front.Addr(DoorSFTP), w.Mail.Addr(), w.Control()} {
			conn, err := dialFrom("127.0.0.1", addr.String(), patience)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			left = append(left, conn)
		}
		w.Close()
		w.Close()
		for _, conn := range left {
			if _, err := io.Copy(io.Discard, conn); isTimeout(err) {
				t.Fatalf("a connection to %s lives on", conn.RemoteAddr())
			}
		}
		if conn, err := dialFrom("127.0.0.1", w.Old.SFTPAddr().String(), patience); err == nil {
			conn.Close()
			t.Error("the old platform still listens")
		}
	}
}

func TestWorldEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	w, err := Start(ctx, Options{})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := dialFrom("127.0.0.1", w.New.SFTPAddr().String(), patience)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	cancel()
	w.Close() // waits for the closing under way
	if conn, err := dialFrom("127.0.0.1", w.New.SFTPAddr().String(), patience); err == nil {
		conn.Close()
		t.Error("the new platform still listens")
	}
	if err := w.New.SetFault(FaultRefused); err != nil {
		t.Errorf("breaking what is closed: %v", err)
	}
	wantError(t, w.New.Clear(FaultRefused), "closed")
}

func TestWorldBegins(t *testing.T) {
	t.Parallel()
	w := startWorld(t, Options{Files: 4, Flows: 3, Missing: 1, ServerName: "prod.sp.example"})
	if !w.Old.IntakeOpen() || w.New.IntakeOpen() {
		t.Error("work must be taken in by the old platform alone")
	}
	if w.Front.To() != "old" || len(w.Old.Files().Files("")) != 8 || len(w.New.Files().Files("")) != 0 {
		t.Errorf("the name leads to %s, files %v and %v", w.Front.To(), w.Old.Files().Files(""), w.New.Files().Files(""))
	}
	if w.Old.ServerName() != "prod.sp.example" || w.Platform("new") != w.New || w.Platform("third") != nil {
		t.Error("names are wrong")
	}
	var flows []string
	for _, f := range w.Flows() {
		flows = append(flows, f.Name+" "+f.Source.String())
	}
	if diff := cmp.Diff([]string{"flow-01 127.0.0.11", "flow-02 127.0.0.12", "flow-03 127.0.0.13"}, flows); diff != "" {
		t.Error(diff)
	}
	if got := w.MissingFlow().Name; got != "flow-02" {
		t.Errorf("the missing flow is %s", got)
	}
	if got := w.FlowSource(300).String(); got != "127.0.1.55" {
		t.Errorf("flow 300 sends from %s", got)
	}
	if len(w.Log()) != 0 || len(w.Mutating()) != 0 {
		t.Errorf("recorded before anything was asked: %v", w.Log())
	}
}

// Two environments of one programme have platforms of their own, and one authority and one set of accounts.
func TestWorldLikeAnother(t *testing.T) {
	t.Parallel()
	first := startWorld(t, Options{})
	second := startWorld(t, Options{Like: first})
	if second.PKI != first.PKI {
		t.Error("the second World has its own authority")
	}
	for _, account := range []string{AccountChecker, AccountSystem, AccountSupplier} {
		if !bytes.Equal(second.Key(account).Private, first.Key(account).Private) {
			t.Errorf("%s has another key", account)
		}
	}
	if second.New.HostKey() == first.New.HostKey() || second.New.GatewayAddr() == first.New.GatewayAddr() {
		t.Error("the platforms are the same")
	}
	if n, err := second.CopyFiles(t.Context()); err != nil || n == 0 {
		t.Errorf("%d files copied: %v", n, err)
	}
}

func TestControlTellsTheSource(t *testing.T) {
	t.Parallel()
	w := startWorld(t, Options{})
	conn, err := dialFrom("127.0.0.77", w.Control().String(), patience)
	if err != nil {
		t.Fatal(err)
	}
	client := tls.Client(conn, &tls.Config{RootCAs: w.PKI.Pool(), ServerName: "control.example"})
	defer client.Close()
	if _, err := client.Write([]byte("GET / HTTP/1.0\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1024)
	n, err := client.Read(b)
	if !strings.HasSuffix(string(b[:n]), "\r\n\r\n127.0.0.77\n") {
		t.Errorf("answer %q, %v", b[:n], err)
	}
}

func TestStartMistakes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		opts Options
		want string
	}{
		"too many flows":   {Options{Flows: maxFlows + 1}, "is not possible"},
		"missing flow":     {Options{Flows: 2, Missing: 2}, "is not possible"},
		"negative missing": {Options{Missing: -1}, "is not possible"},
		"foreign address":  {Options{NewAddrs: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}, "start platform new: listen on 192.0.2.1"},
	} {
		_, err := Start(t.Context(), c.opts)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	wantError(t, canSendFrom(t.Context(), netip.MustParseAddr("192.0.2.1")), "ifconfig lo0 alias 192.0.2.1")
}

func TestCopyFiles(t *testing.T) {
	t.Parallel()
	w := startWorld(t, Options{Files: 7, Seed: 3})
	n, err := w.CopyFiles(testContext(t), "OUT")
	if err != nil || n != len(w.Old.Files().Files("OUT")) {
		t.Fatalf("%d copied, %v", n, err)
	}
	if len(w.New.Manifest("IN")) != 0 {
		t.Error("IN was copied too")
	}
	if n, err = w.CopyFiles(testContext(t)); err != nil || n != 14 {
		t.Fatalf("%d copied, %v", n, err)
	}
	if diff := cmp.Diff(w.Old.Manifest(""), w.New.Manifest("")); diff != "" {
		t.Errorf("manifests (-old +new):\n%s", diff)
	}
	if got := w.Old.Mutating(); len(got) != 0 {
		t.Errorf("the old platform was changed: %v", got)
	}
	written := map[string]int{}
	for i, r := range w.New.Mutating() {
		if r.Source.Addr().String() != "127.0.0.2" || r.User != AccountSupplier {
			t.Errorf("written by another: %s", r)
		}
		written[r.Path] = i
	}
	for name := range written {
		if at, ok := written[name+".trigger"]; ok && at < written[name] {
			t.Errorf("the trigger of %s was written first", name)
		}
	}
}

func TestCopyFilesFails(t *testing.T) {
	t.Parallel()
	w := startWorld(t, Options{})
	_, err := w.CopyFiles(testContext(t), "NONE")
	wantError(t, err, "list NONE")
	for _, f := range []Fault{FaultHostKey, FaultNoSubsystem, FaultUserKey, FaultClosed, FaultFull} {
		if err := w.New.SetFault(f); err != nil {
			t.Fatal(err)
		}
		_, err := w.CopyFiles(testContext(t))
		if f == FaultHostKey && err != nil || f != FaultHostKey && err == nil {
			t.Errorf("%s: %v", f, err)
		}
		if err := w.New.Clear(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.New.SetFault(FaultSilent); err != nil {
		t.Fatal(err)
	}
	cause := errors.New("the weekend is over")
	ctx, cancel := context.WithTimeoutCause(t.Context(), impatience, cause)
	defer cancel()
	if _, err := w.CopyFiles(ctx); !errors.Is(err, cause) {
		t.Errorf("error is %v", err)
	}
}

func TestKit(t *testing.T) {
	t.Parallel()
	w := startWorld(t, Options{})
	dir := t.TempDir()
	kit, err := w.WriteKit(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(kit.Keys[AccountChecker], 0o644); err != nil {
		t.Fatal(err)
	}
	if kit, err = w.WriteKit(dir); err != nil {
		t.Fatal(err)
	}
	if len(kit.Keys) != 3 || kit.HostKeys["old"] == kit.HostKeys["new"] || !strings.HasPrefix(kit.HostKeys["new"], "SHA256:") {
		t.Errorf("kit is %+v", kit)
	}
	for account, path := range kit.Keys {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", account, info, err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		signer, err := ssh.ParsePrivateKey(text)
		if err != nil || !bytes.Equal(signer.PublicKey().Marshal(), w.Key(account).Signer.PublicKey().Marshal()) {
			t.Errorf("%s: %v", account, err)
		}
	}
	for path, trusts := range map[string]bool{kit.RootCA: true, kit.OtherCA: false} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(text) {
			t.Fatalf("%s holds no certificate", path)
		}
		conn, err := tls.Dial("tcp", w.New.GatewayAddr().String(), &tls.Config{RootCAs: pool, ServerName: w.New.ServerName()})
		if (err == nil) != trusts {
			t.Errorf("%s: %v", path, err)
		}
		if err == nil {
			conn.Close()
		}
	}
	_, err = w.WriteKit(dir + "/keys/" + AccountChecker)
	wantError(t, err, "write keys and bundles")
}

func TestDataSet(t *testing.T) {
	t.Parallel()
	manifest := func(files []File) (*Tree, string) {
		tree := NewTree()
		tree.Fill(files)
		return tree, string(ManifestCSV(tree.Manifest("")))
	}
	tree, first := manifest(DataSet(7, 30))
	if _, again := manifest(DataSet(7, 30)); again != first {
		t.Error("the same seed gave other files")
	}
	if _, other := manifest(DataSet(8, 30)); other == first {
		t.Error("another seed gave the same files")
	}
	if n := len(tree.Files("")); n != 60 {
		t.Errorf("%d files", n)
	}
	if n := len(tree.Files("IN")); n != 20 {
		t.Errorf("%d files in IN", n)
	}
	// Moving this means that recorded manifests no longer hold.
	if got := hash([]byte(first)); got != "f096" {
		t.Errorf("the manifest's hash begins %s", got)
	}
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:2])
}

func TestManifest(t *testing.T) {
	t.Parallel()
	tree := NewTree()
	tree.WriteFile("OUT/b, c", []byte("abc"))
	tree.WriteFile("OUT/a", nil)
	tree.WriteFile("OUTER/x", nil)
	rows, err := csv.NewReader(bytes.NewReader(ManifestCSV(tree.Manifest("OUT")))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]string{
		{"name", "size", "sha256"},
		{"OUT/a", "0", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"OUT/b, c", "3", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	}, rows); diff != "" {
		t.Error(diff)
	}
}

func TestPKI(t *testing.T) {
	t.Parallel()
	pki, err := NewPKI()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	names := []string{"a.example"}
	for name, c := range map[string]struct {
		leaf  Leaf
		at    time.Time
		usage x509.ExtKeyUsage
		host  string
		sound bool
	}{
		"server":               {Leaf{Names: names}, now, x509.ExtKeyUsageServerAuth, "a.example", true},
		"in a year and a day":  {Leaf{Names: names}, now.Add(366 * 24 * time.Hour), x509.ExtKeyUsageServerAuth, "a.example", false},
		"by address":           {Leaf{IPs: []netip.Addr{loopback(1)}}, now, x509.ExtKeyUsageServerAuth, "127.0.0.1", true},
		"other name":           {Leaf{Names: names}, now, x509.ExtKeyUsageServerAuth, "b.example", false},
		"server as client":     {Leaf{Names: names}, now, x509.ExtKeyUsageClientAuth, "a.example", false},
		"client":               {Leaf{Names: names, Client: true}, now, x509.ExtKeyUsageClientAuth, "a.example", true},
		"before it begins":     {Leaf{Names: names, NotBefore: now.Add(time.Minute)}, now, x509.ExtKeyUsageServerAuth, "a.example", false},
		"ended long ago":       {Leaf{Names: names, NotAfter: now.Add(-9 * 24 * time.Hour)}, now, x509.ExtKeyUsageServerAuth, "a.example", false},
		"while it was valid":   {Leaf{Names: names, NotAfter: now.Add(-9 * 24 * time.Hour)}, now.Add(-9*24*time.Hour - time.Minute), x509.ExtKeyUsageServerAuth, "a.example", true},
		"under a root unknown": {Leaf{Names: names, OtherIssuer: true}, now, x509.ExtKeyUsageServerAuth, "a.example", false},
		"without intermediate": {Leaf{Names: names, OmitIntermediate: true}, now, x509.ExtKeyUsageServerAuth, "a.example", false},
		"ending intermediate":  {Leaf{Names: names, IntermediateUntil: now.Add(time.Hour)}, now.Add(2 * time.Hour), x509.ExtKeyUsageServerAuth, "a.example", false},
		"before it ends":       {Leaf{Names: names, IntermediateUntil: now.Add(time.Hour)}, now, x509.ExtKeyUsageServerAuth, "a.example", true},
	} {
		issued, err := pki.Issue(c.leaf)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		leaf, between := parseChain(t, issued)
		_, err = leaf.Verify(x509.VerifyOptions{
			Roots: pki.Pool(), Intermediates: between, CurrentTime: c.at, DNSName: c.host, KeyUsages: []x509.ExtKeyUsage{c.usage},
		})
		if (err == nil) != c.sound {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err = pki.Issue(Leaf{NotBefore: now, NotAfter: now.Add(-time.Second)})
	wantError(t, err, "before it begins")
}

func TestPEM(t *testing.T) {
	t.Parallel()
	pki, err := NewPKI()
	if err != nil {
		t.Fatal(err)
	}
	issued, err := pki.Issue(Leaf{Names: []string{"a.example"}, OmitIntermediate: true})
	if err != nil {
		t.Fatal(err)
	}
	chain, key, err := PEM(issued)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(append(chain, pki.IntermediatePEM()...), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, between := parseChain(t, pair)
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: pki.Pool(), Intermediates: between}); err != nil {
		t.Errorf("completed with the intermediate: %v", err)
	}
}
