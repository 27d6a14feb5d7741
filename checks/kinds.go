package checks

import (
	"errors"
	"regexp"
	"slices"

	"skift/internal/diag"
	"skift/internal/secret"
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
		{TLS, "The certificate chain of a TLS server, now and at the plan's moments.", tlsKeys(), (*reader).tls},
		{SFTP, "How far an SFTP login comes, with pinned host keys.", sftpKeys(), (*reader).sftp},
		{Reach, "Whether a source address is let in, proven by the first answer of the protocol.", reachKeys(), (*reader).reach},
	}
}

// CommonKeys are the keys every kind of check has.
func CommonKeys() []Key {
	return []Key{
		{"kind", true, "What is asked: tls, sftp or reach."},
		{"service", true, "The service that is asked, on both sides and at each of its addresses."},
		{"for_each", false, "flows: asked once for each flow of the service, from the vantage with the flow's source address."},
		{"vantage", false, "From where it is asked; default local. Not together with for_each."},
		{"critical", false, "true: must pass at a gate that says critical: all."},
		{"area", false, "The planning area it belongs to."},
		{"max_age", false, "How long an answer holds; default 24h."},
		{"timeout", false, "Time for each phase of asking, 1s to 5m; default 10s, and at least 4s to tell a dropped connection from a slow one."},
		{"expect", false, "allow or deny, per side, per side and phase; default: let in, and in phase closed the old side denies."},
	}
}

func tlsKeys() []Key {
	return []Key{
		{"valid_at", false, "Moments of the plan at which the chain must still verify."},
		{"min_days", false, "Fewer days of validity left than this is a warning."},
		{"trusted_by", false, "PEM files in the plan directory; each alone must lead to trust. Default: the trust store of this host."},
		{"names", false, "Names the certificate must cover; default: the service's server_name."},
	}
}

func sftpKeys() []Key {
	return []Key{
		{"level", false, "How far to go: banner, hostkey, auth, subsystem or list; default list. From auth on the party's consent sftp-login is needed."},
		{"user", false, "The login name; needed from level auth on."},
		{"key", false, "Where the private key is kept, as env:, file: or cred:; needed from level auth on."},
		{"host_key", false, "Pinned host keys per side, as SHA256:… with or without the key type in front; needed from level hostkey on."},
		{"dir", false, "The directory that level list lists; default the one the login starts in."},
	}
}

func reachKeys() []Key {
	return []Key{
		{"proof", true, "The protocol whose first answer proves that a connection is let in: tls, ssh, http or https."},
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
)

var (
	serverName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?$`)
	hostKey    = regexp.MustCompile(`^((ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) )?SHA256:[A-Za-z0-9+/]{43}$`)
)

func (r *reader) tls() Options {
	o := TLSOptions{
		ValidAt:   r.refs("valid_at", ToMoment),
		MinDays:   r.m.OptInt("min_days", 0, 1, 3650),
		TrustedBy: r.refs("trusted_by", ToFile),
	}
	for _, n := range r.m.OptWords("names") {
		if !serverName.MatchString(n.Text) {
			n.Problemf(r.problems, CodeBadName, "%q is not a host name", n.Text).Hintf("write it as the certificate has it, without scheme or port")
			continue
		}
		o.Names = append(o.Names, n.Text)
	}
	return o
}

func (r *reader) sftp() Options {
	o := SFTPOptions{Level: Level(r.m.OptOneOf("level", string(LevelList), texts(Levels())...))}
	if o.Level.AtLeast(LevelHostKey) {
		o.HostKey = r.pins()
	} else {
		r.unused("host_key", o.Level)
	}
	if o.Level.AtLeast(LevelAuth) {
		o.User = r.m.Str("user")
		o.Key = r.key()
	} else {
		r.unused("user", o.Level)
		r.unused("key", o.Level)
	}
	if o.Level.AtLeast(LevelList) {
		o.Dir = r.m.OptStr("dir", ".")
	} else {
		r.unused("dir", o.Level)
	}
	return o
}

func (r *reader) unused(key string, level Level) {
	if n, ok := r.m.OptNode(key); ok {
		n.KeyProblemf(CodeUnusedKey, "%s is not used at level %s", key, level).Hintf("remove it, or raise the level")
	}
}

func (r *reader) key() secret.Ref {
	w := r.m.Need("key")
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
		r.spec.Refs = append(r.spec.Refs, Reference{To: ToSecret, Word: r.m.OptWord("key")})
	}
	return ref
}

// pins reads the host keys per side. At least one side must be pinned: there is no trust on first use.
func (r *reader) pins() map[Side][]string {
	m := r.m.Map("host_key")
	defer m.Done()
	pins := map[Side][]string{}
	for _, side := range Sides() {
		for _, w := range m.OptWords(string(side)) {
			if !hostKey.MatchString(w.Text) {
				w.Problemf(r.problems, CodeBadFingerprint, "%q is not the fingerprint of a host key", w.Text).
					Hintf("write what ssh-keygen -lf prints: SHA256: and 43 characters, with the key type in front if the server has several")
				continue
			}
			pins[side] = append(pins[side], w.Text)
		}
	}
	if m.OK() && m.Len() == 0 {
		m.Problemf(CodeBadFingerprint, "no host key is pinned").Hintf("write old: and new: with the fingerprints each supplier announced")
	}
	return pins
}

func (r *reader) reach() Options {
	return ReachOptions{Proof: Proof(r.m.OneOf("proof", texts(Proofs())...))}
}

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
