package probe

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"skift/checks"
)

// statusPKI is an issuer with a server's certificate that names where its status is told.
type statusPKI struct {
	issuer, leaf         *x509.Certificate
	issuerKey, leafKey   crypto.Signer
	responder, expired   *x509.Certificate // may answer for the issuer; could until yesterday
	unnamed, self        *x509.Certificate // of the issuer but not for answering; of nobody
	responderKey, anyKey crypto.Signer
}

// newStatusPKI makes one whose leaf names these addresses.
func newStatusPKI(t testing.TB, responders, lists []string, extra ...pkix.Extension) statusPKI {
	t.Helper()
	p := statusPKI{issuerKey: newECDSA(t), leafKey: newECDSA(t), responderKey: newECDSA(t), anyKey: newECDSA(t)}
	day := 24 * time.Hour
	ca := func(name string) *x509.Certificate {
		return &x509.Certificate{Subject: pkix.Name{CommonName: name}, NotBefore: noon.Add(-900 * day), NotAfter: noon.Add(9000 * day), IsCA: true,
			BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}
	}
	rootKey := newECDSA(t)
	rootTemplate := ca("status root")
	root := sign(t, rootTemplate, rootTemplate, rootKey.Public(), rootKey)
	p.issuer = sign(t, ca("status issuer"), root, p.issuerKey.Public(), rootKey)
	p.leaf = sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: gatewayName}, DNSNames: []string{gatewayName}, NotBefore: noon.Add(-90 * day), NotAfter: noon.Add(900 * day),
		OCSPServer: responders, CRLDistributionPoints: lists, ExtraExtensions: extra}, p.issuer, p.leafKey.Public(), p.issuerKey)
	signer := func(until time.Time, usage ...x509.ExtKeyUsage) *x509.Certificate {
		return sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: "responder"}, NotBefore: noon.Add(-90 * day), NotAfter: until, ExtKeyUsage: usage,
			KeyUsage: x509.KeyUsageDigitalSignature}, p.issuer, p.responderKey.Public(), p.issuerKey)
	}
	p.responder, p.expired = signer(noon.Add(90*day), x509.ExtKeyUsageOCSPSigning), signer(noon.Add(-day), x509.ExtKeyUsageOCSPSigning)
	p.unnamed = signer(noon.Add(90*day), x509.ExtKeyUsageServerAuth)
	own := ca("stranger")
	p.self = sign(t, own, own, p.anyKey.Public(), p.anyKey)
	return p
}

// answer is an OCSP answer by the issuer itself, good and of today, as changed.
func (p statusPKI) answer(t testing.TB, change func(*ocsp.Response)) []byte {
	t.Helper()
	r := ocsp.Response{Status: ocsp.Good, SerialNumber: p.leaf.SerialNumber, ThisUpdate: noon.Add(-time.Hour), NextUpdate: noon.Add(24 * time.Hour), IssuerHash: crypto.SHA1}
	if change != nil {
		change(&r)
	}
	return p.signed(t, p.issuer, p.issuerKey, r)
}

// signed is an answer by a responder, which sends its certificate along unless it is the issuer.
func (p statusPKI) signed(t testing.TB, by *x509.Certificate, key crypto.Signer, r ocsp.Response) []byte {
	t.Helper()
	if by != p.issuer {
		r.Certificate = by
	}
	raw, err := ocsp.CreateResponse(p.issuer, by, r, key)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func (p statusPKI) by(t testing.TB, cert *x509.Certificate, key crypto.Signer) []byte {
	t.Helper()
	return p.signed(t, cert, key, ocsp.Response{Status: ocsp.Good, SerialNumber: p.leaf.SerialNumber, ThisUpdate: noon.Add(-time.Hour), NextUpdate: noon.Add(time.Hour), IssuerHash: crypto.SHA1})
}

// list is the issuer's list, of today, as changed.
func (p statusPKI) list(t testing.TB, change func(*x509.RevocationList)) []byte {
	t.Helper()
	l := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: noon.Add(-time.Hour), NextUpdate: noon.Add(24 * time.Hour)}
	if change != nil {
		change(l)
	}
	raw, err := x509.CreateRevocationList(rand.Reader, l, p.issuer, p.issuerKey)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// serve is a TLS server with the chain and what it staples.
func (p statusPKI) serve(t *testing.T, staple []byte, without ...*x509.Certificate) string {
	t.Helper()
	cert := tls.Certificate{Certificate: [][]byte{p.leaf.Raw, p.issuer.Raw}, PrivateKey: p.leafKey, OCSPStaple: staple}
	if len(without) > 0 {
		cert.Certificate = cert.Certificate[:1]
	}
	return peer(t, func(c net.Conn) {
		s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}})
		if s.Handshake() == nil {
			drain(s)
		}
	})
}

