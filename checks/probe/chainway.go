package probe

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"slices"
	"time"
)

// way leads from the leaf upwards, each certificate issued by the next.
type way struct {
	certs  []*x509.Certificate
	whole  bool // it ends in the bundle
	faults []finding
}

func (w way) top() *x509.Certificate { return w.certs[len(w.certs)-1] }

// better puts first what would lead to trust with the least to mend; of ways that end before the bundle, the one that leads farthest.
func better(a, b way) int {
	if a.whole != b.whole {
		return map[bool]int{true: -1, false: 1}[a.whole]
	}
	return cmp.Or(cmp.Compare(len(a.faults), len(b.faults)), gravestCode(a.faults, b.faults), cmp.Compare(len(b.certs), len(a.certs)))
}

// climb looks for the best way to one bundle. The library says only what it tried last, and of a fault in the middle of a chain that
// the authority is unknown; here every way is walked whatever is wrong with it, and then it is told.
type climb struct {
	chain *servedChain
	to    bundle
	looks int // signatures still looked at
	best  way
}

// mostLooks bounds how many signatures are looked at for one bundle: who serves a chain chooses its length. The library has the same
// bound.
const mostLooks = 100

// climb finds the best way to a bundle; one that is not whole ends where nothing that was served leads on.
func (c *servedChain) climb(to bundle) way {
	u := &climb{chain: c, to: to, looks: mostLooks}
	u.from(c.certs[:1])
	return u.best
}

// from walks on from the last certificate of a way.
func (u *climb) from(certs []*x509.Certificate) {
	top, ends := certs[len(certs)-1], true
	for _, root := range u.roots(certs) {
		ends = false
		if root.Equal(top) {
			u.arrive(way{certs: certs, whole: true})
		} else {
			u.arrive(way{certs: upTo(certs, root), whole: true})
		}
	}
	for _, by := range u.chain.certs[1:] {
		if !slices.ContainsFunc(certs, by.Equal) && u.issued(top, by) {
			ends = false
			u.from(upTo(certs, by))
		}
	}
	if ends {
		u.arrive(way{certs: certs})
	}
}

// upTo makes a way longer; the shorter one stays as it is.
func upTo(certs []*x509.Certificate, next *x509.Certificate) []*x509.Certificate {
	return append(slices.Clip(certs), next)
}

func (u *climb) arrive(w way) {
	w.faults = u.chain.faults(w)
	if u.best.certs == nil || better(w, u.best) < 0 {
		u.best = w
	}
}

// roots are the certificates of the bundle that issued the last one of a way, or that one itself when it is the leaf and the bundle has it.
func (u *climb) roots(certs []*x509.Certificate) []*x509.Certificate {
	top := certs[len(certs)-1]
	if u.to.pool == nil {
		return hostRoots(top, u.chain.at)
	}
	if len(certs) == 1 && slices.ContainsFunc(u.to.certs, top.Equal) {
		return certs
	}
	var out []*x509.Certificate
	for _, root := range u.to.certs {
		if !slices.ContainsFunc(certs, root.Equal) && u.issued(top, root) {
			out = append(out, root)
		}
	}
	return out
}

// hostRoots asks the host's trust store, which does not show what is in it, for the issuers of one certificate.
func hostRoots(cert *x509.Certificate, now time.Time) []*x509.Certificate {
	for _, at := range []time.Time{now, cert.NotBefore, cert.NotAfter} {
		chains, err := cert.Verify(x509.VerifyOptions{CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
		if err != nil {
			continue
		}
		var out []*x509.Certificate
		for _, chain := range chains {
			out = append(out, chain[len(chain)-1])
		}
		return out
	}
	return nil
}

func (u *climb) issued(child, by *x509.Certificate) bool {
	if u.looks == 0 || !bytes.Equal(child.RawIssuer, by.RawSubject) {
		return false
	}
	u.looks--
	return issued(child, by)
}

// issued reports whether a certificate was issued by another, whatever else may be wrong with either. A signature or key that nobody
// accepts any more proves nothing, and is not looked at: names and key identifiers say it.
func issued(child, by *x509.Certificate) bool {
	switch {
	case !bytes.Equal(child.RawIssuer, by.RawSubject):
		return false
	case forgeable(child.SignatureAlgorithm), tinyRSA(by):
		return len(child.AuthorityKeyId) == 0 || len(by.SubjectKeyId) == 0 || bytes.Equal(child.AuthorityKeyId, by.SubjectKeyId)
	}
	return by.CheckSignature(child.SignatureAlgorithm, child.RawTBSCertificate, child.Signature) == nil
}
