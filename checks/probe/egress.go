package probe

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"skift/checks"
	"skift/internal/dial"
)

// mirror names a question to a reflector: every unit from one source shares its answer.
type mirror struct {
	reflector netip.AddrPort
	source    netip.Addr
}

// egress asks a reflector under which address others see us. Another one than the plan says makes whatever was seen worth nothing: it
// was seen of another address. A reflector that does not answer proves nothing and spoils nothing.
func (p *Prober) egress(ctx context.Context, t target, s *sighting) {
	if v := s.code.Info(); s.code == checks.Unobserved || v.Class == checks.ClassOurs {
		return // nothing was seen that it could spoil
	}
	seen, err := p.mirrors.once(ctx, t.At, mirror{t.Reflector, t.Source}, func() (netip.Addr, error) {
		a, err := p.reflect(ctx, t)
		if ctx.Err() != nil {
			return netip.Addr{}, context.Cause(ctx)
		}
		if err != nil {
			return netip.Addr{}, nil
		}
		return a, nil
	})
	switch {
	case err != nil: // cancelled
	case !seen.IsValid():
		s.facts[checks.FactEgress] = checks.EgressUnknown
	default:
		s.facts[checks.FactEgress] = seen.String()
		if t.Egress.IsValid() && seen != t.Egress.Unmap() {
			s.facts[checks.FactSeen] = string(s.code)
			s.evidence.Err = fmt.Sprintf("others see %s, the plan says %s", seen, t.Egress)
			s.code, s.outcome = checks.EgressDiffers, ""
		}
	}
}

// maxReflection is how much of a reflector's answer is read.
const maxReflection = 4 << 10

// reflect asks a reflector, from the unit's own source. The question is HTTP; a listener that says the address without being asked is
// understood as well.
func (p *Prober) reflect(ctx context.Context, t target) (netip.Addr, error) {
	conn, err := p.dialer.Dial(ctx, t.Reflector, dial.Options{Source: t.Source, Timeout: t.timeout})
	if err != nil {
		return netip.Addr{}, err
	}
	defer conn.Close()
	defer conn.CloseOn(ctx)()
	if err := conn.Phase(t.timeout); err != nil {
		return netip.Addr{}, err
	}
	_, _ = fmt.Fprintf(conn, "GET / HTTP/1.0\r\nHost: %s\r\nUser-Agent: %s\r\n\r\n", t.Reflector, t.agent) // who has hung up may have answered
	answer, err := io.ReadAll(io.LimitReader(conn, maxReflection))
	if a, ok := reflection(answer); ok {
		return a, nil
	}
	return netip.Addr{}, fmt.Errorf("no address in the answer of %s (%w)", t.Reflector, err)
}

// reflection finds the address in a reflector's answer: the first line, or the first of the body when it is an HTTP answer that
// succeeded. A port behind the address is left away.
func reflection(answer []byte) (netip.Addr, bool) {
	if head, body, ok := bytes.Cut(answer, []byte("\r\n\r\n")); ok && bytes.HasPrefix(head, []byte("HTTP/")) {
		if m := statusLine.FindSubmatch(append(head, '\r')); m == nil || string(m[1]) != "200" {
			return netip.Addr{}, false
		}
		answer = body
	}
	lines := bufio.NewScanner(bytes.NewReader(answer))
	if !lines.Scan() {
		return netip.Addr{}, false
	}
	text := strings.TrimSpace(lines.Text())
	a, err := netip.ParseAddr(text)
	if err != nil {
		ap, err := netip.ParseAddrPort(text)
		if err != nil {
			return netip.Addr{}, false
		}
		a = ap.Addr()
	}
	a = a.Unmap()
	return a, a.Zone() == "" && !a.IsUnspecified() && !a.IsMulticast()
}
