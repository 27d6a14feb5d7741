package matrix

import (
	"cmp"
	"maps"
	"slices"

	"skift/checks"
)

// Difference is one fact that the two answers a pair rests on do not have alike, or have alike where they must not.
type Difference struct {
	Fact   string      `json:"fact"`
	Old    string      `json:"old"` // "" = old has no such fact, or an empty one
	New    string      `json:"new"`
	Rule   checks.Rule `json:"rule,omitempty"`   // what the check demands of it; "" = nothing
	Broken bool        `json:"broken,omitempty"` // the rule does not hold
}

// differences lists them, those that break a rule first, then by name. Answers that do not count are compared with nothing.
func differences(demanded []checks.Comparison, o, n *Answer) []Difference {
	if !comparable(o, n) {
		return nil
	}
	rules := map[string]checks.Rule{}
	for _, c := range demanded {
		rules[c.Fact] = c.Rule
	}
	names := maps.Clone(o.Last.Facts)
	if names == nil {
		names = map[string]string{}
	}
	maps.Copy(names, n.Last.Facts)
	maps.DeleteFunc(names, func(name, _ string) bool { return checks.OfPlace(name) })
	var out []Difference
	for name := range names {
		d := Difference{Fact: name, Old: o.Last.Facts[name], New: n.Last.Facts[name], Rule: rules[name]}
		d.Broken = broken(checks.Comparison{Fact: name, Rule: d.Rule}, o, n)
		if d.Broken || d.Old != d.New {
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(order(a), order(b)), cmp.Compare(a.Fact, b.Fact))
	})
	return out
}

func order(d Difference) int {
	if d.Broken {
		return 0
	}
	return 1
}

// comparable reports whether both answers are there and count.
func comparable(o, n *Answer) bool {
	return o != nil && n != nil && o.Last != nil && n.Last != nil && o.Reason == Counts && n.Reason == Counts
}

// broken reports whether a rule does not hold between two answers that count. A fact that one side does not have breaks none: that it
// is missing is what that side's own answer says.
func broken(c checks.Comparison, o, n *Answer) bool {
	was, inOld := o.Last.Facts[c.Fact]
	is, inNew := n.Last.Facts[c.Fact]
	if !inOld || !inNew {
		return false
	}
	return c.Rule == checks.MustEqual && was != is || c.Rule == checks.MustDiffer && was == is
}

// breaks reports whether any rule does not hold between two answers.
func breaks(demanded []checks.Comparison, o, n *Answer) bool {
	return comparable(o, n) && slices.ContainsFunc(demanded, func(c checks.Comparison) bool { return broken(c, o, n) })
}

// compare is how an old and a new address stand to each other: by the table, and where that finds nothing wrong by the check's rules.
func (p *Pair) compare(o, n *Answer) checks.PairVerdict {
	v := checks.Pair(seenOf(o), seenOf(n), p.Phase)
	switch was, is, files := filesOf(o, n); {
	case files && was == is:
		v = v.OneFile()
	case files:
		v = v.TwoFiles()
	}
	if breaks(p.rules, o, n) {
		return v.Differing()
	}
	return v
}

// filesOf are the files that lie here and that two answers are about; ok is false when they are about something else.
func filesOf(o, n *Answer) (was, is string, ok bool) {
	if !comparable(o, n) || o.Addr+n.Addr != "" {
		return "", "", false
	}
	was, is = o.Last.Facts["file"], n.Last.Facts["file"]
	return was, is, was != "" && is != ""
}

// markDiffering makes a failure of every new address that is well by itself and breaks a rule with an old one: what counts units must
// not take it for one that is as wanted.
func (p *Pair) markDiffering() {
	for _, n := range orNone(p.New.Answers) {
		for _, o := range orNone(p.Old.Answers) {
			if p.compare(o, n).Word == checks.WordDiffers {
				n.Verdict, n.Code = checks.Fail, checks.Differs
				break
			}
		}
	}
}
