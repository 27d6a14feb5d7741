package probe

import (
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"skift/checks"
	"skift/internal/need"
)

// sServer is openssl's own TLS server with this chain.
func sServer(t *testing.T, c chain, args ...string) string {
	t.Helper()
	leaf, rest, key := c.files(t)
	args = append([]string{"s_server", "-accept", "127.0.0.1:0", "-cert", leaf, "-key", key}, args...)
	if rest != "" {
		args = append(args, "-cert_chain", rest)
	}
	return program(t, regexp.MustCompile(`^ACCEPT (\S+)$`), need.Program(t, "openssl"), args...)
}

func TestTLSAgainstOpenSSL(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	end := checks.Moment{Name: "hypercare.end", At: noon.Add(26 * day)}
	past := checks.Moment{Name: "cutover.start", At: noon.Add(-40 * day)}
	cases := []struct {
		name    string
		leaf    leafSpec
		args    []string
		options checks.TLSOptions
		moments []checks.Moment
		code    checks.Code
		verdict checks.Verdict
		facts   map[string]string
	}{
		{name: "good", moments: []checks.Moment{end}, options: checks.TLSOptions{MinDays: 30}, code: checks.OK, verdict: checks.Pass,
			facts: map[string]string{"served": "2", "served_order": "right", "version": "TLS 1.3", "sans": gatewayName, "key": "ecdsa-256",
				"issuer": "CN=test issuer", "client_cert": "not requested", "not_after": "2020-11-08T12:00:00Z", "best_chain_min": "2020-11-08T12:00:00Z"}},
		{name: "expired", leaf: leafSpec{until: noon.Add(-day)}, code: checks.SrvExpired, verdict: checks.Fail},
		{name: "not yet valid", leaf: leafSpec{from: noon.Add(day)}, code: checks.SrvNotYet, verdict: checks.Fail},
		{name: "wrong name", leaf: leafSpec{name: "other.example"}, code: checks.SrvName, verdict: checks.Fail, facts: map[string]string{"not_named": gatewayName, "sans": "other.example"}},
		{name: "missing intermediate", leaf: leafSpec{withoutBetween: true}, code: checks.MissingIntermediate, verdict: checks.Fail,
			facts: map[string]string{"missing_intermediate": "true", "served": "1", "untrusted_by": "root.pem"}},
		{name: "expires before hypercare ends", leaf: leafSpec{until: noon.Add(20 * day)}, moments: []checks.Moment{end}, code: checks.SrvExpires, verdict: checks.Fail,
			facts: map[string]string{"invalid_at": "hypercare.end"}},
		{name: "the issuer expires before hypercare ends", leaf: leafSpec{betweenUntil: noon.Add(20 * day)}, moments: []checks.Moment{end}, code: checks.SrvExpires, verdict: checks.Fail,
			facts: map[string]string{"invalid_at": "hypercare.end", "best_chain_min": "2019-11-29T12:00:00Z"}},
		{name: "the issuer has expired", leaf: leafSpec{betweenUntil: noon.Add(-day)}, code: checks.SrvExpired, verdict: checks.Fail},
		{name: "few days left", leaf: leafSpec{until: noon.Add(20 * day)}, options: checks.TLSOptions{MinDays: 30}, code: checks.SrvExpires, verdict: checks.Warn},
		{name: "a moment in the past is not asked", moments: []checks.Moment{past}, leaf: leafSpec{from: noon.Add(-day)}, code: checks.OK, verdict: checks.Pass},
		{name: "expired and without its issuer", leaf: leafSpec{until: noon.Add(-day), withoutBetween: true}, code: checks.MissingIntermediate, verdict: checks.Fail},
		{name: "expired and for another name", leaf: leafSpec{until: noon.Add(-day), name: "other.example"}, code: checks.SrvExpired, verdict: checks.Fail,
			facts: map[string]string{"findings": "srv_expired,srv_name"}},
		{name: "served in the wrong order", leaf: leafSpec{backwards: true}, code: checks.OK, verdict: checks.Pass, facts: map[string]string{"served_order": "wrong", "served": "3"}},
		{name: "names of the options", options: checks.TLSOptions{Names: []string{gatewayName, "second.example"}}, code: checks.SrvName, verdict: checks.Fail, facts: map[string]string{"not_named": "second.example"}},
		{name: "small key", leaf: leafSpec{leafKeyRSA: 1024}, args: []string{"-cipher", "DEFAULT@SECLEVEL=0"}, code: checks.SrvWeak, verdict: checks.Warn, facts: map[string]string{"key": "rsa-1024"}},
		{name: "TLS 1.2 and a client certificate wanted", args: []string{"-tls1_2", "-Verify", "1"}, code: checks.OK, verdict: checks.Pass, facts: map[string]string{"client_cert": "requested", "version": "TLS 1.2"}},
		{name: "TLS 1.3 and a client certificate wanted", args: []string{"-tls1_3", "-Verify", "1"}, code: checks.OK, verdict: checks.Pass, facts: map[string]string{"client_cert": "requested", "version": "TLS 1.3"}},
		{name: "TLS 1.2 without a common cipher", args: []string{"-tls1_2", "-cipher", "DHE-RSA-AES128-SHA"}, leaf: leafSpec{leafKeyRSA: 2048}, code: checks.TLSNoOverlap, verdict: checks.Fail},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			chain := newChain(t, c.leaf)
			c.options.TrustedBy = []string{"root.pem"}
			r := run(t, "", ask(sServer(t, chain, c.args...), c.options, func(a *checks.Ask) {
				a.ServerName, a.ValidAt = gatewayName, c.moments
				a.Trust = map[string][]byte{"root.pem": chain.trust()}
			}))
			if r.Code != c.code || r.Verdict != c.verdict {
				t.Errorf("got %s %s, want %s %s", r.Verdict, r.Code, c.verdict, c.code)
			}
			for k, v := range c.facts {
				if r.Facts[k] != v {
					t.Errorf("fact %s is %q, want %q", k, r.Facts[k], v)
				}
			}
		})
	}
}

