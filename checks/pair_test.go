package checks

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// answer is one line's label and what it stands for; nil = the check does not ask this side.
type answer struct {
	label string
	seen  *Seen
}

func seen(v Verdict, code Code, denied bool) *Seen {
	return &Seen{Outcome: v, Code: code, Denied: denied, Judged: v}
}

// oldAnswers and newAnswers are everything the table tells apart.
func oldAnswers() []answer {
	return []answer{
		{"pass", seen(Pass, OK, false)},
		{"warn", seen(Warn, SrvExpires, false)},
		{"fail, proven to deny", seen(Fail, Refused, true)},
		{"fail, otherwise", seen(Fail, SrvName, false)},
		{"unverified", seen(Unverified, Unobserved, false)},
		{"error", seen(Error, Credential, false)},
		{"not asked", nil},
	}
}

func newAnswers(old *Seen) []answer {
	list := []answer{{"pass", seen(Pass, OK, false)}, {"warn", seen(Warn, SrvExpires, false)}}
	if old != nil && old.Outcome == Fail {
		list = append(list, answer{"fail, same code", seen(Fail, old.Code, false)}, answer{"fail, other code", seen(Fail, Silent, false)})
	} else {
		list = append(list, answer{"fail", seen(Fail, Silent, false)})
	}
	return append(list, answer{"unverified", seen(Unverified, Unobserved, false)}, answer{"error", seen(Error, Credential, false)}, answer{"not asked", nil})
}

func cell(v PairVerdict) string {
	s := string(v.Word)
	if v.Also != "" {
		s += " + " + string(v.Also)
	}
	if v.Blocks {
		s += ", blocks"
	}
	s += " [" + string(v.Level)
	if v.Whose != Nobody {
		s += ": " + string(v.Whose)
	}
	return s + "]"
}

func table(b *strings.Builder, head []string, rows [][]string) {
	width := make([]int, len(head))
	for _, r := range append([][]string{head}, rows...) {
		for i, c := range r {
			width[i] = max(width[i], len(c))
		}
	}
	for _, r := range append([][]string{head}, rows...) {
		for i, c := range r {
			fmt.Fprintf(b, "| %-*s ", width[i], c)
		}
		b.WriteString("|\n")
	}
}

// The golden file is the contract with the people who decide: every answer of one side against every answer of the other.
func TestPairTable(t *testing.T) {
	t.Parallel()
	head := []string{"old", "new"}
	for _, p := range Phases() {
		head = append(head, string(p))
	}
	var b strings.Builder
	b.WriteString(`How the answers of the old and the new platform compare, for each phase of the service.

pass and warn = let in; fail = not let in; unverified = we could not look; error = ours is broken; not asked = no address on that side.
In brackets: how loud it is shown (ok, warn, bad, unknown), and whose it is. "blocks" = a go decision may not rest on it.

1. Checks that state no expectation of their own

`)
	var rows [][]string
	for _, o := range oldAnswers() {
		for _, n := range newAnswers(o.seen) {
			row := []string{o.label, n.label}
			for _, p := range Phases() {
				row = append(row, cell(Pair(o.seen, n.seen, p)))
			}
			rows = append(rows, row)
		}
	}
	table(&b, head, rows)
	b.WriteString("\n2. Checks that state what they expect: each side is judged against that first\n\n")
	rows = nil
	for _, o := range judgedAnswers() {
		for _, n := range otherCode(o, judgedAnswers()) {
			row := []string{o.label, n.label}
			for _, p := range Phases() {
				row = append(row, cell(Pair(o.seen, n.seen, p)))
			}
			rows = append(rows, row)
		}
	}
	table(&b, head, rows)
	b.WriteString(`
3. Checks with rules about both sides: what the tables above say, when a rule does not hold between two answers that count

`)
	rows = nil
	for _, w := range Words() {
		for _, level := range []Severity{SeverityOK, SeverityWarn} {
			v := PairVerdict{Word: w, Level: level}
			switch {
			case w == WordDiffers, level == SeverityWarn && w != WordReady && w != WordOK:
				continue
			case level == SeverityWarn:
				rows = append(rows, []string{string(w) + ", warn", cell(v.Differing())})
			case v.Differing() == v:
				rows = append(rows, []string{string(w), "as above"})
			default:
				rows = append(rows, []string{string(w), cell(v.Differing())})
			}
		}
	}
	table(&b, []string{"without the rule", "the rule does not hold"}, rows)
	b.WriteString("\n4. Checks of a file that is the same on both sides: what the tables above say, except\n\n")
	rows = nil
	for _, w := range Words() {
		for _, whose := range []Whose{WhoseOurs, WhoseBoth} {
			v := PairVerdict{Word: w, Blocks: true, Level: SeverityBad, Whose: whose}
			if one := v.OneFile(); one != v && (w != WordCommonCause) == (whose == WhoseBoth) {
				rows = append(rows, []string{string(w), cell(one)})
			}
		}
	}
	table(&b, []string{"of two files", "of one file"}, rows)
	golden(t, "testdata/pairs.golden", b.String())
}

