package probe

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"skift/checks"
)

// facts describe what was asked for and what was shown, comparable between the sides.
func (m *meeting) facts() map[string]string {
	out := map[string]string{"presented": string(m.options.Present)}
	if m.state.Version != 0 {
		maps.Copy(out, stateFacts(m.state, m.asked != nil))
	}
	if m.options.Present == checks.PresentCert {
		maps.Copy(out, shown(m.cert.Leaf))
	}
	if m.asked == nil {
		return out
	}
	raw := slices.Clone(m.asked.AcceptableCAs)
	slices.SortFunc(raw, bytes.Compare)
	raw = slices.CompactFunc(raw, bytes.Equal)
	sum := sha256.Sum256(bytes.Join(raw, nil)) // each name tells its own length
	out["client_cert"] = "requested"
	out["acceptable_cas"] = strings.Join(issuerNames(raw), "; ")
	out["acceptable_cas_count"] = strconv.Itoa(len(raw))
	out["acceptable_cas_sha256"] = hex.EncodeToString(sum[:])
	if m.options.Present == checks.PresentCert {
		out["issuer_listed"] = m.listed()
		if err := m.asked.SupportsCertificate(m.cert); err != nil {
			out["unsupported"] = err.Error()
		}
	}
	return out
}

// shown describe the certificate that was presented, which is public.
func shown(leaf *x509.Certificate) map[string]string {
	return map[string]string{
		"cert_subject": leaf.Subject.String(), "cert_issuer": leaf.Issuer.String(), "cert_serial": fmt.Sprintf("%x", leaf.SerialNumber),
		"cert_not_after": stamp(leaf.NotAfter), "cert_sha256": hexSum(leaf.Raw),
		"cert_usage": map[bool]string{true: "client", false: "not client"}[madeFor(leaf, x509.ExtKeyUsageClientAuth)],
	}
}

// listed says whether the server lists an issuer of the presented chain: yes, no, or any when it lists none.
func (m *meeting) listed() string {
	if len(m.asked.AcceptableCAs) == 0 {
		return "any"
	}
	for _, der := range m.cert.Certificate {
		c, err := x509.ParseCertificate(der)
		if err == nil && slices.ContainsFunc(m.asked.AcceptableCAs, func(ca []byte) bool { return bytes.Equal(ca, c.RawIssuer) }) {
			return "yes"
		}
	}
	return "no"
}

// explained says which issuer the server wants. One of the same organization is most often another generation.
func (m *meeting) explained() string {
	issuer := m.cert.Leaf.Issuer
	text := fmt.Sprintf("the certificate presented is of %s; the server wants one of %s", issuer, strings.Join(issuerNames(m.asked.AcceptableCAs), "; "))
	for _, raw := range m.asked.AcceptableCAs {
		if name, ok := parseName(raw); ok && len(issuer.Organization) > 0 && slices.Equal(name.Organization, issuer.Organization) {
			return fmt.Sprintf("another generation: %s is of the same organization; %s", name, text)
		}
	}
	return text
}

// issuerNames writes distinguished names, sorted. One that cannot be read is written as its bytes.
func issuerNames(raw [][]byte) []string {
	names := make([]string, len(raw))
	for i, r := range raw {
		if name, ok := parseName(r); ok {
			names[i] = fact(name.String())
		} else {
			names[i] = "#" + hex.EncodeToString(r[:min(len(r), 64)])
		}
	}
	slices.Sort(names)
	return names
}

func parseName(raw []byte) (pkix.Name, bool) {
	var rdn pkix.RDNSequence
	if rest, err := asn1.Unmarshal(raw, &rdn); err != nil || len(rest) > 0 {
		return pkix.Name{}, false
	}
	var name pkix.Name
	name.FillFromRDNSequence(&rdn)
	return name, true
}

// compare holds the server's list against the expected one. A server that lists none takes any, which cannot be held against it.
func (m *meeting) compare(s *sighting) {
	if len(m.options.AcceptableCAs) == 0 {
		return
	}
	seen := issuerNames(m.asked.AcceptableCAs)
	missing, extra := lacking(m.options.AcceptableCAs, seen), lacking(seen, m.options.AcceptableCAs)
	if len(missing)+len(extra) == 0 {
		return
	}
	s.code = checks.CAsMismatch
	s.set(map[string]string{"cas_missing": strings.Join(missing, "; "), "cas_extra": strings.Join(extra, "; ")})
	switch {
	case len(seen) == 0:
		s.outcome, s.evidence.Err = checks.Warn, "the server lists no issuers, so that any may be accepted"
	case len(missing) == 0:
		s.outcome, s.evidence.Err = checks.Warn, printable([]byte("also lists "+strings.Join(extra, "; ")))
	default:
		s.evidence.Err = printable([]byte("does not list " + strings.Join(missing, "; ")))
	}
}

// lacking are the names of a that b has not.
func lacking(a, b []string) []string {
	known := map[string]bool{}
	for _, n := range b {
		known[plainName(n)] = true
	}
	var out []string
	for _, n := range a {
		if !known[plainName(n)] {
			out = append(out, n)
		}
	}
	return out
}

// plainName makes names equal that differ in order and blanks only: programs print the same name from either end, and some between
// slashes.
func plainName(name string) string {
	var parts []string
	begin, between := 0, byte(',')
	if strings.HasPrefix(name, "/") {
		begin, between = 1, '/'
	}
	for i := begin; i <= len(name); i++ {
		if i < len(name) && (name[i] != between || i > 0 && name[i-1] == '\\') {
			continue
		}
		key, value, _ := strings.Cut(name[begin:i], "=")
		parts = append(parts, strings.ToUpper(strings.TrimSpace(key))+"="+strings.TrimSpace(value))
		begin = i + 1
	}
	slices.Sort(parts)
	return strings.Join(parts, ",")
}
