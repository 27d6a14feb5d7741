package probe

import (
	"context"
	"crypto/tls"
	"net/netip"
	"time"

	"skift/internal/dial"
)

// controlAnswers reports whether one of the control targets says something to the same source. That it accepts a connection is not
// enough: a proxy on our own way out accepts every one.
func (p *Prober) controlAnswers(ctx context.Context, t target) bool {
	for _, c := range t.Control {
		if p.speaks(ctx, t, c) {
			return true
		}
	}
	return false
}

// greets is how long a control may take to speak first, as SSH, FTP and mail servers do, before it is greeted with TLS. Servers of
// TLS and of HTTP answer that, each in its way, and who speaks first but late is still heard.
const greets = 250 * time.Millisecond

// speaks reports whether a single byte comes from an address.
func (p *Prober) speaks(ctx context.Context, t target, addr netip.AddrPort) bool {
	conn, err := p.dialer.Dial(ctx, addr, dial.Options{Source: t.Source, Timeout: t.timeout})
	if err != nil {
		return false
	}
	defer conn.Close()
	defer conn.CloseOn(ctx)()
	if conn.Phase(min(greets, t.timeout)) != nil {
		return false
	}
	_, _ = conn.Read(make([]byte, 1)) // what came is recorded
	if conn.Received() > 0 {
		return true
	}
	if !dial.TimedOut(conn.Ended()) || conn.Phase(t.timeout) != nil {
		return false
	}
	_ = tls.Client(conn, plainTLS(t)).HandshakeContext(ctx)
	return conn.Received() > 0
}
