package cli

import (
	"slices"
	"strconv"
	"strings"

	"skift/internal/plan"
	"skift/internal/snapshot"
	"skift/internal/term"
	"skift/internal/timeline"
)

// Waves go through the same milestones, so that the plan shows one line for each wave and not one for each milestone of each: seven
// waves with three milestones would fill the screen and say little.

// own are the milestones that are of no wave.
func own(t *timeline.Timeline) []*timeline.Milestone {
	return slices.DeleteFunc(slices.Clone(t.Milestones), func(m *timeline.Milestone) bool { return m.Wave != "" })
}

// gravity orders states by how much somebody must look at them.
var gravity = []timeline.State{timeline.Late, timeline.Active, timeline.Upcoming, timeline.Unset, timeline.Missed, timeline.Passed}

// waveState is the state of a wave: that of the milestone somebody must look at.
func (v planView) waveState(w *plan.Wave) timeline.State {
	worst := len(gravity) - 1
	for _, id := range w.Milestones {
		if at := slices.Index(gravity, v.t.Milestone(id).State); at >= 0 {
			worst = min(worst, at)
		}
	}
	return gravity[worst]
}

// waves writes one entry for each wave: how many are in it, and each of its milestones with date and state.
func (v planView) waves(b *strings.Builder) {
	if len(v.p.WaveIDs) == 0 {
		return
	}
	v.section(b, v.c.T("screen.waves"))
	for _, id := range v.p.WaveIDs {
		w := v.p.Waves[id]
		state := milestoneState(v.waveState(w))
		sign := " "
		if state != term.Plain {
			sign = v.screen.Paint(state, state.Shape())
		}
		parts := []string{w.Name + " (" + w.ID + ")", v.group() + ": " + strconv.Itoa(len(w.Members))}
		for _, id := range w.Milestones {
			m := v.t.Milestone(id)
			text := strings.TrimPrefix(titleOf(v.c, m.Milestone), w.Name+": ")
			if m.State != timeline.Unset {
				text += " " + v.stretch(m)
			}
			parts = append(parts, text+" ("+v.c.T("milestone."+string(m.State))+")")
			parts = append(parts, v.moved(m)...)
		}
		if w.Note != "" {
			parts = append(parts, w.Note)
		}
		v.item(b, sign, strings.Join(parts, " · "))
	}
}

// group is what the waves' party is called.
func (v planView) group() string {
	if p := v.p.Parties[v.p.WaveParty]; p != nil {
		return p.Name
	}
	return v.p.WaveParty
}

// chartLine is one line of the chart: a milestone, or all those of a wave.
type chartLine struct {
	name  string
	state timeline.State
	row   timeline.Row
}

// chartLines puts what a wave's milestones show into one line each; where two meet, the later one is seen.
func (v planView) chartLines(rows []timeline.Row) (out []chartLine) {
	at := map[string]int{}
	for _, r := range rows {
		w := v.p.Waves[r.Milestone.Wave]
		if w == nil {
			out = append(out, chartLine{titleOf(v.c, r.Milestone.Milestone), r.Milestone.State, r})
			continue
		}
		i, known := at[w.ID]
		if !known {
			at[w.ID] = len(out)
			r.Cells = slices.Clone(r.Cells)
			out = append(out, chartLine{w.Name, v.waveState(w), r})
			continue
		}
		for column, c := range r.Cells {
			if c != timeline.Blank {
				out[i].row.Cells[column] = c
			}
		}
	}
	return out
}

// plannedWave is one wave.
type plannedWave struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	Note       string   `json:"note,omitempty"`
	Members    []string `json:"members"`
	Milestones []string `json:"milestones"`
}

func plannedWaves(p *plan.Plan) (out []plannedWave) {
	for _, id := range p.WaveIDs {
		w := p.Waves[id]
		out = append(out, plannedWave{w.ID, w.Name, w.Note, append([]string{}, w.Members...), append([]string{}, w.Milestones...)})
	}
	return out
}

// manyMeetings is how many meetings to come are shown.
const manyMeetings = 4

// meetings writes the next ones, where the plan has any.
func (v planView) meetings(b *strings.Builder) {
	if len(v.p.Meetings) == 0 {
		return
	}
	v.section(b, v.c.T("screen.meetings"))
	list := snapshot.Meetings(v.p, "", v.t.Now, v.t.Now.AddDate(100, 0, 0))
	for _, m := range list[:min(len(list), manyMeetings)] {
		name := m.Title.In(string(v.c.Lang()))
		if m.Cancelled {
			name = v.c.T("meeting.cancelled", "meeting", name)
		}
		text := name + " · " + v.c.Day(v.local(m.From)) + " " + v.c.Clock(v.local(m.From)) + "–" + v.c.ClockZone(v.local(m.Until))
		if m.Place != "" {
			text += " · " + m.Place
		}
		v.item(b, " ", text)
	}
	if len(list) == 0 {
		v.item(b, "", v.c.T("screen.meetings.none"))
	}
}
