package plan

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"skift/internal/csvdoc"
	"skift/internal/diag"
	"skift/runbooks"
)

var flowColumns = csvdoc.Columns{
	Required: []string{"party", "service"},
	Optional: []string{"id", "user_system", "direction", "source_ip", "cert_serial", "cert_thumbprint", "cert_file", "sftp_user", "sftp_dir",
		"contact", "agreement", "note"},
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
	for _, c := range slices.Concat(flowColumns.Required, flowColumns.Optional) {
		if t.Has(c) {
			l.flowHeader = append(l.flowHeader, c)
		}
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
		l.source(f, w)
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
	for _, c := range l.flowHeader {
		if text := r.OptStr(c, ""); text != "" {
			f.Columns[c] = text
		}
	}
	return f
}

// source reads where a flow comes from, as its service can put it on a list: one address, or a network where it takes those.
func (l *loader) source(f *Flow, w diag.Word) {
	rule := SingleSource
	s := l.Services[f.Service]
	if s != nil && s.SourceRule != "" && f.Direction != Outbound {
		rule = s.SourceRule
	}
	if strings.Contains(w.Text, "/") {
		if rule == RangeSource {
			f.Network, _ = l.network(w)
			return
		}
		if _, err := netip.ParsePrefix(w.Text); err == nil {
			p := w.Problemf(l.problems, CodeSourceRule, "service %s takes one address, and %s is a network", f.Service, w.Text)
			if s != nil {
				p.See(s.Pos, "%s is here", s.ID)
			}
			p.Hintf("write the one address the flow comes from, or source_rule: range at the service if it takes networks")
			return
		}
	}
	a, ok := l.addr(w)
	if ok && rule == SingleIPv4 && !a.Is4() {
		w.Problemf(l.problems, CodeSourceRule, "service %s takes IPv4 addresses only, and %s is none", f.Service, w.Text).
			See(s.Pos, "its source_rule is here").Hintf("write the IPv4 address the flow comes from")
		return
	}
	f.Source = a
}
