package probe

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"unicode/utf16"

	"software.sslmate.com/src/go-pkcs12"

	"skift/checks"
)

// isPKCS12 reports whether DER begins as a PFX does: a sequence whose first element is the number 3.
func isPKCS12(data []byte) bool {
	var outer, version asn1.RawValue
	if _, err := asn1.Unmarshal(data, &outer); err != nil {
		return false
	}
	_, err := asn1.Unmarshal(outer.Bytes, &version)
	return err == nil && version.Tag == asn1.TagInteger && bytes.Equal(version.Bytes, []byte{3})
}

func readPKCS12(data []byte, with unlocked) (held, error) {
	h := held{format: "pkcs12"}
	if n := mostRounds(data, 0); n > maxRounds {
		return h, cannotRead("its password would take %d rounds to try; %d are the most", n, maxRounds)
	}
	key, leaf, rest, err := pkcs12.DecodeChain(data, with.password)
	if signer, ok := key.(crypto.Signer); ok && err == nil {
		h.key = signer.Public()
	}
	if err != nil && !wrongPassword(err) {
		if certs, trustErr := pkcs12.DecodeTrustStore(data, with.password); trustErr == nil {
			h.certs = certs
			return h, nil
		}
		h.key, leaf, rest, err = decodeOther(data, with.password, err)
	}
	switch {
	case wrongPassword(err):
		return h, &unreadable{checks.Credential, "the password does not open the PKCS#12 file"}
	case err != nil:
		return h, cannotRead("the PKCS#12 file cannot be read: %v", err)
	}
	h.certs = append([]*x509.Certificate{leaf}, rest...)
	return h, nil
}

func wrongPassword(err error) bool {
	return errors.Is(err, pkcs12.ErrIncorrectPassword) || errors.Is(err, pkcs12.ErrDecryption)
}

// maxRounds is far above what programs write (OpenSSL 2,048, Java 10,000, Windows 2,000), and takes about a second.
const maxRounds = 1_000_000

// mostRounds is the largest number of key derivation rounds that stands readable in a PKCS#12 file: whoever wrote the file chose it,
// and deriving cannot be interrupted. It is the largest number that follows a salt; a wide one counts as too many.
func mostRounds(data []byte, depth int) int {
	most, salt := 0, false
	for len(data) > 0 && depth < 20 {
		var v asn1.RawValue
		rest, err := asn1.Unmarshal(data, &v)
		if err != nil {
			return most
		}
		data = rest
		switch {
		case v.Class == asn1.ClassUniversal && v.Tag == asn1.TagInteger && salt:
			n := maxRounds + 1
			if _, err := asn1.Unmarshal(v.FullBytes, &n); err != nil {
				n = maxRounds + 1
			}
			most = max(most, n)
		case v.IsCompound, v.Class == asn1.ClassUniversal && v.Tag == asn1.TagOctetString:
			most = max(most, mostRounds(v.Bytes, depth+1))
		}
		salt = v.Class == asn1.ClassUniversal && v.Tag == asn1.TagOctetString
	}
	return most
}

// pfx is a PKCS#12 file as RFC 7292, section 4, has it.
type pfx struct {
	Version  int
	AuthSafe safe
	Mac      asn1.RawValue `asn1:"optional"`
}

type safe struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue `asn1:"tag:0,explicit,optional"`
}

var (
	oidData   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidKeyBag = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 1}
	oidSHA1   = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
)

