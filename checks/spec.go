package checks

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"time"

	"skift/internal/diag"
)

// Kind is a kind of check. Each has a file of its own here and in checks/probe; Kinds lists them.
type Kind string

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
	Vantage  Vantages      // from where; none = local, or the flow's own with for_each
	Critical bool          // must pass at a gate that says `critical: all`
	Area     string        // planning area; "" = none
	MaxAge   time.Duration // how long an answer holds
	Timeout  time.Duration // per phase: connect, handshake, login, each operation
	Expect   Expect
	Options  Options
	Refs     []Reference // every name that stands for something outside the check, with its place
	Pos      diag.Pos
}

// Vantages are from where each side is asked; a side that is missing is asked from where it is asked without saying so.
type Vantages map[Side]string

// What holds when a check does not say otherwise.
const (
	DefaultMaxAge  = 24 * time.Hour
	DefaultTimeout = 10 * time.Second // at least 4 s are needed to tell a dropped connection from a slow one
)

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
	ValidAt    []Moment         // the moments of Spec.Moments that have a date
	Want       Want
	Egress     netip.Addr        // the address others are to see; checked with Reflector
	Reflector  netip.AddrPort    // says which address it sees; the zero value is none
	Others     []Origin          // from where a failure to be let in is asked again; the unit's own vantage may be among them
	Phase      Phase             // of the service for the party; "" = not known, and nothing is done that depends on it
	At         time.Time         // the instant that is "now" for validity; also the start of the result's age
	Trust      map[string][]byte // PEM of each of Spec.Bundles, by its name
	In         string            // the environment, where Spec.PerEnvironment; else ""
	Flow       map[string]string // columns of the flow it is asked for, those of Spec.Columns only; nil unless the check has for_each
}

// Hash is what Result.ConfigHash holds: equal exactly when the same was asked. The instant of asking
// does not count, nor do Want, Phase and Others: they change how an answer is read, not what is asked.
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
		Flow       map[string]string `json:",omitempty"`
		In         string            `json:",omitempty"`
		Egress     netip.Addr        `json:",omitzero"`
		Reflector  netip.AddrPort    `json:",omitzero"`
	}{a.Unit, a.Spec.Kind, a.Spec.Service, a.Spec.Timeout, a.Spec.Options, a.ServerName, a.Source, a.Control, a.ValidAt, a.Trust, a.Flow, a.In, a.Egress, a.Reflector})
	if err != nil {
		panic("checks: an ask holds only plain values: " + err.Error())
	}
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}
