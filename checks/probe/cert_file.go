package probe

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"skift/checks"
	"skift/internal/secret"
)

// certFile reads a certificate that lies here and judges it: as what it is registered, by whom it was issued, and as a chain, now and
// at the plan's moments.
func (p *Prober) certFile(_ context.Context, t target) sighting {
	o, _ := t.Spec.Options.(checks.CertFileOptions)
	h, s, ok := p.held(t, o)
	if !ok {
		return s
	}
	trusted, err := p.trust.bundles(o.TrustedBy, t.Trust)
	if err == nil && len(o.TrustedBy) == 0 {
		trusted = []bundle{h.itself()}
	}
	issuers, err2 := p.trust.bundles(o.IssuedByFiles, t.Trust)
	key, err3 := p.keyOf(o.Key, h)
	if err := errors.Join(err, err2, err3); err != nil {
		return s.ours(err)
	}
	at := t.At
	if at.IsZero() {
		at = time.Now()
	}
	chain := newHeldChain(h.certs, trusted, at)
	s.set(h.facts(chain, key))
	found := slices.Concat(h.foreignKey(key), s.registered(chain.leaf(), o, t.Flow), wrongIssuer(chain.leaf(), o, issuers))
	found = append(found, heldFindings(chain, t.ValidAt, o)...)
	if h.clear && o.Store == nil {
		found = append(found, finding{code: checks.CertExposed, verdict: checks.Warn, text: "a private key lies readable in the plan directory"})
	}
	s.judge(gravestFirst(found))
	return s
}

// held reads the side's file. On failure ok is false and the sighting is complete.
func (p *Prober) held(t target, o checks.CertFileOptions) (h held, s sighting, ok bool) {
	s = sighting{facts: map[string]string{}}
	with := unlocked{alias: o.Alias}
	if !o.Password.IsZero() {
		v, err := p.resolve(o.Password)
		if err != nil {
			return h, s.ours(err), false
		}
		with.password = v.Reveal()
	}
	var data []byte
	if ref := o.Store[t.Unit.Side]; !ref.IsZero() {
		s.set(map[string]string{"file": ref.String()})
		v, err := p.resolve(ref)
		if err != nil {
			return h, s.ours(err), false
		}
		data = []byte(v.Reveal())
	} else {
		name, _ := o.File[t.Unit.Side].In(t.Flow)
		s.set(map[string]string{"file": name})
		var err error
		if data, err = readInventory(p.files, name); err != nil {
			s.unread(err)
			return h, s, false
		}
	}
	h, err := readHeld(data, with)
	if err != nil {
		s.set(map[string]string{"format": h.format})
		s.unread(err)
		return h, s, false
	}
	return h, s, true
}

func (p *Prober) resolve(ref secret.Ref) (secret.Value, error) {
	if p.secrets == nil {
		return secret.Value{}, fmt.Errorf("secret %s: no secrets can be had here", ref)
	}
	return p.secrets.Resolve(ref)
}

// ours completes a sighting with what is wrong with our own key, password or bundle.
func (s sighting) ours(err error) sighting {
	s.code, s.evidence.Err = checks.Credential, printable([]byte(err.Error()))
	return s
}

func (s *sighting) unread(err error) {
	s.code, s.evidence.Err = checks.CertUnreadable, printable([]byte(err.Error()))
	if u, ok := errors.AsType[*unreadable](err); ok {
		s.code = u.code
	}
}

// readInventory reads a file of the plan directory, as large as a file of certificates may be.
func readInventory(files fs.FS, name string) ([]byte, error) {
	if files == nil || !checks.InPlanDir(name) {
		return nil, &unreadable{checks.CertMissing, fmt.Sprintf("%q is not a path in the plan directory", name)}
	}
	info, err := fs.Stat(files, name) // before opening: opening a pipe would wait for somebody to write into it
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &unreadable{checks.CertMissing, fmt.Sprintf("there is no file %s in the plan directory", name)}
	case err != nil:
		return nil, cannotRead("%v", err)
	case !info.Mode().IsRegular():
		return nil, cannotRead("%s is not a file", name)
	case info.Size() > maxCertFile:
		return nil, cannotRead("%s is larger than %d kB", name, maxCertFile>>10)
	}
	f, err := files.Open(name)
	if err != nil {
		return nil, cannotRead("%v", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxCertFile))
	if err != nil {
		return nil, cannotRead("%v", err)
	}
	return data, nil
}

// itself is what a chain is held against when no trust is asked: where the file's own chain ends. Dates and signatures are then
// judged all the same.
func (h held) itself() bundle {
	b := bundle{name: "the file itself", pool: x509.NewCertPool()}
	for _, c := range h.certs {
		top := !slices.ContainsFunc(h.certs, func(up *x509.Certificate) bool { return up != c && bytes.Equal(up.RawSubject, c.RawIssuer) })
		if top || selfIssued(c) {
			b.pool.AddCert(c)
			b.certs = append(b.certs, c)
		}
	}
	return b
}

