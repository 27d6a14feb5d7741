package checks

// The outcome codes about the way to the target and its first answer. Their sentences in Danish and English are in internal/words, under the same string.
const (
	OK              Code = "ok"
	DNSNXDomain     Code = "dns_nxdomain"
	DNSServfail     Code = "dns_servfail"
	DNSTimeout      Code = "dns_timeout"
	VantageBind     Code = "vantage_bind"      // the source address is not on this host
	LocalPolicy     Code = "local_policy"      // our own host or the plan's allowed networks forbid it
	Credential      Code = "credential"        // our own key, password or trust bundle cannot be used
	NetUnreachable  Code = "net_unreachable"   // routing, or a router's access list
	FilteredReject  Code = "filtered_reject"   // a firewall said no, fast
	FilteredDrop    Code = "filtered_drop"     // nothing came back at all
	Refused         Code = "refused"           // a reset: a closed port or a rejecting firewall, which look the same
	TCPOnly         Code = "tcp_only"          // connected, nothing more known
	ClosedPreBanner Code = "closed_pre_banner" // closed before the first byte
	RefusedText     Code = "refused_text"      // throttled, perhaps by our own asking
	Silent          Code = "silent"
	SilentOnce      Code = "silent_once" // at first; the same was answered when it was asked again
	ProtoMismatch   Code = "proto_mismatch"
	// Of the same protocol, but not the answer that was waited for.
	UnexpectedAnswer Code = "unexpected_answer"
	// Conclusions from several vantages; what was seen itself is the fact "seen".
	WhitelistMissing Code = "whitelist_missing" // other sources are let in, this one is not
	TargetDown       Code = "target_down"       // no source is let in
	EgressDiffers    Code = "egress_differs"    // others see us under another address than the plan says
)

// wayCodes say what holds for them, in the order of the documentation.
var wayCodes = []CodeInfo{
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
	{SilentOnce, ClassPath, Fail, false}, // always a warning: in the end it answered
	{ProtoMismatch, ClassTarget, Fail, false},
	{UnexpectedAnswer, ClassTarget, Fail, false},
	{WhitelistMissing, ClassTarget, Fail, false}, // proves a deny when what was seen does, see ProvesDeny
	{TargetDown, ClassTarget, Fail, false},
	{EgressDiffers, ClassOurs, Error, false},
}
