package sim

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"
)

func TestDenial(t *testing.T) {
	t.Parallel()
	const stranger = "127.0.0.200"
	refusal := map[Denial]func(t *testing.T, door Door, said string, err error){
		DenyClose: func(t *testing.T, door Door, said string, err error) {
			if said != "" || err != io.EOF {
				t.Errorf("%s said %q, %v", door, said, err)
			}
		},
		DenyReset: func(t *testing.T, door Door, said string, err error) {
			if said != "" || !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("%s said %q, %v", door, said, err)
			}
		},
		DenySilent: func(t *testing.T, door Door, said string, err error) {
			if said != "" || !isTimeout(err) {
				t.Errorf("%s said %q, %v", door, said, err)
			}
		},
	}
	for denial, check := range refusal {
		t.Run("deny "+string(denial), func(t *testing.T) {
			t.Parallel()
			w := startWorld(t, Options{Denial: denial})
			within := patience
			if denial == DenySilent {
				within = impatience
			}
			said, err := firstBytes(w.New.SFTPAddr(), stranger, "", within)
			check(t, DoorSFTP, said, err)
			said, err = firstBytes(w.New.GatewayAddr(), stranger, "", within)
			check(t, DoorGateway, said, err)
			w.New.Allow(netip.MustParseAddr(stranger))
			if said, err := firstBytes(w.New.SFTPAddr(), stranger, "", patience); !strings.HasPrefix(said, "SSH-") {
				t.Errorf("once allowed sftp said %q, %v", said, err)
			}
			w.New.Deny(netip.MustParseAddr(stranger))
			said, err = firstBytes(w.New.SFTPAddr(), stranger, "", within)
			check(t, DoorSFTP, said, err)
			denied := 0
			for _, r := range w.New.Log() {
				if r.Proto == ProtoTCP && r.Op == "denied" && r.Source.Addr().String() == stranger {
					denied++
				}
			}
			if denied != 3 {
				t.Errorf("%d denials are recorded", denied)
			}
		})
	}
	t.Run("deny forbidden", func(t *testing.T) {
		t.Parallel()
		w := startWorld(t, Options{Denial: DenyForbidden})
		if got := mustAsk(t, webFrom(w.PKI, stranger), "GET", gatewayURL(w.New), ""); !strings.HasPrefix(got, "403 ") {
			t.Errorf("gateway answered %q", got)
		}
		if said, err := firstBytes(w.New.SFTPAddr(), stranger, "", patience); said != "" || err != io.EOF {
			t.Errorf("sftp said %q, %v", said, err)
		}
		mustAsk(t, webFrom(w.PKI, "127.0.0.1"), "GET", gatewayURL(w.New), "")
	})
}

func TestAllowingMendsTheFault(t *testing.T) {
	t.Parallel()
	w := startWorld(t, Options{Missing: 2})
	if err := w.New.SetFault(FaultAllowList); err != nil {
		t.Fatal(err)
	}
	w.New.Allow(w.FlowSource(2), DoorSFTP)
	if got := w.New.ActiveFaults(); len(got) != 1 {
		t.Errorf("with one door mended active are %v", got)
	}
	w.New.Allow(w.FlowSource(2))
	if got := w.New.ActiveFaults(); len(got) != 0 {
		t.Errorf("active are %v", got)
	}
	if diff := cmp.Diff(w.Old.Allowed(DoorGateway), w.New.Allowed(DoorGateway), cmp.Comparer(sameAddr)); diff != "" {
		t.Errorf("lists differ (-old +new):\n%s", diff)
	}
}

func sameAddr(a, b netip.Addr) bool { return a == b }

