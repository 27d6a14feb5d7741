package probe

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/pavlo-v-chernykh/keystore-go/v4"
	"software.sslmate.com/src/go-pkcs12"

	"skift/checks"
	"skift/internal/need"
	"skift/internal/secret"
)

// clientChain is a user system's certificate under an issuer of a generation: root → issuer → leaf.
type clientChain struct {
	root, issuer, leaf *x509.Certificate
	key                crypto.Signer
}

func newClientChain(t testing.TB, generation string, change func(leaf, issuer *x509.Certificate)) clientChain {
	t.Helper()
	year := 365 * 24 * time.Hour
	authority := func(name string) *x509.Certificate {
		return &x509.Certificate{Subject: pkix.Name{CommonName: name}, NotBefore: noon.Add(-5 * year), NotAfter: noon.Add(20 * year),
			IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	}
	leaf := &x509.Certificate{Subject: pkix.Name{CommonName: "case system", SerialNumber: "CVR:00000000-UID:1"}, NotBefore: noon.Add(-year), NotAfter: noon.Add(year),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	issuer := authority(generation + " issuing CA")
	if change != nil {
		change(leaf, issuer)
	}
	rootKey, issuerKey := newECDSA(t), newECDSA(t)
	c := clientChain{key: newECDSA(t)}
	rootTemplate := authority(generation + " root")
	c.root = sign(t, rootTemplate, rootTemplate, rootKey.Public(), rootKey)
	c.issuer = sign(t, issuer, c.root, issuerKey.Public(), rootKey)
	c.leaf = sign(t, leaf, c.issuer, c.key.Public(), issuerKey)
	return c
}

func (c clientChain) pem() []byte { return pemOf(c.leaf, c.issuer) }

func keyPEM(t testing.TB, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// keyring gives each reference its own secret.
type keyring map[string]string

func (k keyring) Resolve(ref secret.Ref) (secret.Value, error) {
	text, ok := k[ref.String()]
	if !ok {
		return secret.Value{}, &secret.ResolveError{Ref: ref, Reason: secret.NotSet}
	}
	return secret.NewValue(text), nil
}

func ref(t testing.TB, text string) secret.Ref {
	t.Helper()
	r, err := secret.ParseRef(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// inventory is a case's plan directory, secrets and question.
type inventory struct {
	files   fstest.MapFS
	secrets keyring
	options checks.CertFileOptions
	moments []checks.Moment
	trust   map[string][]byte
	flow    map[string]string
}

const theFile = "certs/case-system.pem"

// of is a question about a file of the plan directory with this content.
func (i inventory) of(content []byte) inventory {
	i.files = fstest.MapFS{theFile: {Data: content}}
	i.options.File = map[checks.Side]checks.Text{checks.New: {Literal: theFile}}
	return i
}

func (i inventory) look(t testing.TB) checks.Result {
	t.Helper()
	if i.options.Usage == "" {
		i.options.Usage = checks.UsageClient
	}
	a := checks.Ask{Unit: checks.Unit{Check: "c", Side: checks.New, Vantage: "local"}, Want: checks.Allow, At: noon, ValidAt: i.moments, Trust: i.trust, Flow: i.flow,
		Spec: &checks.Spec{ID: "c", Kind: checks.CertFile, Service: "s", Options: i.options}}
	r, err := New(Config{Dialer: loopback(), Secrets: i.secrets, Files: i.files}).Run(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	saw(r)
	for name, s := range i.secrets {
		if len(s) >= 6 && strings.Contains(fmt.Sprint(r), s) {
			t.Errorf("the secret %s is told: %+v", name, r)
		}
	}
	return r
}

// Each fault has its own code and no other.
func TestCertFileFaults(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	good := newClientChain(t, "OCES3", nil)
	changed := func(change func(leaf, issuer *x509.Certificate)) []byte {
		return newClientChain(t, "OCES3", change).pem()
	}
	end := checks.Moment{Name: "hypercare.end", At: noon.Add(26 * day)}
	registered := func(serial, thumbprint string) inventory {
		return inventory{options: checks.CertFileOptions{Serial: checks.Text{Literal: serial}, Thumbprint: checks.Text{Literal: thumbprint}}}
	}
	trusting := func(c clientChain) inventory {
		return inventory{options: checks.CertFileOptions{TrustedBy: []string{"root.pem"}}, trust: map[string][]byte{"root.pem": pemOf(c.root)}}
	}
	issuedBy := func(names, files []string) inventory {
		return inventory{options: checks.CertFileOptions{IssuedBy: names, IssuedByFiles: files}, trust: map[string][]byte{"oces3.pem": pemOf(good.issuer)}}
	}
	minDays := inventory{options: checks.CertFileOptions{MinDays: 30}, moments: []checks.Moment{end}}
	keyed := inventory{options: checks.CertFileOptions{Key: ref(t, "file:k")}, secrets: keyring{"file:k": string(keyPEM(t, good.key))}}
	locked := inventory{options: checks.CertFileOptions{Password: ref(t, "env:P")}, secrets: keyring{"env:P": storePassword}}
	sha1sum, sha256sum := sums(good.leaf)
	cases := []struct {
		name    string
		ask     inventory
		code    checks.Code
		verdict checks.Verdict
		says    string
	}{
		{"good", minDays.of(good.pem()), checks.OK, checks.Pass, ""},
		{"good and trusted", trusting(good).of(good.pem()), checks.OK, checks.Pass, ""},
		{"in any order", trusting(good).of(pemOf(good.root, good.issuer, good.leaf)), checks.OK, checks.Pass, ""},
		{"no such file", inventory{options: checks.CertFileOptions{File: map[checks.Side]checks.Text{checks.New: {Literal: "x.pem"}}}, files: fstest.MapFS{}}, checks.CertMissing, checks.Unverified, "no file x.pem"},
		{"a way out of the plan directory", inventory{options: checks.CertFileOptions{File: map[checks.Side]checks.Text{checks.New: {Column: "cert_file"}}}, files: fstest.MapFS{}, flow: map[string]string{"cert_file": "../../etc/passwd"}}, checks.CertMissing, checks.Unverified, "plan directory"},
		{"text", inventory{}.of([]byte("hello")), checks.CertUnreadable, checks.Unverified, "neither PEM"},
		{"empty", inventory{}.of(nil), checks.CertUnreadable, checks.Unverified, "empty"},
		{"a key alone", inventory{}.of(keyPEM(t, good.key)), checks.CertUnreadable, checks.Unverified, "no certificate"},
		{"a broken certificate", inventory{}.of(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: good.leaf.Raw[:100]})), checks.CertUnreadable, checks.Unverified, "certificate 1"},
		{"a request for a certificate", inventory{}.of(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: good.leaf.Raw})), checks.CertUnreadable, checks.Unverified, "a request for a certificate"},
		{"two people's certificates", inventory{}.of(pemOf(good.leaf, newClientChain(t, "OCES3", nil).leaf)), checks.CertAmbiguous, checks.Error, "2 certificates"},
		{"expired", minDays.of(changed(func(l, _ *x509.Certificate) { l.NotAfter = noon.Add(-day) })), checks.CertExpired, checks.Fail, "ended"},
		{"expired issuer", minDays.of(changed(func(_, i *x509.Certificate) { i.NotAfter = noon.Add(-day) })), checks.CertExpired, checks.Fail, "OCES3 issuing CA"},
		{"not yet valid", minDays.of(changed(func(l, _ *x509.Certificate) { l.NotBefore = noon.Add(day) })), checks.CertNotYet, checks.Fail, "begins"},
		{"ends before hypercare does", minDays.of(changed(func(l, _ *x509.Certificate) { l.NotAfter = noon.Add(20 * day) })), checks.CertExpires, checks.Fail, "hypercare.end"},
		{"few days left", minDays.of(changed(func(l, _ *x509.Certificate) { l.NotAfter = noon.Add(28 * day) })), checks.CertExpires, checks.Warn, "less than 30 days"},
		{"for servers only", minDays.of(changed(func(l, _ *x509.Certificate) { l.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })), checks.CertUsage, checks.Fail, "client"},
		{"of an issuer for servers only", minDays.of(changed(func(l, i *x509.Certificate) {
			l.ExtKeyUsage, i.ExtKeyUsage = nil, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		})), checks.CertUsage, checks.Fail, "client"},
		{"for a server, as asked", inventory{options: checks.CertFileOptions{Usage: checks.UsageServer}}.of(good.pem()), checks.CertUsage, checks.Fail, "server"},
		{"another root", trusting(newClientChain(t, "OCES3", nil)).of(good.pem()), checks.CertUntrusted, checks.Fail, ""},
		{"without the issuer", trusting(good).of(pemOf(good.leaf)), checks.CertIncomplete, checks.Fail, "OCES3 issuing CA"},
		{"its key", keyed.of(good.pem()), checks.OK, checks.Pass, ""},
		{"another's key", keyed.of(changed(nil)), checks.CertKey, checks.Fail, "ecdsa-256"},
		{"the key beside it", inventory{}.of(append(good.pem(), keyPEM(t, good.key)...)), checks.CertExposed, checks.Warn, "readable"},
		{"another's key in a PKCS#12 file", locked.of(p12Of(t, clientChain{leaf: good.leaf, issuer: good.issuer, key: newECDSA(t)})), checks.CertKey, checks.Fail, ""},
		{"registered in hexadecimal", registered(fmt.Sprintf("00:%X", good.leaf.SerialNumber), "").of(good.pem()), checks.OK, checks.Pass, ""},
		{"registered in decimal", registered(good.leaf.SerialNumber.String(), strings.ToUpper(sha256sum)).of(good.pem()), checks.OK, checks.Pass, ""},
		{"registered by thumbprint", registered("", "\u200e"+sha1sum).of(good.pem()), checks.OK, checks.Pass, ""},
		{"another serial registered", registered("5a:0f", "").of(good.pem()), checks.CertRegistered, checks.Fail, "read as hexadecimal: 5a0f"},
		{"digits that are neither", registered("1234", "").of(good.pem()), checks.CertRegistered, checks.Fail, "read as decimal: 4d2; read as hexadecimal: 1234"},
		{"a register with words in it", registered("see mail", "").of(good.pem()), checks.CertRegistered, checks.Fail, "no number"},
		{"another thumbprint registered", registered("", strings.Repeat("0a", 20)).of(good.pem()), checks.CertRegistered, checks.Fail, sha1sum},
		{"the right generation by name", issuedBy([]string{"OCES2 issuing CA", "oces3 issuing ca"}, nil).of(good.pem()), checks.OK, checks.Pass, ""},
		{"the right generation by its certificate", issuedBy(nil, []string{"oces3.pem"}).of(good.pem()), checks.OK, checks.Pass, ""},
		{"the wrong generation", issuedBy([]string{"OCES3 issuing CA"}, nil).of(newClientChain(t, "OCES2", nil).pem()), checks.CertIssuer, checks.Fail, "another generation"},
		{"another issuer of the right name", issuedBy(nil, []string{"oces3.pem"}).of(changed(nil)), checks.CertIssuer, checks.Fail, "oces3.pem"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := c.ask.look(t)
			if r.Code != c.code || r.Verdict != c.verdict || !strings.Contains(r.Evidence.Err, c.says) {
				t.Errorf("got %s %s (%s), want %s %s (%s)", r.Verdict, r.Code, r.Evidence.Err, c.verdict, c.code, c.says)
			}
			if r.Facts["findings"] != "" {
				t.Errorf("and no other: %s", r.Facts["findings"])
			}
		})
	}
}

// A signature of old is named as what it is, before what the library makes of it: an issuer nobody knows.
func TestCertFileWeakSignature(t *testing.T) {
	t.Parallel()
	c := newClientChain(t, "OCES3", func(l, _ *x509.Certificate) { l.SignatureAlgorithm = x509.ECDSAWithSHA1 })
	if r := (inventory{}).of(c.pem()).look(t); r.Code != checks.CertWeak || r.Verdict != checks.Fail || !strings.Contains(r.Evidence.Err, "ECDSA-SHA1") {
		t.Errorf("got %s %s, %q", r.Verdict, r.Code, r.Evidence.Err)
	}
}

// Which form of a registered number was the certificate's is kept.
func TestCertFileSaysHowItWasRegistered(t *testing.T) {
	t.Parallel()
	c := newClientChain(t, "OCES3", nil)
	i := inventory{options: checks.CertFileOptions{Serial: checks.Text{Column: "cert_serial"}}, flow: map[string]string{"cert_serial": c.leaf.SerialNumber.String()}}.of(c.pem())
	r := i.look(t)
	for k, want := range map[string]string{"registered_as": "decimal", "registered_serial": c.leaf.SerialNumber.String(), "serial": fmt.Sprintf("%x", c.leaf.SerialNumber), "held": "2", "format": "pem", "private_key": "none"} {
		if r.Facts[k] != want {
			t.Errorf("%s is %q, want %q", k, r.Facts[k], want)
		}
	}
	if i.flow = nil; i.look(t).Code != checks.Skipped {
		t.Error("a flow without a registered number was judged")
	}
}

const storePassword = "canary-in-the-store"

// openssl's own files of every kind are read, those of OpenSSL 3's defaults among them.
func TestCertFileFormatsOfOpenSSL(t *testing.T) {
	t.Parallel()
	openssl := need.Program(t, "openssl")
	c := newClientChain(t, "OCES3", nil)
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, name)
	}
	leaf, key, rest := write("leaf.pem", pemOf(c.leaf)), write("key.pem", keyPEM(t, c.key)), write("rest.pem", pemOf(c.issuer, c.root))
	export := []string{"pkcs12", "-export", "-in", leaf, "-inkey", key, "-certfile", rest, "-passout", "pass:" + storePassword}
	keyless := []string{"pkcs12", "-export", "-nokeys", "-in", leaf, "-certfile", rest}
	cases := []struct {
		name string
		args []string
		want string // format and key
	}{
		{"default", export, "pkcs12 belongs 3"},
		{"descert", append(export[:len(export):len(export)], "-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"), "pkcs12 belongs 3"},
		{"no mac iterations", append(export[:len(export):len(export)], "-nomaciter"), "pkcs12 belongs 3"},
		{"no MAC", append(export[:len(export):len(export)], "-nomac"), "pkcs12 belongs 3"},
		{"no key", append(keyless[:len(keyless):len(keyless)], "-passout", "pass:"+storePassword), "pkcs12 none 3"},
		{"no key and no MAC", append(keyless[:len(keyless):len(keyless)], "-passout", "pass:"+storePassword, "-nomac"), "pkcs12 none 3"},
		{"no key, of old", append(keyless[:len(keyless):len(keyless)], "-passout", "pass:"+storePassword, "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"), "pkcs12 none 3"},
		{"der", []string{"x509", "-in", leaf, "-outform", "DER"}, "der none 1"},
		{"with settings of openssl", []string{"x509", "-in", leaf, "-trustout", "-addtrust", "clientAuth"}, "pem none 1"},
		{"text before the PEM", []string{"x509", "-in", leaf, "-text"}, "pem none 1"},
	}
	for _, f := range cases {
		out := filepath.Join(dir, f.name)
		if said, err := command(openssl, append(f.args, "-out", out)...); err != nil {
			t.Fatalf("%s: %v\n%s", f.name, err, said)
		}
		data, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		store := inventory{secrets: keyring{"file:s": string(data), "env:P": storePassword},
			options: checks.CertFileOptions{Store: map[checks.Side]secret.Ref{checks.New: ref(t, "file:s")}, Password: ref(t, "env:P")}}
		r := store.look(t)
		if got := r.Facts["format"] + " " + r.Facts["private_key"] + " " + r.Facts["held"]; r.Code != checks.OK || got != f.want {
			t.Errorf("%s: %s, %s (%s), want %s", f.name, r.Code, got, r.Evidence.Err, f.want)
		}
		if r.Facts["format"] != "pkcs12" || f.name == "no key and no MAC" { // that openssl writes so that any password opens it
			continue
		}
		store.secrets["env:P"] = "not-the-password"
		if r := store.look(t); r.Code != checks.Credential || r.Verdict != checks.Error {
			t.Errorf("%s with the wrong password: %s %s", f.name, r.Verdict, r.Code)
		}
		if delete(store.secrets, "env:P"); store.look(t).Code != checks.Credential {
			t.Errorf("%s without its password", f.name)
		}
	}
}

