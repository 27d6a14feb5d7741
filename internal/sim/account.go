package sim

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"

	"golang.org/x/crypto/ssh"
)

// Access is what an SFTP account may do beyond reading and listing.
type Access int

// The kinds of access.
const (
	AccessRead    Access = iota // nothing
	AccessWrite                 // write while the intake is open: a user system
	AccessOperate               // write always: the suppliers' operators
)

// Account is an SFTP user and the public key registered for it.
type Account struct {
	Name   string
	Key    ssh.PublicKey
	Access Access
}

// UserKey is an SFTP user's key pair.
type UserKey struct {
	Signer  ssh.Signer
	Private []byte // OpenSSH private key file, unencrypted
}

// NewUserKey makes an ed25519 key; the comment goes into the key file.
func NewUserKey(comment string) (UserKey, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return UserKey{}, fmt.Errorf("make user key: %w", err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		return UserKey{}, fmt.Errorf("make user key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(private, comment)
	if err != nil {
		return UserKey{}, fmt.Errorf("encode user key: %w", err)
	}
	return UserKey{Signer: signer, Private: pem.EncodeToMemory(block)}, nil
}

// newSigner makes a host key.
func newSigner() (ssh.Signer, error) {
	key, err := NewUserKey("")
	return key.Signer, err
}