// TestDoors walks what the gateway and the operations desk answer.
func TestDoors(t *testing.T) {
	t.Parallel()
	w := startWorld(t, Options{Files: 1})
	client := webFrom(w.PKI, "127.0.0.1")
	gateway, ops := strings.TrimSuffix(gatewayURL(w.Old), "/"), w.Old.OpsURL()
	manifest := strings.TrimSpace(string(ManifestCSV(w.Old.Manifest("OUT"))))
	steps := []struct {
		base, method, path, body string
		want                     string // the answer begins so
	}{
		{gateway, "GET", "/", "", "200 demo service of the old platform"},
		{gateway, "HEAD", "/", "", "200 "},
		{gateway, "POST", "/", "<ping/>", "200 <?xml"},
		{gateway, "POST", "/", "<other/>", "500 <?xml"},
		{gateway, "GET", "/nothing", "", "404 "},
		{gateway, "GET", "/intake", "", `200 {"intake":"open"}`},
		{gateway, "POST", "/intake/stop", "", `200 {"intake":"stopped"}`},
		{gateway, "POST", "/", "<ping/>", "503 <?xml"},
		{gateway, "POST", "/", "<other/>", "500 <?xml"},
		{gateway, "GET", "/", "", "200 "},
		{ops, "GET", "/intake", "", `200 {"intake":"stopped"}`},
		{ops, "POST", "/intake/open", "", `200 {"intake":"open"}`},
		{gateway, "POST", "/", "<ping/>", "200 <?xml"},
		{gateway, "GET", "/manifest?dir=OUT", "", "200 " + manifest},
		{ops, "POST", "/deny", "addr=127.0.0.11", "200 "},
		{ops, "POST", "/allow", "addr=here", "400 addr: give one IP address"},
		{ops, "GET", "/intake/stop", "", "405 "},
		{gateway, "POST", "/", strings.Repeat("x", maxBody+1), "413 "},
	}
	for _, s := range steps {
		if got := mustAsk(t, client, s.method, s.base+s.path, s.body); !strings.HasPrefix(got+" ", s.want) {
			t.Errorf("%s %s answered %q, want %q", s.method, s.path, got, s.want)
		}
	}
	if _, err := ask(webFrom(w.PKI, "127.0.0.11"), "GET", gateway, ""); err == nil {
		t.Error("the denied source is answered")
	}
	mustAsk(t, client, "POST", ops+"/allow", "addr=127.0.0.11")
	mustAsk(t, webFrom(w.PKI, "127.0.0.11"), "GET", gateway, "")
	if err := w.Old.SetFault(FaultRefused); err != nil {
		t.Fatal(err)
	}
	if got := mustAsk(t, client, "GET", ops+"/intake", ""); !strings.HasPrefix(got, "200 ") {
		t.Errorf("with the gateway down the desk answers %q", got)
	}
}

func TestIntakeGovernsWriting(t *testing.T) {
	t.Parallel()
	w := startWorld(t, Options{})
	create := func(account string) error {
		f, done, err := files(w, w.Old, account)
		if err != nil {
			t.Fatal(err)
		}
		defer done()
		file, err := f.OpenFile("OUT/"+account, os.O_WRONLY|os.O_CREATE)
		if err == nil {
			file.Close()
		}
		return err
	}
	want := func(when, account string, allowed bool) {
		t.Helper()
		err := create(account)
		if allowed && err != nil || !allowed && !errors.Is(err, os.ErrPermission) {
			t.Errorf("%s %s: %v, want allowed %t", when, account, err, allowed)
		}
	}
	want("open", AccountSystem, true)
	want("open", AccountSupplier, true)
	want("open", AccountChecker, false)
	w.Old.SetIntake(false)
	want("stopped", AccountSystem, false)
	want("stopped", AccountSupplier, true)
	want("stopped", AccountChecker, false)
}

