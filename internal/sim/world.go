package sim

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Names of the SFTP accounts that both platforms of a World have.
const (
	AccountChecker  = "skift"    // may read and list
	AccountSystem   = "system"   // a user system: writes while the intake is open
	AccountSupplier = "supplier" // the suppliers' operators: write always
)

// Whom a World's parties send as: numbers for loopback.
const (
	checkerHost   = 1
	suppliersHost = 2
	firstFlowHost = 11
)

// maxFlows keeps the flows' addresses inside 127.0.0.0/16.
const maxFlows = 60_000

// Options describes a World; the zero value is a useful one.
type Options struct {
	ServerName string       // zero: "gateway.example"
	OldAddrs   []netip.Addr // sites of the old platform; zero: 127.0.0.1
	NewAddrs   []netip.Addr // sites of the new platform; zero: 127.0.0.1
	Flows      int          // user systems, each with its own source; zero: 6
	Missing    int          // the flow that FaultAllowList leaves out; zero: the first
	Denial     Denial
	Files      int       // messages the old platform holds; zero: 12
	Seed       uint64    // of the data set
	ExpiresAt  time.Time // when the certificate ends under FaultExpiry; zero: in an hour
	User       string    // mail account, with Password; zero: mail is taken from anyone
	Password   string
	Like       *World // not nil: shares that World's PKI and account keys, as two environments of one programme do
}

// World is two platforms, the front behind which the name moves, a mail server
// and their PKI. The old platform holds the files and takes in work; the new
// one is empty and stopped. Make it with Start and Close it.
type World struct {
	PKI   *PKI
	Old   *Platform
	New   *Platform
	Front *Front
	Mail  *Mail

	opts    Options
	log     *recorder
	keys    map[string]UserKey // by account
	control *door
	web     webServers
	cancel  func() bool // detaches Close from Start's context
	closed  sync.Once
}

// Flow is one user system's way in.
type Flow struct {
	Name   string // "flow-01", …
	Source netip.Addr
}

// Start brings a World up. It is closed by Close, or when ctx ends. On systems
// where a process cannot send from every loopback address the error says so.
func Start(ctx context.Context, opts Options) (*World, error) {
	if opts.Flows == 0 {
		opts.Flows = 6
	}
	if opts.Files == 0 {
		opts.Files = 12
	}
	if opts.Flows < 0 || opts.Flows > maxFlows || opts.Missing < 0 || opts.Missing >= opts.Flows {
		return nil, fmt.Errorf("start simulated platforms: %d flows with flow %d left out is not possible (1 to %d flows)", opts.Flows, opts.Missing, maxFlows)
	}
	w := &World{opts: opts, log: &recorder{}, keys: make(map[string]UserKey)}
	if err := w.start(ctx); err != nil {
		w.Close()
		return nil, fmt.Errorf("start simulated platforms: %w", err)
	}
	w.cancel = context.AfterFunc(ctx, w.close)
	return w, nil
}

func (w *World) start(ctx context.Context) error {
	for _, source := range []netip.Addr{loopback(suppliersHost), w.FlowSource(0), w.FlowSource(w.opts.Flows - 1)} {
		if err := canSendFrom(ctx, source); err != nil {
			return err
		}
	}
	accounts, err := w.makeAccounts()
	if err != nil {
		return err
	}
	if w.opts.Like != nil {
		w.PKI = w.opts.Like.PKI
	} else if w.PKI, err = NewPKI(); err != nil {
		return err
	}
	allow := []netip.Addr{loopback(checkerHost), loopback(suppliersHost)}
	for _, flow := range w.Flows() {
		allow = append(allow, flow.Source)
	}
	common := PlatformOptions{
		PKI: w.PKI, ServerName: w.opts.ServerName, Allow: allow, Missing: w.FlowSource(w.opts.Missing),
		Denial: w.opts.Denial, Accounts: accounts, ExpiresAt: w.opts.ExpiresAt,
	}
	older, newer := common, common
	older.Name, older.Addrs = "old", w.opts.OldAddrs
	newer.Name, newer.Addrs, newer.Closed = "new", w.opts.NewAddrs, true
	if w.Old, err = newPlatform(older, w.log); err != nil {
		return err
	}
	if w.New, err = newPlatform(newer, w.log); err != nil {
		return err
	}
	w.Old.Files().Fill(DataSet(w.opts.Seed, w.opts.Files))
	w.New.Files().Fill(nil)
	if w.Front, err = newFront(w.log, loopback(checkerHost), w.Old, w.New); err != nil {
		return err
	}
	if w.Mail, err = NewMail(MailOptions{PKI: w.PKI, User: w.opts.User, Password: w.opts.Password}); err != nil {
		return err
	}
	return w.startControl()
}

