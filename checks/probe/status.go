package probe

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/ocsp"

	"skift/checks"
)

// status is what one source says of one certificate.
type status struct {
	code checks.Code // OK = good
	text string
}

func statusf(code checks.Code, format string, args ...any) status {
	return status{code, fmt.Sprintf(format, args...)}
}

// skew is how far a responder's clock may be ahead of ours.
const skew = 5 * time.Minute

// ageless is how old an answer may be that does not say when the next one comes.
const ageless = 7 * 24 * time.Hour

// outOfTime says what is wrong with the time of an answer, "" when it holds now.
func outOfTime(from, until, at time.Time) string {
	switch {
	case from.After(at.Add(skew)):
		return "begins " + stamp(from)
	case until.IsZero() && at.Sub(from) > ageless:
		return "is of " + stamp(from) + " and does not say until when it holds"
	case !until.IsZero() && until.Before(at.Add(-skew)):
		return "ended " + stamp(until)
	}
	return ""
}

// judgeOCSP judges an answer about a certificate, all of it: the library checks neither the responder's certificate beyond its signature
// nor any time, and finds the certificate by its serial number alone.
func judgeOCSP(raw []byte, cert, issuer *x509.Certificate, at time.Time) status {
	r, err := parseOCSP(raw, cert, issuer)
	if refused, ok := errors.AsType[ocsp.ResponseError](err); ok {
		return statusf(checks.StatusRefused, "the responder says: %s", refused.Status)
	}
	if err != nil {
		return unparsed(raw, issuer, err)
	}
	if !aboutThis(r, cert, issuer) {
		return statusf(checks.StatusMismatch, "the answer is about a certificate of another issuer")
	}
	if text := wrongSigner(r.Certificate, issuer, at); text != "" {
		return statusf(checks.StatusSigner, "%s", text)
	}
	if text := outOfTime(r.ThisUpdate, r.NextUpdate, at); text != "" {
		return statusf(checks.StatusStale, "the OCSP answer %s", text)
	}
	switch r.Status {
	case ocsp.Good:
		return status{code: checks.OK}
	case ocsp.Revoked:
		return statusf(checks.StatusRevoked, "revoked %s (%s)", stamp(r.RevokedAt), revokedFor(r.RevocationReason))
	}
	return statusf(checks.StatusUnknown, "the responder does not know the certificate")
}

// parseOCSP reads an answer with its signature checked against the issuer. The library refuses one that carries the issuer's own
// certificate, unless that is self-signed; then the signature by that certificate is what counts.
func parseOCSP(raw []byte, cert, issuer *x509.Certificate) (*ocsp.Response, error) {
	r, err := ocsp.ParseResponseForCert(raw, cert, issuer)
	if err == nil {
		return r, nil
	}
	if own, ownErr := ocsp.ParseResponseForCert(raw, cert, nil); ownErr == nil && own.Certificate != nil && own.Certificate.Equal(issuer) {
		return own, nil
	}
	return nil, err
}

// unparsed tells an answer about another certificate and one signed by a stranger from what is no answer at all.
func unparsed(raw []byte, issuer *x509.Certificate, err error) status {
	if _, other := ocsp.ParseResponse(raw, issuer); other == nil {
		return statusf(checks.StatusMismatch, "the answer is about another certificate")
	}
	if signed, ok := errors.AsType[ocsp.ParseError](err); ok && (bytes.Contains([]byte(signed), []byte("bad OCSP signature")) ||
		bytes.Contains([]byte(signed), []byte("bad signature on embedded"))) {
		return statusf(checks.StatusSigner, "the signature is not by the issuer nor by somebody it appointed")
	}
	return statusf(checks.StatusUnreadable, "no OCSP answer: %v", err)
}

// aboutThis reports whether the answer names this issuer beside the serial number: another issuer may have used it too.
func aboutThis(r *ocsp.Response, cert, issuer *x509.Certificate) bool {
	question, err := ocsp.CreateRequest(cert, issuer, &ocsp.RequestOptions{Hash: r.IssuerHash})
	if err != nil {
		return false
	}
	want, err := ocsp.ParseRequest(question)
	if err != nil {
		return false
	}
	var id []byte
	for _, part := range []any{want.IssuerNameHash, want.IssuerKeyHash, want.SerialNumber} {
		der, err := asn1.Marshal(part)
		if err != nil {
			return false
		}
		id = append(id, der...)
	}
	return bytes.Contains(r.TBSResponseData, id)
}

