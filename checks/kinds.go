package checks

import (
	"errors"
	"regexp"
	"slices"

	"skift/internal/diag"
	"skift/internal/secret"
	"skift/internal/yamldoc"
)

// Key is one key an author may write under a check.
type Key struct {
	Name     string
	Required bool   // always; some keys are required only together with others
	Doc      string // one sentence
}

// KindDef is one kind of check: what may be written and how it is read.
type KindDef struct {
	Kind Kind
	Doc  string // one sentence
	Keys []Key  // beside CommonKeys
	read func(*reader) Options
}

// Kinds is the registry of the kinds, in the order of the documentation.
func Kinds() []KindDef {
	return []KindDef{
		tlsDef(), mtlsDef(), certFileDef(), revocationDef(),
		sftpDef(), sshFactsDef(), manifestDef(),
		reachDef(), tcpDef(),
	}
}

// CommonKeys are the keys every kind of check has.
func CommonKeys() []Key {
	return []Key{
		{"kind", true, "What is asked; every kind has a page of its own."},
		{"service", true, "The service that is asked, on both sides and at each of its addresses."},
		{"for_each", false, "flows: asked once for each flow of the service, from the vantage with the flow's source address."},
		{"vantage", false, "From where it is asked, or {old: …, new: …}: from where each side is; default local. Not together with for_each."},
		{"critical", false, "true: must pass at a gate that says critical: all."},
		{"area", false, "The planning area it belongs to."},
		{"max_age", false, "How long an answer holds; default 24h."},
		{"timeout", false, "Time for each phase of asking, 1s to 5m; default 10s, and at least 4s to tell a dropped connection from a slow one."},
		{"expect", false, "allow or deny, per side, per side and phase; default: let in, and in phase closed the old side denies."},
	}
}

// Problems of a check that only its reader can see; yamldoc raises the general ones.
const (
	CodeBadTimeout     diag.Code = "bad-timeout"
	CodeShortTimeout   diag.Code = "short-timeout"
	CodeBadMaxAge      diag.Code = "bad-max-age"
	CodeUnusedKey      diag.Code = "unused-key"
	CodeBadName        diag.Code = "bad-server-name"
	CodeBadFingerprint diag.Code = "bad-host-key"
	CodeSecretInClear  diag.Code = "key-in-clear"
	CodeBadSecretRef   diag.Code = "bad-key-reference"
	CodeBadExpression  diag.Code = "bad-expression"
	CodeBadSend        diag.Code = "bad-send"
	CodeTooManySteps   diag.Code = "too-many-steps"
	CodeWarnsLate      diag.Code = "warns-too-late"
	CodeColumnAlone    diag.Code = "column-without-flows"
	CodeBadMode        diag.Code = "bad-mode"
	CodeBadWritePrefix diag.Code = "bad-write-prefix"
	CodeNeverWrites    diag.Code = "never-writes"
	CodeBadResponders  diag.Code = "bad-responders"
	CodeBadPath        diag.Code = "bad-certificate-path"
	CodeBadSerial      diag.Code = "bad-serial"
	CodeBadThumbprint  diag.Code = "bad-thumbprint"
	CodeBadCertPin     diag.Code = "bad-certificate-pin"
)

var (
	serverName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?$`)
	hostKey    = regexp.MustCompile(`^((ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) )?SHA256:[A-Za-z0-9+/]{43}$`)
)

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}

// kindDef finds a kind's definition.
func kindDef(k Kind) (KindDef, bool) {
	all := Kinds()
	i := slices.IndexFunc(all, func(d KindDef) bool { return d.Kind == k })
	if i < 0 {
		return KindDef{}, false
	}
	return all[i], true
}

// secretRef reads the required key that names where a secret is kept.
func (r *reader) secretRef(key string) secret.Ref { return r.secretIn(r.m, key) }

// optSecretRef reads a key that need not be there.
func (r *reader) optSecretRef(key string) secret.Ref {
	if !r.m.Has(key) {
		return secret.Ref{}
	}
	return r.secretIn(r.m, key)
}

func (r *reader) secretIn(m *yamldoc.Map, key string) secret.Ref {
	w := m.Need(key)
	text, ok := w.Str()
	if !ok {
		return secret.Ref{}
	}
	ref, err := secret.ParseRef(text)
	switch {
	case errors.Is(err, secret.ErrClear):
		w.Problemf(CodeSecretInClear, "a secret is written in clear").Hide().Hintf("name where it is kept: env:NAME, file:PATH or cred:NAME")
	case err != nil:
		w.Problemf(CodeBadSecretRef, "%s", err)
	default:
		r.spec.Refs = append(r.spec.Refs, Reference{To: ToSecret, Word: m.OptWord(key)})
	}
	return ref
}
