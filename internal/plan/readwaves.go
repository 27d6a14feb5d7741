package plan

import (
	"maps"
	"slices"

	"skift/internal/csvdoc"
	"skift/internal/diag"
	"skift/internal/yamldoc"
	"skift/runbooks"
)

// waveScope is the wave that the block is being read for.
type waveScope struct {
	wave  *Wave
	row   csvdoc.Row
	block *waveBlock
	// inGate tells that a gate is being read: it is not left out when a date of it is empty.
	inGate bool
	// leftOut are the milestones and gates of the block that this wave does not have, each with the empty cell that says so.
	leftOut map[runbooks.RefKind]map[string]diag.Word
}

// waveBlock is what stands under `waves` and is repeated.
type waveBlock struct {
	table                        diag.Word
	milestones, gates, audiences *yamldoc.Map
	columns                      []diag.Word // that dates name
	has                          func(column string) bool
}

// waves reads the table of waves and repeats the block for each.
func (l *loader) waves(m *yamldoc.Map) {
	wm := m.OptMap("waves")
	if !wm.OK() {
		return
	}
	party := wm.Word("party")
	b := &waveBlock{table: wm.Word("table"), milestones: wm.Map("milestones"), gates: wm.OptMap("gates"), audiences: wm.OptMap("audiences")}
	l.done(wm, "waves")
	l.WaveParty = l.ref(groupRef, party)
	for _, part := range []*yamldoc.Map{b.milestones, b.gates} {
		if part.OK() {
			b.columns = append(b.columns, columnsIn(part.Node())...)
		}
	}
	l.shadowed(b)
	rows := l.readWaves(b)
	l.waveMembers(party)
	for _, r := range rows {
		l.wave = r
		l.repeat(r)
		l.wave = nil
	}
}

// columnsIn finds the columns that dates at and below a value name.
func columnsIn(n yamldoc.Node) (found []diag.Word) {
	switch n.Kind() {
	case yamldoc.KindMap:
		n.Map().Each(func(key string, v yamldoc.Node) {
			if key != "column" {
				found = append(found, columnsIn(v)...)
			} else if v.Kind() == yamldoc.KindScalar {
				if w, ok := v.Word(); ok {
					found = append(found, w)
				}
			}
		})
	case yamldoc.KindList:
		items, _ := n.Items()
		for _, v := range items {
			found = append(found, columnsIn(v)...)
		}
	}
	return found
}

// shadowed reports names of the block that something outside has too: nobody could say which one is meant.
func (l *loader) shadowed(b *waveBlock) {
	look := func(m *yamldoc.Map, outside func(id string) (diag.Pos, bool)) {
		m.Each(func(name string, n yamldoc.Node) {
			if pos, taken := outside(name); taken {
				n.KeyProblemf(CodeNameTaken, "%q is the name of something outside the waves", name).See(pos, "%q is first here", name).
					Hintf("give it another name: what the block says of %s would not tell which one is meant", name)
			}
		})
	}
	look(b.milestones, func(id string) (diag.Pos, bool) {
		x := l.Milestones[id]
		return posOf(x == nil, func() diag.Pos { return x.Pos })
	})
	look(b.gates, func(id string) (diag.Pos, bool) {
		x := l.Gates[id]
		return posOf(x == nil, func() diag.Pos { return x.Pos })
	})
	look(b.audiences, func(id string) (diag.Pos, bool) {
		x := l.Audiences[id]
		return posOf(x == nil, func() diag.Pos { return x.Pos })
	})
}

func posOf(none bool, pos func() diag.Pos) (diag.Pos, bool) {
	if none {
		return diag.Pos{}, false
	}
	return pos(), true
}

// readWaves reads the table: who the waves are, and the dates that the block takes from it.
func (l *loader) readWaves(b *waveBlock) (out []*waveScope) {
	src, ok := l.files.named(b.table)
	if !ok {
		return nil
	}
	columns := csvdoc.Columns{Required: []string{"wave", "name"}, Optional: []string{"note", "moved", "by", "reason"}}
	for _, w := range b.columns {
		columns.Optional = append(columns.Optional, w.Text, w.Text+wasColumn, w.Text+movedColumn, w.Text+byColumn, w.Text+reasonColumn)
	}
	t, ok := csvdoc.Parse(b.table.Text, src, columns, l.problems)
	if !ok {
		return nil
	}
	b.has = t.Has
	for _, w := range b.columns {
		if !t.Has(w.Text) {
			w.Problemf(l.problems, CodeNoWaveColumn, "%s has no column %q", b.table.Text, w.Text).DidYouMean(w.Text, t.Header())
		}
	}
	t.Each(func(r csvdoc.Row) {
		w := &Wave{ID: r.Str("wave"), Name: r.Str("name"), Note: r.OptStr("note", ""), Pos: r.Pos("wave")}
		if w.ID == "" || !idCell(r, "wave", w.ID) {
			return
		}
		if first := l.Waves[w.ID]; first != nil {
			r.Problemf("wave", CodeNameTaken, "there are two waves %q", w.ID).See(first.Pos, "it is first here")
			return
		}
		l.Waves[w.ID] = w
		l.WaveIDs = append(l.WaveIDs, w.ID)
		out = append(out, &waveScope{wave: w, row: r, block: b})
	})
	return out
}

