package action

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/internal/dial"
	"skift/internal/secret"
	"skift/runbooks"
)

// loopback is a dialler that may ask the servers of these tests.
func loopback() *dial.Dialer {
	return &dial.Dialer{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
}

func httpStep(method, url string) *runbooks.Step {
	return &runbooks.Step{ID: "announce", Kind: runbooks.HTTP, HTTPBody: runbooks.HTTPBody{Method: method, URL: url}}
}

// served starts a server that counts the requests it was given.
func served(t *testing.T, h http.HandlerFunc) (url string, count *atomic.Int32) {
	t.Helper()
	count = &atomic.Int32{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { count.Add(1); h(w, r) }))
	t.Cleanup(s.Close)
	return s.URL, count
}

// reset breaks the connection of a request so that the client sees a reset.
func reset(t *testing.T, w http.ResponseWriter) {
	t.Helper()
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

func TestWhatAServerAnswersDecides(t *testing.T) {
	t.Parallel()
	a := newActions(t, Config{PlanDir: t.TempDir(), Dialer: loopback()})
	answer := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	for _, c := range []struct {
		name, method  string
		status        int
		expect        []int
		ok, uncertain bool
	}{
		{"created", "POST", 201, nil, true, false},
		{"get", "", 200, nil, true, false},
		{"lower case", "get", 204, nil, true, false},
		{"server error", "POST", 500, nil, false, false},
		{"server error to a reader", "GET", 500, nil, false, false},
		{"busy", "POST", 503, nil, false, false},
		{"busy for a reader", "GET", 503, nil, false, false},
		{"too many", "GET", 429, nil, false, false},
		{"gateway lost its host", "POST", 502, nil, false, true},
		{"gateway gave up", "PUT", 504, nil, false, true},
		{"gateway gave up on a reader", "GET", 504, nil, false, false},
		{"fault that is expected", "POST", 500, []int{500}, true, false},
		{"ok that is not expected", "POST", 200, []int{202, 204}, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			url, count := served(t, answer(c.status, "<fault>busy</fault>"))
			s := httpStep(c.method, url+"/ops?key=hidden")
			s.HTTPBody.Expect = c.expect
			began := time.Now()
			o := do(t, a, s)
			if o.OK != c.ok || o.Uncertain != c.uncertain {
				t.Errorf("%+v", o)
			}
			if count.Load() != 1 || o.Facts["attempts"] != "1" {
				t.Errorf("executed %d times, %s attempts", count.Load(), o.Facts["attempts"])
			}
			if want := fmt.Sprint(c.status); o.Facts["status"] != want || c.status != 204 && string(o.Output) != "<fault>busy</fault>" {
				t.Errorf("status %s, body %q", o.Facts["status"], o.Output)
			}
			if strings.Contains(o.Summary, "hidden") || time.Since(began) > 20*time.Second {
				t.Errorf("%v: %s", time.Since(began), o.Summary)
			}
		})
	}
}

func TestALostRequestIsUncertainAndNotRepeated(t *testing.T) {
	t.Parallel()
	a := newActions(t, Config{PlanDir: t.TempDir(), Dialer: loopback()})
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH"} {
		url, count := served(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			reset(t, w)
		})
		s := httpStep(method, url+"/switch")
		s.HTTPBody.Body = "to=new"
		o := do(t, a, s)
		if o.OK || !o.Uncertain || count.Load() != 1 || !strings.Contains(o.Summary, "may have been done") {
			t.Errorf("%s executed %d times: %+v", method, count.Load(), o)
		}
	}
}

func TestALostReadIsRepeatedOnce(t *testing.T) {
	t.Parallel()
	a := newActions(t, Config{PlanDir: t.TempDir(), Dialer: loopback()})
	var seen atomic.Int32
	url, count := served(t, func(w http.ResponseWriter, _ *http.Request) {
		if seen.Add(1) == 1 {
			reset(t, w)
		}
	})
	if o := do(t, a, httpStep("GET", url)); !o.OK || o.Facts["attempts"] != "2" || count.Load() != 2 || !strings.Contains(o.Summary, "second attempt") {
		t.Errorf("%+v", o)
	}
	url, count = served(t, func(w http.ResponseWriter, _ *http.Request) { reset(t, w) })
	if o := do(t, a, httpStep("HEAD", url)); o.OK || o.Uncertain || count.Load() != 2 {
		t.Errorf("asked %d times: %+v", count.Load(), o)
	}
}