// keyOf is the public half of the private key that must belong to the certificate: the named one, else that of the file. nil = none.
func (p *Prober) keyOf(ref secret.Ref, h held) (crypto.PublicKey, error) {
	if ref.IsZero() {
		return h.key, nil
	}
	v, err := p.resolve(ref)
	if err != nil {
		return nil, err
	}
	for rest := []byte(v.Reveal()); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil, fmt.Errorf("secret %s holds no private key as PEM", ref)
		}
		if strings.HasSuffix(block.Type, "PRIVATE KEY") {
			key, err := publicOf(block)
			if err != nil {
				return nil, fmt.Errorf("secret %s: %w", ref, err)
			}
			return key, nil
		}
	}
}

func (h held) foreignKey(key crypto.PublicKey) []finding {
	if key == nil || sameKey(h.certs[0].PublicKey, key) {
		return nil
	}
	return []finding{{code: checks.CertKey, text: fmt.Sprintf("the private key (%s) does not belong to the certificate of %s", keyName(key), h.certs[0].Subject)}}
}

// registered holds the certificate against what it is registered as. A register may write a number in several ways: which of them were
// compared is said.
func (s *sighting) registered(leaf *x509.Certificate, o checks.CertFileOptions, flow map[string]string) []finding {
	var found []finding
	wrong := func(format string, args ...any) {
		found = append(found, finding{code: checks.CertRegistered, text: fmt.Sprintf(format, args...)})
	}
	if serial, _ := o.Serial.In(flow); serial != "" {
		base, same := checks.SameSerial(serial, leaf.SerialNumber)
		s.set(map[string]string{"registered_serial": serial, "registered_as": base})
		if !same {
			wrong("registered is serial number %s (%s); the file has %x, in decimal %d", serial, readings(serial), leaf.SerialNumber, leaf.SerialNumber)
		}
	}
	if print, _ := o.Thumbprint.In(flow); print != "" {
		sha1sum, sha256sum := sums(leaf)
		s.set(map[string]string{"registered_thumbprint": print})
		if want := checks.Thumbprint(print); want != sha1sum && want != sha256sum {
			wrong("registered is thumbprint %s; the file has SHA-1 %s and SHA-256 %s", print, sha1sum, sha256sum)
		}
	}
	return found
}

// readings says how a registered serial number was read.
func readings(serial string) string {
	var forms []string
	for _, f := range checks.SerialForms(serial) {
		forms = append(forms, fmt.Sprintf("read as %s: %x", f.Base, f.N))
	}
	if forms == nil {
		return "which is no number"
	}
	return strings.Join(forms, "; ")
}

// wrongIssuer finds a certificate of another issuer than those allowed: good in itself, perhaps, and of the wrong generation.
func wrongIssuer(leaf *x509.Certificate, o checks.CertFileOptions, issuers []bundle) []finding {
	if len(o.IssuedBy)+len(o.IssuedByFiles) == 0 {
		return nil
	}
	named := func(name string) bool {
		return strings.EqualFold(name, leaf.Issuer.CommonName) || strings.EqualFold(plainName(name), plainName(leaf.Issuer.String()))
	}
	signed := func(b bundle) bool {
		return slices.ContainsFunc(b.certs, func(c *x509.Certificate) bool {
			return bytes.Equal(c.RawSubject, leaf.RawIssuer) && leaf.CheckSignatureFrom(c) == nil
		})
	}
	if slices.ContainsFunc(o.IssuedBy, named) || len(o.IssuedByFiles) > 0 && slices.ContainsFunc(issuers, signed) {
		return nil
	}
	allowed := joined(slices.Concat(o.IssuedBy, o.IssuedByFiles))
	return []finding{{code: checks.CertIssuer, facts: map[string]string{"issuers_allowed": allowed},
		text: fmt.Sprintf("the certificate of %s is issued by %s: another generation than the allowed %s", leaf.Subject, leaf.Issuer, allowed)}}
}

// facts describe the certificate, comparable between the sides and with what a server presents.
func (h held) facts(c *servedChain, key crypto.PublicKey) map[string]string {
	facts := c.facts()
	for _, k := range []string{"served", "served_min", "served_order"} {
		delete(facts, k)
	}
	facts["leaf_sha1"], _ = sums(c.leaf())
	facts["format"], facts["alias"] = h.format, h.alias
	facts["held"] = fmt.Sprint(len(h.certs))
	facts["private_key"] = "none"
	if key != nil {
		facts["private_key"] = map[bool]string{true: "belongs", false: "foreign"}[sameKey(c.leaf().PublicKey, key)]
	}
	return facts
}

// sums are the thumbprints people register, in hexadecimal.
func sums(c *x509.Certificate) (sha1sum, sha256sum string) {
	a, b := sha1.Sum(c.Raw), sha256.Sum256(c.Raw)
	return hex.EncodeToString(a[:]), hex.EncodeToString(b[:])
}
