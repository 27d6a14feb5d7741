package lint

import (
	"strings"

	"skift/checks"
	"skift/internal/plan"
)

// sharedCertificates looks for a certificate that is registered for two user systems: whoever loses or renews it takes the other along,
// and the platform cannot tell the two apart.
func (l *linter) sharedCertificates() {
	first := map[string]*plan.Flow{}
	for _, f := range l.p.Flows {
		if f.UserSystem == "" {
			continue
		}
		told := false
		for _, key := range registered(f) {
			other := first[key]
			if other == nil {
				first[key] = f
				continue
			}
			if told || strings.EqualFold(other.UserSystem, f.UserSystem) {
				continue
			}
			told = true
			l.problems.Warnf(f.Pos, CodeSharedCert, "flow %s of %s is registered with the certificate of %s", f.ID, f.UserSystem, other.UserSystem).
				See(other.Pos, "it is registered here for %s", other.UserSystem).
				Hintf("give each system a certificate of its own, or correct the number that was copied")
		}
	}
}

// sureBits is how long a number must be to be the same certificate also when one register writes it in decimal and the other not.
const sureBits = 40

// registered are the keys under which a flow's certificate is the same as another's, whatever form it is written in.
func registered(f *plan.Flow) []string {
	var keys []string
	for _, form := range checks.SerialForms(f.CertSerial) {
		if form.Base == "hexadecimal" || form.N.BitLen() > sureBits {
			keys = append(keys, "serial "+form.N.Text(16))
		}
	}
	if t := checks.Thumbprint(f.Columns["cert_thumbprint"]); t != "" {
		keys = append(keys, "thumbprint "+t)
	}
	return keys
}