// told answers whatever is set; the zero value says 404.
type told struct {
	now atomic.Pointer[http.HandlerFunc]
}

func (b *told) set(h http.HandlerFunc) { b.now.Store(&h) }

func (b *told) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h := b.now.Load(); h != nil && *h != nil {
		(*h)(w, r)
		return
	}
	http.NotFound(w, r)
}

func with(data []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(data) }
}

// status serves responders under /ocsp and lists under /crl.
func statusServer(t *testing.T) (url string, responder, list *told) {
	t.Helper()
	responder, list = &told{}, &told{}
	mux := http.NewServeMux()
	mux.Handle("/ocsp", responder)
	mux.Handle("/crl", list)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL, responder, list
}

var here = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

func askStatus(t *testing.T, addr string, o checks.RevocationOptions, lookup Lookup) checks.Result {
	t.Helper()
	a := ask(addr, o, func(a *checks.Ask) {
		a.Spec.Kind, a.Spec.Timeout, a.ServerName = checks.Revocation, 2*time.Second, gatewayName
	})
	r, err := New(Config{Dialer: loopback(), Lookup: lookup}).Run(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s %s facts %v, evidence %+v", r.Verdict, r.Code, r.Facts, r.Evidence)
	saw(r)
	return r
}

func wantStatus(t *testing.T, name string, r checks.Result, code checks.Code, verdict checks.Verdict, says string) {
	t.Helper()
	if r.Code != code || r.Verdict != verdict || !strings.Contains(r.Evidence.Err, says) || r.Facts["findings"] != "" {
		t.Errorf("%s: got %s %s (%s; findings %s), want %s %s (%s)", name, r.Verdict, r.Code, r.Evidence.Err, r.Facts["findings"], verdict, code, says)
	}
}

// Each fault of a responder has its own code and no other.
func TestRevocationOCSPFaults(t *testing.T) {
	t.Parallel()
	url, responder, _ := statusServer(t)
	p, other := newStatusPKI(t, []string{url + "/ocsp"}, nil), newStatusPKI(t, nil, nil)
	addr := p.serve(t, nil)
	changed := func(f func(*ocsp.Response)) http.HandlerFunc { return with(p.answer(t, f)) }
	namesake := other
	namesake.leaf = p.leaf
	cases := []struct {
		name    string
		answer  http.HandlerFunc
		code    checks.Code
		verdict checks.Verdict
		says    string
	}{
		{"good, by the issuer", with(p.answer(t, nil)), checks.OK, checks.Pass, ""},
		{"good, by an appointed responder", with(p.by(t, p.responder, p.responderKey)), checks.OK, checks.Pass, ""},
		{"good, and the issuer's certificate sent along", changed(func(r *ocsp.Response) { r.Certificate = p.issuer }), checks.OK, checks.Pass, ""},
		{"good, hashed otherwise", changed(func(r *ocsp.Response) { r.IssuerHash = crypto.SHA256 }), checks.OK, checks.Pass, ""},
		{"revoked", changed(func(r *ocsp.Response) {
			r.Status, r.RevokedAt, r.RevocationReason = ocsp.Revoked, noon.Add(-time.Hour), ocsp.KeyCompromise
		}), checks.StatusRevoked, checks.Fail, "key compromise"},
		{"unknown", changed(func(r *ocsp.Response) { r.Status = ocsp.Unknown }), checks.StatusUnknown, checks.Fail, ""},
		{"an old answer again", changed(func(r *ocsp.Response) { r.ThisUpdate, r.NextUpdate = noon.Add(-72*time.Hour), noon.Add(-time.Hour) }), checks.StatusStale, checks.Fail, "ended"},
		{"an old answer without an end", changed(func(r *ocsp.Response) { r.ThisUpdate, r.NextUpdate = noon.Add(-30*24*time.Hour), time.Time{} }), checks.StatusStale, checks.Fail, "until when"},
		{"an answer of tomorrow", changed(func(r *ocsp.Response) { r.ThisUpdate = noon.Add(time.Hour) }), checks.StatusStale, checks.Fail, "begins"},
		{"about another serial number", changed(func(r *ocsp.Response) { r.SerialNumber = big.NewInt(7) }), checks.StatusMismatch, checks.Unverified, "another certificate"},
		{"about another issuer's", with(namesakeAnswer(t, p, other)), checks.StatusMismatch, checks.Unverified, "another issuer"},
		{"by a stranger", with(namesake.answer(t, nil)), checks.StatusSigner, checks.Unverified, ""},
		{"by a stranger who sends a certificate", with(p.by(t, p.self, p.anyKey)), checks.StatusSigner, checks.Unverified, ""},
		{"by somebody of the issuer who may not", with(p.by(t, p.unnamed, p.responderKey)), checks.StatusSigner, checks.Unverified, "not made for answering"},
		{"by a responder that has expired", with(p.by(t, p.expired, p.responderKey)), checks.StatusSigner, checks.Unverified, "ended"},
		{"try later", with(ocsp.TryLaterErrorResponse), checks.StatusRefused, checks.Fail, "try later"},
		{"garbage", with([]byte("<html>please log in</html>")), checks.StatusUnreadable, checks.Unverified, "no OCSP answer"},
		{"empty", with(nil), checks.StatusUnreadable, checks.Unverified, ""},
		{"huge", with(make([]byte, maxOCSP+1)), checks.StatusUnreadable, checks.Unverified, "more than 64 kB"},
		{"not found", nil, checks.StatusRefused, checks.Fail, "HTTP 404"},
		{"sent on", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/latest", http.StatusFound)
		}, checks.StatusRefused, checks.Fail, "169.254.169.254"},
		{"slow", func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that we hang up
			<-r.Context().Done()
		}, checks.StatusUnreachable, checks.Fail, "silent"},
		{"hangs up", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, checks.StatusUnreachable, checks.Fail, url},
	}
	for _, c := range cases {
		responder.set(c.answer)
		wantStatus(t, c.name, askStatus(t, addr, checks.RevocationOptions{Responders: here}, nil), c.code, c.verdict, c.says)
	}
}

