package checks

// Code names what was seen. Codes separate "the target says no", "the path says no", "we could not look" and "ours is broken".
type Code string

// The outcome codes. Their sentences in Danish and English are in internal/words, under the same string.
const (
	OK Code = "ok"

	DNSNXDomain Code = "dns_nxdomain"
	DNSServfail Code = "dns_servfail"
	DNSTimeout  Code = "dns_timeout"

	VantageBind    Code = "vantage_bind"    // the source address is not on this host
	LocalPolicy    Code = "local_policy"    // our own host or the plan's allowed networks forbid it
	Credential     Code = "credential"      // our own key, password or trust bundle cannot be used
	NetUnreachable Code = "net_unreachable" // routing, or a router's access list
	FilteredReject Code = "filtered_reject" // a firewall said no, fast
	FilteredDrop   Code = "filtered_drop"   // nothing came back at all
	Refused        Code = "refused"         // a reset: a closed port or a rejecting firewall, which look the same
	TCPOnly        Code = "tcp_only"        // connected, nothing more known

	ClosedPreBanner Code = "closed_pre_banner" // closed before the first byte
	RefusedText     Code = "refused_text"      // throttled, perhaps by our own asking
	Silent          Code = "silent"
	ProtoMismatch   Code = "proto_mismatch"

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

	CliMissing     Code = "cli_missing"
	CliBad         Code = "cli_bad"
	CliUnsupported Code = "cli_unsupported"
	CliRevoked     Code = "cli_revoked"
	CliExpired     Code = "cli_expired"
	CliUnknown     Code = "cli_unknown"
	CliUntrustedCA Code = "cli_untrusted_ca"
	CliDenied      Code = "cli_denied"

	HTTPStatus Code = "http_status" // the status is the fact "http_status"
	SOAPFault  Code = "soap_fault"

	HostkeyUnknown Code = "hostkey_unknown" // nothing pinned to compare with
	HostkeyChanged Code = "hostkey_changed" // not one of the pinned keys
	SSHNoOverlap   Code = "ssh_no_overlap"
	AuthFailed     Code = "auth_failed"
	AuthMethod     Code = "auth_method"
	AuthDisconnect Code = "auth_disconnect"

	SubsystemRefused Code = "subsystem_refused"
	SFTPGarbage      Code = "sftp_garbage"
	SFTPSilent       Code = "sftp_silent"
	PathMissing      Code = "path_missing"
	PathDenied       Code = "path_denied"
	OpFailed         Code = "op_failed"
	Quota            Code = "quota"

	Stale      Code = "stale"
	Unobserved Code = "unobserved"
	Skipped    Code = "skipped"
	NoConsent  Code = "no_consent" // the target's party has not agreed to be asked this
)

// Class says who a code speaks about.
type Class string

// The classes.
const (
	ClassOK     Class = "ok"
	ClassTarget Class = "target" // the target says no
	ClassPath   Class = "path"   // the way to it says no
	ClassBlind  Class = "blind"  // we could not look
	ClassOurs   Class = "ours"   // our configuration, credential or vantage is broken
)

// CodeInfo is what holds for a code wherever it is seen.
type CodeInfo struct {
	Code    Code
	Class   Class
	Verdict Verdict // unless a kind says milder
	Denies  bool    // with an answering control it proves that the asker is kept out
}

// codeTable lists every code once, in the order of the documentation.
var codeTable = []CodeInfo{
	{OK, ClassOK, Pass, false},
	{DNSNXDomain, ClassTarget, Fail, false},
	{DNSServfail, ClassBlind, Unverified, false},
	{DNSTimeout, ClassBlind, Unverified, false},
	{VantageBind, ClassOurs, Error, false},
	{LocalPolicy, ClassOurs, Error, false},
	{Credential, ClassOurs, Error, false},
	{NetUnreachable, ClassPath, Fail, false},
	{FilteredReject, ClassPath, Fail, true},
	{FilteredDrop, ClassPath, Fail, true},
	{Refused, ClassPath, Fail, true},
	{TCPOnly, ClassBlind, Unverified, false},
	{ClosedPreBanner, ClassTarget, Fail, true},
	{RefusedText, ClassBlind, Unverified, false},
	{Silent, ClassPath, Fail, false},
	{ProtoMismatch, ClassTarget, Fail, false},
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
	{CliMissing, ClassTarget, Fail, false},
	{CliBad, ClassTarget, Fail, false},
	{CliUnsupported, ClassTarget, Fail, false},
	{CliRevoked, ClassTarget, Fail, false},
	{CliExpired, ClassTarget, Fail, false},
	{CliUnknown, ClassTarget, Fail, false},
	{CliUntrustedCA, ClassTarget, Fail, false},
	{CliDenied, ClassTarget, Fail, false},
	{HTTPStatus, ClassTarget, Fail, false}, // only 403 proves a deny, see ProvesDeny
	{SOAPFault, ClassTarget, Fail, false},
	{HostkeyUnknown, ClassOurs, Error, false},
	{HostkeyChanged, ClassTarget, Fail, false},
	{SSHNoOverlap, ClassTarget, Fail, false},
	{AuthFailed, ClassTarget, Fail, false},
	{AuthMethod, ClassTarget, Fail, false},
	{AuthDisconnect, ClassTarget, Fail, false},
	{SubsystemRefused, ClassTarget, Fail, false},
	{SFTPGarbage, ClassTarget, Fail, false},
	{SFTPSilent, ClassTarget, Fail, false},
	{PathMissing, ClassTarget, Fail, false},
	{PathDenied, ClassTarget, Fail, false},
	{OpFailed, ClassTarget, Fail, false},
	{Quota, ClassTarget, Fail, false},
	{Stale, ClassBlind, Unverified, false},
	{Unobserved, ClassBlind, Unverified, false},
	{Skipped, ClassBlind, Unverified, false},
	{NoConsent, ClassBlind, Unverified, false},
}

// Codes lists every code, in the order of the documentation.
func Codes() []CodeInfo { return append([]CodeInfo(nil), codeTable...) }

// Info is what holds for the code. A code nobody defined is read as Unobserved would be: it proves nothing.
func (c Code) Info() CodeInfo {
	for _, i := range codeTable {
		if i.Code == c {
			return i
		}
	}
	return CodeInfo{Code: c, Class: ClassBlind, Verdict: Unverified}
}
