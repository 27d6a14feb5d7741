package words

import "slices"

// Owner says who usually has to act on an outcome. Who that is by name is found in the plan.
type Owner string

// The owners. Their words are in the catalogue under "owner." and this string.
const (
	Nobody   Owner = "nobody"   // nothing to do
	Supplier Owner = "supplier" // the supplier of the platform that was asked
	Party    Owner = "party"    // the party whose connection it is: its certificate, key or agreement
	Ours     Owner = "ours"     // whoever runs skift: our host, settings or access
	Network  Owner = "network"  // whoever keeps the firewalls and routes on the way
)

// Owners lists the owners.
func Owners() []Owner { return []Owner{Nobody, Supplier, Party, Ours, Network} }

// Outcome explains one outcome code to a person.
type Outcome struct {
	Cause string // one sentence: what was seen and what that usually means
	Owner Owner  // who usually has to act
	Next  string // one sentence: what to do now
}

// Outcome explains a code of a check. A code without sentences is explained as an observation that proves nothing, so
// that an unknown code can never look fine.
func (c *Catalogue) Outcome(code string) Outcome {
	if !HasOutcome(code) {
		return Outcome{Cause: c.T("outcome.unknown", "code", code), Owner: Ours, Next: c.T("outcome.unknown.next")}
	}
	return Outcome{Cause: c.T(causeKey(code)), Owner: ownerOf(code), Next: c.T(nextKey(code))}
}

// HasOutcome reports whether the code has sentences of its own.
func HasOutcome(code string) bool { return slices.Contains(OutcomeCodes(), code) }

// OutcomeCodes lists the codes that have sentences.
func OutcomeCodes() []string {
	list := outcomeList()
	codes := make([]string, len(list))
	for i, o := range list {
		codes[i] = o.code
	}
	return codes
}

// Owner names an owner: "platformens leverandør", "the platform's supplier".
func (c *Catalogue) Owner(o Owner) string { return c.T("owner." + string(o)) }

type outcomeEntry struct {
	code             string
	owner            Owner
	causeDa, causeEn string
	nextDa, nextEn   string
}

func outcomeList() []outcomeEntry {
	return slices.Concat(wayOutcomes, serverOutcomes, clientOutcomes, certOutcomes, statusOutcomes, fileOutcomes, ownOutcomes, comparedOutcomes)
}

func ownerOf(code string) Owner {
	for _, o := range outcomeList() {
		if o.code == code {
			return o.owner
		}
	}
	return Ours
}

func causeKey(code string) string { return "outcome." + code }

func nextKey(code string) string { return "outcome." + code + ".next" }
