package probefile

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"skift/checks"
	"skift/internal/signed"
)

// Export is what one party is asked to look at for us.
type Export struct {
	ID          string            `json:"id"`
	Plan        string            `json:"plan"`
	Language    string            `json:"language"`
	Party       string            `json:"party"` // whose host asks
	Environment string            `json:"environment"`
	MadeAt      time.Time         `json:"made_at"`
	ExpiresAt   time.Time         `json:"expires_at"`
	Budget      Budget            `json:"budget"`
	Key         []byte            `json:"key"` // Ed25519 seed: whoever has it may answer
	Questions   []Question        `json:"questions"`
	Trust       map[string][]byte `json:"trust,omitempty"` // PEM by name
}

// Budget is how hard targets may be asked.
type Budget struct {
	Parallel int           `json:"parallel"`
	Total    int           `json:"total"`
	Rate     int           `json:"rate"` // units asked of one address per minute; 0 = no bound
	SSHGap   time.Duration `json:"ssh_gap"`
}

// Question is one unit with everything resolved.
type Question struct {
	Unit       checks.Unit       `json:"unit"`
	Kind       checks.Kind       `json:"kind"`
	Service    string            `json:"service"`
	Timeout    time.Duration     `json:"timeout"`
	MaxAge     time.Duration     `json:"max_age"`
	Options    json.RawMessage   `json:"options"`
	ServerName string            `json:"server_name,omitempty"`
	Source     netip.Addr        `json:"source,omitzero"`
	Control    []netip.AddrPort  `json:"control,omitempty"`
	ValidAt    []checks.Moment   `json:"valid_at,omitempty"`
	Trust      []string          `json:"trust,omitempty"`
	Flow       map[string]string `json:"flow,omitempty"`
	Want       checks.Want       `json:"want"`
	Phase      checks.Phase      `json:"phase,omitempty"`
	Egress     netip.Addr        `json:"egress,omitzero"`    // the address others must see
	Reflector  netip.AddrPort    `json:"reflector,omitzero"` // who says which they see
	ConfigHash string            `json:"config_hash"`
}

// maxQuestions bounds a file.
const maxQuestions = 20_000

// Add takes an ask in.
func (e *Export) Add(a checks.Ask) error {
	options, err := json.Marshal(a.Spec.Options)
	if err != nil {
		return fmt.Errorf("write options of %s: %w", a.Unit, err)
	}
	q := Question{Unit: a.Unit, Kind: a.Spec.Kind, Service: a.Spec.Service, Timeout: a.Spec.Timeout, MaxAge: a.Spec.MaxAge, Options: options,
		ServerName: a.ServerName, Source: a.Source, Control: a.Control, ValidAt: a.ValidAt, Flow: a.Flow, Want: a.Want, Phase: a.Phase,
		Egress: a.Egress, Reflector: a.Reflector, ConfigHash: a.Hash()}
	for _, name := range a.Spec.Bundles() {
		if e.Trust == nil {
			e.Trust = map[string][]byte{}
		}
		e.Trust[name] = a.Trust[name]
		q.Trust = append(q.Trust, name)
	}
	e.Questions = append(e.Questions, q)
	if _, err := e.ask(q); err != nil {
		return fmt.Errorf("%s: %w", a.Unit, err)
	}
	return nil
}

// ask makes the question of a file an ask again: the very one that was exported.
func (e Export) ask(q Question) (checks.Ask, error) {
	options, err := checks.ReadOptions(q.Kind, q.Options)
	if err != nil {
		return checks.Ask{}, err
	}
	a := checks.Ask{Unit: q.Unit, ServerName: q.ServerName, Source: q.Source, Control: q.Control, ValidAt: q.ValidAt, Flow: q.Flow, Want: q.Want, Phase: q.Phase, Egress: q.Egress, Reflector: q.Reflector,
		Spec: &checks.Spec{ID: q.Unit.Check, Kind: q.Kind, Service: q.Service, Timeout: q.Timeout, MaxAge: q.MaxAge, Options: options}}
	for _, name := range q.Trust {
		if a.Trust == nil {
			a.Trust = map[string][]byte{}
		}
		a.Trust[name] = e.Trust[name]
	}
	if _, placeless := a.Spec.Placeless(); placeless {
		return a, errors.New("it looks at files that lie with us")
	}
	if _, err := checks.ParseUnit(q.Unit.Key()); err != nil {
		return a, err
	}
	if _, err := netip.ParseAddrPort(q.Unit.Addr); err != nil {
		return a, fmt.Errorf("%.60q is not an address and a port", q.Unit.Addr)
	}
	if a.Hash() != q.ConfigHash {
		return a, signed.ErrChanged
	}
	return a, nil
}

// Asks are all questions, to be asked.
func (e Export) Asks() ([]checks.Ask, error) {
	out := make([]checks.Ask, 0, len(e.Questions))
	for _, q := range e.Questions {
		a, err := e.ask(q)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

// Asked names every question and what exactly was asked, in the order of the file.
func (e Export) Asked() []Asked {
	out := make([]Asked, 0, len(e.Questions))
	for _, q := range e.Questions {
		out = append(out, Asked{q.Unit, q.ConfigHash})
	}
	return out
}

// NewKey makes the key that answers are signed with.
func (e *Export) NewKey(random io.Reader) (public ed25519.PublicKey, err error) {
	public, private, err := ed25519.GenerateKey(random)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	e.Key = private.Seed()
	return public, nil
}

// Write is the file.
func (e Export) Write() ([]byte, error) {
	return signed.Write(exportKind, e, with(e.Key))
}

// ReadExport reads a file. The error is a sentence about the file: cut off, changed, or from another program.
func ReadExport(data []byte) (Export, error) {
	var e Export
	file, err := signed.Read(exportKind, data)
	if err != nil {
		return e, err
	}
	if err := signed.Strict(file.Body, &e); err != nil {
		return e, err
	}
	if len(e.Key) != ed25519.SeedSize {
		return e, errors.New("its key is none")
	}
	key := ed25519.NewKeyFromSeed(e.Key)
	public, _ := key.Public().(ed25519.PublicKey)
	if !file.By(by(public)) {
		return e, signed.ErrChanged
	}
	if len(e.Questions) > maxQuestions {
		return e, fmt.Errorf("it has more than %d questions", maxQuestions)
	}
	_, err = e.Asks()
	return e, err
}

// Asked is one unit and what exactly was asked of it.
type Asked struct {
	Unit       checks.Unit `json:"unit"`
	ConfigHash string      `json:"config_hash"`
}

// Seal sums up what was asked: whoever keeps it knows later whether a list of units is the one exported.
func Seal(asked []Asked) string {
	h := sha256.New()
	for _, a := range asked {
		fmt.Fprintf(h, "%s %s\n", a.Unit.Key(), a.ConfigHash)
	}
	return hex.EncodeToString(h.Sum(nil))
}
