package register

import (
	"strings"

	"skift/checks"
)

// String is the finding as the facts of a step keep it: its fields in order, with bars between.
func (f Finding) String() string {
	return strings.Join([]string{f.Check, string(f.Side), string(f.Code), f.Word, f.Service, f.Party, f.Flow, f.Addr, f.Owner, f.Why}, "|")
}

// ParseFinding reads what String wrote.
func ParseFinding(text string) (Finding, bool) {
	p := strings.Split(text, "|")
	const before = 9 // as journals have it that were written before there was a reason
	if len(p) != before && len(p) != before+1 {
		return Finding{}, false
	}
	f := Finding{Check: p[0], Side: checks.Side(p[1]), Code: checks.Code(p[2]), Word: p[3], Service: p[4], Party: p[5], Flow: p[6], Addr: p[7], Owner: p[8]}
	if len(p) > before {
		f.Why = p[before]
	}
	return f, true
}