func (w *World) makeAccounts() ([]Account, error) {
	var accounts []Account
	for _, a := range []Account{{Name: AccountChecker}, {Name: AccountSystem, Access: AccessWrite}, {Name: AccountSupplier, Access: AccessOperate}} {
		key, err := w.accountKey(a.Name)
		if err != nil {
			return nil, err
		}
		w.keys[a.Name] = key
		a.Key = key.Signer.PublicKey()
		accounts = append(accounts, a)
	}
	return accounts, nil
}

func (w *World) accountKey(account string) (UserKey, error) {
	if w.opts.Like != nil {
		return w.opts.Like.Key(account), nil
	}
	return NewUserKey(account)
}

// startControl opens the address that lets everyone in.
func (w *World) startControl() error {
	cert, err := w.PKI.Issue(Leaf{Names: []string{"control.example"}, IPs: []netip.Addr{loopback(checkerHost)}})
	if err != nil {
		return err
	}
	if w.control, err = newDoor(loopback(checkerHost), func(netip.AddrPort) reception { return serve }); err != nil {
		return err
	}
	config := tlsConfig(func() *tls.Certificate { return &cert })
	echo := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { fmt.Fprintln(rw, sourceOf(r).Addr()) })
	w.web.serve(tls.NewListener(w.control, config), recorded(w.log, "control", ProtoHTTPS, echo))
	return nil
}

// Close ends everything and waits for it. It may be called again.
func (w *World) Close() {
	if w.cancel != nil {
		w.cancel()
	}
	w.close()
}

func (w *World) close() {
	w.closed.Do(func() {
		if w.Front != nil {
			w.Front.Close()
		}
		for _, p := range []*Platform{w.Old, w.New} {
			if p != nil {
				p.Close()
			}
		}
		if w.Mail != nil {
			w.Mail.Close()
		}
		if w.control != nil {
			w.control.Close()
		}
		w.web.close()
	})
}

// Platform is the one called "old" or "new", or nil.
func (w *World) Platform(name string) *Platform {
	switch name {
	case w.Old.Name():
		return w.Old
	case w.New.Name():
		return w.New
	}
	return nil
}

// Control is an HTTPS address of neither platform that lets every source in and
// tells it its address: when it does not answer, the fault is with who asks.
func (w *World) Control() netip.AddrPort { return w.control.addr }

// FlowSource is the address the i-th user system sends from, counted from 0.
func (w *World) FlowSource(i int) netip.Addr {
	return loopback(firstFlowHost + i)
}

// Flows lists the user systems.
func (w *World) Flows() []Flow {
	var flows []Flow
	for i := range w.opts.Flows {
		flows = append(flows, Flow{Name: fmt.Sprintf("flow-%02d", i+1), Source: w.FlowSource(i)})
	}
	return flows
}

// MissingFlow is the one that FaultAllowList leaves out.
func (w *World) MissingFlow() Flow { return w.Flows()[w.opts.Missing] }

// Key is the key pair of one of the accounts.
func (w *World) Key(account string) UserKey { return w.keys[account] }

// Log has every request to the platforms, the front and the control address,
// in order.
func (w *World) Log() []Request { return w.log.list(func(Request) bool { return true }) }

// Mutating has the requests that asked for a change.
func (w *World) Mutating() []Request { return w.log.list(Request.Mutates) }

// loopback is the n-th address of 127.0.0.0/16.
func loopback(n int) netip.Addr { return netip.AddrFrom4([4]byte{127, 0, byte(n >> 8), byte(n)}) }

// canSendFrom finds out whether a source address can be used here.
func canSendFrom(ctx context.Context, source netip.Addr) error {
	var config net.ListenConfig
	ln, err := config.Listen(ctx, "tcp", netip.AddrPortFrom(source, 0).String())
	if err != nil {
		return fmt.Errorf("this system cannot send from %s, which the platforms need to tell user systems apart; "+
			"add it to the loopback interface first (ifconfig lo0 alias %s), Linux needs nothing: %w", source, source, err)
	}
	return ln.Close()
}
