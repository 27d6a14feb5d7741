package cli

import (
	"strings"

	"skift/checks"
	"skift/internal/snapshot"
)

// brought says in a few words from whom an answer came that was not had from here; "" = it was.
func (v *sheet) brought(b checks.Brought) string {
	if b.By == "" {
		return ""
	}
	return v.c.T("brought."+string(b.By), "who", partyName(v.p, b.Party))
}

// broughtFrom says it with the export or log that the answer is held against.
func (v *sheet) broughtFrom(b checks.Brought) string {
	return v.c.T("brought."+string(b.By)+".from", "who", partyName(v.p, b.Party), "from", b.From)
}

// broughtSides says of a comparison, in brackets, which of its answers were not had from here.
func (v *checkView) broughtSides(pair snapshot.Pair) string {
	var parts []string
	for _, side := range checks.Sides() {
		s := pair.New
		if side == checks.Old {
			s = pair.Old
		}
		if s == nil || v.side != "" && v.side != string(side) {
			continue
		}
		if text := v.brought(s.Brought); text != "" {
			parts = append(parts, v.c.T("side.short."+string(side))+" "+text)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}
