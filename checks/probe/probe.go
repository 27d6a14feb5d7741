// Package probe asks: it takes one unit with everything resolved, asks it once over the network and says what was seen.
//
// There is one file per kind and one registry. What a code means and how it is judged is in package checks; which units are
// asked, when, how often and with whose consent is for the caller. Nothing is tried twice. Everything goes out through one
// dial.Dialer. A Prober may be used concurrently.
package probe

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"skift/checks"
	"skift/internal/dial"
	"skift/internal/secret"
)

// Secrets turns a reference into its value, at the moment it is used.
type Secrets interface {
	Resolve(secret.Ref) (secret.Value, error)
}

// Prober asks units.
type Prober struct {
	dialer  *dial.Dialer
	secrets Secrets
	trust   trustCache
}

// New makes a Prober. secrets may be nil when no check has a reference.
func New(d *dial.Dialer, secrets Secrets) *Prober {
	return &Prober{dialer: d, secrets: secrets}
}

// kindProbe is how one kind asks. version changes whenever the same answer of a target would give another result.
type kindProbe struct {
	version string
	ask     func(*Prober, context.Context, target) sighting
}

// registry names the probe of each kind.
func registry() map[checks.Kind]kindProbe {
	return map[checks.Kind]kindProbe{
		checks.TLS:   {"tls/1", (*Prober).tls},
		checks.SFTP:  {"sftp/1", (*Prober).sftp},
		checks.Reach: {"reach/1", (*Prober).reach},
	}
}

// target is an ask with its address parsed.
type target struct {
	checks.Ask
	addr    netip.AddrPort
	timeout time.Duration
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
	controlBefore := true
	if ask.Want == checks.Deny && len(ask.Control) > 0 {
		controlBefore = p.controlAnswers(ctx, t)
	}
	began := time.Now()
	s := kind.ask(p, ctx, t)
	if s.facts == nil {
		s.facts = map[string]string{}
	}
	if doubtful(s.code) && len(ask.Control) > 0 {
		p.weigh(&s, controlBefore && p.controlAnswers(ctx, t))
	}
	if ctx.Err() != nil {
		return checks.Result{}, context.Cause(ctx)
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

func prepare(ask checks.Ask) (target, kindProbe, error) {
	if ask.Spec == nil {
		return target{}, kindProbe{}, errors.New("the ask has no spec")
	}
	kind, ok := registry()[ask.Spec.Kind]
	if !ok {
		return target{}, kindProbe{}, fmt.Errorf("no probe for kind %q", ask.Spec.Kind)
	}
	addr, err := netip.ParseAddrPort(ask.Unit.Addr)
	if err != nil {
		return target{}, kindProbe{}, fmt.Errorf("address %q is not pinned as address:port", ask.Unit.Addr)
	}
	timeout := ask.Spec.Timeout
	if timeout <= 0 {
		timeout = checks.DefaultTimeout
	}
	return target{Ask: ask, addr: addr, timeout: timeout}, kind, nil
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
	s.facts["seen"] = string(s.code)
	s.code, s.outcome = checks.Unobserved, ""
}

// controlAnswers reports whether one of the control targets accepts a connection from the same source.
func (p *Prober) controlAnswers(ctx context.Context, t target) bool {
	for _, c := range t.Control {
		conn, err := p.dialer.Dial(ctx, c, dial.Options{Source: t.Source, Timeout: t.timeout})
		if err == nil {
			_ = conn.Close()
			return true
		}
	}
	return false
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
