package sim

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// Denial is what happens to a peer that is not on the allow-list.
type Denial string

// The ways to turn a peer away. All but DenyForbidden hold for both doors.
const (
	DenyClose     Denial = ""          // closed before any byte
	DenyReset     Denial = "reset"     // reset before any byte
	DenySilent    Denial = "silent"    // accepted, never answered
	DenyForbidden Denial = "forbidden" // the gateway answers 403, SFTP closes
)

// PlatformOptions describes one platform. PKI and Name are needed, the rest
// has useful zero values.
type PlatformOptions struct {
	Name       string       // "old" or "new": how the platform is called in records
	PKI        *PKI         // issues the gateway's certificate
	ServerName string       // name in the certificate; zero: "gateway.example"
	Addrs      []netip.Addr // loopback addresses of its sites; zero: 127.0.0.1
	Allow      []netip.Addr // sources let in; zero: 127.0.0.1 alone
	Missing    netip.Addr   // the source that FaultAllowList leaves out
	Denial     Denial
	Accounts   []Account // SFTP accounts
	ExpiresAt  time.Time // end of the certificate under FaultExpiry; zero: in an hour
	Closed     bool      // starts with its intake stopped
}

// Platform is one running platform. Make it with NewPlatform and Close it.
type Platform struct {
	opts  PlatformOptions
	files *Tree
	log   *recorder

	gateways, sftps []*door
	ops             *door
	web             webServers
	sessions        sync.WaitGroup

	hostKey, otherKey ssh.Signer

	breaking  sync.Mutex // one change of faults at a time, sockets included
	mu        sync.Mutex
	faults    faultSet
	allowed   allowList
	intake    bool
	expiresAt time.Time
	cert      *tls.Certificate
	front     *Front // what POST /switch moves; nil without a World
}

// NewPlatform starts a platform with empty files.
func NewPlatform(opts PlatformOptions) (*Platform, error) {
	p, err := newPlatform(opts, &recorder{})
	if err != nil {
		return nil, err
	}
	return p, nil
}

func newPlatform(opts PlatformOptions, log *recorder) (*Platform, error) {
	if opts.PKI == nil || opts.Name == "" {
		return nil, errors.New("start platform: it needs a name and a PKI")
	}
	if opts.ServerName == "" {
		opts.ServerName = "gateway.example"
	}
	if len(opts.Addrs) == 0 {
		opts.Addrs = []netip.Addr{loopback(1)}
	}
	if len(opts.Allow) == 0 {
		opts.Allow = []netip.Addr{loopback(1)}
	}
	if opts.ExpiresAt.IsZero() {
		opts.ExpiresAt = time.Now().Add(time.Hour)
	}
	p := &Platform{
		opts:      opts,
		files:     NewTree(),
		log:       log,
		faults:    make(faultSet),
		allowed:   make(allowList),
		intake:    !opts.Closed,
		expiresAt: opts.ExpiresAt,
	}
	for _, addr := range opts.Allow {
		p.allowed.add(addr, bothDoors())
	}
	if err := p.start(); err != nil {
		p.Close()
		return nil, fmt.Errorf("start platform %s: %w", opts.Name, err)
	}
	return p, nil
}

func (p *Platform) start() error {
	var err error
	if p.hostKey, err = newSigner(); err != nil {
		return err
	}
	if p.otherKey, err = newSigner(); err != nil {
		return err
	}
	if err := p.renewCertificate(); err != nil {
		return err
	}
	for _, addr := range p.opts.Addrs {
		gateway, err := newDoor(addr, p.receptionAt(DoorGateway))
		if err != nil {
			return err
		}
		gateway.text = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
		p.gateways = append(p.gateways, gateway)
		files, err := newDoor(addr, p.receptionAt(DoorSFTP))
		if err != nil {
			return err
		}
		files.text = "Not allowed at this time\r\n"
		p.sftps = append(p.sftps, files)
	}
	if p.ops, err = newDoor(p.opts.Addrs[0], func(netip.AddrPort) reception { return serve }); err != nil {
		return err
	}
	p.serveWeb()
	for _, d := range p.sftps {
		p.sessions.Add(1)
		go p.serveSSH(d)
	}
	return nil
}

// Close ends every connection and waits for every goroutine. It may be called
// again.
func (p *Platform) Close() {
	for _, d := range p.doors() {
		d.Close()
	}
	p.web.close()
	p.sessions.Wait()
}

