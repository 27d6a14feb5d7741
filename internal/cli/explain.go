package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"skift/checks"
	"skift/internal/api"
	"skift/internal/matrix"
	"skift/internal/plan"
	"skift/internal/snapshot"
	"skift/internal/term"
)

// explainCommand tells everything about a check, or what an outcome code means.
func (s *session) explainCommand() *cobra.Command {
	var q api.ExplainRequest
	var code string
	var codes bool
	c := &cobra.Command{
		Use:   "explain CHECK[@old|@new] [--flow F] | --code CODE | --codes",
		Short: "Tell all about a check: what was expected and why, what each address answered, whose it is",
		Long: "What is stored is shown, address by address: how far it got and how long each part took, evidence, the certificates presented,\n" +
			"what rests on it, whose it is with whom to call, and what to try. Nothing is asked; `skift check` does that. Exit: 0 it was shown.",
		RunE: func(c *cobra.Command, a []string) error {
			switch {
			case codes && code != "", (codes || code != "") && len(a) > 0:
				return usage("a check, --code and --codes exclude each other", "choose one")
			case codes:
				return s.explainCodes()
			case code != "":
				return s.explainCode(code)
			case len(a) != 1 || a[0] == "":
				return usage("explain takes one check", "usage: "+c.UseLine())
			}
			return s.explainCheck(c.Context(), a[0], q)
		},
	}
	c.Flags().StringVar(&q.Flow, "flow", "", "only what was asked for the flow `F`")
	c.Flags().StringVar(&q.Environment, "environment", "", "`ENV`, an environment of the plan (default: the production one)")
	c.Flags().StringVar(&code, "code", "", "tell what the outcome code `CODE` means")
	c.Flags().BoolVar(&codes, "codes", false, "tell what every outcome code means")
	return s.asJSON(c)
}

// manyExplained is how many comparisons are told in full; the others are counted.
const manyExplained = 5

func (s *session) explainCheck(ctx context.Context, word string, q api.ExplainRequest) error {
	id, side, ok := snapshot.SplitSide(word)
	if !ok {
		return usage(fmt.Sprintf("a side is old or new, not %q", side), "write "+id+"@old or "+id+"@new")
	}
	q.Patterns, q.Side = []string{id}, side
	return s.readDesk(ctx, func(d api.Desk, p *plan.Plan) error {
		r, err := d.Explain(ctx, q)
		if err != nil {
			return err
		}
		if s.json {
			return s.printJSON(r)
		}
		v := s.sheet(p)
		if len(r.Explanations) == 0 {
			v.text(0, v.c.T("screen.check.none", "environment", r.Environment))
		}
		for i, e := range r.Explanations {
			if i == manyExplained {
				v.space()
				v.text(0, v.c.N("screen.more", len(r.Explanations)-i)+": "+v.c.T("explain.one-of-many"))
				break
			}
			if i > 0 {
				v.space()
			}
			v.explanation(e, r.At)
		}
		s.print(v)
		return nil
	})
}

// explanation writes one comparison: what was expected, then every address.
func (v *sheet) explanation(e snapshot.Explanation, now time.Time) {
	name := e.Check
	if e.Flow != "" {
		name += " " + e.Flow
	}
	verdict := v.c.T("pair." + string(e.Verdict.Word))
	if e.Verdict.Also != "" {
		verdict += ", " + v.c.T("pair."+string(e.Verdict.Also))
	}
	v.heading(levelState(e.Verdict.Level), name, " · "+verdict)
	v.text(2, v.c.T("pair."+string(e.Verdict.Word)+".means"))
	about := []string{v.c.T("explain.kind", "kind", e.Kind), v.c.T("service") + " " + e.Service, v.c.T("phase." + string(e.Phase))}
	if e.Critical {
		about = append(about, v.c.T("screen.critical"))
	}
	if e.Party != "" {
		about = append(about, partyName(v.p, e.Party))
	}
	v.text(2, strings.Join(append(about, v.c.T("explain.max-age", "age", v.c.Duration(e.MaxAge))), " · "))
	v.restsOn(e)
	v.differences(e)
	for _, a := range e.Answers {
		v.space()
		v.answer(e, a, now)
	}
}

