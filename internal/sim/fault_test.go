package sim

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pkg/sftp"
)

// faultTests show each fault to a plain client. The platform is the new one of
// a fresh world with the fault set.
var faultTests = map[Fault]func(t *testing.T, w *World, p *Platform){
	FaultAllowList: func(t *testing.T, w *World, p *Platform) {
		missing, other := w.MissingFlow().Source.String(), w.FlowSource(1).String()
		if got, err := firstBytes(p.SFTPAddr(), missing, "", patience); got != "" || isTimeout(err) || err == nil {
			t.Errorf("the missing flow got %q, %v", got, err)
		}
		if got, err := firstBytes(p.SFTPAddr(), other, "", patience); !strings.HasPrefix(got, "SSH-2.0-") {
			t.Errorf("another flow got %q, %v", got, err)
		}
		if answer, err := ask(webFrom(w.PKI, missing), "GET", gatewayURL(p), ""); err == nil {
			t.Errorf("the missing flow was answered %q", answer)
		}
		mustAsk(t, webFrom(w.PKI, other), "GET", gatewayURL(p), "")
	},
	FaultHostKey: func(t *testing.T, w *World, p *Platform) {
		_, _, err := files(w, p, AccountChecker)
		wantError(t, err, "host key changed")
	},
	FaultExpiry: func(t *testing.T, w *World, p *Platform) {
		until := time.Now().Add(30 * time.Minute).Truncate(time.Second)
		if err := p.SetExpiry(until); err != nil {
			t.Fatal(err)
		}
		if err := handshake(w, p, time.Now()); err != nil {
			t.Errorf("now: %v", err)
		}
		if err := handshake(w, p, until); err != nil {
			t.Errorf("in its last second: %v", err)
		}
		wantInvalid(t, handshake(w, p, until.Add(time.Second)), x509.Expired)
	},
	FaultExpired: func(t *testing.T, w *World, p *Platform) {
		wantInvalid(t, handshake(w, p, time.Now()), x509.Expired)
		if err := handshake(w, p, time.Now().Add(-2*time.Hour)); err != nil {
			t.Errorf("two hours ago: %v", err)
		}
	},
	FaultNotYet: func(t *testing.T, w *World, p *Platform) {
		wantInvalid(t, handshake(w, p, time.Now()), x509.Expired) // crypto/x509 has one reason for both
		if err := handshake(w, p, time.Now().Add(25*time.Hour)); err != nil {
			t.Errorf("tomorrow: %v", err)
		}
	},
	FaultIntermediateExpiry: func(t *testing.T, w *World, p *Platform) {
		if err := handshake(w, p, time.Now()); err != nil {
			t.Errorf("now: %v", err)
		}
		if err := handshake(w, p, time.Now().Add(2*time.Hour)); err == nil {
			t.Error("valid after the issuing certificate ended")
		}
		p.mu.Lock()
		leaf := p.cert.Leaf
		p.mu.Unlock()
		if leaf.NotAfter.Before(time.Now().Add(24 * time.Hour)) {
			t.Errorf("the leaf itself ends at %s", leaf.NotAfter)
		}
	},
	FaultWrongName: func(t *testing.T, w *World, p *Platform) {
		var wrong x509.HostnameError
		if err := handshake(w, p, time.Now()); !errors.As(err, &wrong) {
			t.Errorf("error is %v", err)
		}
	},
	FaultMissingIntermediate: func(t *testing.T, w *World, p *Platform) {
		var unknown x509.UnknownAuthorityError
		if err := handshake(w, p, time.Now()); !errors.As(err, &unknown) {
			t.Errorf("error is %v", err)
		}
		p.mu.Lock()
		served := len(p.cert.Certificate)
		p.mu.Unlock()
		if served != 1 {
			t.Errorf("%d certificates are served", served)
		}
	},
	FaultUntrusted: func(t *testing.T, w *World, p *Platform) {
		var unknown x509.UnknownAuthorityError
		if err := handshake(w, p, time.Now()); !errors.As(err, &unknown) {
			t.Errorf("error is %v", err)
		}
		p.mu.Lock()
		leaf, between := parseChain(t, *p.cert)
		p.mu.Unlock()
		other := x509.NewCertPool()
		other.AppendCertsFromPEM(w.PKI.OtherRootPEM())
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: other, Intermediates: between}); err != nil {
			t.Errorf("under the other root: %v", err)
		}
	},
	FaultClients: func(t *testing.T, w *World, p *Platform) {
		if err := call(t, w, p, false); err == nil {
			t.Error("let in without a certificate")
		}
		if err := call(t, w, p, true); err != nil {
			t.Errorf("with a certificate: %v", err)
		}
	},
	FaultOtherClients: func(t *testing.T, w *World, p *Platform) {
		if err := call(t, w, p, true); err == nil {
			t.Error("let in with a certificate of the platforms' authority")
		}
	},
	FaultRefused: func(t *testing.T, w *World, p *Platform) {
		for name, addr := range map[string]string{"gateway": p.GatewayAddr().String(), "sftp": p.SFTPAddr().String()} {
			if _, err := dialFrom("127.0.0.1", addr, patience); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("%s: %v", name, err)
			}
		}
	},
	FaultClosed: func(t *testing.T, w *World, p *Platform) {
		if got, err := firstBytes(p.SFTPAddr(), "127.0.0.1", "", patience); got != "" || err != io.EOF {
			t.Errorf("sftp said %q, %v", got, err)
		}
		if got, err := firstBytes(p.GatewayAddr(), "127.0.0.1", "", patience); got != "" || err != io.EOF {
			t.Errorf("gateway said %q, %v", got, err)
		}
	},
	FaultReset: func(t *testing.T, w *World, p *Platform) {
		if _, err := firstBytes(p.SFTPAddr(), "127.0.0.1", "", patience); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("sftp: %v", err)
		}
		if _, err := firstBytes(p.GatewayAddr(), "127.0.0.1", "", patience); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("gateway: %v", err)
		}
	},
	FaultSilent: func(t *testing.T, w *World, p *Platform) {
		if got, err := firstBytes(p.SFTPAddr(), "127.0.0.1", "SSH-2.0-test\r\n", impatience); got != "" || !isTimeout(err) {
			t.Errorf("sftp said %q, %v", got, err)
		}
		if got, err := firstBytes(p.GatewayAddr(), "127.0.0.1", "hello", impatience); got != "" || !isTimeout(err) {
			t.Errorf("gateway said %q, %v", got, err)
		}
	},
	FaultGarbage: func(t *testing.T, w *World, p *Platform) {
		if got, _ := firstBytes(p.SFTPAddr(), "127.0.0.1", "SSH-2.0-test\r\n", patience); got != "Not allowed at this time\r\n" {
			t.Errorf("sftp said %q", got)
		}
		wantError(t, handshake(w, p, time.Now()), "does not look like a TLS handshake")
	},
	FaultForbidden: func(t *testing.T, w *World, p *Platform) {
		if got := mustAsk(t, webFrom(w.PKI, "127.0.0.1"), "GET", gatewayURL(p), ""); !strings.HasPrefix(got, "403 ") {
			t.Errorf("answer %q", got)
		}
	},
	FaultUnavailable: func(t *testing.T, w *World, p *Platform) {
		if got := mustAsk(t, webFrom(w.PKI, "127.0.0.1"), "GET", gatewayURL(p), ""); !strings.HasPrefix(got, "503 ") {
			t.Errorf("answer %q", got)
		}
	},
	FaultUserKey: func(t *testing.T, w *World, p *Platform) {
		_, _, err := files(w, p, AccountChecker)
		wantError(t, err, "unable to authenticate, attempted methods [none publickey]")
	},
	FaultNoSubsystem: func(t *testing.T, w *World, p *Platform) {
		_, _, err := files(w, p, AccountChecker)
		wantError(t, err, "subsystem request failed")
	},
	FaultSilentSubsystem: func(t *testing.T, w *World, p *Platform) {
		client, err := login(w, p.SFTPAddr(), p.HostKey(), AccountChecker, "127.0.0.1")
		if err != nil {
			t.Fatal(err)
		}
		defer client.Wait()
		stop := time.AfterFunc(impatience, func() { client.Close() })
		defer stop.Stop()
		begun := time.Now()
		if _, err := sftp.NewClient(client); err == nil || time.Since(begun) < impatience/2 {
			t.Errorf("after %s: %v", time.Since(begun), err)
		}
	},
	FaultGarbageSubsystem: func(t *testing.T, w *World, p *Platform) {
		_, _, err := files(w, p, AccountChecker)
		if err == nil || strings.Contains(err.Error(), "subsystem request failed") {
			t.Errorf("error is %v", err)
		}
	},
	FaultMissingPath: func(t *testing.T, w *World, p *Platform) {
		f := mustFiles(t, w, p, AccountChecker)
		if _, err := f.ReadDir("OUT"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("list OUT: %v", err)
		}
		if _, err := f.ReadDir("/"); err != nil {
			t.Errorf("list the root: %v", err)
		}
	},
	FaultDeniedPath: func(t *testing.T, w *World, p *Platform) {
		f := mustFiles(t, w, p, AccountSupplier)
		if _, err := f.ReadDir("OUT"); !errors.Is(err, os.ErrPermission) {
			t.Errorf("list OUT: %v", err)
		}
		if _, err := f.Create("OUT/x"); !errors.Is(err, os.ErrPermission) {
			t.Errorf("create: %v", err)
		}
	},
	FaultFull: func(t *testing.T, w *World, p *Platform) {
		f := mustFiles(t, w, p, AccountSupplier)
		file, err := f.OpenFile("OUT/x", os.O_WRONLY|os.O_CREATE|os.O_EXCL)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.Write([]byte("x")); statusCode(err) != 4 {
			t.Errorf("write: %v", err)
		}
		file.Close()
	},
	FaultChangedByte: func(t *testing.T, w *World, p *Platform) {
		if _, err := w.CopyFiles(testContext(t)); err != nil {
			t.Fatal(err)
		}
		old, copied := w.Old.Manifest(""), p.Manifest("")
		var differ []string
		for i := range old {
			if old[i].Name != copied[i].Name || old[i].Size != copied[i].Size {
				t.Errorf("row %d is %v, want %v", i, copied[i], old[i])
			}
			if old[i].SHA256 != copied[i].SHA256 {
				differ = append(differ, old[i].Name)
			}
		}
		if !slices.Equal(differ, []string{"OUT/message-0001.xml"}) {
			t.Errorf("%v differ", differ)
		}
	},
}