// judgedAnswers are what is told apart once a side's own expectation has been applied.
func judgedAnswers() []answer {
	var list []answer
	for _, v := range Verdicts() {
		list = append(list, answer{label: map[Verdict]string{
			Pass: "as expected", Warn: "as expected, warn", Fail: "not as expected", Unverified: "unverified", Error: "error"}[v],
			seen: &Seen{Outcome: v, Code: Silent, Judged: v, Stated: true}})
	}
	return append(list, answer{"not asked", nil})
}

// otherCode splits "both not as expected" into the same and another code.
func otherCode(old answer, list []answer) []answer {
	if old.seen == nil || old.seen.Judged != Fail {
		return list
	}
	other := *list[2].seen
	other.Code = SrvName
	return append(list[:3:3], append([]answer{{"not as expected, other code", &other}}, list[3:]...)...)
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; rewrite it with -update and read what changed):\n%s", file, diff)
	}
}

// The cells that the design names, word for word.
func TestPairOfTheDesign(t *testing.T) {
	t.Parallel()
	pass, fail, other, blind := seen(Pass, OK, false), seen(Fail, SrvName, false), seen(Fail, Silent, false), seen(Unverified, Unobserved, false)
	denied := seen(Fail, Refused, true)
	cases := []struct {
		old, new *Seen
		words    [4]Word
		blocks   [4]bool
	}{
		{pass, pass, [4]Word{WordReady, WordReady, WordOK, WordOldStillOpen}, [4]bool{}},
		{pass, fail, [4]Word{WordGap, WordGap, WordRegression, WordRegression}, [4]bool{true, true, true, true}},
		{fail, pass, [4]Word{WordOKNote, WordOKNote, WordNoWayBack, WordDenyUnproven}, [4]bool{2: true}},
		{denied, pass, [4]Word{WordOKNote, WordOKNote, WordNoWayBack, WordOK}, [4]bool{2: true}},
		{fail, fail, [4]Word{WordCommonCause, WordCommonCause, WordDown, WordDown}, [4]bool{true, true, true, true}},
		{fail, other, [4]Word{WordBothFailed, WordBothFailed, WordDown, WordRegression}, [4]bool{true, true, true, true}},
		{pass, blind, [4]Word{WordNotObserved, WordNotObserved, WordNotObserved, WordNotObserved}, [4]bool{true, true}},
		{fail, blind, [4]Word{WordNotObserved, WordNotObserved, WordNotObserved, WordNotObserved}, [4]bool{true, true, true}},
	}
	for _, c := range cases {
		for i, p := range Phases() {
			if v := Pair(c.old, c.new, p); v.Word != c.words[i] || v.Blocks != c.blocks[i] {
				t.Errorf("%+v | %+v in %s: got %+v, want %s, blocks %v", *c.old, *c.new, p, v, c.words[i], c.blocks[i])
			}
		}
	}
	if v := Pair(pass, fail, Closed); v.Also != WordOldStillOpen {
		t.Errorf("closed, old lets in and new fails: got %+v, want old-still-open said too", v)
	}
}

// everyPair calls fn with every pair of answers and phase, stated and not.
func everyPair(fn func(old, new *Seen, p Phase)) {
	for _, p := range Phases() {
		for _, o := range oldAnswers() {
			for _, n := range newAnswers(o.seen) {
				fn(o.seen, n.seen, p)
			}
		}
		for _, o := range judgedAnswers() {
			for _, n := range judgedAnswers() {
				fn(o.seen, n.seen, p)
			}
		}
	}
}

