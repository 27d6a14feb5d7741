// Package sshdial opens SSH client connections to servers whose host keys are pinned.
//
// It answers how far a login came and, when it did not come through, why: the reason is one of the code strings below.
// There is no trust on first use; a server without a pinned key is never sent a login. It knows nothing of checks, plans or
// files, opens nothing but through a dial.Dialer, and resolves no secrets: keys are given as bytes.
//
// Dial may be called concurrently. A Client may be used concurrently, as an ssh.Client may.
package sshdial

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"skift/internal/dial"
)

// Stop says where a connection is wanted to end.
type Stop int

// The stops. The zero value logs in.
const (
	AtLogin   Stop = iota // log in and return a Client
	AtBanner              // read the server's version line and hang up
	AtHostKey             // compare the host key and hang up before the login
	AtMethods             // ask which ways of logging in there are, and hang up without trying one
)

// Config is what one connection needs.
type Config struct {
	User    string
	Key     ssh.Signer // see ParseKey; not needed before the login
	Pins    Pins       // the server's accepted host keys
	Dial    dial.Options
	Timeout time.Duration // for the version line, the key exchange and the login, each; 0 = DefaultTimeout
	Stop    Stop
	// KeyType asks for the server's host key of one type only, "" for any. AnyKey takes down whatever key it shows instead of
	// comparing it; no name is sent to a server whose key is not pinned, whatever Stop says.
	KeyType string
	AnyKey  bool
}

// DefaultTimeout bounds each phase of a handshake when the caller gives no time.
const DefaultTimeout = 10 * time.Second

// clientVersion names us to the server's log.
const clientVersion = "SSH-2.0-skift"

// Trace is what was seen on the way, whether or not it was completed.
type Trace struct {
	LocalAddr  string
	First      []byte // the first bytes the server sent, at most dial.Recorded
	Version    string // the server's version line; "" when none came
	Banner     string // text shown before the login; "" when none
	HostKey    string // "SHA256:…" of the presented key; "" before the key exchange
	HostType   string // "ssh-ed25519"
	Pin        int    // which of the pins the key is; -1 = none
	Offer      *Offer // what the server offers; nil when it did not come to that
	Algorithms ssh.NegotiatedAlgorithms
	Offered    []string                 // authentication methods the server offered after the first refusal
	Peer       []string                 // what the server supports, when no algorithm was common
	Reached    string                   // "", "connect", "banner", "hostkey", "auth"
	Timings    map[string]time.Duration // connect, first_byte, kex, auth
}

// Client is a logged-in connection.
type Client struct {
	*ssh.Client
	Trace Trace

	conn *dial.Conn
	once sync.Once
}

// Dial connects once and goes as far as cfg.Stop says; nothing is tried twice. The Trace says how far it came, also beside
// an error. The client is nil unless the login was asked for and succeeded. The error is an *Error, a *dial.Error, or the
// cause of a cancelled context.
func Dial(ctx context.Context, d *dial.Dialer, to netip.AddrPort, cfg Config) (*Client, Trace, error) {
	if cfg.Timeout <= 0 {
		cfg.Timeout = DefaultTimeout
	}
	h := &handshake{cfg: cfg, trace: Trace{Pin: -1, Timings: map[string]time.Duration{}}}
	conn, err := d.Dial(ctx, to, cfg.Dial)
	if err != nil {
		return nil, h.trace, err
	}
	h.conn, h.hello = conn, &greeting{Conn: conn}
	h.trace.Reached = "connect"
	h.trace.LocalAddr = conn.LocalAddr().String()
	h.trace.Timings["connect"] = conn.Connected()
	stop := conn.CloseOn(ctx)
	defer stop()
	client, err := h.run(to.String())
	h.settle()
	if client == nil {
		_ = conn.Close()
	}
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx) // the library only knows that the connection was closed under it
		}
		return nil, h.trace, err
	}
	if client == nil {
		return nil, h.trace, nil
	}
	_ = conn.Phase(0) // fails only on a closed connection: a server that hung up right after the login shows itself in what is asked next
	return &Client{Client: client, Trace: h.trace, conn: conn}, h.trace, nil
}

// handshake is one connection on its way.
type handshake struct {
	cfg    Config
	conn   *dial.Conn
	hello  *greeting
	trace  Trace
	began  time.Time // of the current phase
	pinErr error

	alsoWanted []string // methods the server demands after it took the key
}

// errEnough ends a handshake that has shown what was asked.
var errEnough = errors.New("host key seen, no login wanted")

func (h *handshake) run(addr string) (*ssh.Client, error) {
	h.began = time.Now()
	if err := h.conn.Phase(h.cfg.Timeout); err != nil {
		return nil, fmt.Errorf("ssh %s: %w", addr, err)
	}
	if h.cfg.Stop == AtBanner {
		return nil, h.banner()
	}
	c, chans, reqs, err := ssh.NewClientConn(h.hello, addr, h.clientConfig())
	h.seen()
	switch {
	case errors.Is(err, errEnough), h.cfg.Stop == AtMethods && h.trace.Offered != nil:
		return nil, nil
	case err != nil:
		return nil, h.explain(err)
	}
	if h.cfg.Stop == AtMethods { // it lets everybody in
		h.trace.Offered = []string{"none"}
		_ = c.Close()
		return nil, nil
	}
	h.trace.Timings["auth"] = time.Since(h.began)
	h.trace.Reached = "auth"
	if m, ok := c.(ssh.AlgorithmsConnMetadata); ok {
		h.trace.Algorithms = m.Algorithms()
	}
	return ssh.NewClient(c, chans, reqs), nil
}

