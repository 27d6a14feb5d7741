// Package probe asks: it takes one unit with everything resolved, asks it once over the network and says what was seen.
//
// There is one file per kind and one registry. What a code means and how it is judged is in package checks; which units are
// asked, when, how often and with whose consent is for the caller. Nothing is tried twice, but for the one
// second connection of kind tls that explains a failure and never mends it. Everything goes out through one
// dial.Dialer. A Prober may be used concurrently.
package probe

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"strings"
	"time"
	"unicode"

	"skift/checks"
	"skift/internal/dial"
	"skift/internal/secret"
)

// Secrets turns a reference into its value, at the moment it is used.
type Secrets interface {
	Resolve(secret.Ref) (secret.Value, error)
}

// Config is what a Prober asks with.
type Config struct {
	Dialer  *dial.Dialer
	Secrets Secrets // may be nil when no check has a reference
	Agent   string  // how we name ourselves to servers that are asked over HTTP; "" = skift
	Files   fs.FS   // the plan directory, for checks that look at files; nil = there are none
	Lookup  Lookup  // for names in certificates; nil = the host's resolver
}

// Prober asks units.
type Prober struct {
	dialer  *dial.Dialer
	secrets Secrets
	agent   string
	files   fs.FS
	lookup  Lookup
	trust   trustCache
	glanced memo[glance, checks.Glimpse]
	mirrors memo[mirror, netip.Addr]
}

// New makes a Prober.
func New(c Config) *Prober {
	p := &Prober{dialer: c.Dialer, secrets: c.Secrets, agent: oneLine(c.Agent), files: c.Files, lookup: c.Lookup}
	if p.agent == "" {
		p.agent = "skift"
	}
	if p.lookup == nil {
		p.lookup = net.DefaultResolver.LookupNetIP
	}
	return p
}

// oneLine drops what would end a header.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, s)
}

// kindProbe is how one kind asks. version changes whenever the same answer of a target would give another result.
type kindProbe struct {
	version string
	ask     func(*Prober, context.Context, target) sighting
}

// registry names the probe of each kind.
func registry() map[checks.Kind]kindProbe {
	return map[checks.Kind]kindProbe{
		checks.TLS:        {"tls/2", (*Prober).tls},
		checks.MTLS:       {"mtls/1", (*Prober).mtls},
		checks.CertFile:   {"cert_file/1", (*Prober).certFile},
		checks.Revocation: {"revocation/1", (*Prober).revocation},
		checks.SFTP:       {"sftp/2", (*Prober).sftp},
		checks.SSHFacts:   {"ssh_facts/1", (*Prober).sshFacts},
		checks.Manifest:   {"manifest/1", (*Prober).manifest},
		checks.Reach:      {"reach/2", (*Prober).reach},
		checks.TCP:        {"tcp/1", (*Prober).tcp},
	}
}

// target is an ask with its address parsed.
type target struct {
	checks.Ask
	addr    netip.AddrPort // invalid for a check that asks no address
	timeout time.Duration
	agent   string // how we name ourselves
}

// sighting is what one probe saw, before it is judged.
type sighting struct {
	code     checks.Code
	outcome  checks.Verdict // "" = the code's own
	reached  string
	facts    map[string]string
	timings  map[string]time.Duration
	local    string
	evidence checks.Evidence
}

// Run asks one unit, once. An error is a mistake of the caller or a cancelled context; whatever the target does is a Result.
// Facts are stable: an unchanged target gives equal facts, so that nothing in them depends on the moment of asking.
func (p *Prober) Run(ctx context.Context, ask checks.Ask) (checks.Result, error) {
	t, kind, err := prepare(ask)
	if err != nil {
		return checks.Result{}, fmt.Errorf("probe %s: %w", ask.Unit, err)
	}
	t.agent = p.agent
	controlBefore := true
	if ask.Want == checks.Deny && len(ask.Control) > 0 {
		controlBefore = p.controlAnswers(ctx, t)
	}
	began := time.Now()
	s, whole := t.incomplete()
	if whole {
		s = kind.ask(p, ctx, t)
	}
	if s.facts == nil {
		s.facts = map[string]string{}
	}
	if doubtful(s.code) && len(ask.Control) > 0 {
		p.weigh(&s, controlBefore && p.controlAnswers(ctx, t))
	}
	if ask.Reflector.IsValid() {
		p.egress(ctx, t, &s)
	}
	if ask.Want != checks.Deny && s.facts[checks.FactControl] != checks.ControlSilent {
		p.elsewhere(ctx, t, &s)
	}
	if ctx.Err() != nil {
		return checks.Result{}, cancelled(ctx, ask.Unit, s)
	}
	if s.outcome == "" {
		s.outcome = s.code.Info().Verdict
	}
	started := ask.At
	if started.IsZero() {
		started = began
	}
	return checks.Result{
		Unit: ask.Unit, Outcome: s.outcome, Verdict: checks.Judge(s.outcome, s.code, s.facts, ask.Want), Code: s.code, Want: want(ask.Want),
		Reached: s.reached, Facts: s.facts, Timings: s.timings, LocalAddr: s.local, Evidence: s.evidence,
		StartedAt: started, ValidUntil: started.Add(maxAge(ask.Spec)), CheckerVersion: kind.version, ConfigHash: ask.Hash(),
	}, nil
}

