package probe

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"skift/checks"
	"skift/internal/need"
)

// renegotiating is openssl as a server that asks for a client certificate once a request has come, as IIS does per path, and answers when it
// has one. Its commands are typed: R asks, anything else is sent.
func renegotiating(t *testing.T, c chain, trusted client) string {
	t.Helper()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pemOf(trusted.issuer.cert), 0o600); err != nil {
		t.Fatal(err)
	}
	leaf, rest, key := c.files(t)
	cmd := exec.Command(need.Program(t, "openssl"), "s_server", "-accept", "127.0.0.1:0", "-tls1_2", "-cert", leaf, "-cert_chain", rest, "-key", key, "-CAfile", ca)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	addr := make(chan string, 1)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(addr)
		for lines := bufio.NewScanner(r); lines.Scan(); {
			switch text := lines.Text(); {
			case strings.HasPrefix(text, "ACCEPT "):
				addr <- strings.TrimPrefix(text, "ACCEPT ")
			case strings.HasPrefix(text, "Connection: close"):
				_, _ = io.WriteString(stdin, "R\n")
			case strings.HasPrefix(text, "verify return"):
				_, _ = io.WriteString(stdin, "welcome\n")
			}
		}
	})
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = w.Close()
		wg.Wait()
	})
	a, ok := <-addr
	if !ok {
		t.Fatal("openssl ended before it was ready")
	}
	return a
}

// Who asks in the middle of the connection is told of, and answered where the check allows it.
func TestRenegotiation(t *testing.T) {
	t.Parallel()
	mine, c := newClient(t, "mine"), newChain(t, leafSpec{})
	addr := renegotiating(t, c, mine)
	never := meet(t, addr, mine, checks.MTLSOptions{})
	if never.Code != checks.CliRenegotiation || never.Verdict != checks.Error {
		t.Errorf("never: got %s %s", never.Verdict, never.Code)
	}
	once := meet(t, renegotiating(t, c, mine), mine, checks.MTLSOptions{Present: checks.PresentCert, CertFile: "client.pem", Renegotiation: checks.RenegotiateOnce},
		func(a *checks.Ask) { a.Spec.Timeout = 3 * time.Second })
	if once.Code != checks.Accepted || once.Facts["client_cert"] != "requested" || once.Facts["version"] != "TLS 1.2" {
		t.Errorf("once: got %s %s, facts %v", once.Verdict, once.Code, once.Facts)
	}
}