// restsOn writes which gates ask for the check, and what may be changed meanwhile.
func (v *sheet) restsOn(e snapshot.Explanation) {
	label := v.c.T("explain.asked-by")
	for _, a := range e.AskedBy {
		demand := a.Demand
		if demand == "all" {
			demand = v.c.T("explain.asked-by.all")
		}
		text := v.c.T("explain.asked-by.text", "gate", a.Gate, "suite", a.Suite, "demand", demand)
		if demand == "0%" {
			text = v.c.T("explain.asked-by.free", "gate", a.Gate, "suite", a.Suite)
		}
		if a.MaxAge > 0 {
			text += " · " + v.c.T("explain.asked-by.age", "age", v.c.Duration(a.MaxAge))
		}
		if !a.DecideBy.IsZero() {
			text += " · " + v.c.T("explain.asked-by.decide", "at", localTime(v.p, a.DecideBy))
		}
		v.field(label, text)
		label = ""
	}
	if len(e.AskedBy) == 0 {
		v.field(label, v.c.T("explain.asked-by.none"))
	}
	for _, z := range e.Zones {
		text := v.c.T("explain.zone.nothing")
		if len(z.Allow) > 0 {
			var classes []string
			for _, class := range z.Allow {
				classes = append(classes, v.c.T("class."+class))
			}
			text = v.c.T("explain.zone.only", "classes", v.c.List(classes))
		}
		v.field("", v.c.T("explain.zone", "zone", z.ID, "allowed", text))
	}
}

// manyDifferences is how many differences are shown that break no rule: platforms differ in much that matters to nobody.
const manyDifferences = 6

// differences lists what the two answers do not have alike, or have alike where they must not; first what breaks a rule.
func (v *sheet) differences(e snapshot.Explanation) {
	label, plain := v.c.T("explain.differences"), 0
	for _, d := range e.Why.Differences {
		if d.Rule == "" {
			if plain++; plain > manyDifferences {
				continue
			}
		}
		text := v.c.T("explain.difference.text", "what", d.Fact, "old", cmp.Or(term.Truncate(d.Old, shortDetail), "–"), "new", cmp.Or(term.Truncate(d.New, shortDetail), "–"))
		if d.Rule != "" {
			text += " · " + v.c.T("explain.difference."+string(d.Rule))
		}
		if d.Broken {
			text = term.Fail.Shape() + " " + text
		}
		v.field(label, text)
		label = ""
	}
	if more := plain - manyDifferences; more > 0 {
		v.field(label, v.c.N("screen.more", more))
	}
}

// answer writes what one address answered.
func (v *sheet) answer(e snapshot.Explanation, a snapshot.Answer, now time.Time) {
	verdict := v.c.T("verdict." + string(a.Verdict))
	if a.Code != checks.OK {
		verdict += " · " + string(a.Code)
	}
	v.heading(verdictState(a.Verdict), v.c.T("side."+string(a.Side))+" "+placeOf(a), " · "+verdict)
	why := v.c.T("explain.by-phase")
	if a.Stated {
		why = v.c.T("explain.by-check")
	}
	v.field(v.c.T("explain.expected"), v.c.T("want."+string(cmp.Or(a.Want, checks.Allow)))+" ("+why+")")
	if a.Verdict != checks.Pass {
		v.blame(a)
	}
	v.observed(a, now)
	from := e.Vantage
	if a.Source != "" && a.Source != from {
		from += " (" + a.Source + ")"
	}
	if a.LocalAddr != "" {
		from += " · " + a.LocalAddr
	}
	if seen := a.Facts[checks.FactEgress]; seen != "" && seen != checks.EgressUnknown {
		from += " · " + v.c.T("explain.seen-as", "addr", seen)
	}
	if a.Brought.By != "" {
		from += " · " + v.broughtFrom(a.Brought)
	}
	v.field(v.c.T("explain.from"), from)
	v.field(v.c.T("explain.name"), a.ServerName)
	v.course(a)
	v.chain(a)
	v.evidence(a)
	v.details(a)
}

