package probe

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"skift/checks"
	"skift/internal/dial"
)

// Lookup finds the addresses of a name; that of a net.Resolver is one.
type Lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)

// fetch is one request to an address out of a stranger's certificate: http or https, into the networks of the check and no others, once,
// with nothing followed, kept or sent along, and no more read than the answer may have.
type fetch struct {
	url   string
	body  []byte // nil = GET, else POST
	sends string // content type of body
	most  int    // bytes of the answer
}

// fetched is an answer, or why there is none.
type fetched struct {
	data []byte
	status
}

const maxURL = 2048

// fetch asks. An address that cannot be asked is the fault of the certificate that names it.
func (p *Prober) fetch(ctx context.Context, t target, networks []netip.Prefix, f fetch) fetched {
	u, err := url.Parse(f.url)
	if err != nil || len(f.url) > maxURL || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return fetched{status: statusf(checks.StatusAbsent, "the certificate names %q, which nobody can ask: only http and https are asked", f.url)}
	}
	ctx, cancel := context.WithTimeout(ctx, 2*t.timeout) // connecting and waiting each have theirs, a slow reader what is left
	defer cancel()
	method := http.MethodGet
	if f.body != nil {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(f.body))
	if err != nil {
		return fetched{status: statusf(checks.StatusAbsent, "the certificate names %q, which nobody can ask", f.url)}
	}
	req.Header.Set("User-Agent", t.agent)
	if f.body != nil {
		req.Header.Set("Content-Type", f.sends)
	}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			return p.dialResponder(ctx, t, networks, address)
		},
		ResponseHeaderTimeout: t.timeout,
		DisableKeepAlives:     true, DisableCompression: true, MaxResponseHeaderBytes: 16 << 10,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // the answer's own signature is what counts
	}
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		return fetched{status: unreached(f.url, err)}
	}
	defer res.Body.Close()
	return f.read(res)
}

func (f fetch) read(res *http.Response) fetched {
	switch {
	case res.StatusCode >= 300 && res.StatusCode < 400:
		return fetched{status: statusf(checks.StatusRefused, "%s sends on to %q, which is not followed", f.url, res.Header.Get("Location"))}
	case res.StatusCode != http.StatusOK:
		return fetched{status: statusf(checks.StatusRefused, "%s answers HTTP %d", f.url, res.StatusCode)}
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, int64(f.most)+1))
	switch {
	case err != nil:
		return fetched{status: unreached(f.url, err)}
	case len(data) > f.most:
		return fetched{status: statusf(checks.StatusUnreadable, "%s answers more than %d kB", f.url, f.most>>10)}
	}
	return fetched{data, status{code: checks.OK}}
}

// unreached says how a responder cannot be reached. Names and what our own plan forbids have codes of their own.
func unreached(url string, err error) status {
	code := checks.StatusUnreachable
	how := "no answer"
	if e, ok := errors.AsType[*dial.Error](err); ok {
		how = e.Code
		switch e.Code {
		case dial.CodeDNSNXDomain, dial.CodeDNSServfail, dial.CodeDNSTimeout, dial.CodeLocalPolicy, dial.CodeVantageBind:
			code = checks.Code(e.Code)
		}
	} else if dial.TimedOut(err) {
		how = string(checks.Silent)
	}
	var ue interface{ Unwrap() error }
	if errors.As(err, &ue) && ue.Unwrap() != nil {
		err = ue.Unwrap() // http says the URL again
	}
	return statusf(code, "%s cannot be reached (%s): %v", url, how, err)
}

// dialResponder connects to the first address of a name. Where that lies is decided here, on the address itself, by what this check
// allows; the dialler then applies what the whole plan allows.
func (p *Prober) dialResponder(ctx context.Context, t target, networks []netip.Prefix, address string) (net.Conn, error) {
	host, portText, err := net.SplitHostPort(address)
	port, perr := strconv.ParseUint(portText, 10, 16)
	if err != nil || perr != nil {
		return nil, &dial.Error{Addr: address, Code: dial.CodeLocalPolicy, Err: errors.New("not an address and a port")}
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	if err != nil {
		if ip, err = p.lookupOne(ctx, host); err != nil {
			return nil, err
		}
	}
	ip = ip.Unmap()
	allowed := false
	for _, n := range networks {
		allowed = allowed || n.Contains(ip)
	}
	if !allowed {
		return nil, &dial.Error{Addr: address, Code: dial.CodeLocalPolicy, Err: fmt.Errorf("not asked: %s is in none of the networks under responders", ip)}
	}
	return p.dialer.Dial(ctx, netip.AddrPortFrom(ip, uint16(port)), dial.Options{Source: t.Source, Timeout: t.timeout})
}

func (p *Prober) lookupOne(ctx context.Context, host string) (netip.Addr, error) {
	found, err := p.lookup(ctx, "ip", host)
	if err == nil && len(found) > 0 {
		return found[0], nil
	}
	code := dial.CodeDNSServfail
	if e, ok := errors.AsType[*net.DNSError](err); ok && e.IsNotFound || err == nil {
		code = dial.CodeDNSNXDomain
	} else if dial.TimedOut(err) {
		code = dial.CodeDNSTimeout
	}
	return netip.Addr{}, &dial.Error{Addr: host, Code: code, Err: fmt.Errorf("look up %s: %w", host, err)}
}