// The same target asked twice gives equal facts: a new interval begins only when something changed.
func TestFactsAreStable(t *testing.T) {
	t.Parallel()
	chain := newChain(t, leafSpec{})
	addr := sServer(t, chain)
	a := ask(addr, checks.TLSOptions{TrustedBy: []string{"root.pem"}}, func(a *checks.Ask) {
		a.ServerName, a.Trust = gatewayName, map[string][]byte{"root.pem": chain.trust()}
	})
	first := run(t, "", a)
	a.At = a.At.Add(time.Hour)
	second := run(t, "", a)
	for k, v := range first.Facts {
		if second.Facts[k] != v {
			t.Errorf("fact %s was %q and is %q", k, v, second.Facts[k])
		}
	}
	if first.ConfigHash != second.ConfigHash || first.ConfigHash == "" {
		t.Errorf("config hash was %q and is %q", first.ConfigHash, second.ConfigHash)
	}
	for _, phase := range []string{"connect", "tls", "first_byte"} {
		if first.Timings[phase] <= 0 {
			t.Errorf("no timing for %s in %v", phase, first.Timings)
		}
	}
	if host, _, _ := net.SplitHostPort(first.LocalAddr); host != "127.0.0.1" {
		t.Errorf("local address %q", first.LocalAddr)
	}
}

// Every bundle alone must lead to trust: partners hold other roots than we do.
func TestEachBundleMustTrust(t *testing.T) {
	t.Parallel()
	chain, other := newChain(t, leafSpec{}), newChain(t, leafSpec{})
	addr := sServer(t, chain)
	r := run(t, "", ask(addr, checks.TLSOptions{TrustedBy: []string{"ours.pem", "partner.pem"}}, func(a *checks.Ask) {
		a.ServerName = gatewayName
		a.Trust = map[string][]byte{"ours.pem": chain.trust(), "partner.pem": other.trust()}
	}))
	if r.Code != checks.SrvUntrusted || r.Facts["untrusted_by"] != "partner.pem" || r.Facts["missing_intermediate"] != "" {
		t.Errorf("got %s, facts %v", r.Code, r.Facts)
	}
	for name, pem := range map[string]string{"empty": "", "no certificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"} {
		r := run(t, "", ask(addr, checks.TLSOptions{TrustedBy: []string{"ours.pem"}}, func(a *checks.Ask) {
			a.Trust = map[string][]byte{"ours.pem": []byte(pem)}
		}))
		if r.Code != checks.Credential || r.Verdict != checks.Error || !strings.Contains(r.Evidence.Err, "ours.pem") {
			t.Errorf("%s: got %s %s, %q", name, r.Verdict, r.Code, r.Evidence.Err)
		}
	}
}
