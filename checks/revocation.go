package checks

import (
	"net/netip"
	"slices"
)

// Revocation is the kind that asks whether the certificates a TLS server presents have been revoked, the way a partner would.
const Revocation Kind = "revocation"

// StatusSource is where the status of a certificate can be had.
type StatusSource string

// The sources.
const (
	Stapled StatusSource = "stapled" // in the handshake, from the server itself
	OCSP    StatusSource = "ocsp"    // from the responder the certificate names
	CRL     StatusSource = "crl"     // from the list of revoked certificates it names
)

// StatusSources lists the sources, in the order in which they are asked.
func StatusSources() []StatusSource { return []StatusSource{Stapled, OCSP, CRL} }

// RevocationOptions are the demands on the status of a server's certificates.
type RevocationOptions struct {
	// Require are the sources each of which must say that the server's certificate is good; empty = any one of them.
	Require []StatusSource `json:"require,omitempty"`
	// Responders are the networks in which responders and lists may be asked: their addresses come out of a stranger's certificate.
	Responders []netip.Prefix `json:"responders,omitempty"`
	// TrustedBy are files of PEM bundles in which an issuer is looked for that the server does not send.
	TrustedBy []string `json:"trusted_by,omitempty"`
}

func (RevocationOptions) kind() Kind { return Revocation }

func (o RevocationOptions) bundles() []string        { return o.TrustedBy }
func (o RevocationOptions) networks() []netip.Prefix { return o.Responders }

// Requires reports whether a source must say that the certificate is good.
func (o RevocationOptions) Requires(s StatusSource) bool { return slices.Contains(o.Require, s) }

func revocationDef() KindDef {
	return KindDef{Revocation, "Whether a server's certificates are revoked, and whether that can be learned from here.", revocationKeys(), (*reader).revocation}
}

func revocationKeys() []Key {
	return []Key{
		{"require", false, "stapled, ocsp and crl: each of these must say good. Default: any one of them."},
		{"responders", false, "Networks in which responders and lists named in certificates may be asked; without it none is."},
		{"trusted_by", false, "PEM files in the plan directory in which an issuer is looked for that the server does not send."},
	}
}

func (r *reader) revocation() Options {
	o := RevocationOptions{TrustedBy: r.refs("trusted_by", ToFile)}
	for _, n := range r.m.OptItems("require") {
		if w, ok := n.OneOf(texts(StatusSources())...); ok && !o.Requires(StatusSource(w)) {
			o.Require = append(o.Require, StatusSource(w))
		}
	}
	for _, w := range r.m.OptWords("responders") {
		network, err := netip.ParsePrefix(w.Text)
		if err != nil || network != network.Masked() || network.Bits() == 0 {
			w.Problemf(r.problems, CodeBadResponders, "%q is no network that could be asked", w.Text).
				Hintf("write it like 192.0.2.0/24, or 192.0.2.7/32 for one host; every address there is cannot be allowed")
			continue
		}
		o.Responders = append(o.Responders, network)
	}
	return o
}
