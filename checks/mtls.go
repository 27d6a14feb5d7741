package checks

import (
	"strings"

	"skift/internal/secret"
)

// MTLS is the kind that presents a client certificate and says whether the server takes it.
const MTLS Kind = "mtls"

// Present says what a check shows a server that asks for a client certificate.
type Present string

// What can be presented. All but the first must be refused.
const (
	PresentCert    Present = "cert"
	PresentNone    Present = "none"
	PresentWrongCA Present = "wrong-ca" // a certificate made on the spot, of an issuer nobody knows
)

// Presents lists what can be presented.
func Presents() []Present { return []Present{PresentCert, PresentNone, PresentWrongCA} }

// Renegotiation says whether a server may ask for the certificate in the middle of a connection.
type Renegotiation string

// The zero value is never.
const (
	RenegotiateNever Renegotiation = "never"
	RenegotiateOnce  Renegotiation = "once" // offers TLS 1.2 at most: later versions have none
)

// MTLSOptions are what is presented, and what is expected of the server beside taking it.
type MTLSOptions struct {
	Present Present `json:"present"`
	// CertFile is the PEM file in the plan directory with the certificate and its chain; "" when Cert says where it is kept.
	CertFile string     `json:"cert_file,omitempty"`
	Cert     secret.Ref `json:"cert,omitzero"`
	Key      secret.Ref `json:"key,omitzero"`
	// Send is the harmless request; "" = HEAD / of HTTP.
	Send          string        `json:"send,omitempty"`
	Renegotiation Renegotiation `json:"renegotiation,omitempty"`
	// AcceptableCAs are the names of the issuers that the server must say it takes, and no others; empty = any.
	AcceptableCAs []string `json:"acceptable_cas,omitempty"`
	// Compare are the rules about both sides.
	Compare []Comparison `json:"compare,omitempty"`
}

func (MTLSOptions) kind() Kind { return MTLS }

func (o MTLSOptions) comparisons() []Comparison { return o.Compare }

func (o MTLSOptions) bundles() []string {
	if o.CertFile == "" {
		return nil
	}
	return []string{o.CertFile}
}

// consents: what must be refused may be logged as an attack at the target.
func (o MTLSOptions) consents(denied bool) []Consent {
	if denied || o.Present != PresentCert {
		return []Consent{ConsentNegative}
	}
	return nil
}

func mtlsDef() KindDef {
	return KindDef{MTLS, "Whether a server takes a client certificate, and of which issuers it says that it does.", mtlsKeys(), (*reader).mtls}
}

func mtlsKeys() []Key {
	return []Key{
		{"present", false, "What is shown: cert, none or wrong-ca; default cert. The others must be refused, and need the party's consent negative."},
		{"cert", false, "The certificate and its chain: a PEM file in the plan directory, or where it is kept, as env:, file: or cred:; needed to present cert."},
		{"key", false, "Where its private key is kept, as env:, file: or cred:; needed to present cert."},
		{"send", false, "The harmless request that is sent; default HEAD / of HTTP."},
		{"renegotiation", false, "never or once: whether the server may ask for the certificate after the request, as TLS 1.2 can; default never."},
		{"acceptable_cas", false, "The names of the issuers that the server must list, and no others."},
		{"compare", false, "How acceptable_cas of the new side stands to the old: same_as_old or must_differ."},
	}
}

var mtlsCompared = []compared{{"acceptable_cas", "acceptable_cas_sha256"}}

func (r *reader) mtls() Options {
	o := MTLSOptions{
		Present:       Present(r.m.OptOneOf("present", string(PresentCert), texts(Presents())...)),
		Send:          r.m.OptRaw("send", ""),
		Renegotiation: Renegotiation(r.m.OptOneOf("renegotiation", "", string(RenegotiateNever), string(RenegotiateOnce))),
		AcceptableCAs: r.m.OptStrings("acceptable_cas"),
		Compare:       r.compare(mtlsCompared),
	}
	if o.Present == PresentCert {
		o.CertFile, o.Cert = r.clientCert()
		o.Key = r.secretRef("key")
		return o
	}
	for _, key := range []string{"cert", "key"} {
		if n, ok := r.m.OptNode(key); ok {
			n.KeyProblemf(CodeUnusedKey, "%s is not used when %s is presented", key, o.Present).Hintf("remove it, or present cert")
		}
	}
	return o
}

// clientCert reads where the certificate is: in the plan directory, where anybody may see it, or with the secrets.
func (r *reader) clientCert() (file string, ref secret.Ref) {
	r.m.Need("cert")
	w := r.m.OptWord("cert")
	for _, scheme := range []string{"env:", "file:", "cred:"} {
		if strings.HasPrefix(w.Text, scheme) {
			return "", r.secretRef("cert")
		}
	}
	return r.ref(w, ToFile), secret.Ref{}
}