func TestAnAnswerThatBreaksOff(t *testing.T) {
	t.Parallel()
	a := newActions(t, Config{PlanDir: t.TempDir(), Dialer: loopback()})
	url, count := served(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "half")
	})
	o := do(t, a, httpStep("POST", url))
	if o.OK || !o.Uncertain || count.Load() != 1 || string(o.Output) != "half" || !strings.Contains(o.Summary, "broke off") {
		t.Errorf("%+v", o)
	}
	if o := do(t, a, httpStep("GET", url)); o.OK || o.Uncertain {
		t.Errorf("%+v", o)
	}
}

func TestRedirectsAreRecordedNotFollowed(t *testing.T) {
	t.Parallel()
	a := newActions(t, Config{PlanDir: t.TempDir(), Dialer: loopback()})
	elsewhere, followed := served(t, func(http.ResponseWriter, *http.Request) {})
	for _, to := range []string{elsewhere + "/there", "http://169.254.169.254/latest/meta-data/", "file:///etc/passwd"} {
		url, count := served(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusTemporaryRedirect)
		})
		o := do(t, a, httpStep("POST", url))
		if o.OK || o.Uncertain || count.Load() != 1 || followed.Load() != 0 || o.Facts["location"] != to || !strings.Contains(o.Summary, "not followed") {
			t.Errorf("%+v", o)
		}
	}
}

// The host that is asked is the one the plan names, also where the environment sends everything through a proxy.
func TestNoProxyIsUsed(t *testing.T) {
	proxy, asked := served(t, func(http.ResponseWriter, *http.Request) {})
	t.Setenv("HTTP_PROXY", proxy)
	a := newActions(t, Config{PlanDir: t.TempDir(), Dialer: loopback()})
	o := do(t, a, httpStep("GET", "http://192.0.2.10/switch"))
	if o.OK || asked.Load() != 0 || !strings.Contains(o.Summary, "outside the allowed networks") {
		t.Errorf("the proxy was asked %d times: %+v", asked.Load(), o)
	}
}

func TestGzipBombStopsAtTheCap(t *testing.T) { // alone: it measures the whole process
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	much := bytes.Repeat([]byte("x"), 1<<20)
	for range 50 {
		_, _ = z.Write(much)
	}
	_ = z.Close()
	url, _ := served(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed.Bytes())
	})
	a := newActions(t, Config{PlanDir: t.TempDir(), Dialer: loopback()})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	o := do(t, a, httpStep("GET", url))
	runtime.ReadMemStats(&after)
	if !o.OK || o.Facts["body_bytes"] != fmt.Sprint(1<<20) || o.Facts["body_cut"] == "" || len(o.Output) > 512 {
		t.Errorf("%v, %d bytes kept", o.Facts, len(o.Output))
	}
	if grown := int64(after.TotalAlloc - before.TotalAlloc); grown > 32<<20 {
		t.Errorf("allocated %d MB", grown>>20)
	}
}

