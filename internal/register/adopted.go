package register

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"skift/internal/journal"
	"skift/internal/plan"
)

func (f *Facts) applyAdopted(e journal.Event, b Adopted) error {
	f.PlanHash = b.Hash
	for key, g := range f.Gates {
		g.stand(b, slices.Contains(b.Stand, key.Gate))
	}
	f.Revisions = append(f.Revisions, Revision{At: e.At, Hash: b.Hash})
	if f.AdoptedAt.IsZero() {
		f.AdoptedAt = e.At
		return nil
	}
	for _, z := range b.Zones {
		if z.How == ZoneBegins {
			f.milestone(z.Zone).InForceAt = e.At
		}
	}
	for _, c := range b.Changes {
		switch {
		case c.Section == "milestones" && (c.How == plan.Added || c.How == plan.Moved):
			f.milestone(c.ID).DatedAt = e.At
		case (c.Section == "suites" || c.Section == "audiences") && c.How == plan.Added:
			if f.Added == nil {
				f.Added = map[string]time.Time{}
			}
			f.Added[c.Section+"/"+c.ID] = e.At
		}
	}
	for _, id := range b.Along {
		f.milestone(id).DatedAt = e.At
	}
	return nil
}

// stand notes whether a gate is in another revision what it was in the one before.
func (g *GateFacts) stand(b Adopted, as bool) {
	switch {
	case !as:
		g.Alike = nil
	case g.Alike == nil:
		g.Alike = []string{b.Was, b.Hash}
	default:
		g.Alike = append(slices.Clip(g.Alike), b.Hash)
	}
}

// Counts reports whether what was said at the gate on a revision of the plan counts on another.
func (g *GateFacts) Counts(on, now string) bool {
	return on == now || slices.Contains(g.Alike, on) && slices.Contains(g.Alike, now)
}

// Telling reports whether facts follow from a change, so that an event must not leave it out.
func Telling(c plan.Change) bool {
	return c.Section == "milestones" && c.How != plan.Changed || (c.Section == "suites" || c.Section == "audiences") && c.How == plan.Added
}

// milestone finds or makes the facts of a milestone.
func (f *Facts) milestone(id string) *MilestoneFacts {
	if f.Milestones == nil {
		f.Milestones = map[string]*MilestoneFacts{}
	}
	if f.Milestones[id] == nil {
		f.Milestones[id] = &MilestoneFacts{}
	}
	return f.Milestones[id]
}

// String says it for whoever gave a command. The plan's own words for it are those of internal/words.
func (z ZoneChange) String() string {
	switch z.How {
	case ZoneEnds:
		return fmt.Sprintf("%s, in force until %s, ends with this revision", z.Zone, z.Ends)
	case ZoneLoosens:
		return fmt.Sprintf("%s, in force until %s, protects less by this revision (%s)", z.Zone, z.Ends, strings.Join(z.Loosened, ", "))
	}
	return fmt.Sprintf("%s begins with this revision, until %s", z.Zone, z.Ends)
}
