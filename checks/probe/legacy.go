package probe

import (
	"context"
	"crypto/tls"
	"fmt"

	"skift/checks"
)

// diagnosis is a second connection that tells why the first failed. It is made once (with a control where the first was silent), and what it finds is never a pass: it offers what
// no client of today offers, or less than every client of today does.
type diagnosis struct {
	code   checks.Code
	change func(*tls.Config)
	text   func(shaken) string
}

// diagnoses are the failures that a second connection can explain.
var diagnoses = map[checks.Code]diagnosis{
	checks.TLSVersion:   outdated,
	checks.TLSNoOverlap: outdated,
	checks.Silent:       {checks.PQIntolerant, classicCurves, func(shaken) string { return "a hello without ML-KEM, which is smaller, is answered" }},
}

var outdated = diagnosis{checks.LegacyOnly, outdatedMethods, func(h shaken) string {
	return fmt.Sprintf("only %s with %s is spoken", tls.VersionName(h.state.Version), tls.CipherSuiteName(h.state.CipherSuite))
}}

// outdatedMethods offers everything the library can do. It is said in full, because the settings of GODEBUG that widen what is
// offered by default go away in Go 1.27.
func outdatedMethods(c *tls.Config) {
	c.MinVersion = tls.VersionTLS10
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		c.CipherSuites = append(c.CipherSuites, s.ID)
	}
}

// classicCurves leaves out the hybrids with ML-KEM, whose key share makes the hello longer than one packet.
func classicCurves(c *tls.Config) {
	c.CurvePreferences = []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521}
}

// Facts about a second connection.
const (
	factAttempts = "attempts"
	factFirst    = "first_attempt" // the code of the first
	factSecond   = "second_attempt"
)

// diagnose asks once more in another way. What was seen first stays unless the second connection is served a chain.
func (p *Prober) diagnose(ctx context.Context, t target, s *sighting, h *shaken, d diagnosis) []finding {
	o, _ := t.Spec.Options.(checks.TLSOptions)
	again, seen := p.greet(ctx, t, o, d.change)
	about := map[string]string{factAttempts: "2", factFirst: string(s.code)}
	if !seen.served() {
		about[factSecond] = string(again.code)
		s.set(about)
		return nil
	}
	if d.code == checks.PQIntolerant {
		about[factAttempts] = "3"
		if control, whole := p.greet(ctx, t, o, nil); whole.served() {
			*s, *h = control, whole
			return []finding{{code: checks.SilentOnce, verdict: checks.Warn, facts: about,
				text: "silent at first; the same hello was answered when it was repeated"}}
		}
	}
	alert := s.evidence.Alert
	*s, *h = again, seen
	if s.evidence.Alert == "" {
		s.evidence.Alert = alert
	}
	return []finding{{code: d.code, text: d.text(seen), facts: about}}
}