// placeOf is the address asked, or what stands for it where files are looked at.
func placeOf(a snapshot.Answer) string { return cmp.Or(a.Addr, a.Facts["file"], "–") }

// blame writes why an answer is not as wanted, whose that is, and what to try.
func (v *sheet) blame(a snapshot.Answer) {
	v.field(v.c.T("explain.cause"), causeOf(a.SideWhy, v.p))
	who := v.c.Owner("ours")
	if a.Owner != "" {
		who = partyName(v.p, a.Owner)
	}
	v.field(v.c.T("explain.whose"), who)
	switch {
	case a.Seat != "":
		v.field("", a.Seat+": "+call(v.p, a.Person))
	case a.Person != "":
		v.field("", call(v.p, a.Person))
	}
	v.field(v.c.T("explain.next"), nextOf(a.SideWhy, v.p))
	if a.PausedFor != "" {
		v.field(v.c.T("explain.paused"), v.c.T("explain.paused.since", "who", partyName(v.p, a.PausedFor), "at", localTime(v.p, a.PausedAt), "party", a.PausedFor))
	}
	if !a.IdleSince.IsZero() {
		v.field(v.c.T("explain.idle"), localTime(v.p, a.IdleSince))
	}
	if len(a.Missing) > 0 {
		v.field("", v.c.T("explain.consent", "levels", joined(a.Missing)))
	}
	if !a.SparedUntil.IsZero() {
		v.field(v.c.T("explain.spared"), v.c.T("explain.spared.until", "until", localTime(v.p, a.SparedUntil)))
	}
	if d := a.Deviation; d != nil {
		v.field(v.c.T("explain.accepted"), v.c.T("report.deviation.until", "seat", d.Actor.Seat, "until", localTime(v.p, d.Until), "reason", d.Reason)+
			fmt.Sprintf(" · skift log %d", d.Seq))
	}
}

// observed writes how old the answer is, and since when it has been the same.
func (v *sheet) observed(a snapshot.Answer, now time.Time) {
	label := v.c.T("explain.observed")
	if a.LastAt.IsZero() {
		v.field(label, v.c.T("explain.never"))
		return
	}
	text := v.c.Ago(now.Sub(a.LastAt).Round(time.Second)) + " · " + v.c.T("explain.unchanged", "since", localTime(v.p, a.Since)) + " · " + v.c.N("count.answers", int(a.Count))
	if a.Reason != matrix.Counts && a.LastCode != "" {
		text += " · " + string(a.LastCode)
	}
	v.field(label, text)
	v.attempts(a)
	question := v.c.T("explain.asked.now")
	if !a.Current {
		question = v.c.T("explain.asked.then")
	}
	v.field(v.c.T("explain.asked"), question+fmt.Sprintf(" (%.12s, %s)", a.ConfigHash, a.Checker))
}

// attempts lists the last answers when some of them were not as wanted, oldest first.
func (v *sheet) attempts(a snapshot.Answer) {
	if len(a.Attempts) == 0 {
		return
	}
	label := v.c.T("explain.attempts")
	v.field(label, v.c.T("screen.attempt", "n", a.Flapping, "of", len(a.Attempts)))
	for _, t := range a.Attempts {
		text := verdictState(t.Verdict).Shape() + " " + localTime(v.p, t.At) + " " + v.c.T("verdict."+string(t.Verdict))
		if t.Code != checks.OK {
			text += " · " + string(t.Code)
		}
		v.field("", text)
	}
}

