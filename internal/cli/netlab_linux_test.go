package cli_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"skift/checks"
	"skift/internal/api"
	"skift/internal/netlab"
	"skift/internal/reflector"
	"skift/internal/snapshot"
)

// listsPlan has one party for each host of the lab, the first with two addresses, and one deny.
const listsPlan = `plan: lists
title: Allow-lists
timezone: UTC
language: en
parties:
  olde: {role: old-supplier}
  newe: {role: new-supplier}
  k1: {role: user}
  k2: {role: user}
  k3: {role: user}
  k4: {role: user}
environments: {prod: {production: true}}
platforms:
  old: {party: olde, networks: [198.51.100.0/24]}
  new: {party: newe, networks: [203.0.113.0/24]}
services:
  files: {in: {prod: {old: {addr: "198.51.100.10:22"}, new: {addr: "203.0.113.10:22"}}}}
flows: flows.csv
vantages:
  one: {party: k1, source_ip: 192.0.2.10, reflector: "192.0.2.200:8080", control: ["192.0.2.200:22"]}
  one-b: {party: k1, source_ip: 192.0.2.11, reflector: "192.0.2.200:8080", control: ["192.0.2.200:22"]}
  two: {party: k2, source_ip: 192.0.2.20, reflector: "192.0.2.200:8080", control: ["192.0.2.200:22"]}
  three: {party: k3, source_ip: 192.0.2.30, reflector: "192.0.2.200:8080", control: ["192.0.2.200:22"]}
  four: {party: k4, source_ip: 192.0.2.40, reflector: "192.0.2.200:8080", control: ["192.0.2.200:22"]}
checks:
  allow: {kind: reach, service: files, for_each: flows, proof: ssh, timeout: 1s}
  shut: {kind: reach, service: files, vantage: three, proof: ssh, timeout: 1s, expect: {new: deny}}
`

const listsFlows = `id,party,user_system,service,direction,source_ip
f1,k1,books,files,in,192.0.2.10
f1b,k1,spare,files,in,192.0.2.11
f2,k2,books,files,in,192.0.2.20
f3,k3,books,files,in,192.0.2.30
f4,k4,books,files,in,192.0.2.40
`

// brought is a lab, the plan of whoever moves, and the program.
type brought struct {
	*netlab.Lab
	t     *testing.T
	dir   string // of the plan; what the parties have is beside it
	skift string
	n     int
}