// namesakeAnswer is signed by a responder of the right issuer, about a certificate with the same number by another issuer.
func namesakeAnswer(t testing.TB, p, other statusPKI) []byte {
	t.Helper()
	r := ocsp.Response{Status: ocsp.Good, SerialNumber: p.leaf.SerialNumber, ThisUpdate: noon.Add(-time.Hour), NextUpdate: noon.Add(time.Hour), IssuerHash: crypto.SHA1, Certificate: p.responder}
	raw, err := ocsp.CreateResponse(other.issuer, p.responder, r, p.responderKey)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// Each fault of a list has its own code and no other.
func TestRevocationCRLFaults(t *testing.T) {
	t.Parallel()
	url, _, list := statusServer(t)
	p, other := newStatusPKI(t, nil, []string{"ldap://directory.example/cn=list", url + "/crl"}), newStatusPKI(t, nil, nil)
	addr := p.serve(t, nil)
	changed := func(f func(*x509.RevocationList)) http.HandlerFunc { return with(p.list(t, f)) }
	scope := func(der ...byte) http.HandlerFunc {
		return changed(func(l *x509.RevocationList) {
			l.ExtraExtensions = []pkix.Extension{{Id: distribution, Critical: true, Value: append([]byte{0x30, byte(len(der))}, der...)}}
		})
	}
	point := func(uri string) http.HandlerFunc {
		der := append([]byte{0x86, byte(len(uri))}, uri...)
		for range 2 {
			der = append([]byte{0xa0, byte(len(der))}, der...)
		}
		return scope(der...)
	}
	cases := []struct {
		name    string
		answer  http.HandlerFunc
		code    checks.Code
		verdict checks.Verdict
		says    string
	}{
		{"of the point that the certificate names", point(url + "/crl"), checks.OK, checks.Pass, ""},
		{"of the other point it names", point("ldap://directory.example/cn=list"), checks.OK, checks.Pass, ""},
		{"of another point", point(url + "/shard1.crl"), checks.StatusMismatch, checks.Unverified, "another distribution point"},
		{"of a point without a name", scope(0xa0, 0), checks.StatusMismatch, checks.Unverified, "another distribution point"},
		{"not in the list", changed(nil), checks.OK, checks.Pass, ""},
		{"as PEM", with(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: p.list(t, nil)})), checks.OK, checks.Pass, ""},
		{"in the list", changed(func(l *x509.RevocationList) {
			l.RevokedCertificateEntries = []x509.RevocationListEntry{{SerialNumber: p.leaf.SerialNumber, RevocationTime: noon.Add(-time.Hour), ReasonCode: 6}}
		}), checks.StatusRevoked, checks.Fail, "on hold"},
		{"an old list", changed(func(l *x509.RevocationList) {
			l.ThisUpdate, l.NextUpdate = noon.Add(-72*time.Hour), noon.Add(-time.Hour)
		}), checks.StatusStale, checks.Fail, "ended"},
		{"another issuer's list", with(other.list(t, nil)), checks.StatusSigner, checks.Unverified, "not signed"},
		{"for users only", scope(0x81, 1, 0xff), checks.OK, checks.Pass, ""},
		{"for issuers only", scope(0x82, 1, 0xff), checks.StatusMismatch, checks.Unverified, "not about"},
		{"of others as well", scope(0x84, 1, 0xff), checks.StatusUnreadable, checks.Unverified, "part"},
		{"changes only", changed(func(l *x509.RevocationList) {
			l.ExtraExtensions = []pkix.Extension{{Id: deltaList, Critical: true, Value: []byte{2, 1, 1}}}
		}), checks.StatusUnreadable, checks.Unverified, "changes"},
		{"garbage", with([]byte("hello")), checks.StatusUnreadable, checks.Unverified, "no list"},
		{"huge", with(make([]byte, maxCRL+1)), checks.StatusUnreadable, checks.Unverified, "more than 8192 kB"},
		{"gone", nil, checks.StatusRefused, checks.Fail, "HTTP 404"},
	}
	for _, c := range cases {
		list.set(c.answer)
		wantStatus(t, c.name, askStatus(t, addr, checks.RevocationOptions{Responders: here}, nil), c.code, c.verdict, c.says)
	}
}