// decodeOther reads what the library does not: a file without a private key, and one without a MAC. Such a file is completed with a key
// that nobody has and with a MAC of ours, and read then. Without a MAC it is by decrypting that a password is known to be wrong. why is what
// the library said of the file as it is.
func decodeOther(data []byte, password string, why error) (key crypto.PublicKey, leaf *x509.Certificate, rest []*x509.Certificate, err error) {
	var file pfx
	if left, err := asn1.Unmarshal(data, &file); err != nil || len(bytes.Trim(left, "\r\n")) > 0 {
		return nil, nil, nil, why
	}
	sealed := len(file.Mac.FullBytes) > 0
	if sealed && !keyless(why) {
		return nil, nil, nil, why
	}
	if !keyless(why) {
		var private any
		if private, leaf, rest, err = decodeCompleted(file, password, false); err == nil {
			if signer, ok := private.(crypto.Signer); ok {
				key = signer.Public()
			}
			return key, leaf, rest, nil
		}
	}
	if keyless(why) || keyless(err) {
		_, leaf, rest, err = decodeCompleted(file, password, true)
	}
	if _, unknown := errors.AsType[pkcs12.NotImplementedError](err); err != nil && !sealed && !unknown {
		err = pkcs12.ErrDecryption
	}
	return nil, leaf, rest, err
}

// keyless reports whether the library wants nothing but a private key.
func keyless(err error) bool { return err != nil && err.Error() == "pkcs12: private key missing" }

func decodeCompleted(file pfx, password string, stranger bool) (any, *x509.Certificate, []*x509.Certificate, error) {
	whole, err := completed(file, password, stranger)
	if err != nil {
		return nil, nil, nil, err
	}
	return pkcs12.DecodeChain(whole, password)
}

// completed is a file with a MAC, and with the key of a stranger when it is to have one.
func completed(file pfx, password string, stranger bool) ([]byte, error) {
	var content []byte
	if _, err := asn1.Unmarshal(file.AuthSafe.Content.Bytes, &content); err != nil {
		return nil, err
	}
	if stranger {
		var safes []asn1.RawValue
		if _, err := asn1.Unmarshal(content, &safes); err != nil {
			return nil, err
		}
		own, err := strangersKey()
		if err != nil {
			return nil, err
		}
		if content, err = asn1.Marshal(append(safes, asn1.RawValue{FullBytes: own})); err != nil {
			return nil, err
		}
	}
	mac, err := macOf(content, password)
	if err != nil {
		return nil, err
	}
	octets, err := asn1.Marshal(content)
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(pfx{Version: 3, AuthSafe: safe{oidData, explicit(octets)}, Mac: asn1.RawValue{FullBytes: mac}})
}

// explicit is a value under the context's tag 0.
func explicit(der []byte) asn1.RawValue {
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: der}
}

// strangersKey is a safe with a key made on the spot.
func strangersKey() ([]byte, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	key, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	bags, err := asn1.Marshal([]safe{{oidKeyBag, explicit(key)}})
	if err != nil {
		return nil, err
	}
	octets, err := asn1.Marshal(bags)
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(safe{oidData, explicit(octets)})
}

// macOf is the MAC of a file's content under its password, as the library checks it (RFC 7292, appendix B; one round).
func macOf(content []byte, password string) ([]byte, error) {
	const block = 64 // of SHA-1
	salt := []byte("skift123")
	d := append(bytes.Repeat([]byte{3}, block), filled(salt, block)...)
	d = append(d, filled(bmp(password), block)...)
	key := sha1.Sum(d)
	h := hmac.New(sha1.New, key[:])
	h.Write(content)
	type algorithm struct{ OID asn1.ObjectIdentifier }
	type digest struct {
		Algorithm algorithm
		Sum       []byte
	}
	return asn1.Marshal(struct {
		Mac    digest
		Salt   []byte
		Rounds int
	}{digest{algorithm{oidSHA1}, h.Sum(nil)}, salt, 1})
}

// filled repeats bytes until they fill blocks.
func filled(b []byte, block int) []byte {
	if len(b) == 0 {
		return nil
	}
	n := (len(b) + block - 1) / block * block
	return bytes.Repeat(b, n/len(b)+1)[:n]
}

// bmp is a password as PKCS#12 writes it: UTF-16 with an end.
func bmp(password string) []byte {
	var out []byte
	for _, u := range append(utf16.Encode([]rune(password)), 0) {
		out = binary.BigEndian.AppendUint16(out, u)
	}
	return out
}
