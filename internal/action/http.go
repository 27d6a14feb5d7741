package action

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"skift/internal/pemdoc"
	"skift/internal/secret"
	"skift/internal/term"
	"skift/runbooks"
)

// How much of an answer is read, after it was decompressed, and how much of that is kept as evidence.
const (
	bodyCap     = 1 << 20
	evidenceCap = 512
)

// exchange is one HTTP request of a step and what became of it.
type exchange struct {
	a        *Actions
	req      *retryablehttp.Request
	expect   []int
	attempts int
	asked    atomic.Bool // a connection was ready and the request began to be sent on it
	broken   bool        // no answer came, or not all of it
}

// http sends the step's request, once; a GET or HEAD that got no answer is sent a second time.
func (a *Actions) http(ctx context.Context, req Request) (Outcome, error) {
	x, client, why := a.prepare(ctx, req)
	if why != nil {
		return failed("the request was not sent: %s", a.text(why.Error())), nil
	}
	defer client.HTTPClient.CloseIdleConnections()
	resp, err := client.Do(x.req)
	if resp != nil {
		defer func() { _ = resp.Body.Close() }()
	}
	var o Outcome
	if err != nil || resp == nil {
		o = x.lost(ctx, err)
	} else {
		o = x.answered(ctx, resp)
	}
	o.Facts["method"], o.Facts["attempts"] = x.req.Method, strconv.Itoa(x.attempts)
	if cause := interrupted(ctx); cause != nil && x.broken {
		return o, cause
	}
	return o, nil
}

// prepare builds the request and its client. The errors are sentences for the plan's author.
func (a *Actions) prepare(ctx context.Context, req Request) (*exchange, *retryablehttp.Client, error) {
	body := req.Step.HTTPBody
	method := strings.ToUpper(body.Method)
	if method == "" {
		method = http.MethodGet
	}
	u, err := target(body.URL)
	if err != nil {
		return nil, nil, err
	}
	roots, err := a.bundle(body.CA)
	if err != nil {
		return nil, nil, err
	}
	x := &exchange{a: a, expect: body.Expect}
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { x.asked.Store(true) },
	})
	var payload any
	if body.Body != "" {
		payload = []byte(body.Body)
	}
	x.req, err = retryablehttp.NewRequestWithContext(traced, method, u.String(), payload)
	if err != nil {
		return nil, nil, errors.New("its method or URL is not one of HTTP's")
	}
	if err := a.headers(x.req.Request, req); err != nil {
		return nil, nil, err
	}
	return x, a.client(x, roots, req.Step), nil
}

// target reads the URL: http or https, a host, and no password in it.
func target(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("its URL cannot be read")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("its URL begins with %q, only https and http are asked", u.Scheme)
	case u.Hostname() == "":
		return nil, errors.New("its URL names no host")
	case u.User != nil:
		return nil, errors.New("its URL holds a user name or password; name the secret under token instead")
	}
	return u, nil
}

// bundle reads the CA bundle from the plan directory; nil = the system's.
func (a *Actions) bundle(name string) (*x509.CertPool, error) {
	if name == "" {
		return nil, nil
	}
	root, err := os.OpenRoot(a.cfg.PlanDir)
	if err != nil {
		return nil, fmt.Errorf("the plan directory cannot be opened: %w", reason(err))
	}
	defer func() { _ = root.Close() }()
	pem, err := root.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("its CA bundle %s cannot be read: %w", name, reason(err))
	}
	pool, err := pemdoc.Pool(pem)
	if err != nil {
		return nil, fmt.Errorf("its CA bundle %s cannot be used: %w", name, err)
	}
	return pool, nil
}

