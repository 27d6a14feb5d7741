package checks

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"slices"
	"time"

	"skift/internal/diag"
	"skift/internal/secret"
)

// Kind is a kind of check.
type Kind string

// The kinds.
const (
	TLS   Kind = "tls"
	SFTP  Kind = "sftp"
	Reach Kind = "reach"
)

// Consent is what a target party must have agreed to before it is asked.
type Consent string

// The levels of consent. TLS handshakes, TCP, banners and host keys need none.
const (
	ConsentNone      Consent = ""
	ConsentSFTPLogin Consent = "sftp-login"
	ConsentWrite     Consent = "write"
	ConsentNegative  Consent = "negative" // asked with something that must be refused
)

// Spec is one check as asked for in the plan. It is immutable after parsing.
type Spec struct {
	ID       string
	Kind     Kind
	Service  string        // the service that is asked
	ForEach  string        // "" or "flows": asked once per flow of the service
	Vantage  string        // from where; "" = local, or the flow's own with for_each
	Critical bool          // must pass at a gate that says `critical: all`
	Area     string        // planning area; "" = none
	MaxAge   time.Duration // how long an answer holds
	Timeout  time.Duration // per phase: connect, handshake, login, each operation
	Expect   Expect
	Options  Options
	Refs     []Reference // every name that stands for something outside the check, with its place
	Pos      diag.Pos
}

// What holds when a check does not say otherwise.
const (
	DefaultMaxAge  = 24 * time.Hour
	DefaultTimeout = 10 * time.Second // at least 4 s are needed to tell a dropped connection from a slow one
)

// Options are what one kind asks for: TLSOptions, SFTPOptions or ReachOptions.
type Options interface{ kind() Kind }

// TLSOptions are the demands on a TLS server's certificate chain.
type TLSOptions struct {
	// ValidAt names moments of the plan ("cutover.end") at which the chain must verify.
	ValidAt []string `json:"valid_at,omitempty"`
	// MinDays is how many days the chain must still be valid; fewer is a warning. 0 = not asked.
	MinDays int `json:"min_days,omitempty"`
	// TrustedBy are files of PEM bundles, each of which alone must lead to trust; empty = the trust store of the host that asks.
	TrustedBy []string `json:"trusted_by,omitempty"`
	// Names must all be covered by the certificate; empty = the service's server name.
	Names []string `json:"names,omitempty"`
}

// Level is how far an SFTP check goes.
type Level string

// The levels of an SFTP check, in their order; each includes those before it.
const (
	LevelBanner    Level = "banner"
	LevelHostKey   Level = "hostkey"
	LevelAuth      Level = "auth"
	LevelSubsystem Level = "subsystem"
	LevelList      Level = "list"
)

// Levels lists the levels an SFTP check may ask for, in their order. Levels that write are not among them.
func Levels() []Level {
	return []Level{LevelBanner, LevelHostKey, LevelAuth, LevelSubsystem, LevelList}
}

// AtLeast reports whether l includes m.
func (l Level) AtLeast(m Level) bool {
	all := Levels()
	return slices.Index(all, l) >= slices.Index(all, m)
}

// SFTPOptions are the demands on an SFTP server.
type SFTPOptions struct {
	Level Level      `json:"level"`
	User  string     `json:"user,omitempty"`
	Key   secret.Ref `json:"key,omitzero"` // private key in a format OpenSSH writes, without a passphrase
	// HostKey pins the server's keys per side, as "SHA256:…"; several = the current and the next one.
	HostKey map[Side][]string `json:"host_key,omitempty"`
	Dir     string            `json:"dir,omitempty"` // what level list lists; default "."
}

// Proof is the protocol whose first answer proves that a connection is let in.
type Proof string

// The proofs.
const (
	ProofTLS   Proof = "tls"   // any TLS record
	ProofSSH   Proof = "ssh"   // the version line
	ProofHTTP  Proof = "http"  // a status line; 403 is a refusal
	ProofHTTPS Proof = "https" // the same inside TLS, whatever the certificate is worth
)

// Proofs lists the proofs.
func Proofs() []Proof { return []Proof{ProofTLS, ProofSSH, ProofHTTP, ProofHTTPS} }

// ReachOptions are the demands of an allow-list check.
type ReachOptions struct {
	Proof Proof `json:"proof"`
}

func (TLSOptions) kind() Kind   { return TLS }
func (SFTPOptions) kind() Kind  { return SFTP }
func (ReachOptions) kind() Kind { return Reach }

// Expect is what a check itself says a side is expected to do in a phase. The zero value says nothing.
type Expect map[Side]map[Phase]Want

// Of is what is expected of the side in the phase: what the check says, else to let in; of the old side in Closed, to deny.
func (e Expect) Of(side Side, phase Phase) Want {
	if w := e[side][phase]; w != "" {
		return w
	}
	if side == Old && phase == Closed {
		return Deny
	}
	return Allow
}

// States reports whether the check itself says what it expects of the side in the phase.
func (e Expect) States(side Side, phase Phase) bool { return e[side][phase] != "" }

// denies reports whether the check itself wants a deny of the side in any phase.
func (e Expect) denies(side Side) bool {
	for _, w := range e[side] {
		if w == Deny {
			return true
		}
	}
	return false
}

// Consents are the levels of consent the party behind the side must have given before this check asks it, in a fixed order.
// An allow-list check needs none, whatever it expects: it opens a connection and says hello, as any client of the service does.
func (s *Spec) Consents(side Side) []Consent {
	o, ok := s.Options.(SFTPOptions)
	if !ok || !o.Level.AtLeast(LevelAuth) {
		return nil
	}
	need := []Consent{ConsentSFTPLogin}
	if s.Expect.denies(side) {
		need = append(need, ConsentNegative) // a login meant to fail counts against us at the target
	}
	return need
}

// Moment is a named instant of the plan.
type Moment struct {
	Name string    `json:"name"`
	At   time.Time `json:"at"`
}

// Ask is one unit with everything resolved: what checks/probe needs and nothing else.
type Ask struct {
	Unit       Unit
	Spec       *Spec
	ServerName string           // sent as SNI and checked against the certificate; "" = the address
	Source     netip.Addr       // bound before connecting; the zero value lets the host choose
	Control    []netip.AddrPort // asked from the same source: one must answer, else nothing was observed
	ValidAt    []Moment         // the moments of TLSOptions.ValidAt
	Want       Want
	At         time.Time         // the instant that is "now" for validity; also the start of the result's age
	Trust      map[string][]byte // PEM of each bundle of TLSOptions.TrustedBy, by its name
}

// Hash is what Result.ConfigHash holds: equal exactly when the same was asked. The instant of asking
// does not count, nor does Want: it changes how an answer is judged, not what is asked.
func (a Ask) Hash() string {
	b, err := json.Marshal(struct {
		Unit       Unit
		Kind       Kind
		Service    string
		Timeout    time.Duration
		Options    Options
		ServerName string
		Source     netip.Addr
		Control    []netip.AddrPort
		ValidAt    []Moment
		Trust      map[string][]byte
	}{a.Unit, a.Spec.Kind, a.Spec.Service, a.Spec.Timeout, a.Spec.Options, a.ServerName, a.Source, a.Control, a.ValidAt, a.Trust})
	if err != nil {
		panic("checks: an ask holds only plain values: " + err.Error())
	}
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}
