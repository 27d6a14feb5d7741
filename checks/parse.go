package checks

import (
	"time"

	"skift/internal/diag"
	"skift/internal/yamldoc"
)

// RefTo says what a reference in a check points at; whoever holds the plan resolves it.
type RefTo string

// What a check can refer to.
const (
	ToService RefTo = "service"
	ToVantage RefTo = "vantage"
	ToArea    RefTo = "area"
	ToMoment  RefTo = "moment" // a moment of the plan, "cutover.end"
	ToFile    RefTo = "file"   // a file in the plan directory
	ToSecret  RefTo = "secret" // where a secret is kept
	ToColumn  RefTo = "column" // a column of the flows
)

// Reference is a name in a check that stands for something outside it, with its place.
type Reference struct {
	To   RefTo
	Word diag.Word
}

// reader reads one check.
type reader struct {
	m        *yamldoc.Map
	problems *diag.List
	spec     *Spec
}

// ParseSpec reads the check `id: {…}` strictly. Problems go to the node's list; the Spec is never nil, but is only to be used
// when the list has no errors.
func ParseSpec(id string, n yamldoc.Node) *Spec {
	r := &reader{m: n.Map(), problems: n.Problems(), spec: &Spec{ID: id, Pos: n.KeyPos()}}
	defer r.m.Done()
	s := r.spec
	kinds := make([]string, 0, len(Kinds()))
	for _, k := range Kinds() {
		kinds = append(kinds, string(k.Kind))
	}
	s.Kind = Kind(r.m.OneOf("kind", kinds...))
	s.Service = r.ref(r.m.Word("service"), ToService)
	s.ForEach = r.m.OptOneOf("for_each", "", "flows")
	s.Vantage = r.vantages()
	if s.ForEach != "" && r.m.Has("vantage") {
		r.m.ExactlyOne("for_each", "vantage")
	}
	s.Critical = r.m.OptBool("critical", false)
	s.Area = r.ref(r.m.OptWord("area"), ToArea)
	s.MaxAge = r.maxAge()
	s.Timeout = r.timeout()
	s.Expect = r.expect()
	if def, ok := kindDef(s.Kind); ok {
		s.Options = def.read(r)
		r.placeless()
	} else {
		r.m.Ignore() // which other keys belong here depends on the kind
	}
	return s
}

// placeless looks after a check that asks no address. It looks where skift runs, and a file lets nobody in: the old side's is as good
// after the end as before.
func (r *reader) placeless() {
	if _, ok := r.spec.Placeless(); !ok {
		return
	}
	for _, key := range []string{"vantage", "expect"} {
		if n, ok := r.m.OptNode(key); ok {
			n.KeyProblemf(CodeUnusedKey, "%s is not used by a check of files", key).Hintf("remove it")
		}
	}
	r.spec.Expect = Expect{Old: {Closed: Allow}}
}

func (r *reader) ref(w diag.Word, to RefTo) string {
	if w.Text != "" {
		r.spec.Refs = append(r.spec.Refs, Reference{To: to, Word: w})
	}
	return w.Text
}

// vantages reads `k101`, or `{old: sse-egress, new: ibm-egress}` where each side is asked from a place of its own.
func (r *reader) vantages() Vantages {
	n, ok := r.m.OptNode("vantage")
	if !ok {
		return nil
	}
	v := Vantages{}
	if n.Kind() != yamldoc.KindMap {
		if w := r.ref(r.m.OptWord("vantage"), ToVantage); w != "" {
			v[Old], v[New] = w, w
		}
		return v
	}
	m := n.Map()
	defer m.Done()
	for _, side := range Sides() {
		if w := r.ref(m.OptWord(string(side)), ToVantage); w != "" {
			v[side] = w
		}
	}
	return v
}

func (r *reader) refs(key string, to RefTo) []string {
	var list []string
	for _, w := range r.m.OptWords(key) {
		list = append(list, r.ref(w, to))
	}
	return list
}

// text reads a value that is written as it is, or as {column: NAME} with for_each. A missing one is the zero Text.
func (r *reader) text(key string) Text { return r.textIn(r.m, key) }

func (r *reader) textIn(in *yamldoc.Map, key string) Text {
	n, ok := in.OptNode(key)
	if !ok {
		return Text{}
	}
	if n.Kind() != yamldoc.KindMap {
		return Text{Literal: in.OptStr(key, "")}
	}
	m := n.Map()
	defer m.Done()
	w := m.Word("column")
	if w.Text != "" && r.spec.ForEach == "" {
		w.Problemf(r.problems, CodeColumnAlone, "a column belongs to a flow, and the check is not asked for each").Hintf("add for_each: flows, or write the value itself")
		return Text{}
	}
	return Text{Column: r.ref(w, ToColumn)}
}

func (r *reader) maxAge() time.Duration {
	d := r.m.OptDuration("max_age", DefaultMaxAge)
	if d < time.Second {
		n, _ := r.m.OptNode("max_age")
		n.Problemf(CodeBadMaxAge, "an answer must hold for at least 1s").Hintf("leave max_age out for %s", yamldoc.FormatDuration(DefaultMaxAge))
	}
	return d
}

// Bounds of a time-out. Below 4 s the kernel has sent too few tries to tell a dropped connection from a slow one.
const (
	minTimeout  = time.Second
	sureTimeout = 4 * time.Second
	maxTimeout  = 5 * time.Minute
)

func (r *reader) timeout() time.Duration {
	d := r.m.OptDuration("timeout", DefaultTimeout)
	n, _ := r.m.OptNode("timeout")
	switch {
	case d < minTimeout, d > maxTimeout:
		n.Problemf(CodeBadTimeout, "a timeout must be from %s to %s", yamldoc.FormatDuration(minTimeout), yamldoc.FormatDuration(maxTimeout))
	case d < sureTimeout:
		r.problems.Warnf(n.Pos(), CodeShortTimeout, "within %s a dropped connection cannot be told from a slow one", yamldoc.FormatDuration(d)).
			At(n.Path()).Hintf("give it at least %s", yamldoc.FormatDuration(sureTimeout))
	}
	return d
}

// expect reads `allow`, `{new: allow, old: deny}` or `{old: {closed: deny, else: allow}}`.
func (r *reader) expect() Expect {
	n, ok := r.m.OptNode("expect")
	if !ok {
		return nil
	}
	if n.Kind() == yamldoc.KindScalar {
		want := readWant(n)
		return Expect{Old: everyPhase(want), New: everyPhase(want)}
	}
	e := Expect{}
	m := n.Map()
	defer m.Done()
	for _, side := range Sides() {
		v, ok := m.OptNode(string(side))
		switch {
		case !ok:
		case v.Kind() == yamldoc.KindScalar:
			e[side] = everyPhase(readWant(v))
		default:
			e[side] = readPhases(v.Map())
		}
	}
	return e
}

func readPhases(m *yamldoc.Map) map[Phase]Want {
	defer m.Done()
	wants := map[Phase]Want{}
	if v, ok := m.OptNode("else"); ok {
		wants = everyPhase(readWant(v))
	}
	for _, p := range Phases() {
		if v, ok := m.OptNode(string(p)); ok {
			wants[p] = readWant(v)
		}
	}
	return wants
}

func readWant(n yamldoc.Node) Want {
	w, _ := n.OneOf(string(Allow), string(Deny))
	return Want(w)
}

func everyPhase(w Want) map[Phase]Want {
	wants := map[Phase]Want{}
	for _, p := range Phases() {
		wants[p] = w
	}
	return wants
}