// headers sets what the step says, who we are, and the token, which is fetched no earlier than here.
func (a *Actions) headers(h *http.Request, req Request) error {
	body := req.Step.HTTPBody
	for name, value := range body.Headers {
		if http.CanonicalHeaderKey(name) == "Host" {
			h.Host = value
			continue
		}
		h.Header.Set(name, value)
	}
	h.Header.Set("User-Agent", a.userAgent())
	if !reads(h.Method) && h.Header.Get("Idempotency-Key") == "" {
		h.Header.Set("Idempotency-Key", idempotencyKey(req))
	}
	if body.Token.IsZero() && len(body.SecretHeaders) == 0 {
		return nil
	}
	if ip := net.ParseIP(h.URL.Hostname()); h.URL.Scheme != "https" && (ip == nil || !ip.IsLoopback()) {
		return errors.New("its token would travel unencrypted; use https")
	}
	for name, ref := range body.SecretHeaders {
		value, err := a.fetch(ref)
		if err != nil {
			return err
		}
		h.Header.Set(name, value)
	}
	if body.Token.IsZero() {
		return nil
	}
	token, err := a.fetch(body.Token)
	if err != nil {
		return err
	}
	h.Header.Set("Authorization", "Bearer "+token)
	return nil
}

// fetch gets a secret at the moment it is used.
func (a *Actions) fetch(ref secret.Ref) (string, error) {
	if a.cfg.Secrets == nil {
		return "", fmt.Errorf("secret %s cannot be fetched here", ref)
	}
	value, err := a.cfg.Secrets.Resolve(ref)
	if err != nil {
		return "", err
	}
	return value.Reveal(), nil
}

func (a *Actions) userAgent() string { return UserAgent(a.cfg.Version, a.cfg.Contact) }

// UserAgent is how skift names itself to servers: "skift/1.2; contact=ops@kombit.example". Either part may be missing.
func UserAgent(version, contact string) string {
	ua := "skift/" + version
	if version == "" {
		ua = "skift"
	}
	if contact != "" {
		ua += "; contact=" + contact
	}
	return ua
}

// idempotencyKey lets a server that knows the header tell a repetition from a new request. A step that must not be done
// twice has one key for all its attempts: when an attempt was lost and a person has it repeated, the server still does it
// once. A repeatable step is meant to be done again, so each attempt has its own.
func idempotencyKey(req Request) string {
	key := req.Run + "/" + req.Step.ID
	if req.Step.Repeatable {
		key += "/" + strconv.Itoa(req.Attempt)
	}
	return key
}

// reads reports whether a method changes nothing, so that asking again is harmless.
func reads(method string) bool { return method == http.MethodGet || method == http.MethodHead }

