package sim

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what must happen; impatience is how long a test waits to be
// sure that something does not.
const (
	patience   = time.Minute
	impatience = 150 * time.Millisecond
)

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func startWorld(t *testing.T, opts Options) *World {
	t.Helper()
	w, err := Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

func dialFrom(source, target string, within time.Duration) (net.Conn, error) {
	d := net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}}
	conn, err := d.Dial("tcp", target)
	if err == nil {
		conn.SetDeadline(time.Now().Add(within))
	}
	return conn, err
}

// webFrom is an HTTP client that trusts the PKI and sends from one address.
func webFrom(pki *PKI, source string) *http.Client {
	return &http.Client{Timeout: patience, Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{RootCAs: pki.Pool(), ServerName: "gateway.example"},
		DialContext: func(_ context.Context, _, addr string) (net.Conn, error) {
			return dialFrom(source, addr, patience)
		},
	}}
}

// ask sends one request and returns "status body"; it is empty on an error.
func ask(client *http.Client, method, url, body string) (string, error) {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	if strings.HasPrefix(body, "addr=") {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return fmt.Sprint(res.StatusCode, " ", strings.TrimSpace(string(text))), err
}

func mustAsk(t *testing.T, client *http.Client, method, url, body string) string {
	t.Helper()
	answer, err := ask(client, method, url, body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	return answer
}

func gatewayURL(p *Platform) string { return "https://" + p.GatewayAddr().String() + "/" }

// handshake verifies the gateway's certificate at a time.
func handshake(w *World, p *Platform, at time.Time) error {
	conn, err := dialFrom("127.0.0.1", p.GatewayAddr().String(), patience)
	if err != nil {
		return err
	}
	defer conn.Close()
	return tls.Client(conn, &tls.Config{
		RootCAs: w.PKI.Pool(), ServerName: "gateway.example",
		Time: func() time.Time { return at },
	}).Handshake()
}

// login opens an SSH connection that pins the announced key.
func login(w *World, addr netip.AddrPort, pin, account, source string) (*ssh.Client, error) {
	conn, err := dialFrom(source, addr.String(), patience)
	if err != nil {
		return nil, err
	}
	server, channels, requests, err := ssh.NewClientConn(conn, addr.String(), &ssh.ClientConfig{
		User: account,
		Auth: []ssh.AuthMethod{ssh.PublicKeys(w.Key(account).Signer)},
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			if got := ssh.FingerprintSHA256(key); got != pin {
				return fmt.Errorf("host key changed: %s", got)
			}
			return nil
		},
	})
	if err != nil {
		conn.Close()
		return nil, err
	}
	return ssh.NewClient(server, channels, requests), nil
}

// files logs in to a platform and starts SFTP.
func files(w *World, p *Platform, account string) (*sftp.Client, func(), error) {
	client, err := login(w, p.SFTPAddr(), p.HostKey(), account, "127.0.0.1")
	if err != nil {
		return nil, nil, err
	}
	done := func() { client.Close(); client.Wait() }
	f, err := sftp.NewClient(client)
	if err != nil {
		done()
		return nil, nil, err
	}
	return f, func() { f.Close(); done() }, nil
}

func mustFiles(t *testing.T, w *World, p *Platform, account string) *sftp.Client {
	t.Helper()
	f, done, err := files(w, p, account)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(done)
	return f
}

// firstBytes is what a server says unasked, or after the given text.
func firstBytes(addr netip.AddrPort, source, say string, within time.Duration) (string, error) {
	conn, err := dialFrom(source, addr.String(), within)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, say); err != nil {
		return "", err
	}
	b := make([]byte, 64)
	n, err := conn.Read(b)
	return string(b[:n]), err
}

func wantError(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("error is %v, want one with %q", err, text)
	}
}

func isTimeout(err error) bool {
	ne, ok := err.(net.Error)
	return ok && ne.Timeout()
}

func parseChain(t *testing.T, issued tls.Certificate) (*x509.Certificate, *x509.CertPool) {
	t.Helper()
	leaf, err := x509.ParseCertificate(issued.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	between := x509.NewCertPool()
	for _, raw := range issued.Certificate[1:] {
		cert, err := x509.ParseCertificate(raw)
		if err != nil {
			t.Fatal(err)
		}
		between.AddCert(cert)
	}
	return leaf, between
}