// What is stapled, what is required, and what is not offered.
func TestRevocationSources(t *testing.T) {
	t.Parallel()
	url, responder, list := statusServer(t)
	none, both := newStatusPKI(t, nil, nil), newStatusPKI(t, []string{url + "/ocsp"}, []string{url + "/crl"})
	must := newStatusPKI(t, nil, nil, pkix.Extension{Id: []int{1, 3, 6, 1, 5, 5, 7, 1, 24}, Value: []byte{0x30, 3, 2, 1, 5}})
	plain, stapling, mute := both.serve(t, nil), both.serve(t, both.answer(t, nil)), none.serve(t, nil)
	revoked := both.answer(t, func(r *ocsp.Response) { r.Status, r.RevokedAt = ocsp.Revoked, noon })
	needs := func(s ...checks.StatusSource) checks.RevocationOptions {
		return checks.RevocationOptions{Require: s, Responders: here}
	}
	cases := []struct {
		name      string
		addr      string
		responder http.HandlerFunc
		list      http.HandlerFunc
		options   checks.RevocationOptions
		code      checks.Code
		verdict   checks.Verdict
	}{
		{"nothing offered", mute, nil, nil, needs(), checks.StatusAbsent, checks.Warn},
		{"nothing offered, and required", mute, nil, nil, needs(checks.OCSP), checks.StatusAbsent, checks.Fail},
		{"the certificate itself requires it", must.serve(t, nil), nil, nil, needs(), checks.StatusAbsent, checks.Fail},
		{"and gets it", must.serve(t, must.answer(t, nil)), nil, nil, needs(), checks.OK, checks.Pass},
		{"all good", stapling, with(both.answer(t, nil)), with(both.list(t, nil)), needs(checks.StatusSources()...), checks.OK, checks.Pass},
		{"not stapled, as required", plain, with(both.answer(t, nil)), with(both.list(t, nil)), needs(checks.Stapled), checks.StatusAbsent, checks.Fail},
		{"the list is gone, the responder answers", plain, with(both.answer(t, nil)), nil, needs(), checks.StatusRefused, checks.Warn},
		{"the list is gone, and required", plain, with(both.answer(t, nil)), nil, needs(checks.CRL), checks.StatusRefused, checks.Fail},
		{"the responder says revoked, the list does not", plain, with(revoked), with(both.list(t, nil)), needs(), checks.StatusRevoked, checks.Fail},
		{"stapled good, and revoked since", stapling, with(revoked), with(both.list(t, nil)), needs(checks.Stapled), checks.StatusRevoked, checks.Fail},
		{"stapled revoked", both.serve(t, revoked), with(both.answer(t, nil)), with(both.list(t, nil)), needs(), checks.StatusRevoked, checks.Fail},
		{"stapled, nothing else may be asked", stapling, nil, nil, checks.RevocationOptions{}, checks.OK, checks.Pass},
		{"nothing may be asked", plain, nil, nil, checks.RevocationOptions{}, checks.LocalPolicy, checks.Error},
		{"the issuer is not sent", both.serve(t, nil, both.issuer), nil, nil, needs(), checks.StatusNoIssuer, checks.Unverified},
	}
	for _, c := range cases {
		responder.set(c.responder)
		list.set(c.list)
		r := askStatus(t, c.addr, c.options, nil)
		if r.Code != c.code || r.Verdict != c.verdict || r.Facts["findings"] != "" {
			t.Errorf("%s: got %s %s (%s), want %s %s", c.name, r.Verdict, r.Code, r.Facts["findings"], c.verdict, c.code)
		}
	}
}

