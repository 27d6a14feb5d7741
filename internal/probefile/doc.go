// Package probefile is what travels when somebody else's host is to look for us: the export, one small file with everything that is to
// be asked, and the results, signed with the key that was made for them.
//
// Whoever has an export may answer for it, and for nothing else: results are held against what was exported, who it was for and until
// when, and what they say is judged here, never taken over. No secret travels, only where the other host may find its own. The package
// is pure: it knows no clock, disk or network, and where a file comes from is for others. All values may be read concurrently.
package probefile

import (
	"crypto/ed25519"

	"skift/internal/signed"
)

// MaxBytes is how large a file may be.
const MaxBytes = signed.MaxBytes

// The kinds of the files.
const (
	exportKind  = "probe-export/1"
	resultsKind = "probe-results/1"
)

// with signs by the key of an export.
func with(seed []byte) func([]byte) []byte {
	key := ed25519.NewKeyFromSeed(seed)
	return func(message []byte) []byte { return ed25519.Sign(key, message) }
}

// by checks with the public half of that key.
func by(public ed25519.PublicKey) func(message, signature []byte) bool {
	return func(message, signature []byte) bool {
		return len(public) == ed25519.PublicKeySize && ed25519.Verify(public, message, signature)
	}
}