// Whatever the answers: every cell has a known word and a level that fits it, and what could not be looked at is never green.
func TestPairProperties(t *testing.T) {
	t.Parallel()
	known := map[Word]bool{}
	for _, w := range Words() {
		known[w] = true
	}
	blind := func(s *Seen) bool { return s != nil && (s.Outcome == Unverified || s.Outcome == Error) }
	everyPair(func(o, n *Seen, p Phase) {
		if v, d := Pair(o, n, p), Pair(o, n, p).Differing(); v.Blocks && d != v || v.Word == WordNotObserved && d != v || d != v && d.OK() {
			t.Errorf("%+v with a broken rule: %+v", v, d)
		}
		v := Pair(o, n, p)
		say := func(what string) { t.Errorf("%+v | %+v in %s = %+v: %s", o, n, p, v, what) }
		if !known[v.Word] {
			say("unknown word")
		}
		if v.Level == SeverityOK && (blind(o) || blind(n)) {
			say("green although we could not look")
		}
		if v.OK() && (blind(o) || blind(n)) {
			say("meets pairs: ok although we could not look")
		}
		if v.Blocks && v.OK() {
			say("blocks and is ok")
		}
		if v.Blocks && v.Level == SeverityOK {
			say("blocks and is green")
		}
		if (v.Level == SeverityOK) != (v.Whose == Nobody) {
			say("only what is green is nobody's")
		}
		if v.Word == WordNotObserved && v.Level != SeverityUnknown {
			say("not observed is neither good nor bad")
		}
		if n != nil && !n.Stated && n.Outcome == Fail && !v.Blocks {
			say("the new side fails and nothing is blocked")
		}
	})
}

// One more failing answer never turns a block into a go. For old this holds until it is to deny.
func TestPairIsMonotone(t *testing.T) {
	t.Parallel()
	worse := [][2]Verdict{{Pass, Unverified}, {Unverified, Fail}, {Pass, Fail}, {Warn, Fail}, {Pass, Error}, {Error, Fail}}
	change := func(s *Seen, to Verdict) *Seen {
		c := *s
		c.Outcome, c.Judged, c.Code, c.Denied = to, to, SrvName, false
		return &c
	}
	everyPair(func(o, n *Seen, p Phase) {
		for _, w := range worse {
			if n != nil && n.Outcome == w[0] {
				if before, after := Pair(o, n, p), Pair(o, change(n, w[1]), p); before.Blocks && !after.Blocks {
					t.Errorf("%+v | %+v in %s blocks (%s), with new %s it does not (%s)", o, n, p, before.Word, w[1], after.Word)
				}
			}
			if o != nil && o.Outcome == w[0] && (p != Closed || o.Stated) {
				if before, after := Pair(o, n, p), Pair(change(o, w[1]), n, p); before.Blocks && !after.Blocks {
					t.Errorf("%+v | %+v in %s blocks (%s), with old %s it does not (%s)", o, n, p, before.Word, w[1], after.Word)
				}
			}
		}
	})
}

// A check's own expectation decides the pair: the tax gateway's "denied on old, let in on new" is ok, and the other way round is not.
func TestOwnExpectation(t *testing.T) {
	t.Parallel()
	expect := Expect{Old: {Closed: Deny, Before: Allow}, New: {Closed: Allow, Before: Allow}}
	result := func(side Side, v Verdict, code Code, control string) Result {
		return Result{Unit: Unit{Side: side}, Outcome: v, Code: code, Facts: map[string]string{FactControl: control}}
	}
	in := func(s Side) Result { return result(s, Pass, OK, "") }
	cases := []struct {
		name     string
		old, new Result
		phase    Phase
		word     Word
		whose    Whose
	}{
		{"both as expected", result(Old, Fail, Refused, ControlAnswered), in(New), Closed, WordOK, Nobody},
		{"old still lets in", in(Old), in(New), Closed, WordRegression, WhoseOld},
		{"old fails, which is no deny", result(Old, Fail, SrvExpired, ControlAnswered), in(New), Closed, WordRegression, WhoseOld},
		{"old is refused, no control", result(Old, Fail, Refused, ""), in(New), Closed, WordNotObserved, WhoseOld},
		{"new does not let in", result(Old, Fail, Refused, ControlAnswered), result(New, Fail, Refused, ControlAnswered), Closed, WordRegression, WhoseNew},
		{"both wrong", in(Old), result(New, Fail, Silent, ""), Closed, WordBothFailed, WhoseBoth},
		{"before: both refuse alike", result(Old, Fail, Refused, ""), result(New, Fail, Refused, ""), Before, WordCommonCause, WhoseOurs},
		{"before: both refuse, each in its way", result(Old, Fail, Silent, ""), result(New, Fail, Refused, ""), Before, WordBothFailed, WhoseBoth},
		{"before: both let in", in(Old), in(New), Before, WordOK, Nobody},
		{"before: new does not", in(Old), result(New, Fail, FilteredDrop, ControlAnswered), Before, WordRegression, WhoseNew},
		{"not stated in this phase: the table", in(Old), in(New), Fallback, WordOK, Nobody},
		{"not stated in this phase: a gap", in(Old), result(New, Fail, Silent, ""), Switching, WordGap, WhoseNew},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			v := Pair(c.old.Seen(expect, c.phase), c.new.Seen(expect, c.phase), c.phase)
			if v.Word != c.word || v.Whose != c.whose {
				t.Errorf("got %+v, want %s of %q", v, c.word, c.whose)
			}
		})
	}
}