// Where a stranger's certificate sends us is decided by the plan, on the address itself, and what stands in the way is named.
func TestRevocationAsksOnlyWhereAllowed(t *testing.T) {
	t.Parallel()
	url, responder, _ := statusServer(t)
	port := url[strings.LastIndexByte(url, ':'):]
	resolve := func(addr string, err error) Lookup {
		return func(context.Context, string, string) ([]netip.Addr, error) {
			if err != nil {
				return nil, err
			}
			return []netip.Addr{netip.MustParseAddr(addr)}, nil
		}
	}
	dns := func(e net.DNSError) Lookup { return resolve("", &e) }
	everywhere := append(here[:1:1], netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("192.0.2.0/24"))
	cases := []struct {
		name, url string
		networks  []netip.Prefix
		lookup    Lookup
		code      checks.Code
		says      string
	}{
		{"a name that leads into the networks", "http://ocsp.example" + port + "/ocsp", here, resolve("127.0.0.1", nil), checks.OK, ""},
		{"a name that leads out of them", "http://ocsp.example" + port + "/ocsp", here, resolve("192.0.2.1", nil), checks.LocalPolicy, "ocsp.example"},
		{"a mapped form of an address outside", "http://[::ffff:192.0.2.1]/ocsp", here, nil, checks.LocalPolicy, "responders"},
		{"the metadata service, although allowed", "http://ocsp.example/ocsp", everywhere, resolve("169.254.169.254", nil), checks.LocalPolicy, "link-local"},
		{"an address of ours the check does not name", url + "/ocsp", everywhere[2:], nil, checks.LocalPolicy, "responders"},
		{"a file", "file:///etc/passwd", here, nil, checks.StatusAbsent, "only http"},
		{"another protocol", "gopher://127.0.0.1/x", here, nil, checks.StatusAbsent, "only http"},
		{"somebody's password in it", "http://user:word@127.0.0.1" + port + "/ocsp", here, nil, checks.StatusAbsent, "only http"},
		{"what is no address", "http://\x1b[31m:x/", here, nil, checks.StatusAbsent, `nobody can ask`},
		{"no such name", "http://ocsp.example/", here, dns(net.DNSError{IsNotFound: true}), checks.DNSNXDomain, "ocsp.example"},
		{"a name server that is silent", "http://ocsp.example/", here, dns(net.DNSError{IsTimeout: true}), checks.DNSTimeout, "ocsp.example"},
		{"a name server in trouble", "http://ocsp.example/", here, dns(net.DNSError{IsTemporary: true}), checks.DNSServfail, "ocsp.example"},
		{"nobody there", "http://" + refusing(t) + "/ocsp", here, nil, checks.StatusUnreachable, "refused"},
		{"dropped", "http://" + fullQueue(t) + "/ocsp", here, nil, checks.StatusUnreachable, "filtered_drop"},
	}
	for _, c := range cases {
		p := newStatusPKI(t, []string{c.url}, nil)
		responder.set(with(p.answer(t, nil)))
		r := askStatus(t, p.serve(t, nil), checks.RevocationOptions{Responders: c.networks}, c.lookup)
		wantStatus(t, c.name, r, c.code, c.code.Info().Verdict, c.says)
	}
}

