package checks

import "slices"

// The outcome codes about a certificate in a file. Their sentences in Danish and English are in internal/words, under the same string.
const (
	CertMissing    Code = "cert_missing"    // no file of that name
	CertUnreadable Code = "cert_unreadable" // no certificate can be read from it
	CertAmbiguous  Code = "cert_ambiguous"  // several certificates, and nothing says which
	CertKey        Code = "cert_key"        // the private key belongs to another certificate
	CertRegistered Code = "cert_registered" // not the certificate that is registered
	CertIssuer     Code = "cert_issuer"     // of an issuer that is not allowed: the wrong generation
	CertIncomplete Code = "cert_incomplete" // the issuer's certificate is missing in the file
	CertUntrusted  Code = "cert_untrusted"
	CertExpired    Code = "cert_expired"
	CertNotYet     Code = "cert_not_yet"
	CertExpires    Code = "cert_expires"    // valid now, but not at a named moment or for fewer days than asked
	CertUsage      Code = "cert_usage"      // not made for what it is to be used for
	CertConstraint Code = "cert_constraint" // a certificate of the chain may not be used in its place
	CertWeak       Code = "cert_weak"
	CertExposed    Code = "cert_exposed" // its private key lies readable in the plan directory
)

// certCodes say what holds for them, in the order of the documentation.
var certCodes = []CodeInfo{
	{CertMissing, ClassBlind, Unverified, false},
	{CertUnreadable, ClassBlind, Unverified, false},
	{CertAmbiguous, ClassOurs, Error, false},
	{CertKey, ClassTarget, Fail, false},
	{CertRegistered, ClassTarget, Fail, false},
	{CertIssuer, ClassTarget, Fail, false},
	{CertIncomplete, ClassTarget, Fail, false},
	{CertUntrusted, ClassTarget, Fail, false},
	{CertExpired, ClassTarget, Fail, false},
	{CertNotYet, ClassTarget, Fail, false},
	{CertExpires, ClassTarget, Fail, false},
	{CertUsage, ClassTarget, Fail, false},
	{CertConstraint, ClassTarget, Fail, false},
	{CertWeak, ClassTarget, Fail, false},
	{CertExposed, ClassTarget, Fail, false},
}

// OfParty reports whether a code speaks of something that belongs to the party whose flow it is, so that no platform has to act:
// a certificate that lies here as a file.
func (c Code) OfParty() bool {
	return slices.ContainsFunc(certCodes, func(i CodeInfo) bool { return i.Code == c && i.Class != ClassOurs })
}
