package runbooks

import (
	"strings"
	"time"

	"skift/internal/diag"
	"skift/internal/yamldoc"
)

// Read reads one runbook file; file names it in positions. What is wrong goes to problems, all of it at once; ok is false when
// the file could not be read as a runbook at all. With ok true the runbook may still be unusable: problems says so.
func Read(file string, src []byte, problems *diag.List) (r *Runbook, ok bool) {
	return read(file, src, problems, nil)
}

func read(file string, src []byte, problems *diag.List, trace func(string, []string)) (r *Runbook, ok bool) {
	root, ok := yamldoc.Parse(file, src, problems)
	if !ok {
		return nil, false
	}
	m := root.Map()
	if !m.OK() {
		return nil, false
	}
	r = &Runbook{File: file, Pos: m.Pos(), index: map[string]*Step{}}
	rd := reader{r: r, problems: problems, needs: map[string][]diag.Word{}, trace: trace}
	r.ID = m.ID("runbook")
	r.Title = m.OptText("title")
	r.Window = rd.ref(MilestoneRef, m.OptWord("window"))
	r.BackOut = rd.ref(RunbookRef, m.OptWord("back_out"))
	if r.BackOut != "" && r.BackOut == r.ID {
		problems.Addf(m.ValuePos("back_out"), CodeBackOutItself, "a runbook cannot be its own back-out").At("back_out").Wide(len(r.BackOut))
	}
	rd.parameters(m)
	steps := m.Map("steps")
	steps.EachID(rd.step)
	if steps.OK() && len(r.Steps) == 0 && steps.Len() == 0 {
		steps.Problemf(CodeNoSteps, "a runbook needs at least one step")
	}
	rd.optionDefaults()
	rd.seen(m, "")
	checkNeeds(r, rd.needs, asSteps, problems)
	r.links = link(r.Steps)
	return r, true
}

// reader reads one runbook.
type reader struct {
	r        *Runbook
	current  string // id of the step being read, "" outside
	problems *diag.List
	needs    map[string][]diag.Word
	trace    func(place string, keys []string) // told which keys are known where; nil except in tests
}

// seen ends the reading of a map: keys nobody asked for are reported.
func (rd *reader) seen(m *yamldoc.Map, place string) {
	if rd.trace != nil && m.OK() {
		rd.trace(place, m.Asked())
	}
	m.Done()
}

// ref notes a name for whoever holds the plan, and gives it.
func (rd *reader) ref(kind RefKind, w diag.Word) string {
	if w.Text == "" {
		return ""
	}
	rd.r.Refs = append(rd.r.Refs, Ref{Kind: kind, Step: rd.current, Word: w})
	return w.Text
}

// one is ref for a value that must be a name and no pattern.
func (rd *reader) one(kind RefKind, n yamldoc.Node) string {
	if _, ok := n.ID(); !ok {
		return ""
	}
	w, _ := n.Word()
	return rd.ref(kind, w)
}

// globs notes names that may be patterns, and gives them.
func (rd *reader) globs(kind RefKind, words []diag.Word) []string {
	var names []string
	for _, w := range words {
		if badPattern(w.Text) {
			w.Problemf(rd.problems, CodeBadPattern, "%q is not a pattern", w.Text).Hintf("* stands for any characters, ? for one")
			continue
		}
		names = append(names, rd.ref(kind, w))
	}
	return names
}

// seat notes a seat, written party/role.
func (rd *reader) seat(w diag.Word) string {
	if w.Text == "" {
		return ""
	}
	party, role, ok := strings.Cut(w.Text, "/")
	if !ok || !yamldoc.IsID(party) || !yamldoc.IsID(role) {
		w.Problemf(rd.problems, CodeBadSeat, "%q is not a seat", w.Text).Hintf("a seat is written party/role, such as ibm/operator")
		return w.Text
	}
	return rd.ref(SeatRef, w)
}

// kinds are the keys of step bodies, in the order they are told to an author.
var kinds = []string{string(Manual), string(Command), string(Check), string(Wait), string(HTTP), string(SFTPCopy), string(Message), string(Nested)}

// Kinds lists the kinds of step.
func Kinds() []Kind {
	out := make([]Kind, len(kinds))
	for i, k := range kinds {
		out[i] = Kind(k)
	}
	return out
}

// step reads one entry of `steps`.
func (rd *reader) step(id string, n yamldoc.Node) {
	s := &Step{ID: id, Pos: n.KeyPos()}
	rd.r.Steps = append(rd.r.Steps, s)
	rd.r.index[id] = s
	rd.current = id
	defer func() { rd.current = "" }()
	m := n.Map()
	if !m.OK() {
		return
	}
	s.Title = m.OptText("title")
	if words := m.OptWords("needs"); len(words) > 0 {
		rd.needs[id] = words
	}
	s.AfterGate = rd.ref(GateRef, m.OptWord("after_gate"))
	s.Owner = rd.seat(m.OptWord("owner"))
	s.Stream = m.OptID("stream", "")
	s.Area = rd.ref(AreaRef, m.OptWord("area"))
	s.NotBefore = rd.ref(MomentRef, m.OptWord("not_before"))
	s.NotAfter = rd.ref(MomentRef, m.OptWord("not_after"))
	s.Takes = m.OptDuration("takes", 0)
	s.Timeout = rd.timeout(m, 0)
	rd.verify(s, m)
	m.Filled("idempotent_check", true)
	s.Happened = rd.globs(VerifyRef, m.OptWords("idempotent_check"))
	s.Change = rd.ref(ClassRef, m.OptWord("change"))
	s.Switches = rd.globs(ServiceRef, m.OptWords("switches"))
	s.Closes = rd.globs(ServiceRef, m.OptWords("closes"))
	s.Undoes = rd.ref(UndoneRef, m.OptWord("undoes"))
	s.PointOfNoReturn = m.OptBool("point_of_no_return", false)
	s.RehearseRun = m.OptOneOf("rehearse", "simulate", "simulate", "run") == "run"
	s.Kind = Kind(m.ExactlyOne(kinds...))
	rd.body(s, m)
	rd.failure(s, m)
	rd.owner(s, m)
	rd.useless(s, m)
	rd.seen(m, "steps.ID")
	if s.timed() {
		rd.r.timed = append(rd.r.timed, s)
	}
}

