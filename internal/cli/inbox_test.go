package cli_test

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// inbox writes what arrived at the mail server of the stage.
func inbox(ts *testscript.TestScript, _ bool, args []string) {
	var b strings.Builder
	for _, m := range of(ts).world.Mail.Messages() {
		msg, err := netmail.ReadMessage(bytes.NewReader(m.Raw))
		ts.Check(err)
		subject, err := new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject"))
		ts.Check(err)
		fmt.Fprintf(&b, "To: %s\nSubject: %s\nList-Id: %s\n", strings.Join(m.To, ", "), subject, msg.Header.Get("List-Id"))
		_, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
		ts.Check(err)
		for parts := multipart.NewReader(msg.Body, params["boundary"]); ; {
			part, err := parts.NextRawPart()
			if err == io.EOF {
				break
			}
			ts.Check(err)
			if !strings.HasPrefix(part.Header.Get("Content-Type"), "text/plain") {
				continue
			}
			text, err := io.ReadAll(quotedprintable.NewReader(part))
			ts.Check(err)
			b.WriteString(strings.ReplaceAll(string(text), "\r\n", "\n") + "\n")
		}
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b.String()), 0o644))
}
