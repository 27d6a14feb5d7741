package checks

// The outcome codes about a client certificate. Their sentences in Danish and English are in internal/words, under the same string.
const (
	CliMissing     Code = "cli_missing"
	CliBad         Code = "cli_bad"
	CliUnsupported Code = "cli_unsupported"
	CliRevoked     Code = "cli_revoked"
	CliExpired     Code = "cli_expired"
	CliUnknown     Code = "cli_unknown"
	CliUntrustedCA Code = "cli_untrusted_ca"
	CliDenied      Code = "cli_denied"
	// It says no without a reason, and lists issuers of which ours is none: the right certificate of the wrong generation.
	CliOtherIssuer   Code = "cli_other_issuer"
	CliNotRequested  Code = "cli_not_requested" // it answers without asking for a certificate
	CliUnchecked     Code = "cli_unchecked"     // it lets in who has none, or one of an issuer nobody knows
	CliRefused       Code = "cli_refused"       // it does not, as it should; how is the fact "refusal"
	CliRenegotiation Code = "cli_renegotiation" // it asks in the middle of the connection, which the check does not allow
	CAsMismatch      Code = "cas_mismatch"      // it lists other issuers than expected

	Accepted            Code = "accepted"             // it took the certificate and answered
	AcceptedUnconfirmed Code = "accepted_unconfirmed" // it did not say no, and did not answer
	AcceptedUnserved    Code = "accepted_unserved"    // it took the certificate, and what stands before the service answered in its place
)

// clientCodes say what holds for them, in the order of the documentation.
var clientCodes = []CodeInfo{
	{CliMissing, ClassTarget, Fail, false},
	{CliBad, ClassTarget, Fail, false},
	{CliUnsupported, ClassTarget, Fail, false},
	{CliRevoked, ClassTarget, Fail, false},
	{CliExpired, ClassTarget, Fail, false},
	{CliUnknown, ClassTarget, Fail, false},
	{CliUntrustedCA, ClassTarget, Fail, false},
	{CliDenied, ClassTarget, Fail, false},
	{CliOtherIssuer, ClassTarget, Fail, false},
	{CliNotRequested, ClassTarget, Fail, false},
	{CliUnchecked, ClassTarget, Fail, false},
	{CliRefused, ClassOK, Pass, false},
	{CliRenegotiation, ClassOurs, Error, false},
	{CAsMismatch, ClassTarget, Fail, false},
	{Accepted, ClassOK, Pass, false},
	{AcceptedUnconfirmed, ClassBlind, Unverified, false}, // a warning when the certificate was to be taken
	{AcceptedUnserved, ClassTarget, Fail, false},         // always a warning: what was asked for, the certificate, was taken
}
