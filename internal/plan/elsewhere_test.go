package plan

import (
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"

	"skift/checks"
)

// beside is a plan with a register that lies on neither platform, and vantages behind NAT.
const beside = `
plan: p
title: P
timezone: Europe/Copenhagen
parties: {c: {role: customer}, o: {role: old-supplier}, n: {role: new-supplier}, cpr: {role: source}}
environments: {prod: {production: true}}
platforms: {old: {party: o, networks: [198.51.100.0/24]}, new: {party: n, networks: [203.0.113.0/24]}}
services:
  web: {source_rule: range, in: {prod: {old: {addr: "198.51.100.10:443"}, new: {addr: "203.0.113.10:443"}}}}
  register: {party: cpr, networks: [192.0.2.128/25], in: {prod: {old: {addr: "ADDR"}, new: {addr: "192.0.2.200:443"}}}}
flows: flows.csv
vantages:
  old-egress: {party: o, source_ip: 198.51.100.50}
  new-egress: {party: n, source_ip: 203.0.113.50, egress_ip: 203.0.113.51, reflector: "192.0.2.250:8080"}
checks:
  register-allow: {kind: reach, service: register, proof: tls, vantage: {old: old-egress, new: new-egress}}
`

func loadBeside(addr string) (*Plan, string) {
	p, problems := Load(fstest.MapFS{
		File:        {Data: []byte(strings.Replace(beside, "ADDR", addr, 1))},
		"flows.csv": {Data: []byte("party,service,source_ip\nc,web,192.0.2.16/28\nc,web,203.0.113.51\n")},
	})
	var text strings.Builder
	for _, problem := range problems.Sorted() {
		text.WriteString(problem.String() + "\n")
	}
	return p, text.String()
}

func TestAServiceOnNeitherPlatform(t *testing.T) {
	t.Parallel()
	p, problems := loadBeside("192.0.2.200:443")
	if problems != "" {
		t.Fatal(problems)
	}
	for service, want := range map[string][2]string{"register": {"cpr", "cpr"}, "web": {"o", "n"}, "nothing": {"o", "n"}} {
		if got := [2]string{p.Owner(service, checks.Old), p.Owner(service, checks.New)}; got != want {
			t.Errorf("%s is answered for by %v, want %v", service, got, want)
		}
	}
	equal(t, "vantages", checks.Vantages{checks.Old: "old-egress", checks.New: "new-egress"}, p.Checks["register-allow"].Vantage)
	v := p.Vantages["new-egress"]
	equal(t, "reflector", netip.MustParseAddrPort("192.0.2.250:8080"), v.Reflector)
	equal(t, "seen as", "203.0.113.51 198.51.100.50", v.SeenAs().String()+" "+p.Vantages["old-egress"].SeenAs().String())

	if _, problems := loadBeside("198.51.100.10:443"); !strings.Contains(problems, "198.51.100.10:443 is in none of the networks of service register") {
		t.Errorf("an address of the platform: %q", problems)
	}
}

func TestWhereAFlowComesFrom(t *testing.T) {
	t.Parallel()
	p, _ := loadBeside("192.0.2.200:443")
	network, single := p.Flows[0], p.Flows[1]
	equal(t, "from", "192.0.2.16/28 203.0.113.51 ", network.From()+" "+single.From()+" "+(&Flow{}).From())
	for addr, want := range map[string][2]bool{"192.0.2.17": {true, false}, "192.0.2.32": {false, false}, "203.0.113.51": {false, true},
		"::ffff:192.0.2.17": {true, false}, "2001:db8::1": {false, false}} {
		a := netip.MustParseAddr(addr)
		if got := [2]bool{network.ComesFrom(a), single.ComesFrom(a)}; got != want {
			t.Errorf("%s: %v, want %v", addr, got, want)
		}
	}
	if network.ComesFrom(netip.Addr{}) || (&Flow{}).ComesFrom(netip.Addr{}) {
		t.Error("nowhere is somewhere")
	}
}