func TestWhatIsSent(t *testing.T) {
	t.Parallel()
	got := make(chan *http.Request, 1)
	url, _ := served(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		r.Header.Set("Body", string(b))
		got <- r
		_, _ = io.WriteString(w, "you said "+r.Header.Get("Authorization")+" and \x1b[31m010190-1234")
	})
	masker := &secret.Masker{}
	env := func(name string) (string, bool) {
		return map[string]string{"TOKEN": "canary-token-1"}[name], name == "TOKEN"
	}
	var log bytes.Buffer
	a := newActions(t, Config{PlanDir: t.TempDir(), Dialer: loopback(), Masker: masker, Version: "1.2", Contact: "ops@kombit.example",
		Secrets: secret.NewResolver(t.TempDir(), env, masker),
		Log:     slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	token, err := secret.ParseRef("env:TOKEN")
	if err != nil {
		t.Fatal(err)
	}
	s := httpStep("POST", url+"/switch?key=hidden-in-the-query")
	s.HTTPBody.Headers = map[string]string{"Content-Type": "text/plain", "Host": "ops.sp.example", "User-Agent": "forged"}
	s.HTTPBody.Body, s.HTTPBody.Token = "to=new", token
	o := do(t, a, s)
	r := <-got
	sent := map[string]string{"host": r.Host, "query": r.URL.RawQuery}
	for _, h := range []string{"User-Agent", "Authorization", "Idempotency-Key", "Content-Type", "Body", "Connection"} {
		sent[h] = r.Header.Get(h)
	}
	want := map[string]string{"host": "ops.sp.example", "query": "key=hidden-in-the-query", "User-Agent": "skift/1.2; contact=ops@kombit.example",
		"Authorization": "Bearer canary-token-1", "Idempotency-Key": "cutover-1/announce", "Content-Type": "text/plain", "Body": "to=new", "Connection": "close"}
	if diff := cmp.Diff(want, sent); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	if want := "you said Bearer *** and ******-****"; string(o.Output) != want {
		t.Errorf("evidence %q, want %q", o.Output, want)
	}
	if all := fmt.Sprint(o, log.String()); strings.Contains(all, "hidden") || strings.Contains(all, "canary") {
		t.Errorf("a secret was told: %s", all)
	}
	if !strings.Contains(log.String(), "performing request") {
		t.Errorf("log %q", log.String())
	}

	s.Repeatable = true
	do(t, a, s)
	if key := (<-got).Header.Get("Idempotency-Key"); key != "cutover-1/announce/2" {
		t.Errorf("key of a repeatable step: %q", key)
	}
	do(t, a, httpStep("GET", url))
	if r := <-got; r.Header.Get("Idempotency-Key") != "" || r.Header.Get("Authorization") != "" {
		t.Errorf("a reader sent %v", r.Header)
	}
}

func TestRequestsThatAreNotSent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "empty.pem"), []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	url, count := served(t, func(http.ResponseWriter, *http.Request) {})
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(url, "http://"))
	token, err := secret.ParseRef("env:TOKEN")
	if err != nil {
		t.Fatal(err)
	}
	unset := secret.NewResolver(dir, func(string) (string, bool) { return "", false }, nil)
	for _, c := range []struct {
		name string
		cfg  Config
		body runbooks.HTTPBody
		want string
	}{
		{"file", Config{}, runbooks.HTTPBody{URL: "file:///etc/passwd"}, "only https and http"},
		{"gopher", Config{}, runbooks.HTTPBody{URL: "gopher://127.0.0.1/"}, "only https and http"},
		{"no host", Config{}, runbooks.HTTPBody{URL: "http:///x"}, "names no host"},
		{"no url", Config{}, runbooks.HTTPBody{URL: "http://a b/"}, "cannot be read"},
		{"password", Config{}, runbooks.HTTPBody{URL: "http://u:p@127.0.0.1/"}, "user name or password"},
		{"method", Config{}, runbooks.HTTPBody{Method: "GET /", URL: url}, "method or URL"},
		{"bundle", Config{}, runbooks.HTTPBody{URL: url, CA: "../ca.pem"}, "CA bundle"},
		{"empty bundle", Config{}, runbooks.HTTPBody{URL: url, CA: "empty.pem"}, "no certificate"},
		{"header", Config{}, runbooks.HTTPBody{URL: url, Headers: map[string]string{"X": "a\r\nEvil: b"}}, "invalid header"},
		{"clear token", Config{}, runbooks.HTTPBody{URL: "http://ops.example/", Token: token}, "unencrypted"},
		{"no secret", Config{Secrets: unset}, runbooks.HTTPBody{URL: url, Token: token}, "env:TOKEN is not set"},
		{"network", Config{Dialer: &dial.Dialer{}}, runbooks.HTTPBody{URL: url}, "outside the allowed networks"},
		{"mapped", Config{Dialer: &dial.Dialer{Allowed: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}},
			runbooks.HTTPBody{URL: "http://[::ffff:127.0.0.1]:" + port}, "outside the allowed networks"},
		{"metadata", Config{}, runbooks.HTTPBody{URL: "http://169.254.169.254/"}, "link-local"},
	} {
		c.cfg.PlanDir = dir
		if c.cfg.Dialer == nil {
			c.cfg.Dialer = loopback()
		}
		a := newActions(t, c.cfg)
		s := httpStep("", "")
		if s.HTTPBody = c.body; c.body.Method == "" {
			s.HTTPBody.Method = "POST"
		}
		o := do(t, a, s)
		if o.OK || o.Uncertain || !strings.Contains(o.Summary, c.want) {
			t.Errorf("%s: %+v, want %q", c.name, o, c.want)
		}
	}
	if count.Load() != 0 {
		t.Errorf("%d requests arrived", count.Load())
	}
}

