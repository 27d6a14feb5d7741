package cli

import (
	"errors"
	"slices"
	"strings"

	"skift/checks"
	"skift/internal/app"
	"skift/internal/diag"
	"skift/internal/term"
	"skift/internal/words"
)

// codeMeans is an outcome code with everything that holds for it: `skift explain --code`.
type codeMeans struct {
	Code    checks.Code    `json:"code"`
	Class   checks.Class   `json:"class"`
	Verdict checks.Verdict `json:"verdict"` // unless a kind says milder
	Denies  bool           `json:"denies"`  // with an answering control it proves that the asker is kept out
	Cause   string         `json:"cause"`
	Owner   words.Owner    `json:"usual_owner"`
	Next    string         `json:"next"`
}

func meaning(i checks.CodeInfo, c *words.Catalogue) codeMeans {
	o := c.Outcome(string(i.Code))
	return codeMeans{i.Code, i.Class, i.Verdict, i.Denies, o.Cause, o.Owner, o.Next}
}

// language is the catalogue of the plan here; without a plan that can be read it is the English one.
func (s *session) language() *words.Catalogue {
	p, _, err := app.Load(s.dir)
	var bad *app.PlanError
	if err != nil && !errors.As(err, &bad) || p == nil {
		return words.In(words.En)
	}
	return speak(p)
}

// explainCodes lists every outcome code.
func (s *session) explainCodes() error {
	c := s.language()
	var all []codeMeans
	for _, i := range checks.Codes() {
		all = append(all, meaning(i, c))
	}
	if s.json {
		return s.printJSON(all)
	}
	for _, m := range all {
		s.showCode(m, c)
	}
	return nil
}

// explainCode tells what one outcome code means, whose it usually is, and what to do.
func (s *session) explainCode(code string) error {
	i := slices.IndexFunc(checks.Codes(), func(i checks.CodeInfo) bool { return string(i.Code) == code })
	if i < 0 {
		var known []string
		for _, k := range checks.Codes() {
			known = append(known, string(k.Code))
		}
		hint := "skift explain --codes lists them"
		if near := diag.Suggest(code, known); near != "" {
			hint = "did you mean \"" + near + "\"?"
		}
		return usage("there is no outcome code \""+code+"\"", hint)
	}
	c := s.language()
	m := meaning(checks.Codes()[i], c)
	if s.json {
		return s.printJSON(m)
	}
	s.showCode(m, c)
	return nil
}

func (s *session) showCode(m codeMeans, c *words.Catalogue) {
	state := verdictState(m.Verdict)
	s.printf("%s %s · %s\n", s.screen.Paint(state, state.Shape()), s.screen.Bold(string(m.Code)), c.T("verdict."+string(m.Verdict)))
	width := columns(s.screen)
	for _, l := range []string{m.Cause, c.T("owner") + ": " + c.Owner(m.Owner), "→ " + m.Next} {
		s.printf("  %s\n", strings.Join(term.Wrap(l, width-2), "\n  "))
	}
}
