package sshdial

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"skift/internal/dial"
)

// The codes a handshake can fail with. They are the outcome codes of the checks, as text.
const (
	CodeClosedPreBanner = "closed_pre_banner"
	CodeRefusedText     = "refused_text"
	CodeSilent          = "silent"
	CodeProtoMismatch   = "proto_mismatch"
	CodeNoOverlap       = "ssh_no_overlap"
	CodeHostKeyUnknown  = "hostkey_unknown"
	CodeHostKeyChanged  = "hostkey_changed"
	CodeAuthFailed      = "auth_failed"
	CodeAuthMethod      = "auth_method" // the server does not offer login by key
	CodeAuthDisconnect  = "auth_disconnect"
)

// Error is why a handshake did not come through.
type Error struct {
	Code string // one of the Code constants
	Err  error
}

// Error says what happened.
func (e *Error) Error() string { return "ssh: " + strings.TrimPrefix(e.Err.Error(), "ssh: ") }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// ParseKey reads a private key in the format OpenSSH writes (or PEM). A key with a passphrase is refused: nobody is there to type it.
func ParseKey(pem []byte) (ssh.Signer, error) {
	s, err := ssh.ParsePrivateKey(pem)
	if _, locked := errors.AsType[*ssh.PassphraseMissingError](err); locked {
		return nil, errors.New("the private key has a passphrase; use a key without one, protected by its file's permissions")
	}
	if err != nil {
		return nil, errors.New("not a private key in OpenSSH or PEM format") // the library's text may quote the file
	}
	return s, nil
}

// refusals are the texts with which sshd turns a connection away before its version line.
var refusals = []string{"Not allowed at this time", "Exceeded MaxStartups"}

// disconnect matches the text of a disconnect message, whose type is not exported.
var disconnect = regexp.MustCompile(`ssh: disconnect, reason \d+`)

// explain turns the library's error into a reason. What the connection recorded counts first: the library drops
// the lines before the version, and calls a reset and a time-out alike a failed handshake.
func (h *handshake) explain(err error) error {
	if err == nil {
		err = fmt.Errorf("no version line within the first %d bytes", h.conn.Received())
	}
	fail := func(code string, err error) error { return &Error{Code: code, Err: err} }
	if own, ok := errors.AsType[*Error](h.pinErr); ok {
		return own
	}
	if h.trace.Version == "" {
		return fail(h.beforeVersion(err), err)
	}
	if no, ok := errors.AsType[*ssh.AlgorithmNegotiationError](err); ok {
		h.trace.Peer = slices.Clone(no.RequestedAlgorithms)
		return fail(CodeNoOverlap, err)
	}
	text := err.Error()
	ended := h.conn.Ended()
	switch {
	case !spoken(h.trace.Version):
		return fail(CodeProtoMismatch, err)
	case strings.Contains(text, "unable to authenticate"):
		if h.alsoWanted != nil {
			return fail(CodeAuthMethod, fmt.Errorf("%w; the server took the key and demands %s as well", err, orNone(h.alsoWanted)))
		}
		if !slices.Contains(h.trace.Offered, "publickey") {
			return fail(CodeAuthMethod, fmt.Errorf("%w; the server offers %s", err, orNone(h.trace.Offered)))
		}
		return fail(CodeAuthFailed, err)
	case disconnect.MatchString(text), dial.Hung(err), dial.Hung(ended):
		return fail(CodeAuthDisconnect, err)
	case dial.TimedOut(err), dial.TimedOut(ended):
		return fail(CodeSilent, err)
	}
	return fail(CodeProtoMismatch, err)
}

// spoken reports whether we speak the version of the protocol that a version line announces; 1.99 is how a server of old says that
// it speaks 2.0 too (RFC 4253, 5.1).
func spoken(version string) bool {
	return strings.HasPrefix(version, "SSH-2.0-") || strings.HasPrefix(version, "SSH-1.99-")
}

// versionBegins is how every version line begins.
const versionBegins = "SSH-"

// beforeVersion reads a connection that gave no version line.
func (h *handshake) beforeVersion(err error) string {
	first, ended := h.trace.First, h.conn.Ended()
	switch {
	case slices.ContainsFunc(refusals, func(r string) bool { return bytes.Contains(first, []byte(r)) }):
		return CodeRefusedText
	case bytes.HasPrefix(first, []byte(versionBegins)) && (dial.TimedOut(err) || dial.TimedOut(ended)):
		return CodeSilent // it speaks SSH, and too slowly
	case len(first) > 0:
		return CodeProtoMismatch
	case dial.Hung(err), dial.Hung(ended), errors.Is(err, io.ErrClosedPipe):
		return CodeClosedPreBanner
	}
	return CodeSilent
}

func orNone(methods []string) string {
	if len(methods) == 0 {
		return "no method"
	}
	return strings.Join(methods, ", ")
}
