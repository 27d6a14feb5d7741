package freeze

import (
	"fmt"
	"slices"
	"strings"

	"skift/checks"
	"skift/internal/diag"
	"skift/internal/plan"
)

// Mistake is a question that cannot be meant, in words for whoever asked, with the flags of the commands.
type Mistake struct{ Text, Hint string }

// MistakeIn finds in a question what the plan does not have: a misspelt service would be one that no zone protects. nil = it can be asked.
func MistakeIn(p *plan.Plan, q Question) *Mistake {
	_, member := p.Member(q.Party)
	switch {
	case q.Service != "" && p.Services[q.Service] == nil:
		return &Mistake{fmt.Sprintf("the plan has no service %q", q.Service), near(q.Service, p.ServiceIDs)}
	case q.Party != "" && p.Parties[q.Party] == nil && !member:
		return &Mistake{fmt.Sprintf("the plan has no party %q", q.Party), near(q.Party, p.PartyIDs) + ", and their members"}
	}
	return mistaken(q)
}

// mistaken is what can be said of a question without any plan.
func mistaken(q Question) *Mistake {
	switch {
	case !slices.Contains(plan.Classes(), q.Class):
		return &Mistake{fmt.Sprintf("there is no class of change %q", q.Class), "write --class and one of: " + strings.Join(words(plan.Classes()), ", ")}
	case q.Side != "" && !slices.Contains(checks.Sides(), q.Side):
		return &Mistake{fmt.Sprintf("a platform is old or new, not %q", q.Side), "leave --platform out to mean both"}
	}
	return nil
}

func near(word string, known []string) string {
	if s := diag.Suggest(word, known); s != "" {
		return fmt.Sprintf("did you mean %q? It has %s", s, strings.Join(known, ", "))
	}
	return "it has " + strings.Join(known, ", ")
}

func words(classes []plan.Class) []string {
	out := make([]string, 0, len(classes))
	for _, c := range classes {
		out = append(out, string(c))
	}
	return out
}