// waveMembers puts each member into its wave. One that is in none would be told of no date at all.
func (l *loader) waveMembers(party diag.Word) {
	p := l.Parties[party.Text]
	if p == nil || len(l.WaveIDs) == 0 || l.unread[partyRef] {
		return // told elsewhere
	}
	for _, m := range p.Members {
		w := l.Waves[m.Wave]
		switch {
		case m.Wave == "":
			l.problems.Addf(m.wavePos, CodeNoWave, "%s is in no wave", m.ID).At("wave").Hintf("there is %s", list(l.WaveIDs))
		case w == nil:
			diag.Word{Pos: m.wavePos, Path: "wave", Text: m.Wave}.Problemf(l.problems, CodeUnknownName, "unknown wave %q", m.Wave).
				Hintf("there is %s", list(l.WaveIDs)).DidYouMean(m.Wave, l.WaveIDs)
		default:
			w.Members = append(w.Members, m.ID)
		}
	}
	for _, id := range l.WaveIDs {
		if w := l.Waves[id]; len(w.Members) == 0 {
			l.problems.Addf(w.Pos, CodeEmptyWave, "nobody is in wave %s", id).At("wave").
				Hintf("name it in the column wave of %s, or remove the row", p.membersFile.Text)
		}
	}
}

// repeat reads the block for one wave.
func (l *loader) repeat(s *waveScope) {
	s.findLeftOut(l)
	take := func(m *yamldoc.Map, kind runbooks.RefKind, read func(id string, n yamldoc.Node)) {
		m.EachID(func(name string, n yamldoc.Node) {
			if _, without := s.leftOut[kind][name]; without {
				return
			}
			id := s.wave.ID + "-" + name
			if !yamldoc.IsID(id) {
				n.KeyProblemf(yamldoc.CodeBadID, "%q is too long for a name", id).Hintf("shorten %q or the wave's own name", name)
				return
			}
			if pos, taken := l.posOf(kind, id); taken {
				n.KeyProblemf(CodeNameTaken, "the %s of wave %s would be called %q, which is taken", kind, s.wave.ID, id).See(pos, "%q is first here", id)
				return
			}
			read(id, n)
		})
	}
	take(s.block.milestones, runbooks.MilestoneRef, func(id string, n yamldoc.Node) {
		m := l.milestone(id, n)
		m.Wave, m.Title = s.wave.ID, InWave(s.wave, m.Title, id[len(s.wave.ID)+1:])
		m.Parties = l.ofWave(s.wave, m.Parties)
		l.waveWas(s.row, m, n)
		l.Milestones[id] = m
		l.MilestoneIDs = append(l.MilestoneIDs, id)
		s.wave.Milestones = append(s.wave.Milestones, id)
	})
	take(s.block.gates, runbooks.GateRef, func(id string, n yamldoc.Node) {
		s.inGate = true
		g := l.gate(id, n)
		s.inGate = false
		g.Wave, g.Title = s.wave.ID, InWave(s.wave, g.Title, id)
		l.Gates[id] = g
		l.GateIDs = append(l.GateIDs, id)
	})
	take(s.block.audiences, runbooks.AudienceRef, func(id string, n yamldoc.Node) {
		a := l.audience(id, n)
		a.Wave, a.Title = s.wave.ID, InWave(s.wave, a.Title, id)
		l.Audiences[id] = a
		l.AudienceIDs = append(l.AudienceIDs, id)
	})
}

// ofWave makes the waves' party in a list the members of one wave.
func (l *loader) ofWave(w *Wave, parties []string) (out []string) {
	for _, p := range parties {
		if p == l.WaveParty {
			out = append(out, w.Members...)
			continue
		}
		out = append(out, p)
	}
	return out
}

func (l *loader) posOf(kind runbooks.RefKind, id string) (pos diag.Pos, ok bool) {
	switch kind {
	case runbooks.MilestoneRef:
		if m := l.Milestones[id]; m != nil {
			return m.Pos, true
		}
	case runbooks.GateRef:
		if g := l.Gates[id]; g != nil {
			return g.Pos, true
		}
	case runbooks.AudienceRef:
		if a := l.Audiences[id]; a != nil {
			return a.Pos, true
		}
	}
	return diag.Pos{}, false
}

