package probe

import (
	"encoding/binary"
	"io"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"skift/checks"
)

// packet is one of SFTP: a length, then the parts.
func packet(parts ...[]byte) []byte {
	var body []byte
	for _, p := range parts {
		body = append(body, p...)
	}
	return append(number(len(body)), body...)
}

func number(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }

func text(s string) []byte { return append(number(len(s)), s...) }

// Types of packets (draft-ietf-secsh-filexfer-02, section 3).
const (
	fxpInit, fxpVersion, fxpOpenDir, fxpRealPath, fxpStatus, fxpData, fxpHandle, fxpName = 1, 2, 11, 16, 101, 103, 102, 104
)

// answersOpenDir is an SFTP server that answers everything but the opening of a directory as it should.
func answersOpenDir(with func(id []byte) []byte) func(ssh.Channel) {
	return func(ch ssh.Channel) {
		for {
			head := make([]byte, 4)
			if _, err := io.ReadFull(ch, head); err != nil {
				return
			}
			body := make([]byte, binary.BigEndian.Uint32(head))
			if _, err := io.ReadFull(ch, body); err != nil || len(body) < 5 {
				return
			}
			answer, id := []byte(nil), body[1:5]
			switch body[0] {
			case fxpInit:
				answer = packet([]byte{fxpVersion}, number(3))
			case fxpRealPath:
				answer = packet([]byte{fxpName}, id, number(1), text("/in"), text("/in"), number(0))
			case fxpOpenDir:
				answer = with(id)
			}
			if _, err := ch.Write(answer); err != nil || len(answer) == 0 {
				return
			}
		}
	}
}

// A server that answers an operation with something else, or hangs up instead, has refused nothing.
func TestSFTPAnswersThatAreNone(t *testing.T) {
	t.Parallel()
	status := func(code int) func([]byte) []byte {
		return func(id []byte) []byte { return packet([]byte{fxpStatus}, id, number(code), text("no"), text("")) }
	}
	for name, c := range map[string]struct {
		answer func(id []byte) []byte
		code   checks.Code
	}{
		"a failure":             {status(4), checks.OpFailed},
		"no such file":          {status(2), checks.PathMissing},
		"no permission":         {status(3), checks.PathDenied},
		"the end of a file":     {status(1), checks.OpFailed},
		"not supported":         {status(8), checks.OpFailed},
		"no words":              {func(id []byte) []byte { return packet([]byte{fxpStatus}, id, number(4)) }, checks.OpFailed},
		"another packet":        {func(id []byte) []byte { return packet([]byte{fxpData}, id, text("data")) }, checks.SFTPGarbage},
		"the answer to another": {func([]byte) []byte { return packet([]byte{fxpHandle}, number(99999), text("h")) }, checks.SFTPGarbage},
		"an empty packet":       {func([]byte) []byte { return number(0) }, checks.SFTPGarbage},
		"half a packet":         {func([]byte) []byte { return packet([]byte{fxpStatus}) }, checks.SFTPGarbage},
		"nothing, and the end":  {func([]byte) []byte { return nil }, checks.SFTPGarbage},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := startOdd(t, &odd{serve: answersOpenDir(c.answer)})
			a := ask(srv.addr, srv.options())
			a.Spec.Timeout = 20 * time.Second
			if r := run(t, srv.me.private, a); r.Code != c.code || r.Reached != "subsystem" {
				t.Errorf("got %s, reached %q; want %s", r.Code, r.Reached, c.code)
			}
		})
	}
}
