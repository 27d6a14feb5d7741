package plan

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"skift/checks"
	"skift/internal/diag"
	"skift/internal/yamldoc"
	"skift/runbooks"
)

// checkSections reads what is asked and when.
func (l *loader) checkSections(m *yamldoc.Map) {
	ids(m.OptMap("checks"), &l.Checks, &l.CheckIDs, l.check)
	ids(m.OptMap("suites"), &l.Suites, &l.SuiteIDs, l.suite)
}

func (l *loader) check(id string, n yamldoc.Node) *checks.Spec {
	s := checks.ParseSpec(id, n)
	for _, r := range s.Refs {
		switch r.To {
		case checks.ToService:
			l.ref(runbooks.ServiceRef, r.Word)
		case checks.ToVantage:
			l.ref(vantageRef, r.Word)
		case checks.ToArea:
			l.ref(runbooks.AreaRef, r.Word)
		case checks.ToMoment:
			l.ref(runbooks.MomentRef, r.Word)
		case checks.ToFile:
			l.ref(runbooks.FileRef, r.Word)
		}
	}
	l.columns(s)
	if n.Kind() != yamldoc.KindMap {
		return s
	}
	if forEach, ok := n.Map().OptNode("for_each"); ok && s.ForEach != "" && l.flowFile.Text == "" {
		forEach.Problemf(CodeNoFlows, "the plan names no flows").Hintf("add flows: flows.csv to the plan")
	}
	return s
}

func (l *loader) suite(id string, n yamldoc.Node) *Suite {
	s := &Suite{ID: id, Pos: n.KeyPos()}
	m := n.Map()
	if !m.OK() {
		return s
	}
	s.Title = m.OptText("title")
	words := m.Words("checks")
	l.twice(words)
	for _, w := range words {
		if l.matches(w, l.CheckIDs, runbooks.CheckRef) {
			s.Patterns = append(s.Patterns, w.Text)
		}
	}
	s.Checks = matching(s.Patterns, l.CheckIDs)
	s.Environment = l.ref(environmentRef, m.OptWord("environment"))
	s.Every = l.every(m)
	s.Cron = l.cron(m.OptWord("cron"))
	if m.Has("every") && m.Has("cron") {
		m.ExactlyOne("every", "cron")
	}
	s.Pace = l.pace(m, m.Has("every") || m.Has("cron"), s.Every, s.Cron)
	for _, item := range m.OptItems("during") {
		if p, ok := l.period(item); ok {
			s.During = append(s.During, p)
		}
	}
	l.done(m, "suites.ID")
	return s
}

// matches reports a name or glob that stands for nothing.
func (l *loader) matches(w diag.Word, names []string, kind runbooks.RefKind) bool {
	if !strings.ContainsAny(w.Text, `*?[\`) {
		if slices.Contains(names, w.Text) {
			return true
		}
		l.unknownOf(w, kind, names)
		return false
	}
	if _, err := path.Match(w.Text, ""); err != nil {
		w.Problemf(l.problems, CodeBadPattern, "%q is not a pattern", w.Text).Hintf("* stands for any characters, ? for one")
		return false
	}
	if len(matching([]string{w.Text}, names)) == 0 {
		w.Problemf(l.problems, CodeNoMatch, "%q matches no %s", w.Text, kind)
		return false
	}
	return true
}

// matching gives the names that any of the patterns stands for, in their own order.
func matching(patterns, names []string) []string {
	var out []string
	for _, name := range names {
		if slices.ContainsFunc(patterns, func(p string) bool {
			ok, err := path.Match(p, name)
			return ok && err == nil
		}) {
			out = append(out, name)
		}
	}
	return out
}

// shortest is how often a suite may run at most: a slip of the unit must not turn into a flood of connections.
const shortest = 10 * time.Second

func (l *loader) every(m *yamldoc.Map) time.Duration {
	d := m.OptDuration("every", 0)
	if n, ok := m.OptNode("every"); ok && d < shortest {
		n.Problemf(CodeTooOften, "more often than every %s is not taken", yamldoc.FormatDuration(shortest))
	}
	return d
}

// period reads a stretch of the plan: a milestone's name, or {from: …, until: …}.
func (l *loader) period(n yamldoc.Node) (Period, bool) {
	if n.Kind() != yamldoc.KindMap {
		w, ok := n.Word()
		return Period{Milestone: l.ref(runbooks.MilestoneRef, w)}, ok
	}
	m := n.Map()
	p := Period{From: l.optWhen(m, "from"), Until: l.optWhen(m, "until")}
	if !m.Has("from") && !m.Has("until") {
		m.Problemf(yamldoc.CodeMissingKey, "has neither from nor until")
	}
	if until, ok := m.OptNode("until"); ok {
		l.backwards(until, p.From, p.Until)
	}
	l.done(m, "suites.ID.during[]")
	return p, true
}

// cronForm admits the five fields of crontab(5) and nothing that the parser would take besides: descriptors, which have keys of
// their own, and zones, on some of which it panics.
var cronForm = regexp.MustCompile(`^[A-Za-z0-9*/,?-]+( +[A-Za-z0-9*/,?-]+){4}$`)

var cronParser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

const cronHint = `five fields: minute hour day month weekday, such as "15 6 * * MON-FRI"`

// cron checks a schedule and gives it as written.
func (l *loader) cron(w diag.Word) string {
	if w.Text == "" {
		return ""
	}
	if !cronForm.MatchString(w.Text) {
		p := w.Problemf(l.problems, CodeBadCron, "%q is not a schedule", w.Text).Hintf(cronHint)
		if strings.HasPrefix(w.Text, "@every ") {
			p.Hintf("write every: %s instead", strings.TrimPrefix(w.Text, "@every "))
		}
		return ""
	}
	schedule, err := parseCron(w.Text)
	if err != nil {
		reason, _, _ := strings.Cut(err.Error(), ": strconv.") // the parser's words, without Go's
		w.Problemf(l.problems, CodeBadCron, "%q is not a schedule: %s", w.Text, reason).Hintf(cronHint)
		return ""
	}
	// Any leap year will do: the parser looks five years ahead.
	if schedule.Next(time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		w.Problemf(l.problems, CodeNeverFires, "%q never comes", w.Text).Hintf("no month has such a day")
		return ""
	}
	return w.Text
}
