package register

import (
	"time"

	"skift/internal/journal"
	"skift/internal/plan"
)

func (f *Facts) applyAdopted(e journal.Event, b Adopted) error {
	f.PlanHash = b.Hash
	if f.AdoptedAt.IsZero() {
		f.AdoptedAt = e.At
		return nil
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
	return nil
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