func TestWhatCannotBeConnectedToWasNotAsked(t *testing.T) {
	t.Parallel()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	a := newActions(t, Config{PlanDir: t.TempDir(), Dialer: loopback()})
	o := do(t, a, httpStep("POST", "http://"+gone.Addr().String()))
	if o.OK || o.Uncertain || o.Facts["attempts"] != "1" || !strings.Contains(o.Summary, "refused") {
		t.Errorf("%+v", o)
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	start := func(change func(*tls.Config)) (*httptest.Server, *atomic.Int32) {
		count := &atomic.Int32{}
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { count.Add(1) }))
		s.TLS = &tls.Config{}
		s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
		change(s.TLS)
		s.StartTLS()
		t.Cleanup(s.Close)
		return s, count
	}
	plain, count := start(func(*tls.Config) {})
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: plain.Certificate().Raw})
	if err := os.WriteFile(filepath.Join(dir, "ca.pem"), ca, 0o600); err != nil {
		t.Fatal(err)
	}
	a := newActions(t, Config{PlanDir: dir, Dialer: loopback()})
	post := func(url, ca string) Outcome {
		s := httpStep("POST", url)
		s.HTTPBody.CA = ca
		return do(t, a, s)
	}
	if o := post(plain.URL, "ca.pem"); !o.OK || count.Load() != 1 {
		t.Errorf("known CA: %+v", o)
	}
	if o := post(plain.URL, ""); o.OK || o.Uncertain || count.Load() != 1 || !strings.Contains(o.Summary, "certificate") {
		t.Errorf("unknown CA: %+v", o)
	}
	old, count := start(func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 })
	if o := post(old.URL, "ca.pem"); o.OK || o.Uncertain || count.Load() != 0 {
		t.Errorf("TLS 1.1: %+v", o)
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		strict, count := start(func(c *tls.Config) {
			c.ClientAuth, c.MinVersion, c.MaxVersion = tls.RequireAnyClientCert, version, version
		})
		o := post(strict.URL, "ca.pem")
		if o.OK || o.Uncertain || count.Load() != 0 || !strings.Contains(o.Summary, "refused the TLS connection") {
			t.Errorf("%s, no client certificate: %+v", tls.VersionName(version), o)
		}
		s := httpStep("GET", strict.URL)
		s.HTTPBody.CA = "ca.pem"
		if o := do(t, a, s); o.OK || o.Facts["attempts"] != "1" {
			t.Errorf("%s, a refusal to a reader: %+v", tls.VersionName(version), o)
		}
	}
}

func TestAServerThatHangs(t *testing.T) {
	t.Parallel()
	a := newActions(t, Config{PlanDir: t.TempDir(), Dialer: loopback()})
	release := make(chan struct{})
	arrived := make(chan struct{}, 8)
	url, count := served(t, func(_ http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		select {
		case <-r.Context().Done():
		case <-release:
		}
	})
	t.Cleanup(func() { close(release) })
	for method, uncertain := range map[string]bool{"GET": false, "POST": true} {
		count.Store(0)
		s := httpStep(method, url)
		s.Timeout = 200 * time.Millisecond
		o := do(t, a, s)
		if <-arrived; o.OK || o.Uncertain != uncertain || count.Load() != 1 {
			t.Errorf("%s asked %d times: %+v", method, count.Load(), o)
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	errClosed := errors.New("window closed")
	go func() { <-arrived; cancel(errClosed) }()
	o, err := a.Do(ctx, Request{Run: "r", Step: httpStep("POST", url)})
	if !errors.Is(err, errClosed) || o.OK || !o.Uncertain {
		t.Errorf("%v %+v", err, o)
	}
}