func wantInvalid(t *testing.T, err error, reason x509.InvalidReason) {
	t.Helper()
	var invalid x509.CertificateInvalidError
	if !errors.As(err, &invalid) || invalid.Reason != reason {
		t.Errorf("error is %v, want an invalid certificate, reason %d", err, reason)
	}
}

func statusCode(err error) uint32 {
	var status *sftp.StatusError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return status.Code
	case errors.Is(err, os.ErrNotExist):
		return 2
	case errors.Is(err, os.ErrPermission):
		return 3
	}
	return 999
}

// wantSound fails unless the platform serves everyone properly.
func wantSound(t *testing.T, w *World, p *Platform) {
	t.Helper()
	for _, source := range []string{"127.0.0.1", w.MissingFlow().Source.String()} {
		got, err := ask(webFrom(w.PKI, source), "GET", gatewayURL(p), "")
		if err != nil || got != "200 demo service of the new platform" {
			t.Errorf("gateway from %s: %q, %v", source, got, err)
		}
	}
	if err := handshake(w, p, time.Now().Add(30*24*time.Hour)); err != nil {
		t.Errorf("certificate in a month: %v", err)
	}
	f := mustFiles(t, w, p, AccountSupplier)
	if _, err := f.ReadDir("OUT"); err != nil {
		t.Errorf("list OUT: %v", err)
	}
	file, err := f.OpenFile("IN/sound", os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	if err == nil {
		_, err = file.Write([]byte("x"))
		file.Close()
	}
	if err != nil {
		t.Errorf("write: %v", err)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	if len(faultTests) != len(Faults()) {
		t.Errorf("%d faults are tested of %d", len(faultTests), len(Faults()))
	}
	for _, info := range Faults() {
		t.Run(string(info.Name), func(t *testing.T) {
			t.Parallel()
			w := startWorld(t, Options{Files: 3})
			wantSound(t, w, w.New)
			w.New.Files().Remove("IN/sound")
			if err := w.New.SetFault(info.Name); err != nil {
				t.Fatal(err)
			}
			if got := w.New.ActiveFaults(); !slices.Equal(got, []Fault{info.Name}) {
				t.Errorf("active are %v", got)
			}
			faultTests[info.Name](t, w, w.New)
			if err := w.New.Clear(info.Name); err != nil {
				t.Fatal(err)
			}
			if got := w.New.ActiveFaults(); len(got) != 0 {
				t.Errorf("after clearing active are %v", got)
			}
			wantSound(t, w, w.New)
		})
	}
}

func TestFaultOnOneDoor(t *testing.T) {
	t.Parallel()
	w := startWorld(t, Options{})
	if err := w.New.SetFault(FaultAllowList, DoorGateway); err != nil {
		t.Fatal(err)
	}
	missing := w.MissingFlow().Source.String()
	if _, err := ask(webFrom(w.PKI, missing), "GET", gatewayURL(w.New), ""); err == nil {
		t.Error("the gateway answers")
	}
	if got, err := firstBytes(w.New.SFTPAddr(), missing, "", patience); !strings.HasPrefix(got, "SSH-") {
		t.Errorf("sftp said %q, %v", got, err)
	}
	if err := w.New.SetFault(FaultClosed, DoorSFTP); err != nil {
		t.Fatal(err)
	}
	mustAsk(t, webFrom(w.PKI, "127.0.0.1"), "GET", gatewayURL(w.New), "")
	if got, _ := firstBytes(w.New.SFTPAddr(), "127.0.0.1", "", patience); got != "" {
		t.Errorf("sftp said %q", got)
	}
}

func TestFaultMistakes(t *testing.T) {
	t.Parallel()
	pki, err := NewPKI()
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPlatform(PlatformOptions{Name: "old", PKI: pki})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	wantError(t, p.SetFault("flood"), `unknown fault "flood"`)
	wantError(t, p.Clear("flood"), `unknown fault "flood"`)
	wantError(t, p.SetFault(FaultHostKey, DoorGateway), `does not apply to the door "gateway"`)
	wantError(t, p.SetFault(FaultAllowList), "needs a source to leave out")
	if got := p.ActiveFaults(); len(got) != 0 {
		t.Errorf("active are %v", got)
	}
	_, err = NewPlatform(PlatformOptions{Name: "old"})
	wantError(t, err, "needs a name and a PKI")
}

func TestCertificateFaultsCombine(t *testing.T) {
	t.Parallel()
	w := startWorld(t, Options{})
	for _, f := range []Fault{FaultExpired, FaultUntrusted, FaultMissingIntermediate} {
		if err := w.New.SetFault(f); err != nil {
			t.Fatal(err)
		}
	}
	w.New.mu.Lock()
	cert := w.New.cert
	w.New.mu.Unlock()
	if cert.Leaf.NotAfter.After(time.Now()) || cert.Leaf.Issuer.CommonName != "Unknown Issuing CA" || len(cert.Certificate) != 1 {
		t.Errorf("ends %s, by %s, %d served", cert.Leaf.NotAfter, cert.Leaf.Issuer, len(cert.Certificate))
	}
}

// call asks a gateway for its page, with a client certificate or without.
func call(t *testing.T, w *World, p *Platform, certificate bool) error {
	t.Helper()
	cfg := &tls.Config{RootCAs: w.PKI.Pool(), ServerName: "gateway.example"}
	if certificate {
		cert, err := w.PKI.Issue(Leaf{Names: []string{"client"}, Client: true})
		if err != nil {
			t.Fatal(err)
		}
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: cfg, DisableKeepAlives: true}, Timeout: patience}
	resp, err := client.Get("https://" + p.GatewayAddr().String() + "/")
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
