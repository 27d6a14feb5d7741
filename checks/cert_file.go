package checks

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"skift/internal/diag"
	"skift/internal/secret"
	"skift/internal/yamldoc"
)

// CertFile is the kind that looks at certificates that lie here as files: those the user systems will present.
const CertFile Kind = "cert_file"

// Usage is what a certificate is to be used for.
type Usage string

// The usages.
const (
	UsageClient Usage = "client" // presented by a user system; the default
	UsageServer Usage = "server"
)

// CertFileOptions are the demands on a certificate in a file. Each side has a File or a Store.
type CertFileOptions struct {
	File map[Side]Text `json:"file,omitempty"` // in the plan directory
	// Store is where a key store that holds a private key is kept: outside the plan.
	Store    map[Side]secret.Ref `json:"store,omitempty"`
	Key      secret.Ref          `json:"key,omitzero"`      // the private key that must match, as PEM
	Password secret.Ref          `json:"password,omitzero"` // of a PKCS#12 or JKS file
	Alias    string              `json:"alias,omitempty"`   // which entry of a JKS file
	ValidAt  []string            `json:"valid_at,omitempty"`
	MinDays  int                 `json:"min_days,omitempty"`
	// TrustedBy are files of PEM bundles, each of which alone must lead to trust; empty = trust is not asked.
	TrustedBy []string `json:"trusted_by,omitempty"`
	Usage     Usage    `json:"usage"`
	// IssuedBy are the issuers allowed by name, and IssuedByFiles those whose certificates stand in bundles; both empty = any.
	IssuedBy      []string `json:"issued_by,omitempty"`
	IssuedByFiles []string `json:"issued_by_files,omitempty"`
	Serial        Text     `json:"serial,omitzero"`     // as registered, decimal or hexadecimal
	Thumbprint    Text     `json:"thumbprint,omitzero"` // as registered, SHA-1 or SHA-256
}

func (CertFileOptions) kind() Kind { return CertFile }

func (o CertFileOptions) moments() []string { return o.ValidAt }
func (o CertFileOptions) bundles() []string { return slices.Concat(o.TrustedBy, o.IssuedByFiles) }

func (o CertFileOptions) sides() []Side {
	return slices.DeleteFunc(Sides(), func(s Side) bool { return o.File[s].IsZero() && o.Store[s].IsZero() })
}

func (o CertFileOptions) columns() []string {
	return columnsOf(o.File[Old], o.File[New], o.Serial, o.Thumbprint)
}

func certFileDef() KindDef {
	return KindDef{CertFile, "A certificate that lies here as a file: validity, key, issuer, and that it is the one registered.", certFileKeys(), (*reader).certFile}
}

func certFileKeys() []Key {
	return []Key{
		{"file", false, "The file in the plan directory, for both sides or per side, or a column of the flows. PEM, DER, PKCS#12 or JKS, told apart by content."},
		{"store", false, "Instead of file: where a key store with its private key is kept, as file: or cred:, for both sides or per side."},
		{"key", false, "Where the private key is kept that must belong to the certificate, as PEM without a password."},
		{"password", false, "Where the password of a PKCS#12 or JKS file is kept."},
		{"alias", false, "Which entry of a JKS file; needed when it holds several keys."},
		{"valid_at", false, "Moments of the plan at which the certificate must still be valid."},
		{"min_days", false, "Fewer days of validity left than this is a warning."},
		{"trusted_by", false, "PEM files in the plan directory; each alone must lead to trust, by the certificates in the file alone."},
		{"usage", false, "client (default) or server: what the certificate must be made for."},
		{"issued_by", false, "Allowed issuers: their names, or PEM files of their certificates. Another one is named as the wrong generation."},
		{"serial", false, "The registered serial number, decimal or hexadecimal, or a column of the flows."},
		{"thumbprint", false, "The registered SHA-1 or SHA-256 of the certificate, or a column of the flows."},
	}
}

func (r *reader) certFile() Options {
	o := CertFileOptions{
		Alias:     r.m.OptStr("alias", ""),
		ValidAt:   r.refs("valid_at", ToMoment),
		MinDays:   r.m.OptInt("min_days", 0, 1, 3650),
		TrustedBy: r.refs("trusted_by", ToFile),
		Usage:     Usage(r.m.OptOneOf("usage", string(UsageClient), string(UsageClient), string(UsageServer))),
		Key:       r.optSecretRef("key"),
		Password:  r.optSecretRef("password"),
	}
	if r.m.ExactlyOne("file", "store") == "store" {
		o.Store = perSide(r, "store", func(m *yamldoc.Map, key string) secret.Ref { return r.secretIn(m, key) })
	} else if r.m.Has("file") {
		o.File = perSide(r, "file", r.path)
	}
	for _, w := range r.m.OptWords("issued_by") {
		if bundleName(w.Text) {
			o.IssuedByFiles = append(o.IssuedByFiles, r.ref(w, ToFile))
		} else {
			o.IssuedBy = append(o.IssuedBy, w.Text)
		}
	}
	o.Serial = r.identifier("serial", CodeBadSerial, "write it as the certificate shows it, such as 5a:0f or 23055", func(s string) bool { return len(SerialForms(s)) > 0 })
	o.Thumbprint = r.identifier("thumbprint", CodeBadThumbprint, "write the 40 hexadecimal digits of its SHA-1, or the 64 of its SHA-256",
		func(s string) bool { return Thumbprint(s) != "" })
	return o
}

// bundleName tells a file of certificates from an issuer's name.
func bundleName(text string) bool {
	return slices.Contains([]string{".pem", ".crt", ".cer"}, strings.ToLower(path.Ext(text)))
}

// perSide reads a value for both sides, or one under old: and one under new:.
func perSide[T any](r *reader, key string, read func(*yamldoc.Map, string) T) map[Side]T {
	n, _ := r.m.OptNode(key)
	out := map[Side]T{}
	if n.Kind() != yamldoc.KindMap || n.Map().Has("column") {
		v := read(r.m, key)
		out[Old], out[New] = v, v
		return out
	}
	m := n.Map()
	defer m.Done()
	for _, side := range Sides() {
		if m.Has(string(side)) {
			out[side] = read(m, string(side))
		}
	}
	if m.OK() && len(out) == 0 {
		m.Problemf(yamldoc.CodeMissingKey, "neither old: nor new: is given").Hintf("write one value for both sides, or one under old: and one under new:")
	}
	return out
}

// path reads the name of a file in the plan directory that need not be there yet.
func (r *reader) path(m *yamldoc.Map, key string) Text {
	t := r.textIn(m, key)
	if t.Literal != "" && !InPlanDir(t.Literal) {
		n, _ := m.OptNode(key)
		n.Problemf(CodeBadPath, "%q is not a path in the plan directory", t.Literal).
			Hintf(`write it from the plan directory on, with / and without a leading "/", "./" or ".."`)
	}
	return t
}

// InPlanDir reports whether a path names something in the plan directory and not outside it.
func InPlanDir(name string) bool {
	return fs.ValidPath(name) && name != "." && !strings.ContainsAny(name, "\\\x00")
}

// identifier reads what a certificate is registered as. What stands in a column is judged when it is asked.
func (r *reader) identifier(key string, code diag.Code, hint string, sound func(string) bool) Text {
	t := r.text(key)
	if t.Literal != "" && !sound(t.Literal) {
		n, _ := r.m.OptNode(key)
		n.Problemf(code, "%q is no %s", t.Literal, map[string]string{"serial": "serial number", "thumbprint": "thumbprint"}[key]).Hintf("%s", hint)
	}
	return t
}