func TestLogIn(t *testing.T) {
	t.Parallel()
	w := startWorld(t, Options{})
	stranger, err := NewUserKey("stranger")
	if err != nil {
		t.Fatal(err)
	}
	for name, config := range map[string]*ssh.ClientConfig{
		"unknown user": {User: "nobody", Auth: []ssh.AuthMethod{ssh.PublicKeys(w.Key(AccountChecker).Signer)}},
		"other key":    {User: AccountChecker, Auth: []ssh.AuthMethod{ssh.PublicKeys(stranger.Signer)}},
		"another's":    {User: AccountChecker, Auth: []ssh.AuthMethod{ssh.PublicKeys(w.Key(AccountSupplier).Signer)}},
		"no key":       {User: AccountChecker},
	} {
		config.HostKeyCallback = ssh.InsecureIgnoreHostKey()
		client, err := ssh.Dial("tcp", w.Old.SFTPAddr().String(), config)
		if err == nil {
			client.Close()
			t.Errorf("%s: logged in", name)
		}
	}
	client, err := login(w, w.Old.SFTPAddr(), w.Old.HostKey(), AccountChecker, "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	defer client.Wait()
	defer client.Close()
	if _, _, err := client.OpenChannel("direct-tcpip", nil); err == nil {
		t.Error("forwarding is allowed")
	}
	session, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Run("id"); err == nil {
		t.Error("a command ran")
	}
	for _, r := range w.Old.Log() {
		if r.Mutates() || r.Proto == ProtoSSH && r.Op != "auth" {
			t.Errorf("recorded as a change: %s", r)
		}
	}
}

// TestLog compares the whole record of one session.
func TestLog(t *testing.T) {
	t.Parallel()
	w := startWorld(t, Options{Files: 1})
	f := mustFiles(t, w, w.New, AccountSupplier)
	f.ReadDir("OUT")
	f.Stat("OUT/none")
	if file, err := f.Open("OUT"); err == nil {
		file.Close()
	}
	file, err := f.OpenFile("OUT/a", os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		t.Fatal(err)
	}
	file.Write([]byte("x"))
	file.Close()
	if file, err = f.Open("OUT/a"); err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, file)
	file.Close()
	f.Rename("OUT/a", "OUT/b")
	f.Mkdir("new")
	f.Chmod("OUT/b", 0o600)
	f.Symlink("OUT/b", "OUT/link")
	f.Remove("OUT/b")
	mustAsk(t, webFrom(w.PKI, "127.0.0.12"), "POST", gatewayURL(w.New), "<ping/>")
	mustAsk(t, webFrom(w.PKI, "127.0.0.12"), "HEAD", gatewayURL(w.New), "")
	mustAsk(t, http.DefaultClient, "POST", w.New.OpsURL()+"/intake/open", "")

	var all, changes []string
	for _, r := range w.New.Log() {
		all = append(all, r.String())
	}
	for _, r := range w.New.Mutating() {
		changes = append(changes, r.Op+" "+r.Path)
	}
	if diff := cmp.Diff([]string{
		"new ssh auth publickey from 127.0.0.1",
		"new sftp list /OUT from 127.0.0.1",
		"new sftp stat /OUT/none from 127.0.0.1 refused: no such file",
		"new sftp open /OUT (read) from 127.0.0.1 refused: failure",
		"new sftp open /OUT/a (write|create|exclusive) from 127.0.0.1",
		"new sftp open /OUT/a (read) from 127.0.0.1",
		"new sftp stat /OUT/a from 127.0.0.1",
		"new sftp rename /OUT/a -> /OUT/b from 127.0.0.1",
		"new sftp mkdir /new from 127.0.0.1",
		"new sftp setstat /OUT/b from 127.0.0.1",
		"new sftp symlink OUT/b -> /OUT/link from 127.0.0.1 refused: operation unsupported",
		"new sftp remove /OUT/b from 127.0.0.1",
		"new https POST / from 127.0.0.12",
		"new https HEAD / from 127.0.0.12",
		"new http POST /intake/open from 127.0.0.1",
	}, all); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		"open /OUT/a", "rename /OUT/a", "mkdir /new", "setstat /OUT/b", "symlink OUT/b", "remove /OUT/b",
		"POST /", "POST /intake/open",
	}, changes); diff != "" {
		t.Errorf("mutating (-want +got):\n%s", diff)
	}
	last := w.New.Log()[len(all)-3]
	if last.Size != int64(len("<ping/>")) || last.Status != 503 || last.At.IsZero() {
		t.Errorf("size %d, status %d, at %s", last.Size, last.Status, last.At)
	}
	if got := w.Old.Log(); len(got) != 0 {
		t.Errorf("the other platform recorded %v", got)
	}
}

