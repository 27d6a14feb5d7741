package checks

import (
	"time"

	"skift/internal/yamldoc"
)

// Reach is the kind that says whether a source address is let in.
const Reach Kind = "reach"

// Proof is the protocol whose first answer proves that a connection is let in.
type Proof string

// The proofs.
const (
	ProofTLS   Proof = "tls"   // any TLS record
	ProofSSH   Proof = "ssh"   // the version line
	ProofHTTP  Proof = "http"  // a status line; 403 is a refusal
	ProofHTTPS Proof = "https" // the same inside TLS, whatever the certificate is worth
	ProofRaw   Proof = "raw"   // what Steps expect
)

// Proofs lists the proofs.
func Proofs() []Proof { return []Proof{ProofTLS, ProofSSH, ProofHTTP, ProofHTTPS, ProofRaw} }

// ReachOptions are the demands of an allow-list check.
type ReachOptions struct {
	Proof Proof  `json:"proof"`
	Steps []Step `json:"steps,omitempty"` // of ProofRaw
	// WarnAfter is how long an entry on the list may go unused before that is told; 0 = entries are not deleted for that. It changes how
	// answers are read, not what is asked.
	WarnAfter time.Duration `json:"-"`
}

func (ReachOptions) kind() Kind { return Reach }

func (o ReachOptions) unauthenticated() bool { return o.Proof == ProofSSH }

func (ReachOptions) source() bool { return true }

func (o ReachOptions) decay() time.Duration { return o.WarnAfter }

func reachDef() KindDef {
	return KindDef{Reach, "Whether a source address is let in, proven by the first answer of the protocol.", reachKeys(), (*reader).reach}
}

func reachKeys() []Key {
	return []Key{
		{"proof", true, "The protocol whose first answer proves that a connection is let in: tls, ssh, http, https, or raw for any other."},
		{"steps", false, "With proof raw: what is said and waited for, as in kind tcp; it proves only what it expects."},
		{"decays", false, "How long an entry on the list may go unused before it is deleted."},
		{"warn_after", false, "How long unused is told; default two thirds of decays."},
	}
}

func (r *reader) reach() Options {
	o := ReachOptions{Proof: Proof(r.m.OneOf("proof", texts(Proofs())...)), Steps: r.steps()}
	o.WarnAfter = r.warnAfter()
	n, ok := r.m.OptNode("steps")
	switch {
	case o.Proof == ProofRaw && !ok:
		r.m.Items("steps") // says that they are missing
	case o.Proof == ProofRaw && len(o.Steps) > 0 && !expects(o.Steps):
		n.KeyProblemf(yamldoc.CodeMissingKey, "steps expect nothing").Hintf("end them with {expect: …}: an open port proves nothing")
	case o.Proof != ProofRaw && ok:
		n.KeyProblemf(CodeUnusedKey, "steps are not used with proof %s", o.Proof).Hintf("remove them, or write proof: raw")
	}
	return o
}

// warnAfter reads after how long an entry that is deleted for want of use is told.
func (r *reader) warnAfter() time.Duration {
	decays := r.m.OptDuration("decays", 0)
	warn := r.m.OptDuration("warn_after", decays*2/3)
	n, ok := r.m.OptNode("warn_after")
	switch {
	case ok && !r.m.Has("decays"):
		n.KeyProblemf(CodeUnusedKey, "warn_after is not used without decays").Hintf("say after how long an unused entry is deleted: decays: 90d")
		return 0
	case ok && warn >= decays:
		n.Problemf(CodeWarnsLate, "it is told after %s and deleted after %s", yamldoc.FormatDuration(warn), yamldoc.FormatDuration(decays)).
			Hintf("leave warn_after out for two thirds of decays")
	}
	return warn
}
