package dial

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// The codes a connection can fail with. They are the outcome codes of the checks, as text.
const (
	CodeDNSNXDomain    = "dns_nxdomain" // also: the name has no address
	CodeDNSServfail    = "dns_servfail"
	CodeDNSTimeout     = "dns_timeout"
	CodeVantageBind    = "vantage_bind"      // the source address is not on this host
	CodeLocalPolicy    = "local_policy"      // this host, or the allowed networks, forbid it
	CodeNetUnreachable = "net_unreachable"   // routing, or a router's access list; also a neighbour that does not answer
	CodeFilteredReject = "filtered_reject"   // a firewall said no, at once
	CodeFilteredDrop   = "filtered_drop"     // no answer at all within the time
	CodeRefused        = "refused"           // a reset, from the target or a firewall
	CodeClosed         = "closed_pre_banner" // accepted, and reset before connecting had returned
	CodeUnobserved     = "unobserved"        // none of these: nothing can be concluded
)

// arpFailure is how long the kernel asks for a neighbour before it says "no route to host"; a firewall says it within a round trip.
const arpFailure = 2500 * time.Millisecond

// Error is why a connection could not be had.
type Error struct {
	Addr  string // what was dialled
	Code  string // one of the Code constants
	Errno string // "ECONNREFUSED"; "" when no errno was involved
	After time.Duration
	Err   error
}

// Error says what was dialled and what happened.
func (e *Error) Error() string { return fmt.Sprintf("dial %s: %v", e.Addr, e.Err) }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

func refusal(addr, why string) error {
	return &Error{Addr: addr, Code: CodeLocalPolicy, Err: fmt.Errorf("not dialled: %s %s", addr, why)}
}

func newError(addr string, source netip.Addr, took time.Duration, err error) *Error {
	if own, ok := errors.AsType[*Error](err); ok {
		return own // the refusal of the final address, from inside the dialler
	}
	return &Error{Addr: addr, Code: classify(err, source, took), Errno: Errno(err), After: took, Err: err}
}

// classify orders by certainty: names, errno, then time. An errno wins over a time-out, which carries none.
func classify(err error, source netip.Addr, took time.Duration) string {
	if d, ok := errors.AsType[*net.DNSError](err); ok {
		switch {
		case d.IsNotFound:
			return CodeDNSNXDomain
		case d.IsTimeout:
			return CodeDNSTimeout
		}
		return CodeDNSServfail
	}
	if n, ok := errnoOf(err); ok {
		return classifyErrno(n, took)
	}
	if _, ok := errors.AsType[*net.AddrError](err); ok && source.IsValid() {
		return CodeVantageBind // a source of the other address family
	}
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		return CodeFilteredDrop
	}
	return CodeUnobserved
}

func classifyErrno(n syscall.Errno, took time.Duration) string {
	switch n {
	case syscall.EADDRNOTAVAIL:
		return CodeVantageBind
	case syscall.EACCES, syscall.EPERM, syscall.EINVAL:
		return CodeLocalPolicy
	case syscall.ENETUNREACH:
		return CodeNetUnreachable
	case syscall.EHOSTUNREACH:
		if took >= arpFailure {
			return CodeNetUnreachable
		}
		return CodeFilteredReject
	case syscall.ECONNREFUSED:
		return CodeRefused
	case syscall.ECONNRESET, syscall.ECONNABORTED:
		return CodeClosed
	case syscall.ETIMEDOUT: // the system's patience ended before ours
		return CodeFilteredDrop
	}
	return CodeUnobserved
}

var errnoNames = map[syscall.Errno]string{
	syscall.EPERM: "EPERM", syscall.EACCES: "EACCES", syscall.EINVAL: "EINVAL", syscall.EADDRNOTAVAIL: "EADDRNOTAVAIL",
	syscall.ENETUNREACH: "ENETUNREACH", syscall.EHOSTUNREACH: "EHOSTUNREACH", syscall.ECONNREFUSED: "ECONNREFUSED",
	syscall.ECONNRESET: "ECONNRESET", syscall.EPIPE: "EPIPE", syscall.ETIMEDOUT: "ETIMEDOUT", syscall.ECONNABORTED: "ECONNABORTED",
	syscall.ENETDOWN: "ENETDOWN", syscall.EMFILE: "EMFILE", syscall.ENFILE: "ENFILE", syscall.EAFNOSUPPORT: "EAFNOSUPPORT",
}

// errnoOf is the errno an error carries, by the number POSIX gives it.
func errnoOf(err error) (syscall.Errno, bool) {
	n, ok := errors.AsType[syscall.Errno](err)
	if p, is := winsock[int(n)]; is {
		n = p
	}
	return n, ok
}

// Errno names the errno an error carries: "ECONNREFUSED", "errno 95" for rare ones, "" for none.
func Errno(err error) string {
	n, ok := errnoOf(err)
	if !ok {
		return ""
	}
	if s := errnoNames[n]; s != "" {
		return s
	}
	return fmt.Sprintf("errno %d", int(n))
}
