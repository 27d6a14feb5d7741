package checks

import "time"

// Verdict is what an answer amounts to.
type Verdict string

// The verdicts. Unverified and Error are no pass for a gate and no failure of the target.
const (
	Pass       Verdict = "pass"
	Warn       Verdict = "warn"       // passed, with something to look at
	Fail       Verdict = "fail"       // the target or the way to it says no
	Unverified Verdict = "unverified" // we could not look
	Error      Verdict = "error"      // our configuration, credential or vantage is broken
)

// Verdicts lists the verdicts, best first.
func Verdicts() []Verdict { return []Verdict{Pass, Warn, Fail, Unverified, Error} }

// FactControl is the fact that says whether the vantage could reach its control targets around the probe:
// ControlAnswered, ControlSilent or, where none is configured or none was needed, absent.
const (
	FactControl     = "control"
	ControlAnswered = "answered"
	ControlSilent   = "silent"
)

// FactColumn is the fact that names the column of the flows which lacks the value that was to be asked with.
const FactColumn = "column"

// FactHTTPStatus is the fact that holds the status of an HTTP answer, as three digits.
const FactHTTPStatus = "http_status"

// Result is what was seen of one unit. It is never changed afterwards.
type Result struct {
	Unit Unit `json:"unit"`
	// Outcome is what was reached, whatever was wanted: pass = let in. Pairs are read from it.
	Outcome Verdict `json:"outcome"`
	// Verdict is Outcome taken against Want; with a want of allow they are the same.
	Verdict Verdict `json:"verdict"`
	Code    Code    `json:"code"`
	Want    Want    `json:"want"`
	// Reached is the last phase that succeeded: "" (nothing), "connect", "tls", "banner", "hostkey", "auth", "subsystem", "list",
	// "perm", "write", "roundtrip", "first_byte".
	Reached string `json:"reached,omitempty"`
	// Facts are normalised key → value, comparable between the sides.
	Facts map[string]string `json:"facts,omitempty"`
	// Timings are the lengths of the phases connect, tls, kex, auth, first_byte, op; a phase that was not entered is absent.
	Timings   map[string]time.Duration `json:"timings,omitempty"`
	LocalAddr string                   `json:"local_addr,omitempty"` // "address:port" the target saw us from, before any NAT
	Evidence  Evidence                 `json:"evidence,omitzero"`

	StartedAt      time.Time `json:"started_at"`
	ValidUntil     time.Time `json:"valid_until"` // after it the result is stale
	CheckerVersion string    `json:"checker_version"`
	ConfigHash     string    `json:"config_hash"` // of what was asked; results of another configuration prove nothing
	Brought        Brought   `json:"brought,omitzero"`
}

// Brought says how an answer that was not had from here came to us. The zero value: it was asked from here.
type Brought struct {
	By    BroughtBy `json:"by"`
	From  string    `json:"from"`            // the export it answers, or the beginning of the log's digest
	Party string    `json:"party,omitempty"` // whose host asked
}

// BroughtBy is a way an answer comes from elsewhere.
type BroughtBy string

// The ways.
const (
	ByProbe BroughtBy = "probe" // asked by skift on another host, signed with a key of ours
	ByLog   BroughtBy = "log"   // read in the target's own log
)

// Evidence is what the wire gave, made printable, at most 512 bytes per field.
type Evidence struct {
	FirstBytes string `json:"first_bytes,omitempty"`
	Alert      string `json:"alert,omitempty"` // TLS alert the peer sent: "48 unknown certificate authority"
	Errno      string `json:"errno,omitempty"` // "ECONNREFUSED"
	Err        string `json:"err,omitempty"`
	Banner     string `json:"banner,omitempty"` // text an SSH server showed before login
}

// ProvesDeny reports whether a failure with this code and these facts proves that the asker is kept out:
// refused, filtered, closed before the first byte or HTTP 403, and the vantage's control answered.
func ProvesDeny(code Code, facts map[string]string) bool {
	return facts[FactControl] == ControlAnswered && looksDenied(code, facts)
}

// looksDenied is ProvesDeny before the control has been considered.
func looksDenied(code Code, facts map[string]string) bool {
	raw := seenAs(code, facts)
	return raw.Info().Denies || raw == HTTPStatus && facts[FactHTTPStatus] == "403"
}

// Judge takes what was reached against what was wanted. Wanted in: the outcome stands. Wanted out: let in is a failure,
// a proven deny passes, what looks like a deny but lacks an answering control is unverified, and any other failure is a failure,
// for the target did answer. What could not be observed stays so.
func Judge(outcome Verdict, code Code, facts map[string]string, want Want) Verdict {
	if want != Deny {
		return outcome
	}
	switch outcome {
	case Pass, Warn:
		return Fail
	case Fail:
		switch {
		case ProvesDeny(code, facts):
			return Pass
		case looksDenied(code, facts), seenAs(code, facts).Info().Class == ClassPath:
			return Unverified
		}
		return Fail
	}
	return outcome
}

// Judged is the result's outcome taken against a want, which may be another than the one it was asked with: phases move.
func (r Result) Judged(want Want) Verdict { return Judge(r.Outcome, r.Code, r.Facts, want) }