func jks(t testing.TB, chains map[string]clientChain) []byte {
	t.Helper()
	ks := keystore.New(keystore.WithOrderedAliases())
	for alias, c := range chains {
		der, err := x509.MarshalPKCS8PrivateKey(c.key)
		if err != nil {
			t.Fatal(err)
		}
		err = ks.SetPrivateKeyEntry(alias, keystore.PrivateKeyEntry{CreationTime: noon, PrivateKey: der,
			CertificateChain: []keystore.Certificate{{Type: "X509", Content: c.leaf.Raw}, {Type: "X509", Content: c.issuer.Raw}}}, []byte(storePassword))
		if err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := ks.Store(&out, []byte(storePassword)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestCertFileJKS(t *testing.T) {
	t.Parallel()
	a, b := newClientChain(t, "OCES3", nil), newClientChain(t, "OCES2", nil)
	one, two := jks(t, map[string]clientChain{"case-system": a}), jks(t, map[string]clientChain{"case-system": a, "old-system": b})
	trusted := keystore.New()
	if err := trusted.SetTrustedCertificateEntry("ca", keystore.TrustedCertificateEntry{CreationTime: noon, Certificate: keystore.Certificate{Type: "X509", Content: a.leaf.Raw}}); err != nil {
		t.Fatal(err)
	}
	var alone bytes.Buffer
	if err := trusted.Store(&alone, []byte(storePassword)); err != nil {
		t.Fatal(err)
	}
	cut := one[:len(one)-30]
	cases := []struct {
		name            string
		data            []byte
		password, alias string
		code            checks.Code
		key             string
		says            string
	}{
		{"with its password", one, storePassword, "", checks.OK, "belongs", ""},
		{"without a password", one, "", "", checks.OK, "none", ""},
		{"with the wrong password", one, "not-the-password", "", checks.Credential, "", "does not open"},
		{"two keys", two, storePassword, "", checks.CertAmbiguous, "", "case-system,old-system"},
		{"one of two", two, storePassword, "Old-System", checks.OK, "belongs", ""},
		{"an entry there is not", two, storePassword, "new-system", checks.CertAmbiguous, "", "case-system,old-system"},
		{"a certificate alone", alone.Bytes(), storePassword, "", checks.OK, "none", ""},
		{"cut off", cut, storePassword, "", checks.CertUnreadable, "", "lengths"},
		{"claiming a chain of four thousand million", claiming(one), storePassword, "", checks.CertUnreadable, "", "lengths"},
		{"JCEKS", append([]byte{0xce, 0xce, 0xce, 0xce}, one[4:]...), "", "", checks.CertUnreadable, "", "JCEKS"},
	}
	for _, c := range cases {
		i := inventory{options: checks.CertFileOptions{Alias: c.alias}, secrets: keyring{}}.of(c.data)
		if c.password != "" {
			i.secrets["env:P"] = c.password
			i.options.Password = ref(t, "env:P")
		}
		r := i.look(t)
		if r.Code != c.code || r.Facts["private_key"] != c.key || !strings.Contains(r.Evidence.Err, c.says) {
			t.Errorf("%s: got %s %q (%s), want %s %q (%s)", c.name, r.Code, r.Facts["private_key"], r.Evidence.Err, c.code, c.key, c.says)
		}
	}
}

// claiming is a JKS file that says it holds far more than it does, in the number of certificates of its first entry.
func claiming(data []byte) []byte {
	out := bytes.Clone(data)
	r := &bounded{rest: out[12:]}
	r.number(4)
	r.take(r.number(2))
	r.take(8)
	r.take(r.number(4))
	copy(r.rest, []byte{0xff, 0xff, 0xff, 0xf0})
	return out
}

// Whoever wrote a PKCS#12 file chose how long its password takes to try; a file that would take for ever is not tried.
func TestCertFileRefusesEndlessPasswords(t *testing.T) {
	t.Parallel()
	openssl := need.Program(t, "openssl")
	c := newClientChain(t, "OCES3", nil)
	dir := t.TempDir()
	file := filepath.Join(dir, "k.pem")
	if err := os.WriteFile(file, append(pemOf(c.leaf), keyPEM(t, c.key)...), 0o600); err != nil {
		t.Fatal(err)
	}
	p12 := filepath.Join(dir, "k.p12")
	if said, err := command(openssl, "pkcs12", "-export", "-in", file, "-out", p12, "-passout", "pass:"+storePassword, "-iter", "2000000"); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	data, err := os.ReadFile(p12)
	if err != nil {
		t.Fatal(err)
	}
	r := inventory{options: checks.CertFileOptions{Password: ref(t, "env:P")}, secrets: keyring{"env:P": storePassword}}.of(data).look(t)
	if r.Code != checks.CertUnreadable || !strings.Contains(r.Evidence.Err, "2000000 rounds") {
		t.Errorf("got %s: %s", r.Code, r.Evidence.Err)
	}
}

// Whatever a file holds, reading it ends, in a certificate or a reason, and tells nothing of the password.
func FuzzReadHeld(f *testing.F) {
	c := newClientChain(f, "OCES3", nil)
	f.Add(c.pem(), "")
	f.Add(c.leaf.Raw, "")
	f.Add(append(c.leaf.Raw, c.issuer.Raw...), "")
	f.Add(append(pemOf(c.leaf), keyPEM(f, c.key)...), "a")
	f.Add(jks(f, map[string]clientChain{"case-system": c}), storePassword)
	f.Add(claiming(jks(f, map[string]clientChain{"case-system": c})), "")
	f.Add(p12Of(f, c), storePassword)
	f.Add([]byte{0x30, 0x80, 0x02, 0x01, 0x03}, "")
	f.Add(withoutMAC(f, p12Of(f, c)), storePassword)
	if keyless, err := pkcs12.Modern.EncodeTrustStore([]*x509.Certificate{c.leaf}, storePassword); err == nil {
		f.Add(withoutMAC(f, keyless), storePassword)
	}
	f.Add(pem.EncodeToMemory(&pem.Block{Type: "TRUSTED CERTIFICATE", Bytes: append(c.leaf.Raw[:len(c.leaf.Raw):len(c.leaf.Raw)], 0x30, 0)}), "")
	f.Fuzz(func(t *testing.T, data []byte, alias string) {
		h, err := readHeld(data, unlocked{password: storePassword, alias: alias})
		switch {
		case err != nil && strings.Contains(err.Error(), storePassword) && alias != storePassword:
			t.Errorf("the password is told: %v", err)
		case err == nil && len(h.certs) == 0:
			t.Error("no certificate and no reason")
		}
	})
}

// withoutMAC takes the MAC off a PKCS#12 file.
func withoutMAC(t testing.TB, data []byte) []byte {
	t.Helper()
	var file pfx
	if _, err := asn1.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	out, err := asn1.Marshal(struct {
		Version  int
		AuthSafe safe
	}{file.Version, file.AuthSafe})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func p12Of(t testing.TB, c clientChain) []byte {
	t.Helper()
	data, err := pkcs12.Modern.Encode(c.key, c.leaf, []*x509.Certificate{c.issuer}, storePassword)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
