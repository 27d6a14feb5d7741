package plan

import (
	"slices"

	"skift/internal/csvdoc"
	"skift/internal/diag"
	"skift/internal/people"
	"skift/internal/yamldoc"
	"skift/runbooks"
)

var roles = []string{string(Customer), string(OldSupplier), string(NewSupplier), string(User), string(Source), string(Other)}

// people reads who takes part: parties, seats, contacts and the roster.
func (l *loader) people(m *yamldoc.Map) {
	ids(m.Map("parties"), &l.Parties, &l.PartyIDs, l.party)
	for _, id := range l.PartyIDs {
		l.readMembers(l.Parties[id])
	}
	m.OptMap("seats").Each(l.seat)
	if w := m.OptWord("contacts"); w.Text != "" {
		l.ContactsFile = w.Text
		l.files.private[w.Text] = true
		errors := l.problems.Errors()
		if src, ok := l.files.named(w); ok {
			l.Contacts = people.ReadContacts(w.Text, src, l.problems)
		}
		l.unread[personRef] = len(l.Contacts.IDs()) == 0 && l.problems.Errors() > errors
	}
	if w := m.OptWord("roster"); w.Text != "" {
		if src, ok := l.files.named(w); ok {
			known := people.RosterContext{Zone: l.Zone, Seats: l.SeatIDs, Contacts: l.Contacts, AnyPerson: l.unread[personRef]}
			l.Roster = people.ReadRoster(w.Text, src, known, l.problems)
		}
	}
}

func (l *loader) party(id string, n yamldoc.Node) *Party {
	p := &Party{ID: id, Name: id, Pos: n.KeyPos()}
	m := n.Map()
	if !m.OK() {
		return p
	}
	p.Name = m.OptStr("name", id)
	p.Role = Role(m.OneOf("role", roles...))
	p.membersFile = m.OptWord("members")
	if c := m.OptMap("consent"); c.OK() {
		p.Consent = l.consent(c)
	}
	l.done(m, "parties.ID")
	return p
}

var consentLevels = []string{"sftp-login", "write", "negative"}

func (l *loader) consent(m *yamldoc.Map) *Consent {
	c := &Consent{Ref: m.OptStr("ref", "")}
	for _, n := range m.Items("levels") {
		if level, ok := n.OneOf(consentLevels...); ok {
			c.Levels = append(c.Levels, level)
		}
	}
	c.From, c.Until = l.optWhen(m, "from"), l.optWhen(m, "until")
	if until, ok := m.OptNode("until"); ok {
		l.backwards(until, c.From, c.Until)
	}
	l.done(m, "parties.ID.consent")
	return c
}

// readMembers reads a group's table. A member can be named wherever a party can, so its id must be nobody else's.
func (l *loader) readMembers(p *Party) {
	w := p.membersFile
	if w.Text == "" {
		return
	}
	var t *csvdoc.Table
	src, ok := l.files.named(w)
	if ok {
		t, ok = csvdoc.Parse(w.Text, src, csvdoc.Columns{Required: []string{"id", "name"}, Optional: []string{"wave", "contact"}}, l.problems)
	}
	if !ok {
		l.unread[partyRef] = true
		return
	}
	p.Members = []Member{}
	t.Each(func(r csvdoc.Row) {
		mb := Member{ID: r.Str("id"), Name: r.Str("name"), Wave: r.OptStr("wave", ""), Group: p.ID, Pos: r.Pos("id"), wavePos: r.Pos("wave")}
		mb.Contact = l.ref(personRef, r.OptWord("contact"))
		if mb.ID == "" || !idCell(r, "id", mb.ID) || mb.Wave != "" && !idCell(r, "wave", mb.Wave) {
			return
		}
		if first, taken := l.partyPos(mb.ID); taken {
			r.Problemf("id", CodeNameTaken, "%q is the name of another party", mb.ID).See(first, "%q is first here", mb.ID)
			return
		}
		l.members[mb.ID] = mb
		p.Members = append(p.Members, mb)
	})
}

// idCell reports a cell that cannot be a name.
func idCell(r csvdoc.Row, column, text string) bool {
	if yamldoc.IsID(text) {
		return true
	}
	r.Problemf(column, yamldoc.CodeBadID, "%q cannot be a name", text).
		Hintf("1 to 63 small letters a–z, digits and hyphens; æ, ø and å are written ae, oe and aa")
	return false
}

// partyPos says where a party or member is defined.
func (l *loader) partyPos(id string) (diag.Pos, bool) {
	if p := l.Parties[id]; p != nil {
		return p.Pos, true
	}
	mb, ok := l.members[id]
	return mb.Pos, ok
}

func (l *loader) seat(id string, n yamldoc.Node) {
	party, _, ok := seatName(id)
	if !ok {
		n.KeyProblemf(CodeBadSeat, "%q is not a seat", id).Hintf("a seat is written party/role, such as ibm/operator")
		return
	}
	s := &Seat{ID: id, Party: party, Pos: n.KeyPos()}
	l.Seats[id] = s
	l.SeatIDs = append(l.SeatIDs, id)
	if _, known := l.partyPos(party); !known && !l.unread[partyRef] {
		n.KeyProblemf(CodeUnknownName, "unknown party %q", party).DidYouMean(party, l.partyNames())
	}
	m := n.Map()
	if !m.OK() {
		return
	}
	s.Title = m.OptText("title")
	deputies := m.OptWords("deputies")
	s.Deputies = l.refList(runbooks.SeatRef, deputies)
	if i := slices.Index(s.Deputies, id); i >= 0 {
		deputies[i].Problemf(l.problems, CodeBadSeat, "a seat cannot be its own deputy")
	}
	s.AnswerWithin = m.OptDuration("answer_within", 0)
	l.done(m, "seats.SEAT")
}

// partyNames lists parties and members, for suggestions.
func (l *loader) partyNames() []string {
	names := slices.Clone(l.PartyIDs)
	for _, id := range l.PartyIDs {
		for _, m := range l.Parties[id].Members {
			names = append(names, m.ID)
		}
	}
	return names
}
