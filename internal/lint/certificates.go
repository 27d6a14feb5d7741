package lint

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"slices"
	"time"

	"skift/checks"
	"skift/internal/diag"
	"skift/internal/freeze"
	"skift/internal/plan"
	"skift/internal/timeline"
)

// certificates looks for those that end inside a zone which forbids their renewal: the bundles of the plan, and what the platforms
// presented when they were last asked.
func (l *linter) certificates() {
	for _, file := range slices.Sorted(maps.Keys(l.p.Trust)) {
		rest, line := l.p.Trust[file], 1
		for {
			block, after := pem.Decode(rest)
			if block == nil {
				break
			}
			begin := line + bytes.Count(rest[:max(bytes.Index(rest, []byte("-----BEGIN")), 0)], []byte("\n"))
			line += bytes.Count(rest[:len(rest)-len(after)], []byte("\n"))
			rest = after
			if c, err := x509.ParseCertificate(block.Bytes); err == nil && block.Type == "CERTIFICATE" {
				l.endsInZone(c.NotAfter, "", "the certificate of "+c.Subject.String(), diag.Pos{File: file, Line: begin, Col: 1})
			}
		}
	}
	seen := map[string]bool{}
	for _, i := range l.known.Latest {
		spec := l.p.Checks[i.Unit.Check]
		end, what := presented(i.Facts)
		if spec == nil || spec.Kind != checks.TLS || end.IsZero() || seen[string(i.Unit.Side)+spec.Service+what+end.String()] {
			continue
		}
		seen[string(i.Unit.Side)+spec.Service+what+end.String()] = true
		l.endsInZone(end, i.Unit.Side, "the certificate that "+spec.Service+" presents at "+i.Unit.Addr+" ("+what+")", spec.Pos)
	}
}

// presented is when what a server presented ends (the leaf, or the best chain when that is sooner), and whose it is.
func presented(facts map[string]string) (end time.Time, what string) {
	for _, key := range []string{"not_after", "best_chain_min"} {
		if t, err := time.Parse(time.RFC3339, facts[key]); err == nil && (end.IsZero() || t.Before(end)) {
			end = t
		}
	}
	return end, facts["subject"]
}

// endsInZone judges the renewal of a certificate at the instant at which it ends.
func (l *linter) endsInZone(end time.Time, side checks.Side, what string, pos diag.Pos) {
	zones := slices.DeleteFunc(l.zones(end), func(z timeline.InForce) bool { return !z.Until.Known() })
	a := freeze.Judge(zones, freeze.Question{Class: plan.Certificate, Side: side, At: end})
	if a.Allowed || a.Refusals[0].Zone == nil {
		return
	}
	z := a.Refusals[0].Zone
	l.problems.Addf(pos, CodeEndsInZone, "%s ends %s, inside %s, which does not allow its renewal", what, l.local(end), z.ID).
		See(z.Pos, "the zone allows %s", allowed(z.Allow)).
		Hintf("renew it before %s begins, or let the zone allow certificate", z.ID)
}