func (p *Platform) doors() []*door {
	doors := slices.Concat(p.gateways, p.sftps)
	if p.ops != nil {
		doors = append(doors, p.ops)
	}
	return doors
}

// Name is "old" or "new".
func (p *Platform) Name() string { return p.opts.Name }

// ServerName is the name in the gateway's certificate.
func (p *Platform) ServerName() string { return p.opts.ServerName }

// GatewayAddr is the TLS gateway of the first site.
func (p *Platform) GatewayAddr() netip.AddrPort { return p.gateways[0].addr }

// GatewayAddrs has the TLS gateway of each site.
func (p *Platform) GatewayAddrs() []netip.AddrPort { return addrsOf(p.gateways) }

// SFTPAddr is the SFTP server of the first site.
func (p *Platform) SFTPAddr() netip.AddrPort { return p.sftps[0].addr }

// SFTPAddrs has the SFTP server of each site; all show the same files.
func (p *Platform) SFTPAddrs() []netip.AddrPort { return addrsOf(p.sftps) }

// OpsURL is the supplier's own desk: the gateway's operations over plain HTTP,
// without allow-list and untouched by faults.
func (p *Platform) OpsURL() string { return "http://" + p.ops.addr.String() }

// HostKey is the announced fingerprint ("SHA256:…"), what a peer should pin.
// Under FaultHostKey the server presents another one.
func (p *Platform) HostKey() string { return ssh.FingerprintSHA256(p.hostKey.PublicKey()) }

// Files is what the SFTP server shows.
func (p *Platform) Files() *Tree { return p.files }

// Manifest lists the files under dir (zero: all of them).
func (p *Platform) Manifest(dir string) []ManifestRow { return p.files.Manifest(dir) }

// Log has every request so far.
func (p *Platform) Log() []Request {
	return p.log.list(func(r Request) bool { return r.Platform == p.opts.Name })
}

// Mutating has the requests that asked for a change.
func (p *Platform) Mutating() []Request {
	return p.log.list(func(r Request) bool { return r.Platform == p.opts.Name && r.Mutates() })
}

// IntakeOpen reports whether the platform takes in work.
func (p *Platform) IntakeOpen() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.intake
}

// SetIntake opens or stops the intake: the demo service answers a call, and
// accounts with AccessWrite may write, only while it is open.
func (p *Platform) SetIntake(open bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.intake = open
}

// SetExpiry changes when the certificate ends under FaultExpiry and
// FaultIntermediateExpiry.
func (p *Platform) SetExpiry(at time.Time) error {
	p.mu.Lock()
	p.expiresAt = at
	p.mu.Unlock()
	return p.renewCertificate()
}

// renewCertificate issues what the gateway presents from now on.
func (p *Platform) renewCertificate() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	leaf := p.faults.leaf(Leaf{Names: []string{p.opts.ServerName}}, p.expiresAt)
	cert, err := p.opts.PKI.Issue(leaf)
	if err != nil {
		return err
	}
	p.cert = &cert
	return nil
}

// receptionAt decides about connections to one kind of door.
func (p *Platform) receptionAt(name Door) func(netip.AddrPort) reception {
	return func(source netip.AddrPort) reception {
		p.mu.Lock()
		defer p.mu.Unlock()
		switch {
		case p.faults.on(FaultClosed, name):
			return hangUp
		case p.faults.on(FaultReset, name):
			return reset
		case p.faults.on(FaultSilent, name):
			return ignore
		case p.faults.on(FaultGarbage, name):
			return babble
		case p.allowed[name][source.Addr()] || p.opts.Denial == DenyForbidden && name == DoorGateway:
			return serve
		}
		p.log.add(Request{Platform: p.opts.Name, Proto: ProtoTCP, Op: "denied", Path: string(name), Source: source})
		switch p.opts.Denial {
		case DenyReset:
			return reset
		case DenySilent:
			return ignore
		}
		return hangUp
	}
}

// forbidden reports whether the gateway answers this source 403.
func (p *Platform) forbidden(source netip.Addr) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.faults.on(FaultForbidden, DoorGateway) || !p.allowed[DoorGateway][source]
}

func addrsOf(doors []*door) []netip.AddrPort {
	var addrs []netip.AddrPort
	for _, d := range doors {
		addrs = append(addrs, d.addr)
	}
	return addrs
}