// timeout reads how long something may last. None at all is no bound: it would be over before it began.
func (rd *reader) timeout(m *yamldoc.Map, def time.Duration) time.Duration {
	n, ok := m.OptNode("timeout")
	if !ok {
		return def
	}
	d, ok := n.Duration()
	if ok && d == 0 {
		n.Problemf(yamldoc.CodeBadDuration, "a time-out of nothing lets nothing happen").Hintf("say how long it may last, or leave timeout out")
	}
	if d == 0 {
		return def
	}
	return d
}

// failure reads what happens when the step fails, and whether it may be done twice.
func (rd *reader) failure(s *Step, m *yamldoc.Map) {
	s.Repeatable = m.OptBool("repeatable", s.Kind == Check || s.Kind == Wait || s.Kind == SFTPCopy)
	s.OnFailure = OnFailure(m.OptOneOf("on_failure", string(Hold), string(Hold), string(Retry), string(BackOut), string(Continue)))
	s.Retries = m.OptInt("retries", 0, 1, 100)
	s.Backoff = rd.backoff(m.OptWord("backoff"))
	if s.OnFailure == BackOut && rd.r.BackOut == "" {
		rd.problems.Addf(m.ValuePos("on_failure"), CodeNoBackOut, "the runbook has no back_out").
			At(m.Path() + ".on_failure").Wide(len(BackOut)).Hintf("add back_out: RUNBOOK at the top, or choose hold")
	}
	switch {
	case s.OnFailure == Retry:
		if s.Retries == 0 {
			s.Retries = defaultRetries
		}
		if !s.Repeatable && s.Kind != "" {
			rd.problems.Addf(m.ValuePos("on_failure"), CodeNotRepeatable, "a step that may not be done twice cannot be retried").
				At(m.Path() + ".on_failure").Wide(len(Retry)).
				Hintf("say repeatable: true if doing it twice does no harm, else choose hold")
		}
	case s.Retries != 0:
		rd.problems.Addf(m.KeyPos("retries"), CodeNoRetry, "retries has no effect without on_failure: retry").
			At(m.Path() + ".retries").Wide(len("retries")).Hintf("add on_failure: retry or remove retries")
		s.Retries = 0
	}
	if s.OnFailure != Retry && m.Has("backoff") {
		rd.problems.Addf(m.KeyPos("backoff"), CodeNoRetry, "backoff has no effect without on_failure: retry").
			At(m.Path() + ".backoff").Wide(len("backoff")).Hintf("add on_failure: retry or remove backoff")
		s.Backoff = Backoff{}
	}
}

const defaultRetries = 3

// backoff reads `10s..5m`, or `30s` for a pause that stays the same.
func (rd *reader) backoff(w diag.Word) Backoff {
	if w.Text == "" {
		return Backoff{}
	}
	first, last, ranged := strings.Cut(w.Text, "..")
	if !ranged {
		last = first
	}
	least, err := yamldoc.ParseDuration(first)
	most, err2 := yamldoc.ParseDuration(last)
	if err != nil || err2 != nil || least <= 0 || most < least {
		w.Problemf(rd.problems, CodeBadBackoff, "%q is no pause between tries", w.Text).
			Hintf("write the shortest and the longest: 10s..5m; each pause is twice as long as the one before")
		return Backoff{}
	}
	return Backoff{least, most}
}

// useless reports keys that a step of its kind has no use for.
func (rd *reader) useless(s *Step, m *yamldoc.Map) {
	switch s.Kind {
	case Wait, Message, Nested:
		if m.Has("timeout") {
			rd.problems.Addf(m.KeyPos("timeout"), CodeNoTimeout, "a step of kind %s has no time-out", s.Kind).
				At(m.Path() + ".timeout").Wide(len("timeout")).Hintf("remove timeout")
			s.Timeout = 0
		}
	}
	if m.Has("idempotent_check") && s.Kind != "" && s.Kind != Command && s.Kind != HTTP && s.Kind != SFTPCopy {
		rd.problems.Addf(m.KeyPos("idempotent_check"), CodeNothingInterrupted, "a step of kind %s does nothing that could be interrupted", s.Kind).
			At(m.Path() + ".idempotent_check").Wide(len("idempotent_check")).
			Hintf("it is for command, http and sftp_copy; what must agree before a step is done stands under verify")
		s.Happened = nil
	}
}

// owner demands one where a person acts, or is answerable for a change. A message has its audience's plan behind it.
func (rd *reader) owner(s *Step, m *yamldoc.Map) {
	if s.Owner != "" || m.Has("owner") || !(s.Kind == Manual || s.Effect() && s.Kind != Message) {
		return
	}
	what := "a manual step"
	if s.Kind != Manual {
		what = "a step that changes something"
	}
	m.Problemf(CodeNoOwner, "%s needs an owner", what).Hintf("add owner: party/role, the seat that answers for it")
}