// cancelled is the cause, and the file that stays behind where one does: nobody else will tell of it.
func cancelled(ctx context.Context, u checks.Unit, s sighting) error {
	if left := s.facts[FactLeftover]; left != "" {
		return fmt.Errorf("%w; our file %s is left behind on %s %s", context.Cause(ctx), left, u.Side, u.Addr)
	}
	return context.Cause(ctx)
}

func prepare(ask checks.Ask) (target, kindProbe, error) {
	if ask.Spec == nil {
		return target{}, kindProbe{}, errors.New("the ask has no spec")
	}
	kind, ok := registry()[ask.Spec.Kind]
	if !ok {
		return target{}, kindProbe{}, fmt.Errorf("no probe for kind %q", ask.Spec.Kind)
	}
	var addr netip.AddrPort
	if _, placeless := ask.Spec.Placeless(); !placeless {
		var err error
		if addr, err = netip.ParseAddrPort(ask.Unit.Addr); err != nil {
			return target{}, kindProbe{}, fmt.Errorf("address %q is not pinned as address:port", ask.Unit.Addr)
		}
	}
	timeout := ask.Spec.Timeout
	if timeout <= 0 {
		timeout = checks.DefaultTimeout
	}
	return target{Ask: ask, addr: addr, timeout: timeout}, kind, nil
}

// incomplete reports a question that lacks a value: a flow whose column is empty cannot be asked about, and that proves nothing.
func (t target) incomplete() (s sighting, whole bool) {
	for _, column := range t.Spec.Columns() {
		if t.Flow[column] == "" {
			text := fmt.Sprintf("column %s of flow %s is empty", column, t.Unit.Flow)
			return sighting{code: checks.Skipped, facts: map[string]string{checks.FactColumn: column}, evidence: checks.Evidence{Err: printable([]byte(text))}}, false
		}
	}
	return s, true
}

// doubtful reports whether a failure may be our own lack of a way out: only then is the control asked.
func doubtful(c checks.Code) bool {
	i := c.Info()
	return i.Class == checks.ClassPath || i.Denies || c == checks.TLSClosed || c == checks.HTTPStatus
}

// weigh takes the control's answer into account. Without one nothing was observed, whatever it looked like.
func (p *Prober) weigh(s *sighting, answered bool) {
	if answered {
		s.facts[checks.FactControl] = checks.ControlAnswered
		return
	}
	s.facts[checks.FactControl] = checks.ControlSilent
	s.facts[checks.FactSeen] = string(s.code)
	s.code, s.outcome = checks.Unobserved, ""
}

// connect opens the one connection of a unit. On failure ok is false and the sighting is complete.
func (p *Prober) connect(ctx context.Context, t target) (conn *dial.Conn, s sighting, ok bool) {
	s = sighting{facts: map[string]string{}, timings: map[string]time.Duration{}}
	conn, err := p.dialer.Dial(ctx, t.addr, dial.Options{Source: t.Source, Timeout: t.timeout})
	if err != nil {
		s.dialFailed(err)
		return nil, s, false
	}
	s.reached = "connect"
	s.local = conn.LocalAddr().String()
	s.timings["connect"] = conn.Connected()
	return conn, s, true
}

func (s *sighting) dialFailed(err error) {
	s.code = checks.Unobserved
	s.evidence.Err = printable([]byte(err.Error()))
	if e, ok := errors.AsType[*dial.Error](err); ok {
		s.code, s.evidence.Errno = checks.Code(e.Code), e.Errno
	}
	if s.code == checks.ClosedPreBanner {
		s.reached = "connect" // it was accepted, and reset before we looked
	}
}

// heard takes over what the connection recorded.
func (s *sighting) heard(conn *dial.Conn) {
	s.evidence.FirstBytes = printable(conn.First())
	if d := conn.FirstByte(); d > 0 {
		s.timings["first_byte"] = d
	}
}

// set puts facts that have a value, made safe to keep.
func (s *sighting) set(facts map[string]string) {
	for k, v := range facts {
		if v != "" {
			s.facts[k] = fact(v)
		}
	}
}

func want(w checks.Want) checks.Want {
	if w == "" {
		return checks.Allow
	}
	return w
}

func maxAge(s *checks.Spec) time.Duration {
	if s.MaxAge <= 0 {
		return checks.DefaultMaxAge
	}
	return s.MaxAge
}