// wrongSigner says why a responder may not answer for the issuer; nil or the issuer itself may.
func wrongSigner(signer, issuer *x509.Certificate, at time.Time) string {
	switch {
	case signer == nil, signer.Equal(issuer):
		return ""
	case signer.CheckSignatureFrom(issuer) != nil:
		return "the responder's certificate is not issued by the issuer"
	case !slices.Contains(signer.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning):
		return "the responder's certificate is not made for answering"
	case at.Before(signer.NotBefore.Add(-skew)):
		return "the responder's certificate begins " + stamp(signer.NotBefore)
	case at.After(signer.NotAfter):
		return "the responder's certificate ended " + stamp(signer.NotAfter)
	}
	return ""
}

// judgeCRL looks a certificate up in its issuer's list.
func judgeCRL(raw []byte, cert, issuer *x509.Certificate, at time.Time) status {
	if block, _ := pem.Decode(raw); block != nil && block.Type == "X509 CRL" {
		raw = block.Bytes
	}
	list, err := x509.ParseRevocationList(raw)
	switch {
	case err != nil:
		return statusf(checks.StatusUnreadable, "no list of revoked certificates: %v", err)
	case !bytes.Equal(list.RawIssuer, issuer.RawSubject):
		return statusf(checks.StatusMismatch, "the list is that of %s", list.Issuer)
	case list.CheckSignatureFrom(issuer) != nil:
		return statusf(checks.StatusSigner, "the list is not signed by the issuer")
	}
	if s, ok := partial(list, cert); ok {
		return s
	}
	if text := outOfTime(list.ThisUpdate, list.NextUpdate, at); text != "" {
		return statusf(checks.StatusStale, "the list %s", text)
	}
	for _, e := range list.RevokedCertificateEntries {
		if e.SerialNumber.Cmp(cert.SerialNumber) == 0 {
			return statusf(checks.StatusRevoked, "revoked %s (%s)", stamp(e.RevocationTime), revokedFor(e.ReasonCode))
		}
	}
	return status{code: checks.OK}
}

// The extensions that narrow what a list says (RFC 5280, 5.2.4 and 5.2.5).
var (
	deltaList    = asn1.ObjectIdentifier{2, 5, 29, 27}
	distribution = asn1.ObjectIdentifier{2, 5, 29, 28}
)

// partial finds a list that does not say everything about this certificate: not being in it means nothing then.
func partial(list *x509.RevocationList, cert *x509.Certificate) (status, bool) {
	for _, e := range list.Extensions {
		switch {
		case e.Id.Equal(deltaList):
			return statusf(checks.StatusUnreadable, "the list holds changes only"), true
		case e.Id.Equal(distribution):
			var scope struct {
				Point   asn1.RawValue  `asn1:"optional,tag:0"`
				Users   bool           `asn1:"optional,tag:1"`
				CAs     bool           `asn1:"optional,tag:2"`
				Reasons asn1.BitString `asn1:"optional,tag:3"`
				Others  bool           `asn1:"optional,tag:4"`
				Attrs   bool           `asn1:"optional,tag:5"`
			}
			_, err := asn1.Unmarshal(e.Value, &scope)
			switch {
			case err != nil, scope.Others, scope.Reasons.BitLength > 0:
				return statusf(checks.StatusUnreadable, "the list covers only part of what was revoked"), true
			case scope.Attrs, scope.Users && cert.IsCA, scope.CAs && !cert.IsCA:
				return statusf(checks.StatusMismatch, "the list is not about certificates of this sort"), true
			case !issuedFor(scope.Point, cert):
				return statusf(checks.StatusMismatch, "the list is for another distribution point than those that the certificate names"), true
			}
		case e.Critical:
			return statusf(checks.StatusUnreadable, "the list has a condition nobody here knows (%s)", e.Id), true
		}
	}
	return status{}, false
}

// reasons are those of RFC 5280, 5.3.1.
var reasons = map[int]string{0: "unspecified", 1: "key compromise", 2: "CA compromise", 3: "affiliation changed", 4: "superseded",
	5: "cessation of operation", 6: "on hold", 8: "removed from the list", 9: "privilege withdrawn", 10: "AA compromise"}

func revokedFor(n int) string {
	if r := reasons[n]; r != "" {
		return r
	}
	return fmt.Sprintf("reason %d", n)
}
