package probe

import (
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skift/checks"
)

var update = flag.Bool("update", false, "write the golden files")

// fault is one way a peer misbehaves. Faults that nobody can tell apart from here have the same group.
type fault struct {
	name  string
	group string // "" = it is like no other
	at    func(*testing.T) string
}

// in gives the group a fault belongs to.
func (f fault) in() string {
	if f.group != "" {
		return f.group
	}
	return f.name
}

// by is a fault of a peer that serves each connection so.
func by(serve func(net.Conn)) func(*testing.T) string {
	return func(t *testing.T) string { return peer(t, serve) }
}

const (
	hungUp  = "it hung up" // a close comes as a reset when what we sent was not read
	foreign = "it speaks another protocol"
)

// wayFaults are those that every protocol meets.
func wayFaults() []fault {
	return []fault{
		{"nothing listens", "", refusing},
		{"nothing answers", "", fullQueue},
		{"closes before a byte", hungUp, by(closes)},
		{"resets before a byte", hungUp, by(resets)},
		{"says nothing", "", by(silent)},
		{"another protocol", foreign, by(saysAndCloses("220-mail.example\r\n220 please go on\r\n"))},
		{"another protocol, and it waits", foreign, by(says("220-mail.example\r\n220 please go on\r\n"))},
	}
}

// alerting answers a hello with a fatal alert.
func alerting(number byte) func(*testing.T) string {
	return by(func(c net.Conn) {
		_, _ = c.Read(make([]byte, 4096))
		saysAndCloses(string([]byte{0x15, 3, 3, 0, 2, 2, number}))(c)
	})
}

// shaking is a TLS server that reads what comes after the handshake.
func shaking(change func(*tls.Config)) func(*testing.T) string {
	return func(t *testing.T) string {
		cfg := &tls.Config{Certificates: []tls.Certificate{newChain(t, leafSpec{}).serving()}}
		change(cfg)
		return peer(t, func(c net.Conn) {
			s := tls.Server(c, cfg)
			if s.Handshake() == nil {
				drain(s)
			}
		})
	}
}

func tlsFaults() []fault {
	version := func(from, to uint16) func(*tls.Config) {
		return func(c *tls.Config) { c.MinVersion, c.MaxVersion = from, to }
	}
	return []fault{
		{"alert 40, handshake failure", "no common way to encrypt", alerting(40)},
		{"alert 70, protocol version", "too old a version", alerting(70)},
		{"alert 112, unknown name", hungUp, alerting(112)},
		{"alert 80, internal error", hungUp, alerting(80)},
		{"alert 42, bad certificate", "", alerting(42)},
		{"alert 43, unsupported certificate", "", alerting(43)},
		{"alert 44, certificate revoked", "", alerting(44)},
		{"alert 45, certificate expired", "", alerting(45)},
		{"alert 46, certificate unknown", "", alerting(46)},
		{"alert 48, unknown authority", "", alerting(48)},
		{"alert 49, access denied", "", alerting(49)},
		{"alert 116, certificate required", "", alerting(116)},
		{"TLS 1.1 at most", "", shaking(version(tls.VersionTLS10, tls.VersionTLS11))},
		{"closes after the hello", hungUp, by(func(c net.Conn) { _, _ = c.Read(make([]byte, 4096)) })},
		{"half a record", "says nothing", by(says("\x16\x03\x03\x10\x00\x02"))},
		{"plain HTTP", foreign, by(saysAndCloses("HTTP/1.1 400 Bad Request\r\n\r\n"))},
		{"SSH", foreign, by(saysAndCloses("SSH-2.0-x\r\n"))},
	}
}

func sshFaults() []fault {
	return []fault{
		{"penalty", "it is asked too often", by(saysAndCloses("Not allowed at this time\r\n"))},
		{"too many connections", "it is asked too often", by(saysAndCloses("Exceeded MaxStartups\r\n"))},
		{"a version of old", foreign, by(saysAndCloses("SSH-1.5-x\r\n"))},
		{"ends in the key exchange", "", by(saysAndCloses("SSH-2.0-x\r\n"))},
		{"garbled key exchange", foreign, by(saysAndCloses("SSH-2.0-x\r\n" + strings.Repeat("\xff", 64)))},
		{"says no more than its version", "says nothing", by(says("SSH-2.0-x\r\n"))},
		{"TLS", foreign, by(func(c net.Conn) { _, _ = io.WriteString(c, "\x15\x03\x03\x00\x02\x02\x28"); drain(c) })},
	}
}

