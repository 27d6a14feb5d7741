package checks

// The outcome codes about the status of a certificate at its issuer. Their sentences in Danish and English are in internal/words, under the same string.
const (
	StatusRevoked     Code = "status_revoked"
	StatusUnknown     Code = "status_unknown"     // the issuer does not know the certificate
	StatusStale       Code = "status_stale"       // an answer out of its time, perhaps an old one sent again
	StatusAbsent      Code = "status_absent"      // nothing is offered to ask; that is not good
	StatusUnreachable Code = "status_unreachable" // a responder or list cannot be reached from here
	StatusRefused     Code = "status_refused"     // it was reached and gave no status
	StatusUnreadable  Code = "status_unreadable"  // what came is no answer
	StatusMismatch    Code = "status_mismatch"    // an answer about another certificate
	StatusSigner      Code = "status_signer"      // signed by somebody who may not answer for the issuer
	StatusNoIssuer    Code = "status_no_issuer"   // without the issuer's certificate no answer can be checked
)

// statusCodes say what holds for them, in the order of the documentation.
var statusCodes = []CodeInfo{
	{StatusRevoked, ClassTarget, Fail, false},
	{StatusUnknown, ClassTarget, Fail, false},
	{StatusStale, ClassTarget, Fail, false},
	{StatusAbsent, ClassTarget, Fail, false},
	{StatusUnreachable, ClassPath, Fail, false},
	{StatusRefused, ClassTarget, Fail, false},
	{StatusUnreadable, ClassBlind, Unverified, false},
	{StatusMismatch, ClassBlind, Unverified, false},
	{StatusSigner, ClassBlind, Unverified, false},
	{StatusNoIssuer, ClassBlind, Unverified, false},
}