// findLeftOut says what this wave does not have: a milestone whose dates stand in columns that are empty in its row or hang on such a
// milestone, and a gate that such milestones alone have as their exit.
func (s *waveScope) findLeftOut(l *loader) {
	milestones, gates := map[string]diag.Word{}, map[string]diag.Word{}
	s.leftOut = map[runbooks.RefKind]map[string]diag.Word{runbooks.MilestoneRef: milestones, runbooks.GateRef: gates}
	block := map[string]yamldoc.Node{}
	s.block.milestones.Each(func(name string, n yamldoc.Node) {
		block[name] = n
		if cell, empty := s.undated(l, name, columnsIn(n)); empty {
			milestones[name] = cell
		}
	})
	names := s.block.milestones.Keys()
	for range names { // each round finds what hangs on what the one before found
		for _, name := range names {
			for _, on := range hangsOn(block[name]) {
				if cell, without := milestones[on]; without {
					milestones[name] = cell
				}
			}
		}
	}
	stays := map[string]bool{}
	for _, name := range names {
		exit := scalar(block[name], "exit")
		if cell, without := milestones[name]; without {
			gates[exit] = cell
		} else {
			stays[exit] = true
		}
	}
	maps.DeleteFunc(gates, func(gate string, _ diag.Word) bool { return stays[gate] })
}

// scalar is the text under a key of a map, "" when there is none.
func scalar(n yamldoc.Node, key string) string {
	if n.Kind() != yamldoc.KindMap {
		return ""
	}
	v, ok := n.Map().OptNode(key)
	if !ok || v.Kind() != yamldoc.KindScalar {
		return ""
	}
	text, _ := v.Str()
	return text
}

// hangsOn lists the milestones that the dates of one are relative to.
func hangsOn(n yamldoc.Node) (names []string) {
	for _, key := range []string{"from", "until", "date"} {
		text := scalar(n, key)
		if v, ok := n.Map().OptNode(key); ok && n.Kind() == yamldoc.KindMap && v.Kind() == yamldoc.KindMap {
			text = scalar(v, "at")
		}
		if m := pointForm.FindStringSubmatch(text); m != nil {
			names = append(names, m[1])
		}
	}
	return names
}

// undated reports whether every column that a milestone takes its dates from is empty. Some empty and some not is a mistake: half a
// stretch is none.
func (s *waveScope) undated(l *loader, name string, columns []diag.Word) (first diag.Word, empty bool) {
	var without, with []string
	for _, c := range columns {
		switch {
		case !s.block.has(c.Text):
			continue // told where it is named
		case s.row.OptStr(c.Text, "") != "":
			with = append(with, c.Text)
			continue
		}
		if len(without) == 0 {
			first = diag.Word{Pos: s.row.Pos(c.Text), Path: c.Text}
		}
		without = append(without, c.Text)
	}
	if len(without) > 0 && len(with) > 0 {
		l.problems.Addf(first.Pos, CodeHalfDated, "wave %s has %s and no %s", s.wave.ID, list(with), list(without)).At(first.Path).
			Hintf("fill it in, write unset where there is no date yet, or leave %s empty too: then %s is left out for this wave", list(with), name)
	}
	return first, len(without) > 0
}

// waved is what a name means in the block: that of the wave, where the block has it.
func (l *loader) waved(kind runbooks.RefKind, w diag.Word) diag.Word {
	if l.wave == nil {
		return w
	}
	part := map[runbooks.RefKind]*yamldoc.Map{runbooks.MilestoneRef: l.wave.block.milestones, runbooks.GateRef: l.wave.block.gates,
		runbooks.AudienceRef: l.wave.block.audiences}[kind]
	if part == nil || !slices.Contains(part.Keys(), w.Text) {
		return w
	}
	if cell, without := l.wave.leftOut[kind][w.Text]; without {
		w.Problemf(l.problems, CodeLeftOut, "wave %s has no %s", l.wave.wave.ID, w.Text).See(cell.Pos, "its date is not set here").
			Hintf("write unset there when there is no date yet, or let nothing that this wave has hang on it")
		w.Text = ""
		return w
	}
	w.Text = l.wave.wave.ID + "-" + w.Text
	return w
}

// withoutMilestone reports whether a criterion asks for a milestone that this wave does not have: then it asks for nothing.
func (l *loader) withoutMilestone(n yamldoc.Node) bool {
	if l.wave == nil {
		return false
	}
	_, without := l.wave.leftOut[runbooks.MilestoneRef][scalar(n, string(MilestoneCriterion))]
	return without
}
