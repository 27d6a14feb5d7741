// Package netlab is a small internet of network namespaces for tests: four hosts that ask, a router, the old and the new platform
// with an allow-list each, and a hub that belongs to neither.
//
//	k1 192.0.2.10, .11 ─┐
//	k2 192.0.2.20, .21 ─┤          ┌─ old 198.51.100.10, .11
//	k3 192.0.2.30, .31 ─┼─ router ─┼─ new 203.0.113.10, .11
//	k4 192.0.2.40, .41 ─┘          └─ hub 192.0.2.200
//
// Every host that asks has a second address, so that one host can be two vantages. A platform turns away who is not on its list;
// the hub answers everybody and is where a control or a reflector is put. All of it is real: veth pairs, routes and nftables, and it
// is gone when the test ends. It takes root and the programs ip and nft, and skips or fails without them as package need says.
// It is imported by tests only, and works on Linux only.
//
//	lab := netlab.New(t)
//	lab.Serve(lab.New, 443, netlab.SSH)
//	lab.Admit(lab.New, "192.0.2.10")
//	lab.In(lab.Sources[0], func() { …dial 203.0.113.10:443… })
//	lab.Command(lab.Sources[1], binary, "probe", "run", "ask.json")
package netlab

// Host is one host of the lab.
type Host struct {
	Name      string   // k1 … k4, router, old, new, hub
	Addrs     []string // its addresses, the main one first
	Namespace string
}

// Addr is the host's main address.
func (h Host) Addr() string { return h.Addrs[0] }

// Second is the other address of a host that has two.
func (h Host) Second() string { return h.Addrs[1] }

// The ways a platform turns away who is not on its list, as nftables has them.
const (
	Drop            = "drop"
	Reject          = "reject" // ICMP port unreachable
	Reset           = "reject with tcp reset"
	AdminProhibited = "reject with icmp type admin-prohibited"
	HostProhibited  = "reject with icmp type host-prohibited"
	HostUnreachable = "reject with icmp type host-unreachable"
	NetUnreachable  = "reject with icmp type net-unreachable"
	NetProhibited   = "reject with icmp type net-prohibited"
)
