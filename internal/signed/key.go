package signed

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// pemType is how a private key is kept: what reads secrets knows by it that others may not be able to.
const pemType = "PRIVATE KEY"

// NewKey makes a private key, in PEM.
func NewKey(random io.Reader) ([]byte, error) {
	_, private, err := ed25519.GenerateKey(random)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der}), nil
}

// ReadKey reads a private key. The error says what is wrong with it and quotes nothing of it.
func ReadKey(text []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != pemType {
		return nil, errors.New("it holds no private key in PEM form")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	private, ok := key.(ed25519.PrivateKey)
	if err != nil || !ok {
		return nil, errors.New("its key is not of the kind Ed25519")
	}
	return private, nil
}

// Public is the one line that others check with: a name, a short hash of the key, and the key.
func Public(name string, key ed25519.PrivateKey) (string, error) {
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return "", errors.New("the key has no public half")
	}
	line, err := note.NewEd25519VerifierKey(name, public)
	if err != nil {
		return "", fmt.Errorf("write the public key of %s: %w", name, err)
	}
	return line, nil
}

// Verifier is a public key that was read: whose it is, and whether it signed something.
type Verifier struct {
	Name   string
	Verify func(message, signature []byte) bool
}

// ReadPublic reads the line that Public wrote.
func ReadPublic(line string) (Verifier, error) {
	v, err := note.NewVerifier(strings.TrimSpace(line))
	if err != nil {
		return Verifier{}, errors.New("it is no public key such as NAME+1a2b3c4d+BASE64")
	}
	return Verifier{v.Name(), v.Verify}, nil
}
