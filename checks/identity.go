package checks

import (
	"encoding/hex"
	"math/big"
	"strings"
)

// SerialForm is one way of reading a serial number that somebody registered.
type SerialForm struct {
	Base string // "decimal" or "hexadecimal"
	N    *big.Int
}

// maxSerial is far above the 20 bytes a serial number may have; longer text is no serial number.
const maxSerial = 128

// SerialForms are the ways in which a registered serial number can be read, none when it is no number. Registers write them with
// colons or spaces, in capitals, with leading zeros or 0x, in decimal or hexadecimal; digits alone may be either.
func SerialForms(text string) []SerialForm {
	digits := bare(text)
	if len(text) > maxSerial || digits == "" {
		return nil
	}
	var forms []SerialForm
	if !strings.ContainsAny(text, ":-") && !strings.HasPrefix(digits, "0x") {
		if n, ok := new(big.Int).SetString(digits, 10); ok && n.Sign() >= 0 {
			forms = append(forms, SerialForm{"decimal", n})
		}
	}
	if n, ok := new(big.Int).SetString(strings.TrimPrefix(digits, "0x"), 16); ok && n.Sign() >= 0 {
		forms = append(forms, SerialForm{"hexadecimal", n})
	}
	return forms
}

// SameSerial reports whether a certificate's serial number is the registered one, and in which form it was registered.
func SameSerial(registered string, serial *big.Int) (base string, ok bool) {
	for _, f := range SerialForms(registered) {
		if f.N.Cmp(serial) == 0 {
			return f.Base, true
		}
	}
	return "", false
}

// Thumbprint is a registered thumbprint in lower-case hexadecimal: 40 digits are a SHA-1, 64 a SHA-256. Anything else is "".
func Thumbprint(text string) string {
	digits := strings.TrimPrefix(bare(text), "0x")
	if len(digits) != 40 && len(digits) != 64 {
		return ""
	}
	if _, err := hex.DecodeString(digits); err != nil {
		return ""
	}
	return digits
}

// bare drops what people and dialogs put between and around digits. The direction marks are those that come along when a thumbprint
// is copied out of the certificate dialog of Windows; nobody sees them.
func bare(text string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		switch r {
		case ' ', '\t', ':', '-', '\u00a0', '\u200e', '\u200f', '\ufeff':
			return -1
		}
		return r
	}, text))
}
