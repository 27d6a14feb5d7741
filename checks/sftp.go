package checks

import (
	"slices"

	"skift/internal/secret"
	"skift/internal/yamldoc"
)

// SFTP is the kind that logs in to an SFTP server and says how far that comes.
const SFTP Kind = "sftp"

// Level is how far an SFTP check goes.
type Level string

// The levels of an SFTP check, in their order; each includes those before it.
const (
	LevelBanner    Level = "banner"
	LevelHostKey   Level = "hostkey"
	LevelAuth      Level = "auth"
	LevelSubsystem Level = "subsystem"
	LevelList      Level = "list"
	LevelPerm      Level = "perm"      // expected directories stand there, hidden ones do not
	LevelWrite     Level = "write"     // an inert file of ours is written and removed
	LevelRoundtrip Level = "roundtrip" // … and renamed, measured and read back in between
)

// Levels lists the levels an SFTP check may ask for, in their order.
func Levels() []Level {
	return []Level{LevelBanner, LevelHostKey, LevelAuth, LevelSubsystem, LevelList, LevelPerm, LevelWrite, LevelRoundtrip}
}

// AtLeast reports whether l includes m.
func (l Level) AtLeast(m Level) bool {
	all := Levels()
	return slices.Index(all, l) >= slices.Index(all, m)
}

// SFTPOptions are the demands on an SFTP server.
type SFTPOptions struct {
	Level Level      `json:"level"`
	User  Text       `json:"user,omitzero"`
	Key   secret.Ref `json:"key,omitzero"` // private key in a format OpenSSH writes, without a passphrase
	// HostKey pins the server's keys per side, as "SHA256:…"; several = the current and the next one.
	HostKey map[Side][]string `json:"host_key,omitempty"`
	Dir     Text              `json:"dir,omitzero"` // what level list lists; default "."

	Places  SFTPPlaces  `json:"places,omitzero"`
	Writing SFTPWriting `json:"writing,omitzero"`
}

func (SFTPOptions) kind() Kind { return SFTP }

// unauthenticated: a handshake that ends before the login counts as an attack at the server.
func (o SFTPOptions) unauthenticated() bool { return !o.Level.AtLeast(LevelAuth) }

// login: a server that refused the key is not asked again and again.
func (o SFTPOptions) login() Text {
	if !o.Level.AtLeast(LevelAuth) {
		return Text{}
	}
	return o.User
}

func (o SFTPOptions) columns() []string { return columnsOf(o.User, o.Dir, o.Writing.Dir) }

func (o SFTPOptions) consents(denied bool) []Consent {
	switch {
	case !o.Level.AtLeast(LevelAuth):
		return nil
	case denied:
		return []Consent{ConsentSFTPLogin, ConsentNegative} // a login meant to fail counts against us at the target
	}
	return []Consent{ConsentSFTPLogin}
}

func sftpDef() KindDef {
	return KindDef{SFTP, "How far an SFTP login comes, with pinned host keys.", sftpKeys(), (*reader).sftp}
}

func sftpKeys() []Key {
	return []Key{
		{"level", false, "How far to go: banner, hostkey, auth, subsystem, list, perm, write or roundtrip; default list. From auth on the party's consent sftp-login is needed, for write and roundtrip write as well."},
		{"user", false, "The login name; needed from level auth on."},
		{"key", false, "Where the private key is kept, as env:, file: or cred:; needed from level auth on."},
		{"host_key", false, "Pinned host keys per side, as SHA256:… with or without the key type in front; needed from level hostkey on."},
		{"dir", false, "The directory that level list lists; default the one the login starts in."},
		{"expect_dirs", false, "Directories that must be there, each a path or {path, mode}; from level perm on."},
		{"not_visible", false, "Paths that the account must not be able to see; from level perm on."},
		{"write", false, "allowed or denied, per side, or per side and phase; needed at levels write and roundtrip. Where denied the check ends at level perm."},
		{"write_dir", false, "The directory an inert file may be written to; needed at levels write and roundtrip."},
		{"write_prefix", false, "How the name of that file begins, before a part that is never used twice; default skift-probe-."},
	}
}

func (r *reader) sftp() Options {
	o := SFTPOptions{Level: Level(r.m.OptOneOf("level", string(LevelList), texts(Levels())...))}
	if o.Level.AtLeast(LevelHostKey) {
		o.HostKey = r.pins()
	} else {
		r.unused("host_key", o.Level)
	}
	if o.Level.AtLeast(LevelAuth) {
		r.m.Need("user")
		o.User = r.text("user")
		o.Key = r.secretRef("key")
	} else {
		r.unused("user", o.Level)
		r.unused("key", o.Level)
	}
	if o.Level.AtLeast(LevelList) {
		if o.Dir = r.text("dir"); o.Dir.IsZero() {
			o.Dir.Literal = "."
		}
	} else {
		r.unused("dir", o.Level)
	}
	o.Places, o.Writing = r.places(o.Level), r.writing(o.Level)
	return o
}

func (r *reader) unused(key string, level Level) {
	if n, ok := r.m.OptNode(key); ok {
		n.KeyProblemf(CodeUnusedKey, "%s is not used at level %s", key, level).Hintf("remove it, or raise the level")
	}
}

// pins reads the host keys per side. At least one side must be pinned: there is no trust on first use.
func (r *reader) pins() map[Side][]string {
	pins := map[Side][]string{}
	if n, ok := r.m.OptNode("host_key"); ok && (n.Kind() == yamldoc.KindList || n.Kind() == yamldoc.KindScalar) {
		n.Problemf(yamldoc.CodeWrongKind, "must say whose keys they are, and not be %s", n.Kind()).
			Hintf(`write host_key: {old: ["SHA256:…"], new: ["SHA256:…"]}: each supplier announces its own`)
		return pins
	}
	m := r.m.Map("host_key")
	defer m.Done()
	for _, side := range Sides() {
		m.Filled(string(side), true)
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
