package checks

// The outcome codes about TLS, and the certificate and answer of a server. Their sentences in Danish and English are in internal/words, under the same string.
const (
	TLSClosed    Code = "tls_closed"
	TLSVersion   Code = "tls_version"
	TLSNoOverlap Code = "tls_no_overlap"
	SrvExpired   Code = "srv_expired"
	SrvExpires   Code = "srv_expires" // valid now, but not at a named moment or for fewer days than asked
	SrvNotYet    Code = "srv_not_yet"
	SrvUntrusted Code = "srv_untrusted"
	SrvName      Code = "srv_name"
	SrvWeak      Code = "srv_weak"
	SrvParse     Code = "srv_parse"
	// A certificate of the chain that would lead to trust is not made for a server.
	SrvUsage Code = "srv_usage"
	// One may not be used in its place: its issuer is no authority, or not one for this name or so many below it, or a condition is unknown.
	SrvConstraint Code = "srv_constraint"
	// The leaf is served without the certificate of its issuer, and a bundle has only what lies above it.
	MissingIntermediate Code = "missing_intermediate"
	PinMismatch         Code = "pin_mismatch"         // another certificate or key than those announced
	LegacyOnly          Code = "legacy_only"          // a second, diagnostic connection with outdated methods was let in
	PQIntolerant        Code = "pq_intolerant"        // a second, diagnostic connection with a smaller hello was answered
	StartTLSNotOffered  Code = "starttls_not_offered" // the server greets, and does not say that it can begin TLS
	StartTLSRefused     Code = "starttls_refused"     // it says that it can, and refuses
	HTTPStatus          Code = "http_status"          // the status is the fact "http_status"
	SOAPFault           Code = "soap_fault"
)

// tlsCodes say what holds for them, in the order of the documentation.
var tlsCodes = []CodeInfo{
	{TLSClosed, ClassTarget, Fail, false},
	{TLSVersion, ClassTarget, Fail, false},
	{TLSNoOverlap, ClassTarget, Fail, false},
	{SrvExpired, ClassTarget, Fail, false},
	{SrvExpires, ClassTarget, Fail, false},
	{SrvNotYet, ClassTarget, Fail, false},
	{SrvUntrusted, ClassTarget, Fail, false},
	{SrvName, ClassTarget, Fail, false},
	{SrvWeak, ClassTarget, Fail, false},
	{SrvParse, ClassTarget, Fail, false},
	{SrvUsage, ClassTarget, Fail, false},
	{SrvConstraint, ClassTarget, Fail, false},
	{MissingIntermediate, ClassTarget, Fail, false},
	{PinMismatch, ClassTarget, Fail, false},
	{LegacyOnly, ClassTarget, Fail, false},
	{PQIntolerant, ClassPath, Fail, false},
	{StartTLSNotOffered, ClassTarget, Fail, false},
	{StartTLSRefused, ClassTarget, Fail, false},
	{HTTPStatus, ClassTarget, Fail, false}, // only 403 proves a deny, see ProvesDeny
	{SOAPFault, ClassTarget, Fail, false},
}
