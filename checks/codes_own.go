package checks

// The outcome codes about what was not asked, and about answers compared. Their sentences in Danish and English are in internal/words, under the same string.
const (
	Stale      Code = "stale"
	Unobserved Code = "unobserved"
	Skipped    Code = "skipped"
	NoConsent  Code = "no_consent" // the target's party has not agreed to be asked this
	Internal   Code = "internal"   // a bug of ours kept it from being asked
	Differs    Code = "differs"    // new answers, but not as a rule of the check about both sides demands
)

// ownCodes say what holds for them, in the order of the documentation.
var ownCodes = []CodeInfo{
	{Stale, ClassBlind, Unverified, false},
	{Unobserved, ClassBlind, Unverified, false},
	{Skipped, ClassBlind, Unverified, false},
	{NoConsent, ClassBlind, Unverified, false},
	{Internal, ClassOurs, Error, false},
	{Differs, ClassTarget, Fail, false},
}
