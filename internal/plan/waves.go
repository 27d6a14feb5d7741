package plan

import (
	"slices"

	"skift/internal/diag"
	"skift/internal/yamldoc"
)

// Wave is some members of a party that go through the same milestones as the others, at dates of their own: one row of the table that
// `waves` names. What stands under `waves` is repeated for each wave when the plan is read; from then on it is like everything else.
type Wave struct {
	ID, Name   string
	Note       string   // as the table says, such as why a milestone is left out
	Members    []string // ids, in the order of the members' table
	Milestones []string // ids in the plan, in the order of the block
	Pos        diag.Pos
}

// Milestone is the id that a milestone of the block has for this wave, "" when it is left out.
func (w *Wave) Milestone(block string) string {
	id := w.ID + "-" + block
	if slices.Contains(w.Milestones, id) {
		return id
	}
	return ""
}

// WaveOf is the wave of a member; nil = it is in none.
func (p *Plan) WaveOf(party string) *Wave {
	if m, ok := p.Member(party); ok && m.Group == p.WaveParty {
		return p.Waves[m.Wave]
	}
	return nil
}

// InWave puts a wave's name before a text: "Bølge 1: Kursus".
func InWave(w *Wave, t yamldoc.Text, id string) yamldoc.Text {
	if t.IsZero() {
		t = yamldoc.Text{Da: id, En: id}
	}
	return yamldoc.Text{Da: w.Name + ": " + t.In("da"), En: w.Name + ": " + t.In("en")}
}

// Told lists the members that an audience with for_each is for: those of its party, of a wave's audience those of the wave.
func (p *Plan) Told(a *Audience) []Member {
	group := p.Parties[a.ForEach]
	if group == nil {
		return nil
	}
	if a.Wave == "" {
		return group.Members
	}
	return slices.DeleteFunc(slices.Clone(group.Members), func(m Member) bool { return m.Wave != a.Wave })
}
