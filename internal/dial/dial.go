// Package dial is the one way out of this process: every connection to another host is opened here.
//
// It enforces the allowed networks on the final address, at the moment the socket connects, so that neither a name
// nor a mapped form nor a redirect leads elsewhere; it binds the source address; it records what the peer said first;
// and it tells the reasons why a connection could not be had apart. It uses no proxy, whatever the environment says.
// It knows nothing of checks: a reason is one of the code strings below.
//
// A Dialer is not changed after it is made but by Allow, and may be used concurrently. A Conn belongs to one user, as a net.Conn does,
// except that its recordings may be read at any time.
package dial

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"
)

// DefaultTimeout bounds connecting when the caller gives no time: long enough for four tries of the kernel,
// so that a dropped connection is not mistaken for a slow one.
const DefaultTimeout = 5 * time.Second

// Dialer opens TCP connections to allowed addresses. The zero value allows none.
type Dialer struct {
	// Allowed are the networks that may be asked. Loopback addresses are let through only by a prefix that lies
	// inside loopback itself; link-local, multicast and unspecified addresses never.
	Allowed []netip.Prefix
	// Own are the addresses this process listens on for its users: never dialled, even when inside Allowed.
	// An unspecified address stands for every address of this host.
	Own []netip.AddrPort

	instead atomic.Pointer[[]netip.Prefix] // of Allowed; nil = never changed
}

// Allow puts other networks in the place of those that may be asked, for every connection that begins from now on.
func (d *Dialer) Allow(networks []netip.Prefix) { d.instead.Store(&networks) }

// Options are what one connection asks for. The zero value lets the host choose the source.
type Options struct {
	Source  netip.Addr    // must be an address of this host
	Timeout time.Duration // for connecting only; 0 = DefaultTimeout
}

// Dial connects to a pinned address, once. The error is an *Error, or the cause of a cancelled context.
func (d *Dialer) Dial(ctx context.Context, to netip.AddrPort, o Options) (*Conn, error) {
	if err := d.Permits(to); err != nil {
		return nil, err
	}
	return d.connect(ctx, to.String(), o, nil)
}

// DialContext connects to "host:port", where the host may be a name: the shape net/http and mail clients ask for.
// Each address the name leads to is held against the allowed networks when it is connected to.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	switch network {
	case "tcp", "tcp4", "tcp6":
	default:
		return nil, &Error{Addr: address, Code: CodeLocalPolicy, Err: fmt.Errorf("network %q is not offered, only tcp", network)}
	}
	c, err := d.connect(ctx, address, Options{}, net.DefaultResolver)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (d *Dialer) connect(ctx context.Context, address string, o Options, names *net.Resolver) (*Conn, error) {
	timeout := o.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	nd := net.Dialer{
		Timeout:       timeout,
		FallbackDelay: -1, // one attempt at a time: no racing of address families
		Resolver:      names,
		ControlContext: func(_ context.Context, _, final string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(final)
			if err != nil {
				return refusal(final, "is no address")
			}
			return d.Permits(to)
		},
	}
	nd.SetMultipathTCP(false)
	if o.Source.IsValid() {
		nd.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(o.Source, 0))
	}
	start := time.Now()
	back := Waiting(ctx)
	c, err := nd.DialContext(ctx, "tcp", address)
	took := time.Since(start)
	back()
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		e := newError(address, o.Source, took, err)
		if e.Code == CodeLocalPolicy && e.Errno == "EACCES" && routed(ctx, address, o.Source) {
			e.Code = CodeFilteredReject
		}
		return nil, e
	}
	return &Conn{Conn: c, connect: took, since: time.Now()}, nil
}

// routed reports whether this host itself would send to an IPv6 address. The kernel gives EACCES for a route that prohibits it and
// for a firewall on the way that does (ICMPv6 1/1); connecting a datagram socket looks the route up and sends nothing.
func routed(ctx context.Context, address string, source netip.Addr) bool {
	to, err := netip.ParseAddrPort(address)
	if err != nil || to.Addr().Unmap().Is4() {
		return false
	}
	var nd net.Dialer
	if source.IsValid() {
		nd.LocalAddr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(source, 0))
	}
	c, err := nd.DialContext(ctx, "udp", address)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}

// From is the address this host would ask to from when it is let choose; ok is false when it has no way there. Connecting a datagram
// socket looks the route up and sends nothing.
func (d *Dialer) From(ctx context.Context, to netip.AddrPort) (source netip.Addr, ok bool) {
	if d.Permits(to) != nil {
		return netip.Addr{}, false
	}
	var nd net.Dialer
	c, err := nd.DialContext(ctx, "udp", to.String())
	if err != nil {
		return netip.Addr{}, false
	}
	defer c.Close()
	local, ok := c.LocalAddr().(*net.UDPAddr)
	if !ok {
		return netip.Addr{}, false
	}
	return local.AddrPort().Addr().Unmap(), true
}

var (
	linkLocal4 = netip.MustParsePrefix("169.254.0.0/16")
	loopback4  = netip.MustParsePrefix("127.0.0.0/8")
	loopback6  = netip.MustParsePrefix("::1/128")
)

// Permits says whether the address may be dialled; the error is an *Error with code CodeLocalPolicy and says why not.
func (d *Dialer) Permits(to netip.AddrPort) error {
	if !to.IsValid() || to.Port() == 0 {
		return refusal(to.String(), "is not an address and a port")
	}
	ip := to.Addr()
	if ip.Zone() != "" {
		return refusal(to.String(), "names an interface")
	}
	ip = ip.Unmap() // the allowed networks mean the same host in either form
	switch {
	case ip.IsUnspecified():
		return refusal(to.String(), "is the unspecified address")
	case linkLocal4.Contains(ip), ip.IsLinkLocalUnicast():
		return refusal(to.String(), "is link-local")
	case ip.IsMulticast(), ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return refusal(to.String(), "is no single host")
	case !d.allows(ip):
		return refusal(to.String(), "is outside the allowed networks")
	case d.own(ip, to.Port()):
		return refusal(to.String(), "is this program's own address")
	}
	return nil
}

func (d *Dialer) allows(ip netip.Addr) bool {
	allowed := d.Allowed
	if instead := d.instead.Load(); instead != nil {
		allowed = *instead
	}
	for _, p := range allowed {
		p = unmapPrefix(p)
		if !p.Contains(ip) {
			continue
		}
		if !ip.IsLoopback() || within(p, loopback4) || within(p, loopback6) {
			return true
		}
	}
	return false
}

// within reports whether p lies inside q.
func within(p, q netip.Prefix) bool { return p.Bits() >= q.Bits() && q.Contains(p.Addr()) }

// unmapPrefix turns ::ffff:192.0.2.0/120 into 192.0.2.0/24.
func unmapPrefix(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p
}

func (d *Dialer) own(ip netip.Addr, port uint16) bool {
	for _, o := range d.Own {
		if o.Port() != port {
			continue
		}
		if a := o.Addr().Unmap(); a == ip || a.IsUnspecified() && onThisHost(ip) {
			return true
		}
	}
	return false
}

func onThisHost(ip netip.Addr) bool {
	if ip.IsLoopback() {
		return true
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return true // cannot tell: an own port is not worth the risk
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Unmap() == ip {
			return true
		}
	}
	return false
}