func newBrought(t *testing.T) *brought {
	t.Helper()
	b := &brought{Lab: netlab.New(t), t: t, dir: filepath.Join(t.TempDir(), "plan")}
	program, err := exec.LookPath("skift") // this test binary, see TestMain
	if err != nil {
		t.Fatal(err)
	}
	b.skift = program
	for name, text := range map[string]string{"plan.yaml": listsPlan, "flows.csv": listsFlows, "skift.yaml": "budget: {ssh_gap: 1ms}\n"} {
		if err := os.MkdirAll(b.dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ln, err := b.Listen(b.Hub, 8080)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = (&reflector.Server{}).Serve(ctx, ln) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	return b
}

// here runs the program on the host of whoever moves, which can reach nothing.
func (b *brought) here(args ...string) []byte {
	b.t.Helper()
	return b.does(b.Command(b.Router, b.skift, append([]string{"-C", b.dir}, args...)...))
}

// does runs a command that works: whatever was seen, it ends with an exit code that says so.
func (b *brought) does(c *exec.Cmd) []byte {
	b.t.Helper()
	var out, errs strings.Builder
	c.Stdout, c.Stderr = &out, &errs
	var exit *exec.ExitError
	if err := c.Run(); err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1 && exit.ExitCode() != 5) {
		b.t.Fatalf("%s: %v\n%s%s", strings.Join(c.Args[4:], " "), err, &out, &errs)
	}
	return []byte(out.String())
}

// brings lets a party look from a host, and takes what it saw.
func (b *brought) brings(party string, from netlab.Host) {
	b.t.Helper()
	b.n++
	ask := filepath.Join(filepath.Dir(b.dir), fmt.Sprintf("ask-%d.json", b.n))
	answer := strings.TrimSuffix(ask, ".json") + "-result.json"
	b.here("probe", "export", "*", "--for", party, "--out", ask)
	b.does(b.Command(from, b.skift, "probe", "run", ask))
	b.here("probe", "import", answer)
}

// is holds what is known of one side of a pair against what it must be: verdict, code, and what was seen itself where that is another.
func (b *brought) is(what, check, flow string, side checks.Side, want string) {
	b.t.Helper()
	var r api.CheckReply
	if err := json.Unmarshal(b.here("check", "*", "--dry", "--json"), &r); err != nil {
		b.t.Fatal(err)
	}
	for _, p := range r.Pairs {
		if p.Check != check || p.Flow != flow {
			continue
		}
		if got := sideSays(p, side); got != want {
			b.t.Errorf("%s: %s %s on %s is %q, want %q (%+v)", what, check, flow, side, got, want, p.Why.Sides)
		}
		return
	}
	b.t.Errorf("%s: there is no %s %s", what, check, flow)
}

func sideSays(p snapshot.Pair, side checks.Side) string {
	s := map[checks.Side]*snapshot.Side{checks.Old: p.Old, checks.New: p.New}[side]
	if s == nil {
		return "nothing"
	}
	got := string(s.Verdict) + " " + string(s.Code)
	for _, w := range p.Why.Sides {
		if seen := w.Facts[checks.FactSeen]; w.Side == side && seen != "" {
			got += ", seen " + seen
		}
	}
	return got
}

// The allow-lists of both platforms in nftables, seen through what four parties brought from their hosts: nothing is asked from here.
func TestAllowListsAsBrought(t *testing.T) {
	t.Parallel()
	b := newBrought(t)
	greet := netlab.SSH
	b.Serve(b.Old, 22, greet)
	stopNew := b.Serve(b.New, 22, greet)
	b.Serve(b.Hub, 22, greet)
	b.TurnsAway(b.New, netlab.AdminProhibited)
	for _, k := range b.Sources {
		b.Admit(b.Old, k.Addr())
		b.Admit(b.New, k.Addr())
	}
	k1, k2, k3, k4 := b.Sources[0], b.Sources[1], b.Sources[2], b.Sources[3]
	b.Admit(b.Old, k1.Second())
	b.is("before anybody looked", "allow", "f1", checks.New, "unverified unobserved")

	b.brings("k1", k1)
	b.brings("k2", k2)
	b.brings("k3", k3)
	b.brings("k4", k4)
	for _, flow := range []string{"f1", "f2", "f3", "f4"} {
		b.is("on both lists", "allow", flow, checks.Old, "pass ok")
		b.is("on both lists", "allow", flow, checks.New, "pass ok")
	}
	b.is("wrong source", "allow", "f1b", checks.New, "fail whitelist_missing, seen filtered_reject")
	b.is("wrong source, asked of the old platform", "allow", "f1b", checks.Old, "pass ok")
	b.is("deny expected but allowed", "shut", "", checks.New, "fail ok")
	b.is("deny expected but allowed, asked of the old platform", "shut", "", checks.Old, "pass ok")

	b.Strike(b.New, k4.Addr(), k3.Addr())
	b.brings("k4", k4)
	b.brings("k3", k3)
	b.is("missing entry", "allow", "f4", checks.New, "fail whitelist_missing, seen filtered_reject")
	b.is("missing entry, asked of the old platform", "allow", "f4", checks.Old, "pass ok")
	b.is("deny expected and had, not each time", "shut", "", checks.New, "warn filtered_reject")

	b.Translates(k2.Addr(), "192.0.2.99")
	b.brings("k2", k2)
	b.is("NAT between", "allow", "f2", checks.New, "error egress_differs, seen filtered_reject")
	b.Repairs()
	b.brings("k2", k2)
	b.is("NAT taken away", "allow", "f2", checks.New, "pass ok")
	b.brings("k2", k1)
	b.is("answered on another host than its own", "allow", "f2", checks.New, "error egress_differs, seen ok")
	b.brings("k2", k2)

	b.Cuts(k4.Addr(), b.Hub.Addr())
	b.Cuts(k3.Addr(), b.Hub.Addr())
	b.brings("k4", k4)
	b.brings("k3", k3)
	b.is("control failing", "allow", "f4", checks.New, "unverified unobserved, seen filtered_reject")
	b.is("control failing, deny expected", "shut", "", checks.New, "unverified unobserved, seen filtered_reject")
	b.Repairs()

	b.Admit(b.New, k1.Second(), k3.Addr(), k4.Addr())
	stopNew()
	for i, k := range b.Sources {
		b.brings(fmt.Sprintf("k%d", i+1), k)
	}
	for _, flow := range []string{"f1", "f1b", "f2", "f3", "f4"} {
		b.is("target down for all", "allow", flow, checks.New, "fail target_down, seen refused")
		b.is("target down for all, asked of the old platform", "allow", flow, checks.Old, "pass ok")
	}
}