// course draws how long each part took and how far it got.
func (v *sheet) course(a snapshot.Answer) {
	const bar = 20
	longest := time.Duration(1)
	for _, t := range a.Timings {
		longest = max(longest, t.Mean)
	}
	label := v.c.T("explain.phases")
	for _, t := range a.Timings {
		length := max(1, int(int64(bar)*int64(t.Mean)/int64(longest)))
		text := term.Pad(t.Phase, 11) + term.Pad(strings.Repeat("=", length), bar+1)
		if t.Count > 1 {
			text += v.c.T("explain.mean", "mean", short(t.Mean), "min", short(t.Min), "max", short(t.Max))
		} else {
			text += short(t.Mean)
		}
		v.field(label, text)
		label = ""
	}
	switch {
	case a.LastAt.IsZero():
	case a.Reached != "":
		v.field(label, v.c.T("explain.reached", "phase", a.Reached))
	case len(a.Addr) > 0:
		v.field(label, v.c.T("explain.reached.nothing"))
	}
}

// short is a length of time as it is measured: to three digits.
func short(d time.Duration) string {
	for _, unit := range []time.Duration{time.Second, time.Millisecond, time.Microsecond} {
		if d >= unit {
			return d.Round(unit / 100).String()
		}
	}
	return d.String()
}

// chain draws the certificates presented, the server's own first, each below the one it is issued by.
func (v *sheet) chain(a snapshot.Answer) {
	certs := snapshot.Chain(a.Facts)
	label := v.c.T("explain.chain")
	for i, c := range certs {
		branch := ""
		if i > 0 {
			branch = strings.Repeat("  ", i-1) + "└ "
		}
		text := cmp.Or(c.Subject, c.SHA256)
		if !c.NotAfter.IsZero() {
			text = v.c.T("explain.cert", "subject", text, "end", localTime(v.p, c.NotAfter))
		}
		v.field(label, branch+text)
		label = ""
	}
	if n := len(certs); n > 0 && certs[n-1].Issuer != "" && certs[n-1].Issuer != certs[n-1].Subject {
		v.field("", strings.Repeat("  ", n-1)+"└ "+v.c.T("explain.cert.root", "issuer", certs[n-1].Issuer))
	}
	if len(a.Undated) > 0 {
		v.field("", v.c.T("explain.undated", "moments", strings.Join(a.Undated, ", ")))
	}
}

// evidence writes what the wire gave.
func (v *sheet) evidence(a snapshot.Answer) {
	label := v.c.T("explain.evidence")
	for _, f := range []struct{ name, text string }{
		{"", a.Evidence.Err}, {v.c.T("explain.evidence.alert"), a.Evidence.Alert}, {"errno", a.Evidence.Errno},
		{v.c.T("explain.evidence.banner"), a.Evidence.Banner}, {v.c.T("explain.evidence.bytes"), a.Evidence.FirstBytes},
	} {
		if f.text == "" {
			continue
		}
		if f.name != "" {
			f.text = f.name + ": " + f.text
		}
		v.field(label, term.Truncate(f.text, longDetail))
		label = ""
	}
}

// shortDetail is how much of each side of a difference is shown.
const shortDetail = 20

// longDetail is how much of one detail is shown: --json has all of it.
const longDetail = 160

// details lists what else was learnt, sorted by name.
func (v *sheet) details(a snapshot.Answer) {
	label := v.c.T("explain.details")
	for _, k := range slices.Sorted(maps.Keys(a.Facts)) {
		if _, drawn := checks.ParseLink(a.Facts[k]); drawn {
			continue // in the chain
		}
		v.field(label, term.Truncate(k+": "+a.Facts[k], longDetail))
		label = ""
	}
}

func joined[T ~string](list []T) string {
	texts := make([]string, len(list))
	for i, t := range list {
		texts[i] = string(t)
	}
	return strings.Join(texts, ", ")
}
