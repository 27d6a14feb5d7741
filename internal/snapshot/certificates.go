package snapshot

import (
	"cmp"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"

	"skift/checks"
	"skift/internal/freeze"
	"skift/internal/pemdoc"
	"skift/internal/register"
)

// Certificate is one certificate that is known, wherever it was seen.
type Certificate struct {
	Subject   string     `json:"subject"`
	Issuer    string     `json:"issuer,omitempty"`
	Serial    string     `json:"serial,omitempty"`
	SHA256    string     `json:"sha256,omitempty"` // of the whole certificate; "" = only what a check told of it is known
	NotBefore time.Time  `json:"not_before,omitzero"`
	NotAfter  time.Time  `json:"not_after,omitzero"`
	Seen      []CertSeen `json:"seen"`
	EndsIn    *CertZone  `json:"ends_in,omitempty"` // the frozen zone in which it ends and which does not allow its renewal
	Owner     string     `json:"owner,omitempty"`   // party; "" = us
}

// CertSeen is where a certificate was seen.
type CertSeen struct {
	Place    string      `json:"place"` // served, file or bundle
	Check    string      `json:"check,omitempty"`
	Service  string      `json:"service,omitempty"`
	Side     checks.Side `json:"side,omitempty"`
	Addr     string      `json:"addr,omitempty"`
	Flow     string      `json:"flow,omitempty"`
	File     string      `json:"file,omitempty"`
	Position int         `json:"position,omitempty"` // in the chain: 0 = the server's own
	At       time.Time   `json:"at,omitzero"`        // when it was last seen
}

// The places where certificates are seen.
const (
	CertServed = "served"
	CertFile   = "file"
	CertBundle = "bundle"
)

// CertZone is a frozen zone in the way of a renewal.
type CertZone struct {
	Zone  string `json:"zone"`
	From  Date   `json:"from"`
	Until Date   `json:"until"`
}

// Certificates lists every certificate known, soonest end first: those that servers presented and that files hold, as the checks
// last saw them in any environment, and the trust bundles of the plan. One whose end is not known comes first. It is for the
// customer: another viewer gets nothing.
func Certificates(in In) []Certificate {
	b := newBuilder(in)
	if b.Viewer != "" {
		return []Certificate{}
	}
	known := map[string]*Certificate{}
	for _, i := range b.Latest {
		if spec := b.Plan.Checks[i.Unit.Check]; spec != nil {
			b.seen(known, spec, i)
		}
	}
	for _, file := range slices.Sorted(maps.Keys(b.Plan.Trust)) {
		certs, err := pemdoc.Certificates(b.Plan.Trust[file])
		if err != nil { // its end is not known, so that it comes first
			note(known, Certificate{Subject: file + ": " + err.Error()}, CertSeen{Place: CertBundle, File: file})
		}
		for _, c := range certs {
			note(known, ofX509(c.Certificate), CertSeen{Place: CertBundle, File: file})
		}
	}
	out := []Certificate{}
	for _, key := range slices.Sorted(maps.Keys(known)) {
		c := known[key]
		c.Owner, c.EndsIn = b.certOwner(c), b.certZone(c)
		out = append(out, *c)
	}
	slices.SortStableFunc(out, func(x, y Certificate) int {
		return cmp.Or(x.NotAfter.Compare(y.NotAfter), cmp.Compare(x.Subject, y.Subject))
	})
	return out
}

// seen notes the certificates that a check told of.
func (b *builder) seen(known map[string]*Certificate, spec *checks.Spec, i register.Interval) {
	at := CertSeen{Place: CertServed, Check: spec.ID, Service: spec.Service, Side: i.Unit.Side, Addr: i.Unit.Addr, Flow: i.Unit.Flow,
		File: i.Facts["file"], At: i.Until}
	if at.Addr == "" {
		at.Place = CertFile
	}
	for pos, c := range Chain(i.Facts) {
		at.Position = pos
		note(known, c, at)
	}
}

// Chain is the certificates that the facts of an answer tell of, the leaf first. Where they tell of the leaf alone it is that.
func Chain(facts map[string]string) []Certificate {
	var out []Certificate
	for _, l := range checks.Links(facts) {
		out = append(out, Certificate{Subject: l.Subject, Issuer: l.Issuer, Serial: l.Serial, SHA256: l.SHA256,
			NotBefore: instant(l.NotBefore), NotAfter: instant(l.NotAfter)})
	}
	leaf := Certificate{Subject: facts["subject"], Issuer: facts["issuer"], Serial: facts["serial"], SHA256: facts["leaf_sha256"],
		NotBefore: instant(facts["not_before"]), NotAfter: instant(facts["not_after"])}
	if len(out) == 0 && (leaf.Subject != "" || leaf.SHA256 != "") {
		out = append(out, leaf)
	}
	return out
}

func instant(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// note adds a sighting to the certificate it is of.
func note(known map[string]*Certificate, c Certificate, at CertSeen) {
	key := c.SHA256
	if key == "" {
		key = fmt.Sprint(c.Subject, "|", c.Issuer, "|", c.Serial, "|", c.NotAfter)
	}
	if known[key] == nil {
		known[key] = &c
	}
	known[key].Seen = append(known[key].Seen, at)
}

func ofX509(c *x509.Certificate) Certificate {
	sum := sha256.Sum256(c.Raw)
	return Certificate{Subject: c.Subject.String(), Issuer: c.Issuer.String(), Serial: fmt.Sprintf("%x", c.SerialNumber),
		SHA256: hex.EncodeToString(sum[:]), NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC()}
}

// certOwner is who renews it: the party whose file it is, else the one that presents it; a bundle is ours.
func (b *builder) certOwner(c *Certificate) string {
	for _, s := range c.Seen {
		f := b.flowOf(s.Flow)
		switch {
		case s.Place == CertFile:
			return f // "" = ours
		case s.Place == CertBundle:
		case b.Plan.Platforms[s.Side] != nil:
			return b.Plan.Platforms[s.Side].Party
		}
	}
	return ""
}

func (b *builder) flowOf(id string) string {
	for _, f := range b.Plan.Flows {
		if f.ID == id && id != "" {
			return f.Party
		}
	}
	return ""
}

// certZone is the zone that stands in the way of a renewal at the certificate's end, on a side where it was seen.
func (b *builder) certZone(c *Certificate) *CertZone {
	if c.NotAfter.IsZero() {
		return nil
	}
	for _, s := range c.Seen {
		if z := freeze.Renewal(b.tl.Zones(c.NotAfter), s.Side, c.NotAfter); z != nil {
			out := &CertZone{Zone: z.ID, Until: date(z.Until)}
			if m := b.tl.Milestone(z.ID); m != nil {
				out.From = date(m.Start)
			}
			return out
		}
	}
	return nil
}