func TestMutates(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		r    Request
		want bool
	}{
		{Request{Proto: ProtoHTTPS, Op: "GET"}, false},
		{Request{Proto: ProtoHTTP, Op: "HEAD"}, false},
		{Request{Proto: ProtoHTTP, Op: "OPTIONS"}, true},
		{Request{Proto: ProtoSFTP, Op: "open", Flags: "read"}, false},
		{Request{Proto: ProtoSFTP, Op: "open", Flags: "read|write"}, true},
		{Request{Proto: ProtoSFTP, Op: "open", Flags: "write", Err: "permission denied"}, true},
		{Request{Proto: ProtoSFTP, Op: "lstat"}, false},
		{Request{Proto: ProtoSFTP, Op: "posix-rename"}, true},
		{Request{Proto: ProtoSFTP, Op: "something new"}, true},
		{Request{Proto: ProtoSSH, Op: "auth"}, false},
		{Request{Proto: ProtoTCP, Op: "denied"}, false},
	} {
		if got := c.r.Mutates(); got != c.want {
			t.Errorf("%s: %t", c.r, got)
		}
	}
}

func TestSites(t *testing.T) {
	t.Parallel()
	sites := []netip.Addr{netip.MustParseAddr("127.20.0.1"), netip.MustParseAddr("127.21.0.1")}
	w := startWorld(t, Options{NewAddrs: sites, Files: 1})
	w.New.Files().WriteFile("OUT/x", []byte("x"))
	for i, addr := range w.New.GatewayAddrs() {
		if addr.Addr() != sites[i] || w.New.SFTPAddrs()[i].Addr() != sites[i] {
			t.Errorf("site %d is %s and %s", i, addr, w.New.SFTPAddrs()[i])
		}
		mustAsk(t, webFrom(w.PKI, "127.0.0.1"), "GET", "https://"+addr.String(), "")
		client, err := login(w, w.New.SFTPAddrs()[i], w.New.HostKey(), AccountChecker, "127.0.0.1")
		if err != nil {
			t.Fatal(err)
		}
		client.Close()
		client.Wait()
	}
}

// TestCertificateIsAskedAnew holds that a client which could resume does not
// get past a certificate changed in between.
func TestCertificateIsAskedAnew(t *testing.T) {
	t.Parallel()
	w := startWorld(t, Options{})
	config := &tls.Config{RootCAs: w.PKI.Pool(), ServerName: "gateway.example", ClientSessionCache: tls.NewLRUClientSessionCache(4)}
	get := func() error {
		conn, err := dialFrom("127.0.0.1", w.New.GatewayAddr().String(), patience)
		if err != nil {
			return err
		}
		client := tls.Client(conn, config)
		defer client.Close()
		if _, err := io.WriteString(client, "GET / HTTP/1.0\r\n\r\n"); err != nil {
			return err
		}
		_, err = io.ReadAll(client)
		if client.ConnectionState().DidResume {
			t.Error("the session was resumed")
		}
		return err
	}
	if err := get(); err != nil {
		t.Fatal(err)
	}
	if err := w.New.SetFault(FaultExpired); err != nil {
		t.Fatal(err)
	}
	if err := get(); err == nil {
		t.Error("the expired certificate was accepted")
	}
}

// TestConcurrentUse is for the race detector: everything at once.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	w := startWorld(t, Options{Files: 6})
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			source := w.FlowSource(i).String()
			for range 5 {
				ask(webFrom(w.PKI, source), "POST", gatewayURL(w.New), "<ping/>")
				firstBytes(w.New.SFTPAddr(), source, "", patience)
				if f, done, err := files(w, w.Old, AccountChecker); err == nil {
					f.ReadDir("OUT")
					done()
				}
				w.Log()
				w.New.Manifest("")
			}
		})
	}
	for _, fault := range []Fault{FaultExpired, FaultRefused, FaultAllowList, FaultClosed} {
		wg.Go(func() {
			for range 3 {
				if err := w.New.SetFault(fault); err != nil {
					t.Error(err)
				}
				w.New.SetIntake(true)
				w.Front.Switch("new")
				if err := w.New.Clear(fault); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := w.New.ActiveFaults(); len(got) != 0 {
		t.Errorf("active are %v", got)
	}
	wantSound(t, w, w.New)
}