func httpFaults() []fault {
	return []fault{
		{"403", "", by(saysAndCloses("HTTP/1.1 403 Forbidden\r\n\r\n"))},
		{"SSH", foreign, by(saysAndCloses("SSH-2.0-x\r\n"))},
	}
}

// chainFaults are those of a chain under a root that is trusted.
func chainFaults(t *testing.T, root *authority) []fault {
	var list []fault
	for _, c := range spoiltChains(t, root) {
		list = append(list, fault{c.name, c.group, by(served(&tls.Config{Certificates: []tls.Certificate{c.serving()}}))})
	}
	return list
}

// asking is a kind of check, with options, as the table below asks with it.
type asking struct {
	name   string
	o      checks.Options
	faults []fault
	change func(*checks.Ask) // nil = as it is
}

// kind is the first word of the name.
func (a asking) kind() checks.Kind {
	kind, _, _ := strings.Cut(a.name, " ")
	return checks.Kind(kind)
}

func askings(t *testing.T) []asking {
	sftp := checks.SFTPOptions{Level: checks.LevelList, User: checks.Text{Literal: "u"}, HostKey: map[checks.Side][]string{checks.New: {newKey(t).fingerprint}}}
	talk := checks.TCPOptions{Steps: []checks.Step{{Expect: "^SSH-2"}}}
	root := newAuthority(t, "root", noon.AddDate(-2, 0, 0), noon.AddDate(2, 0, 0), nil, nil)
	return []asking{
		{"tls", checks.TLSOptions{}, tlsFaults(), nil},
		{"tls chain", byRoot, chainFaults(t, root), trusting(chain{root: root.cert})},
		{"mtls", checks.MTLSOptions{Present: checks.PresentNone}, tlsFaults()[:4], nil},
		{"revocation", checks.RevocationOptions{}, tlsFaults()[:4], nil},
		{"sftp", sftp, sshFaults(), nil},
		{"ssh_facts", checks.SSHFactsOptions{}, sshFaults(), nil},
		{"tcp", talk, nil, nil},
		{"reach ssh", reachSSH, sshFaults()[:2], nil},
		{"reach tls", reachTLS, nil, nil},
		{"reach http", reachHTTP, httpFaults(), nil},
	}
}

// Each fault has its own code and no other: two faults have the same code only where their group says that they are alike.
// The golden file is the table to read.
func TestFaultTable(t *testing.T) {
	t.Parallel()
	list := askings(t)
	lines := make([][]string, len(list))
	t.Run("ask", func(t *testing.T) {
		for i, a := range list {
			faults := append(wayFaults(), a.faults...)
			lines[i] = make([]string, len(faults))
			for j, f := range faults {
				t.Run(a.name+", "+f.name, func(t *testing.T) {
					t.Parallel()
					r := run(t, newKey(t).private, ask(f.at(t), a.o, quick, func(q *checks.Ask) {
						q.Spec.Kind = a.kind()
						if a.change != nil {
							a.change(q)
						}
					}))
					if r.Outcome == checks.Pass || r.Outcome != r.Code.Info().Verdict {
						t.Errorf("got %s %s", r.Outcome, r.Code)
					}
					lines[i][j] = fmt.Sprintf("%-11s %-40s %s", a.name, f.name, r.Code)
				})
			}
		}
	})
	var table strings.Builder
	table.WriteString("What each kind of check says about each fault of a peer\n")
	for i, a := range list {
		table.WriteString("\n" + strings.Join(lines[i], "\n") + "\n")
		groups := map[string]string{} // code → group
		for j, f := range append(wayFaults(), a.faults...) {
			code := lines[i][j][strings.LastIndex(lines[i][j], " ")+1:]
			if other, taken := groups[code]; taken && other != f.in() {
				t.Errorf("%s: %q and %q have the same code %s", a.name, other, f.in(), code)
			}
			groups[code] = f.in()
		}
	}
	golden(t, "testdata/faults.golden", table.String())
}

// Every kind that asks an address is in the table.
func TestFaultTableIsWhole(t *testing.T) {
	t.Parallel()
	list := askings(t)
	for _, k := range checks.Kinds() {
		if slices.Contains([]checks.Kind{checks.CertFile, checks.Manifest}, k.Kind) {
			continue // it looks at files and asks nobody
		}
		if !slices.ContainsFunc(list, func(a asking) bool { return a.kind() == k.Kind }) {
			t.Errorf("kind %s is not asked about the faults of faults_test.go", k.Kind)
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s is not what is found (-file +found); go test -update writes it anew:\n%s", name, d)
	}
}
