package plan

import (
	"strconv"

	"skift/internal/csvdoc"
	"skift/internal/diag"
	"skift/runbooks"
)

var flowColumns = csvdoc.Columns{
	Required: []string{"party", "service"},
	Optional: []string{"id", "user_system", "direction", "source_ip", "cert_serial", "contact", "agreement", "note"},
}

// readFlows reads who calls what from where. A row is judged at once and not later with the other names: there are thousands of
// them, and everything they name is known by now.
func (l *loader) readFlows() {
	src, ok := l.files.named(l.flowFile)
	if !ok {
		return
	}
	t, ok := csvdoc.Parse(l.flowFile.Text, src, flowColumns, l.problems)
	if !ok {
		return
	}
	count := map[string]int{}
	seen := map[string]diag.Pos{}
	t.Each(func(r csvdoc.Row) {
		f := l.flow(r)
		if f.ID == "" {
			base := f.Party + "-" + f.Service
			count[base]++
			f.ID = base + "-" + strconv.Itoa(count[base])
		} else if !idCell(r, "id", f.ID) {
			return
		}
		if first, taken := seen[f.ID]; taken {
			r.Problemf("id", CodeNameTaken, "flow %q is there twice", f.ID).See(first, "it is first here")
			return
		}
		seen[f.ID] = f.Pos
		l.Flows = append(l.Flows, f)
	})
}

func (l *loader) flow(r csvdoc.Row) *Flow {
	f := &Flow{
		ID:         r.OptStr("id", ""),
		Party:      r.Str("party"),
		UserSystem: r.OptStr("user_system", ""),
		Service:    r.Str("service"),
		Direction:  r.OptStr("direction", Inbound),
		CertSerial: r.OptStr("cert_serial", ""),
		Contact:    r.OptStr("contact", ""),
		Columns:    map[string]string{},
		Pos:        r.Pos(""),
	}
	if f.Direction != Inbound && f.Direction != Outbound {
		r.Problemf("direction", CodeDirection, "%q is neither in nor out", f.Direction).
			Hintf("in is towards the platform, out is from it")
	}
	if w := r.OptWord("source_ip"); w.Text != "" {
		f.Source, _ = l.addr(w)
	}
	if _, ok := l.partyPos(f.Party); !ok && f.Party != "" {
		l.unknown(r.Word("party"), partyRef)
	}
	if l.Services[f.Service] == nil && f.Service != "" {
		l.unknown(r.Word("service"), runbooks.ServiceRef)
	}
	if _, ok := l.Contacts.Person(f.Contact); !ok && f.Contact != "" {
		l.unknown(r.Word("contact"), personRef)
	}
	for _, columns := range [][]string{flowColumns.Required, flowColumns.Optional} {
		for _, c := range columns {
			if text := r.OptStr(c, ""); text != "" {
				f.Columns[c] = text
			}
		}
	}
	return f
}