// banner reads until the version line is complete, sending nothing.
func (h *handshake) banner() error {
	buf := make([]byte, dial.Recorded)
	for {
		_, err := h.hello.Read(buf)
		if h.seen(); h.trace.Version != "" {
			return nil
		}
		if err == nil && h.conn.Received() < maxGreeting {
			continue
		}
		return h.explain(err)
	}
}

// seen takes over what the connection has recorded so far.
func (h *handshake) seen() {
	h.trace.First = h.conn.First()
	if h.trace.Version = h.hello.version; h.trace.Version != "" && h.trace.Reached == "connect" {
		h.trace.Reached = "banner"
	}
}

func (h *handshake) settle() {
	h.trace.Offer = h.hello.offer()
	if d := h.conn.FirstByte(); d > 0 {
		h.trace.Timings["first_byte"] = d
	}
}

func (h *handshake) clientConfig() *ssh.ClientConfig {
	cfg := &ssh.ClientConfig{
		User:              h.cfg.User,
		ClientVersion:     clientVersion,
		HostKeyAlgorithms: h.cfg.Pins.algorithms(h.cfg.KeyType),
		HostKeyCallback:   h.hostKey,
		BannerCallback:    h.banners,
		AuthCallback:      h.offered,
	}
	if h.cfg.AnyKey { // nothing but a look is at stake, so that servers of old are looked at as well
		good, old := ssh.SupportedAlgorithms(), ssh.InsecureAlgorithms()
		cfg.KeyExchanges = append(good.KeyExchanges, old.KeyExchanges...)
		cfg.Ciphers, cfg.MACs = append(good.Ciphers, old.Ciphers...), append(good.MACs, old.MACs...)
	}
	if h.cfg.Key != nil && h.cfg.Stop == AtLogin {
		cfg.Auth = []ssh.AuthMethod{ssh.PublicKeys(h.cfg.Key)}
	}
	return cfg
}

// banners keeps the beginning of what is shown before the login; a server may show as much as it likes.
func (h *handshake) banners(text string) error {
	h.trace.Banner += text[:min(len(text), dial.Recorded-len(h.trace.Banner))]
	return nil
}

// offered takes down what the server offers, and what it wants beyond a key it has taken.
func (h *handshake) offered(c *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
	if h.trace.Offered == nil {
		h.trace.Offered = append([]string{}, c.AllowedMethods...)
	}
	if len(c.PartialSuccessMethods) > 0 {
		h.alsoWanted = append([]string{}, c.AllowedMethods...)
	}
	return nil, nil
}

// hostKey compares the presented key and starts the login's own time.
func (h *handshake) hostKey(_ string, _ net.Addr, key ssh.PublicKey) error {
	h.trace.HostKey, h.trace.HostType = ssh.FingerprintSHA256(key), key.Type()
	h.trace.Timings["kex"] = time.Since(h.began)
	h.seen()
	h.trace.Pin = h.cfg.Pins.Index(h.trace.HostKey)
	if h.cfg.AnyKey && h.trace.Pin < 0 {
		h.trace.Reached = "hostkey"
		return errEnough
	}
	if h.pinErr = h.cfg.Pins.check(h.trace.HostKey); h.pinErr != nil {
		return h.pinErr
	}
	h.trace.Reached = "hostkey"
	if h.cfg.Stop == AtHostKey {
		return errEnough
	}
	h.began = time.Now()
	return h.conn.Phase(h.cfg.Timeout)
}

// ErrOverdue says that an operation did not end within its time and the connection was closed under it.
var ErrOverdue = errors.New("no answer within the time; the connection was closed")

// Within runs one operation of a library that takes no context. When limit passes or ctx is done the connection is closed,
// which makes the operation return; the error is then ErrOverdue or the context's cause. fn must not outlive its return.
func (c *Client) Within(ctx context.Context, limit time.Duration, fn func() error) error {
	timed, cancel := context.WithTimeoutCause(ctx, limit, ErrOverdue)
	defer cancel()
	stop := c.conn.CloseOn(timed)
	err := fn()
	stop()
	if err != nil && timed.Err() != nil {
		return context.Cause(timed)
	}
	return err
}

// KeepAlive asks the server every interval whether it is still there and closes the connection when no reply comes within
// the same time. It returns when ctx is done (nil) and a question under way has been answered, or with the reason the
// connection ended. Ending it leaves the connection open.
func (c *Client) KeepAlive(ctx context.Context, interval time.Duration) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		err := c.Within(context.WithoutCancel(ctx), interval, func() error {
			_, _, err := c.SendRequest("keepalive@openssh.com", true, nil)
			return err
		})
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("keep ssh connection alive: %w", err)
		}
	}
}

// HungUp reports whether the server has ended the connection.
func (c *Client) HungUp() bool { return dial.Hung(c.conn.Ended()) }

// Close ends the connection, also under operations in flight.
func (c *Client) Close() error {
	err := net.ErrClosed
	c.once.Do(func() { err = c.conn.Close(); _ = c.Client.Wait() })
	return err
}
