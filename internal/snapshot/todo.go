package snapshot

import (
	"cmp"
	"slices"

	"skift/checks"
	"skift/internal/matrix"
	"skift/internal/plan"
)

// Todo is what one party has to do about comparisons that are not as they should be.
type Todo struct {
	Party  string // "" = us
	Seat   string
	Person string
	Items  []TodoItem // gravest first
}

// TodoItem is one thing to do: answers that are alike, of however many flows and addresses.
type TodoItem struct {
	Check, Service string
	Critical       bool
	Side           checks.Side    // "" = the comparison of both sides
	Why            matrix.SideWhy // of the first of the answers; only its words are common to all
	Word           checks.Word    // how the comparison stands, where no single answer is to blame
	Level          checks.Severity
	Flows          []string
	Addrs          []string
	Accepted       bool // every one of them is covered by an accepted deviation
}

// ToDo sorts what is not green by who must act, whoever has the gravest first. Explanations of comparisons that are as they should be
// give nothing; the number of them is returned.
func ToDo(p *plan.Plan, all []Explanation) (todo []Todo, fine int) {
	for _, e := range all {
		if e.Verdict.Level == checks.SeverityOK && !slices.ContainsFunc(e.Answers, wanting) {
			fine++
			continue
		}
		blamed := false
		for _, a := range e.Answers {
			if wanting(a) {
				blamed = true
				todo = addTodo(todo, a, itemOf(e, a))
			}
		}
		if !blamed { // the answers are as wanted, and yet do not fit each other
			owner := Answer{}
			if pf := p.Platforms[sideOf(e.Verdict.Whose)]; pf != nil {
				owner.Owner = pf.Party
			}
			todo = addTodo(todo, owner, TodoItem{Check: e.Check, Service: e.Service, Critical: e.Critical, Word: e.Verdict.Word,
				Level: e.Verdict.Level, Flows: some(e.Flow)})
		}
	}
	for i := range todo {
		slices.SortStableFunc(todo[i].Items, func(x, y TodoItem) int { return cmp.Compare(y.weight(), x.weight()) })
	}
	slices.SortStableFunc(todo, func(x, y Todo) int { return cmp.Compare(y.Items[0].weight(), x.Items[0].weight()) })
	return todo, fine
}

// wanting reports whether somebody should look at an answer.
func wanting(a Answer) bool { return a.Verdict != checks.Pass }

func sideOf(w checks.Whose) checks.Side {
	if w == checks.WhoseOld {
		return checks.Old
	}
	return checks.New
}

func itemOf(e Explanation, a Answer) TodoItem {
	return TodoItem{Check: e.Check, Service: e.Service, Critical: e.Critical, Side: a.Side, Why: a.SideWhy, Level: levelOf(a.Verdict),
		Flows: some(e.Flow), Addrs: some(a.Addr), Accepted: a.Deviation != nil}
}

func levelOf(v checks.Verdict) checks.Severity {
	switch v {
	case checks.Pass:
		return checks.SeverityOK
	case checks.Warn:
		return checks.SeverityWarn
	case checks.Fail:
		return checks.SeverityBad
	}
	return checks.SeverityUnknown
}

func some(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// addTodo puts an item to the party that must act, together with what is alike.
func addTodo(todo []Todo, a Answer, item TodoItem) []Todo {
	i := slices.IndexFunc(todo, func(t Todo) bool { return t.Party == a.Owner })
	if i < 0 {
		i = len(todo)
		todo = append(todo, Todo{Party: a.Owner, Seat: a.Seat, Person: a.Person})
	}
	t := &todo[i]
	j := slices.IndexFunc(t.Items, item.like)
	if j < 0 {
		t.Items = append(t.Items, item)
		return todo
	}
	same := &t.Items[j]
	same.Accepted = same.Accepted && item.Accepted
	for _, add := range []struct{ to, from *[]string }{{&same.Flows, &item.Flows}, {&same.Addrs, &item.Addrs}} {
		for _, s := range *add.from {
			if !slices.Contains(*add.to, s) {
				*add.to = append(*add.to, s)
			}
		}
	}
	return todo
}

// like reports whether two items are said with the same words.
func (t TodoItem) like(o TodoItem) bool {
	return t.Check == o.Check && t.Side == o.Side && t.Word == o.Word && t.Why.Code == o.Why.Code && t.Why.Verdict == o.Why.Verdict &&
		t.Why.Sentence() == o.Why.Sentence()
}

// weight orders items: what is worse, then what is critical.
func (t TodoItem) weight() int {
	n := 2 * slices.Index([]checks.Severity{checks.SeverityOK, checks.SeverityWarn, checks.SeverityUnknown, checks.SeverityBad}, t.Level)
	if t.Critical {
		n++
	}
	return n
}