// client makes a client for one exchange. It follows no redirect, which would take the request and its token elsewhere,
// uses no proxy, and keeps no connection: a step speaks with the host as it is now.
//
// Connections are not reused for another reason, too: the library's transport sends a request with an Idempotency-Key
// again by itself when a reused connection breaks.
func (a *Actions) client(x *exchange, roots *x509.CertPool, s *runbooks.Step) *retryablehttp.Client {
	c := retryablehttp.NewClient()
	c.HTTPClient = &http.Client{
		Transport: &http.Transport{
			DialContext:            a.cfg.Dialer.DialContext,
			DisableKeepAlives:      true,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if by, ok := x.req.Context().Deadline(); ok {
		c.HTTPClient.Timeout = time.Until(by) // the library's own default is none at all
	}
	c.RetryMax = 0
	if reads(x.req.Method) {
		c.RetryMax = 1
	}
	c.RetryWaitMin, c.RetryWaitMax = 500*time.Millisecond, 500*time.Millisecond
	c.Backoff = func(wait, _ time.Duration, _ int, _ *http.Response) time.Duration { return wait } // whatever Retry-After says
	c.CheckRetry = worthRepeating
	c.ErrorHandler = retryablehttp.PassthroughErrorHandler // the answer is kept, also a 500
	c.RequestLogHook = func(retryablehttp.Logger, *http.Request, int) { x.attempts++ }
	c.Logger = quiet{a.cfg.Log.With("step", s.ID, "host", x.req.URL.Host)}
	return c
}

// worthRepeating reports whether no answer came for a reason that may have passed. Any answer is an answer.
func worthRepeating(ctx context.Context, resp *http.Response, err error) (bool, error) {
	return ctx.Err() == nil && resp == nil && passing(err), nil
}

// lost is the outcome of a request without an answer.
func (x *exchange) lost(ctx context.Context, err error) Outcome {
	x.broken = true
	why := x.a.text(explain(ctx, err))
	o := failed("%s got no answer: %s", x.name(), why)
	o.Facts = map[string]string{"error": why}
	// What the server refused while setting up TLS it has not done; with TLS 1.3 that is heard only after asking.
	if x.asked.Load() && !reads(x.req.Method) && !refusedByTLS(err) {
		o.Uncertain = true
		o.Summary += "; it was sent, so it may have been done: find out before it is repeated"
	}
	return o
}

// name is the request without its query, which may hold secrets.
func (x *exchange) name() string {
	u := *x.req.URL
	u.RawQuery, u.Fragment, u.ForceQuery = "", "", false
	return x.a.text(x.req.Method + " " + u.String())
}

// answered is the outcome of a request that was answered: its status decides.
func (x *exchange) answered(ctx context.Context, resp *http.Response) Outcome {
	body, err := io.ReadAll(io.LimitReader(resp.Body, bodyCap+1))
	o := Outcome{ExitCode: -1, Facts: map[string]string{"status": strconv.Itoa(resp.StatusCode)}}
	o.Output = x.a.evidence(body)
	o.OK = x.expected(resp.StatusCode)
	o.Summary = fmt.Sprintf("%s was answered %d %s", x.name(), resp.StatusCode, http.StatusText(resp.StatusCode))
	if to := resp.Header.Get("Location"); to != "" {
		o.Facts["location"] = x.a.text(to)
		if !o.OK {
			o.Summary += ", which points to " + o.Facts["location"] + "; redirects are not followed"
		}
	}
	if after := resp.Header.Get("Retry-After"); after != "" {
		o.Facts["retry_after"] = x.a.text(after)
	}
	if !o.OK && !reads(x.req.Method) && (resp.StatusCode == http.StatusBadGateway || resp.StatusCode == http.StatusGatewayTimeout) {
		o.Uncertain = true // the gateway passed it on and lost sight of it
		o.Summary += "; the host behind the gateway may have done it: find out before it is repeated"
	}
	x.body(ctx, &o, body, err)
	if x.attempts > 1 {
		o.Summary += ", at the second attempt"
	}
	return o
}

// body records what was read. An answer that breaks off may come from a server that broke down while doing it.
func (x *exchange) body(ctx context.Context, o *Outcome, body []byte, err error) {
	if len(body) > bodyCap {
		body = body[:bodyCap]
		o.Facts["body_cut"] = "at " + strconv.Itoa(bodyCap) + " bytes"
	} else if err != nil {
		o.OK, x.broken = false, true
		o.Uncertain = !reads(x.req.Method)
		o.Facts["body_error"] = x.a.text(explain(ctx, err))
		o.Summary += ", but the answer broke off: " + o.Facts["body_error"]
	}
	sum := sha256.Sum256(body)
	o.Facts["body_bytes"] = strconv.Itoa(len(body))
	o.Facts["body_sha256"] = hex.EncodeToString(sum[:])
}

func (x *exchange) expected(status int) bool {
	if len(x.expect) == 0 {
		return status >= 200 && status <= 299
	}
	return slices.Contains(x.expect, status)
}

// evidence is the beginning of a text from elsewhere. It is masked before it is cut: half a secret is not recognised.
func (a *Actions) evidence(body []byte) []byte {
	s := a.cfg.Masker.Mask(term.Strip(a.cfg.Masker.Mask(string(body))))
	s = secret.MaskCivil(s)
	return []byte(strings.ToValidUTF8(s[:min(len(s), evidenceCap)], ""))
}
