package dial

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"skift/internal/need"
)

// inNamespace runs the test of that name again in a network namespace of its own, after the set-up commands.
// It reports false in the outer run, where the test is then over.
func inNamespace(t *testing.T, setup ...string) bool {
	t.Helper()
	const mark = "SKIFT_TEST_NAMESPACE"
	ip := need.Program(t, "ip")
	if os.Getenv(mark) == t.Name() {
		for _, line := range append([]string{ip + " link set lo up"}, setup...) {
			args := strings.Fields(line)
			if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v: %s", line, err, out)
			}
		}
		return true
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), mark+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if _, ran := errors.AsType[*exec.ExitError](err); err != nil && !ran {
		need.Missing(t, "ip", "no network namespace can be made here: "+err.Error())
	}
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
		t.Errorf("in the namespace: %v\n%s", err, out)
	}
	return false
}

type reason struct {
	name, to, code, errno string
}

func checkReasons(t *testing.T, list []reason) {
	t.Helper()
	d := &Dialer{Allowed: prefixes("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "127.0.0.0/8")}
	for _, r := range list {
		began := time.Now()
		_, err := d.Dial(t.Context(), netip.MustParseAddrPort(r.to), Options{Timeout: time.Second})
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Code != r.code || e.Errno != r.errno {
			t.Errorf("%s: got %v (%s), want %s %s", r.name, err, describe(e), r.code, r.errno)
		}
		if took := time.Since(began); r.code == CodeFilteredDrop && took < time.Second {
			t.Errorf("%s: decided after %s", r.name, took)
		}
	}
}

func describe(e *Error) string {
	if e == nil {
		return "no *Error"
	}
	return fmt.Sprintf("%s %s after %s", e.Code, e.Errno, e.After)
}

func TestRoutesSayNo(t *testing.T) {
	t.Parallel()
	if !inNamespace(t, "ip route add prohibit 192.0.2.0/25", "ip route add blackhole 192.0.2.128/25", "ip route add unreachable 198.51.100.0/24") {
		return
	}
	checkReasons(t, []reason{
		{"prohibit route", "192.0.2.1:443", CodeLocalPolicy, "EACCES"},
		{"blackhole route", "192.0.2.129:443", CodeLocalPolicy, "EINVAL"},
		{"unreachable route", "198.51.100.1:443", CodeFilteredReject, "EHOSTUNREACH"},
		{"no route", "203.0.113.1:443", CodeNetUnreachable, "ENETUNREACH"},
	})
}

func TestFirewallsSayNo(t *testing.T) {
	t.Parallel()
	nft := need.Program(t, "nft")
	rules := []string{
		nft + " add table inet f",
		nft + " add chain inet f i { type filter hook input priority 0 ; }",
		nft + " add rule inet f i tcp dport 1001 reject with icmpx type admin-prohibited",
		nft + " add rule inet f i tcp dport 1002 drop",
		nft + " add rule inet f i tcp dport 1003 reject with icmp type port-unreachable",
		nft + " add rule inet f i tcp dport 1004 reject with icmp type net-prohibited",
		nft + " add rule inet f i tcp dport 1005 reject with tcp reset",
	}
	if !inNamespace(t, rules...) {
		return
	}
	checkReasons(t, []reason{
		{"rejected by a firewall", "127.0.0.1:1001", CodeFilteredReject, "EHOSTUNREACH"},
		{"dropped by a firewall", "127.0.0.1:1002", CodeFilteredDrop, ""},
		{"rejected as a closed port would be", "127.0.0.1:1003", CodeRefused, "ECONNREFUSED"},
		{"prohibited by a router", "127.0.0.1:1004", CodeNetUnreachable, "ENETUNREACH"},
		{"reset", "127.0.0.1:1005", CodeRefused, "ECONNREFUSED"},
		{"nothing listens", "127.0.0.1:1007", CodeRefused, "ECONNREFUSED"},
	})
}
