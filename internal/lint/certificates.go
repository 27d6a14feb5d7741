package lint

import (
	"maps"
	"slices"
	"time"

	"skift/checks"
	"skift/internal/diag"
	"skift/internal/freeze"
	"skift/internal/pemdoc"
	"skift/internal/plan"
)

// certificates looks for those that end inside a zone which forbids their renewal: the bundles of the plan, and what the platforms
// presented when they were last asked.
func (l *linter) certificates() {
	for _, file := range slices.Sorted(maps.Keys(l.p.Trust)) {
		certs, err := pemdoc.Certificates(l.p.Trust[file])
		if err != nil {
			l.problems.Addf(diag.Pos{File: file}, plan.CodeNoCertificate, "the bundle cannot be used: %v", err)
		}
		for _, c := range certs {
			l.endsInZone(c.NotAfter, "", "the certificate of "+c.Subject.String(), diag.Pos{File: file, Line: c.Line, Col: 1})
		}
	}
	seen := map[string]bool{}
	for _, i := range l.known.Latest {
		spec := l.p.Checks[i.Unit.Check]
		end, what := presented(i.Facts)
		if spec == nil || spec.Kind != checks.TLS && spec.Kind != checks.CertFile || end.IsZero() || seen[string(i.Unit.Side)+spec.Service+what+end.String()] {
			continue
		}
		seen[string(i.Unit.Side)+spec.Service+what+end.String()] = true
		name := "the certificate that " + spec.Service + " presents at " + i.Unit.Addr + " (" + what + ")"
		if i.Unit.Addr == "" {
			name = "the certificate in a file of " + i.Unit.Check + " (" + what + ")"
		}
		l.endsInZone(end, i.Unit.Side, name, spec.Pos)
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
	z := freeze.Renewal(l.zones(end), side, end)
	if z == nil {
		return
	}
	l.problems.Addf(pos, CodeEndsInZone, "%s ends %s, inside %s, which does not allow its renewal", what, l.local(end), z.ID).
		See(z.Pos, "the zone allows %s", allowed(z.Allow)).
		Hintf("renew it before %s begins, or let the zone allow certificate", z.ID)
}
