package checks

import "net/netip"

// TLS is the kind that judges the certificate chain of a TLS server.
const TLS Kind = "tls"

// StartTLS names the protocol in which a server is asked to begin TLS.
type StartTLS string

// The protocols that can begin TLS; the zero value is TLS from the first byte.
const StartSMTP StartTLS = "smtp"

// StartTLSProtocols lists the protocols in which TLS can be begun.
func StartTLSProtocols() []StartTLS { return []StartTLS{StartSMTP} }

// TLSOptions are the demands on a TLS server's certificate chain.
type TLSOptions struct {
	// ValidAt names moments of the plan ("cutover.end") at which the chain must verify.
	ValidAt []string `json:"valid_at,omitempty"`
	// MinDays is how many days the chain must still be valid; fewer is a warning. 0 = not asked.
	MinDays int `json:"min_days,omitempty"`
	// TrustedBy are files of PEM bundles, each of which alone must lead to trust; empty = the trust store of the host that asks.
	TrustedBy []string `json:"trusted_by,omitempty"`
	// Names must all be covered by the certificate; empty = the service's server name.
	Names []string `json:"names,omitempty"`
	// Fingerprint are the SHA-256 digests of certificates, of which the server must present one; several = the current and the next one.
	Fingerprint CertPins `json:"fingerprint,omitempty"`
	// SPKI are the same of public keys, which may outlive a certificate.
	SPKI CertPins `json:"spki,omitempty"`
	// Compare are the rules about both sides.
	Compare []Comparison `json:"compare,omitempty"`
	// StartTLS is how TLS is begun; "" = with the first byte.
	StartTLS StartTLS `json:"starttls,omitempty"`
	// NameServers are asked where the service's name leads, which is kept and judges nothing; empty = none is.
	NameServers []netip.AddrPort `json:"name_servers,omitempty"`
}

func (TLSOptions) kind() Kind { return TLS }

func (o TLSOptions) moments() []string         { return o.ValidAt }
func (o TLSOptions) bundles() []string         { return o.TrustedBy }
func (o TLSOptions) networks() []netip.Prefix  { return hosts(o.NameServers) }
func (o TLSOptions) comparisons() []Comparison { return o.Compare }

func tlsDef() KindDef {
	return KindDef{TLS, "The certificate chain of a TLS server, now and at the plan's moments.", tlsKeys(), (*reader).tls}
}

func tlsKeys() []Key {
	return []Key{
		{"valid_at", false, "Moments of the plan at which the chain must still verify."},
		{"min_days", false, "Fewer days of validity left than this is a warning."},
		{"trusted_by", false, "PEM files in the plan directory; each alone must lead to trust. Default: the trust store of this host."},
		{"names", false, "Names the certificate must cover; default: the service's server_name."},
		{"fingerprint", false, "SHA-256 of the server's certificate, one of several, per side or for both."},
		{"spki", false, "SHA-256 of the certificate's public key, one of several, per side or for both."},
		{"compare", false, "How leaf, issuer and spki of the new side stand to the old: same_as_old or must_differ."},
		{"starttls", false, "The protocol in which the server is asked to begin TLS: smtp. Default: TLS from the first byte."},
		{"name_servers", false, "Name servers that are asked to which addresses the service's server_name leads, which a frozen zone then watches. Default: none."},
	}
}

// Facts of kind tls that compare speaks about; the names an author writes are the keys.
var tlsCompared = []compared{{"leaf", "leaf_sha256"}, {"issuer", "issuer"}, {"spki", "spki_sha256"}}

func (r *reader) tls() Options {
	o := TLSOptions{
		ValidAt:     r.refs("valid_at", ToMoment),
		MinDays:     r.m.OptInt("min_days", 0, 1, 3650),
		TrustedBy:   r.refs("trusted_by", ToFile),
		Fingerprint: r.certPins("fingerprint"),
		SPKI:        r.certPins("spki"),
		Compare:     r.compare(tlsCompared),
		StartTLS:    StartTLS(r.m.OptOneOf("starttls", "", texts(StartTLSProtocols())...)),
		NameServers: r.nameServers("name_servers"),
	}
	for _, n := range r.m.OptWords("names") {
		if !serverName.MatchString(n.Text) {
			n.Problemf(r.problems, CodeBadName, "%q is not a host name", n.Text).Hintf("write it as the certificate has it, without scheme or port")
			continue
		}
		o.Names = append(o.Names, n.Text)
	}
	return o
}
