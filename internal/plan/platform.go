package plan

import (
	"net/netip"

	"skift/checks"
	"skift/internal/diag"
	"skift/internal/yamldoc"
)

// Platform is one side: its supplier and the networks skift may reach there.
type Platform struct {
	Side     checks.Side
	Name     string
	Party    string
	Networks []netip.Prefix
	Pos      diag.Pos
}

// Service is one thing users call, with its addresses per environment and side.
type Service struct {
	ID         string
	Title      yamldoc.Text
	ServerName string
	In         map[string]map[checks.Side]Endpoint // environment → side
	// Party runs it when it is on neither platform, such as a register both of them call; "" = whoever runs the platform.
	Party      string
	Networks   []netip.Prefix // where it lies then, instead of the platform's
	SourceRule SourceRule
	Pos        diag.Pos
}

// SourceRule says which source addresses a service can put on its list.
type SourceRule string

// The rules.
const (
	SingleSource SourceRule = "single"      // one address; the zero value is read as it
	SingleIPv4   SourceRule = "single-ipv4" // one IPv4 address
	RangeSource  SourceRule = "range"       // one address, or a network
)

// Owner is the party that answers for the service on a side, "" if the plan names none.
func (p *Plan) Owner(service string, side checks.Side) string {
	if s := p.Services[service]; s != nil && s.Party != "" {
		return s.Party
	}
	if pf := p.Platforms[side]; pf != nil {
		return pf.Party
	}
	return ""
}

// Endpoint is where a service answers: every address is asked on its own (active/active).
type Endpoint struct {
	Addrs      []string // address:port, an IP address within the platform's networks
	ServerName string   // overrides the service's
}

// The directions of a flow.
const (
	Inbound  = "in"  // towards the platform
	Outbound = "out" // from the platform
)

// Flow is one row of flows.csv: who calls what from where. Columns: party and service, and optionally id (else party-service-n),
// user_system, direction (in = towards the platform, the default; out = from it), source_ip, cert_serial, cert_thumbprint, cert_file,
// sftp_user, sftp_dir, contact, agreement, note.
type Flow struct {
	ID, Party, UserSystem, Service, Direction string
	Source                                    netip.Addr        // zero = none, or a network
	Network                                   netip.Prefix      // where the service takes networks and the flow comes from one
	CertSerial, Contact                       string            // contact: a person id
	Columns                                   map[string]string // every column that is not empty, as written
	Pos                                       diag.Pos
}

// From is the flow's source address or network as text, "" when none is registered.
func (f *Flow) From() string {
	switch {
	case f.Source.IsValid():
		return f.Source.String()
	case f.Network.IsValid():
		return f.Network.String()
	}
	return ""
}

// ComesFrom reports whether who is seen under this address may be the flow.
func (f *Flow) ComesFrom(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsValid() && (f.Source.Unmap() == a || f.Network.IsValid() && f.Network.Contains(a))
}

// Vantage is a place from where checks are asked. "local" always exists.
type Vantage struct {
	ID      string
	Party   string
	Source  netip.Addr       // zero = any
	Control []netip.AddrPort // must answer, else nothing seen from here proves anything
	// Egress is the address others see; zero = Source. They differ behind NAT.
	Egress    netip.Addr
	Reflector netip.AddrPort // says which address it sees; zero = none
	Pos       diag.Pos
}

// SeenAs is the address by which others see who asks from here, and by which a flow finds its vantage; zero = not known.
func (v *Vantage) SeenAs() netip.Addr {
	if v.Egress.IsValid() {
		return v.Egress.Unmap()
	}
	return v.Source.Unmap()
}
