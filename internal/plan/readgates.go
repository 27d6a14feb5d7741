package plan

import (
	"strings"
	"time"

	"skift/checks"
	"skift/internal/diag"
	"skift/internal/words"
	"skift/internal/yamldoc"
	"skift/runbooks"
)

// decisions reads gates and audiences: who decides, and who is told.
func (l *loader) decisions(m *yamldoc.Map) {
	ids(m.OptMap("gates"), &l.Gates, &l.GateIDs, l.gate)
	ids(m.OptMap("audiences"), &l.Audiences, &l.AudienceIDs, l.audience)
}

func (l *loader) gate(id string, n yamldoc.Node) *Gate {
	g := &Gate{ID: id, Pos: n.KeyPos()}
	m := n.Map()
	if !m.OK() {
		return g
	}
	g.Title = m.Text("asks")
	g.Opens = l.instant(m, "opens")
	g.DecideBy = l.instant(m, "decide_by")
	if n, ok := m.OptNode("decide_by"); ok {
		l.backwards(n, g.Opens, g.DecideBy)
	}
	scope := m.OptMap("scope")
	if scope.OK() {
		g.Scope = l.services(scope.Words("services"))
		l.done(scope, "gates.ID.scope")
	}
	seen := map[string]diag.Pos{}
	for _, item := range m.OptSeq("criteria") {
		if l.withoutMilestone(item) {
			continue
		}
		c := l.criterion(item)
		if first, taken := seen[c.ID]; taken && c.ID != "" {
			item.Problemf(CodeNameTaken, "two criteria are called %q", c.ID).See(first, "it is first here").
				Hintf("give one of them a name of its own: id: NAME")
		}
		seen[c.ID] = c.Pos
		g.Criteria = append(g.Criteria, c)
	}
	g.Poll = l.refList(runbooks.SeatRef, m.OptWords("poll"))
	g.Decides = l.seatRef(m.Word("decides"))
	l.done(m, "gates.ID")
	return g
}

// services reads names or globs of services and gives the services, in file order.
func (l *loader) services(words []diag.Word) []string {
	l.twice(words)
	var patterns []string
	for _, w := range words {
		if l.matches(w, l.ServiceIDs, runbooks.ServiceRef) {
			patterns = append(patterns, w.Text)
		}
	}
	return matching(patterns, l.ServiceIDs)
}

func (l *loader) criterion(n yamldoc.Node) Criterion {
	c := Criterion{Pos: n.Pos()}
	m := n.Map()
	if !m.OK() {
		return c
	}
	c.ID = m.OptID("id", "")
	c.Kind = criterionKind(m)
	name := ""
	switch c.Kind {
	case SuiteCriterion:
		c.Suite = l.ref(runbooks.SuiteRef, m.Word("suite"))
		c.Critical = l.share(m, "critical", "all")
		c.Others = l.share(m, "others", "0%")
		c.MaxAge = m.OptDuration("max_age", 0)
		c.Rerun = m.OptBool("rerun", true)
		name = c.Suite
	case MilestoneCriterion:
		c.Milestone = l.ref(runbooks.MilestoneRef, m.Word("milestone"))
		c.State = m.OptOneOf("state", "passed", "passed", "active", "missed")
		name = c.Milestone
	case RehearsalCriterion:
		c.Rehearsal = l.ref(runbooks.RunbookRef, m.Word("rehearsal"))
		c.Environment = l.ref(environmentRef, m.OptWord("environment"))
		c.Within = m.OptDuration("within", 0)
		name = c.Rehearsal
	case AttestedCriterion:
		c.Attested = m.ID("attested")
		c.By = l.seatRef(m.Word("by"))
		name = c.Attested
	case IncidentsCriterion:
		l.incidents(&c, m)
		name = "incidents"
		if c.Platform != "" {
			name += "-" + string(c.Platform)
		}
	case GreenDaysCriterion:
		c.GreenDays = m.Int("green_days", 1, mostGreenDays)
		c.Suite = l.ref(runbooks.SuiteRef, m.Word("suite"))
		name = "green-days-" + c.Suite
	default:
		m.Ignore() // which other keys belong here depends on the kind
	}
	if c.ID == "" {
		c.ID = name
	}
	l.done(m, "gates.ID.criteria[]")
	return c
}

// criterionKind finds what a criterion is about. A number of green days is of a suite.
func criterionKind(m *yamldoc.Map) CriterionKind {
	kinds := []string{string(SuiteCriterion), string(MilestoneCriterion), string(RehearsalCriterion), string(AttestedCriterion), string(IncidentsCriterion), string(GreenDaysCriterion)}
	if m.Has(string(GreenDaysCriterion)) {
		kinds = kinds[1:]
	}
	return CriterionKind(m.ExactlyOne(kinds...))
}

// Bounds of criteria.
const (
	mostIncidents = 10_000
	mostGreenDays = 60
	listAge       = 26 * time.Hour // a list each day, and two hours
)

// incidents reads how many incidents there may be.
func (l *loader) incidents(c *Criterion, m *yamldoc.Map) {
	most := m.Map("incidents")
	c.Most = map[Class]int{}
	if most.OK() {
		for _, class := range []Class{IncidentA, IncidentB, IncidentC} {
			if key := strings.TrimPrefix(string(class), "incident-"); most.Has(key) {
				c.Most[class] = most.Int(key, 0, mostIncidents)
			}
		}
		if len(c.Most) == 0 {
			most.Problemf(CodeNoLimit, "no class of incident is limited").Hintf("write {a: 0, b: 0, c: 5}: how many of each there may be")
		}
		l.done(most, "gates.ID.criteria[].incidents")
	}
	c.Platform = checks.Side(m.OptOneOf("platform", "", string(checks.Old), string(checks.New)))
	c.For = m.OptDuration("for", 0)
	c.MaxAge = m.OptDuration("max_age", listAge)
}

// share reads how many must pass: all, or a percentage.
func (l *loader) share(m *yamldoc.Map, key, def string) string {
	n, ok := m.OptNode(key)
	if !ok {
		return def
	}
	if w, ok := n.Word(); !ok || w.Text == "all" {
		return "all"
	} else if !strings.HasSuffix(w.Text, "%") {
		n.Problemf(CodeBadShare, "%q is not how many must pass", w.Text).Hintf("write all, or a share like 98%%")
		return def
	}
	if _, ok := n.Percent(); !ok {
		return def
	}
	text, _ := n.Str()
	return text
}

func (l *loader) audience(id string, n yamldoc.Node) *Audience {
	a := &Audience{ID: id, Pos: n.KeyPos()}
	m := n.Map()
	if !m.OK() {
		return a
	}
	a.Title = m.OptText("title")
	switch m.ExactlyOne("to", "for_each") {
	case "to":
		a.To = l.refList(runbooks.SeatRef, m.Words("to"))
	case "for_each":
		a.ForEach = l.ref(groupRef, m.Word("for_each"))
	}
	a.Report = l.ref(runbooks.ReportRef, m.Word("report"))
	a.Cron = l.cron(m.OptWord("cron"))
	a.Pace = l.pace(m, m.Has("cron"), 0, a.Cron)
	a.Language = m.OptOneOf("language", "", string(words.Da), string(words.En))
	l.done(m, "audiences.ID")
	return a
}