// Six that begin to answer and never end take no longer than one, and each is named.
func TestRevocationSlowTogether(t *testing.T) {
	t.Parallel()
	url, responder, list := statusServer(t)
	begins := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
	responder.set(begins)
	list.set(begins)
	p := newStatusPKI(t, []string{url + "/ocsp", url + "/ocsp?2", url + "/ocsp?3"}, []string{url + "/crl", url + "/crl?2", url + "/crl?3"})
	begun := time.Now()
	r := askStatus(t, p.serve(t, nil), checks.RevocationOptions{Responders: here}, nil)
	wantStatus(t, "slow", r, checks.StatusUnreachable, checks.Fail, url)
	if took := time.Since(begun); took > 8*time.Second {
		t.Errorf("took %s, want about twice the time-out of 2s", took)
	}
	if links := checks.Links(r.Facts); len(links) != 2 || links[0].NotAfter == "" {
		t.Errorf("the chain is not told: %v", links)
	}
}

// Whatever comes for an answer, judging it ends, and only what the issuer or its responder signed is good.
func FuzzJudgeStatus(f *testing.F) {
	p := newStatusPKI(f, nil, nil)
	for _, raw := range [][]byte{p.answer(f, nil), p.by(f, p.responder, p.responderKey), p.by(f, p.self, p.anyKey), p.list(f, nil), ocsp.TryLaterErrorResponse, nil} {
		f.Add(raw)
	}
	other := newStatusPKI(f, nil, nil)
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, s := range []status{judgeOCSP(raw, p.leaf, p.issuer, noon), judgeCRL(raw, p.leaf, p.issuer, noon)} {
			if s.code == "" {
				t.Errorf("%x has no code", raw)
			}
		}
		for _, s := range []status{judgeOCSP(raw, p.leaf, other.issuer, noon), judgeCRL(raw, p.leaf, other.issuer, noon)} {
			if s.code == checks.OK || s.code == checks.StatusRevoked {
				t.Errorf("%x says %s for an issuer who never signed anything", raw, s.code)
			}
		}
	})
}

// Whatever address stands in a certificate, nothing outside the networks is connected to.
func FuzzResponderURL(f *testing.F) {
	for _, u := range []string{"http://127.0.0.1/", "http://0x7f.1/", "http://2130706433/", "http://[::ffff:127.0.0.1]/", "https://[fe80::1%25eth0]/", "file:///x", "http://a@b/", "ldap://x", "http://\x00/"} {
		f.Add(u)
	}
	p := New(Config{Dialer: loopback(), Lookup: func(context.Context, string, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}})
	nowhere := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	f.Fuzz(func(t *testing.T, u string) {
		got := p.fetch(t.Context(), target{timeout: time.Second}, nowhere, fetch{url: u, most: 10})
		if got.code != checks.LocalPolicy && got.code != checks.StatusAbsent {
			t.Errorf("%q: %s %s", u, got.code, got.text)
		}
	})
}
