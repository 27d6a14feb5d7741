package sweeper_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	crypto "crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"skift/checks"
	"skift/checks/probe"
	"skift/internal/dial"
	"skift/internal/journal"
	"skift/internal/register"
	"skift/internal/store"
	"skift/internal/sweeper"
)

// farm is a host of TLS servers: one port on every loopback address, each with a certificate of its own from one intermediate.
type farm struct {
	port   int
	root   []byte // PEM
	issuer *x509.Certificate
	key    *ecdsa.PrivateKey
	chain  []byte // the intermediate
	ln     net.Listener
	wg     sync.WaitGroup

	leaves map[string]*crypto.Certificate // by address
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// certify issues a certificate; a nil issuer makes it its own.
func certify(serial int64, name string, ca bool, key *ecdsa.PrivateKey, issuer *x509.Certificate, by *ecdsa.PrivateKey, ips ...net.IP) []byte {
	c := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(10000 * time.Hour), IsCA: ca, BasicConstraintsValid: true, IPAddresses: ips}
	if ca {
		c.KeyUsage = x509.KeyUsageCertSign
	} else {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	if issuer == nil {
		issuer = c
	}
	return must(x509.CreateCertificate(rand.Reader, c, issuer, &key.PublicKey, by))
}

func newKey() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }

// newFarm starts the servers and makes the certificates of n addresses.
func newFarm(tb testing.TB, n int) *farm {
	tb.Helper()
	rootKey := newKey()
	root := certify(1, "Farm Root", true, rootKey, nil, rootKey)
	f := &farm{key: newKey(), leaves: map[string]*crypto.Certificate{}, root: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root})}
	f.chain = certify(2, "Farm Issuer", true, f.key, must(x509.ParseCertificate(root)), rootKey)
	f.issuer = must(x509.ParseCertificate(f.chain))
	for i := range n {
		key, ip := newKey(), farmIP(i)
		f.leaves[ip.String()] = &crypto.Certificate{PrivateKey: key,
			Certificate: [][]byte{certify(int64(100+i), ip.String(), false, key, f.issuer, f.key, ip.AsSlice()), f.chain}}
	}
	f.ln = must(net.Listen("tcp4", "0.0.0.0:0"))
	f.port = f.ln.Addr().(*net.TCPAddr).Port
	cfg := &crypto.Config{GetCertificate: func(h *crypto.ClientHelloInfo) (*crypto.Certificate, error) {
		return f.leaves[h.Conn.LocalAddr().(*net.TCPAddr).IP.String()], nil
	}, SessionTicketsDisabled: true}
	f.wg.Go(func() {
		for {
			c, err := f.ln.Accept()
			if err != nil {
				return
			}
			f.wg.Go(func() {
				defer c.Close()
				c.SetDeadline(time.Now().Add(time.Minute))
				s := crypto.Server(c, cfg)
				if s.Handshake() == nil {
					s.Read(make([]byte, 1)) // until the client goes
				}
			})
		}
	})
	tb.Cleanup(func() { f.ln.Close(); f.wg.Wait() })
	return f
}

// farmIP is the ith address, none of which is 127.0.0.1.
func farmIP(i int) netip.Addr {
	return netip.AddrFrom4([4]byte{127, byte(10 + i/62500), byte(i / 250 % 250), byte(1 + i%250)})
}

// asks are those of n addresses.
func (f *farm) asks(n int) []checks.Ask { return farmAsks(n, f.port, f.root, 10*time.Second) }

func farmAsks(n, port int, root []byte, timeout time.Duration) (out []checks.Ask) {
	spec := &checks.Spec{ID: "cert", Kind: checks.TLS, Service: "farm", Timeout: timeout,
		Options: checks.TLSOptions{TrustedBy: []string{"root.pem"}, ValidAt: []string{"cutover"}}}
	now := time.Now()
	for i := range n {
		out = append(out, checks.Ask{Spec: spec, Want: checks.Allow, At: now, Trust: map[string][]byte{"root.pem": root},
			ValidAt: []checks.Moment{{Name: "cutover", At: now.Add(24 * time.Hour)}},
			Unit:    checks.Unit{Check: "cert", Side: checks.New, Addr: netip.AddrPortFrom(farmIP(i), uint16(port)).String(), Vantage: "local"}})
	}
	return out
}

// newSweep is a sweeper as skift has it, that stores what it sees.
func newSweep(s *store.Store) *sweeper.Sweeper {
	p := probe.New(probe.Config{Dialer: &dial.Dialer{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}})
	record := func(ctx context.Context, results []checks.Result, swept register.Swept) error {
		_, err := s.Commit(ctx, register.Batch{Observations: results, Events: []journal.Event{
			{At: time.Now(), Kind: register.SweepDone, Actor: journal.Actor{Via: journal.ViaEngine}, Body: register.Body(swept)}}})
		return err
	}
	return sweeper.New(p, sweeper.Budget{Parallel: 4, Total: 64, Rate: 600, SSHGap: 20 * time.Second, Patience: 250 * time.Millisecond}, record)
}

// bare is the least that asking the same costs: 64 workers that connect, shake hands, and verify at as many instants as told.
func (f *farm) bare(tb testing.TB, asks []checks.Ask, verifications int) {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(f.root)
	work := make(chan checks.Ask)
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for a := range work {
				if err := bareOne(a, roots, verifications); err != nil {
					tb.Error(err)
				}
			}
		})
	}
	for _, a := range asks {
		work <- a
	}
	close(work)
	wg.Wait()
}

func bareOne(a checks.Ask, roots *x509.CertPool, verifications int) error {
	raw, err := net.DialTimeout("tcp", a.Unit.Addr, 10*time.Second)
	if err != nil {
		return err
	}
	defer raw.Close()
	c := crypto.Client(raw, &crypto.Config{InsecureSkipVerify: true})
	if err := c.Handshake(); err != nil {
		return err
	}
	certs := c.ConnectionState().PeerCertificates
	between := x509.NewCertPool()
	between.AddCert(certs[1])
	for _, at := range []time.Time{a.At, a.ValidAt[0].At}[:verifications] {
		if _, err := certs[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: at}); err != nil {
			return err
		}
	}
	host, _, _ := net.SplitHostPort(a.Unit.Addr)
	return certs[0].VerifyHostname(host)
}

// blackHole is a port at which every loopback address swallows what comes: its queue is full and nobody takes from it.
func blackHole(tb testing.TB) (port int) {
	tb.Helper()
	fd := must(unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0))
	tb.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{}); err != nil {
		tb.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		tb.Fatal(err)
	}
	port = must(unix.Getsockname(fd)).(*unix.SockaddrInet4).Port
	for {
		c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), 200*time.Millisecond)
		if err != nil {
			return port
		}
		tb.Cleanup(func() { c.Close() })
	}
}
