package plan

import (
	"path"
	"slices"
)

// MatchChecks lists the checks that some words mean, in file order: an id, a glob over ids, or the name of a suite.
// A word that means nothing adds nothing; Unmatched names those.
func (p *Plan) MatchChecks(words []string) []string {
	var out []string
	for _, id := range p.CheckIDs {
		if slices.ContainsFunc(words, func(w string) bool { return p.means(w, id) }) {
			out = append(out, id)
		}
	}
	return out
}

// Unmatched lists the words that mean no check.
func (p *Plan) Unmatched(words []string) []string {
	var out []string
	for _, w := range words {
		if !slices.ContainsFunc(p.CheckIDs, func(id string) bool { return p.means(w, id) }) {
			out = append(out, w)
		}
	}
	return out
}

func (p *Plan) means(word, check string) bool {
	if s := p.Suites[word]; s != nil {
		return slices.Contains(s.Checks, check)
	}
	ok, err := path.Match(word, check)
	return ok && err == nil
}
