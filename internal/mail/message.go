package mail

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/mail"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"
)

// MaxHTML is what the HTML part must stay under, in bytes. The large web clients cut a message off at 102 kB.
const MaxHTML = 90_000

// maxText keeps the plain text, which carries the same facts, in the same bounds.
const maxText = 90_000

// Message is one mail to one person, before it is bytes. Header fields are one line each; CR, LF and NUL are refused in
// all of them.
type Message struct {
	// ID is the Message-ID without its brackets, "left@domain". Given by the caller and the same for every attempt, so
	// that a server or a reader can tell a message that came twice.
	ID       string
	From, To Address
	ReplyTo  Address // zero = none
	Subject  string
	Date     time.Time // when the message was decided; shown in its own zone
	// ListID names the audience, "steering.plan.example": readers' rules sort by it, and nobody's auto-reply answers a list.
	ListID   string
	Head     string // journal head at the decision; "" = none
	Language string // "da" or "en"; "" = not said
	Text     string // plain text, LF or CRLF
	HTML     string // the same facts; "" = text alone
}

// Address is a mailbox: a plain address and the name shown for it.
type Address struct {
	Name string
	Addr string
}

// IsZero reports whether there is no address.
func (a Address) IsZero() bool { return a == Address{} }

// FieldError says which part of a message cannot be sent, and why.
type FieldError struct {
	Field  string // "subject", "to", "html" …
	Reason string
}

// Error is "message subject: has a line break".
func (e *FieldError) Error() string { return "message " + e.Field + ": " + e.Reason }

// Build writes the message as RFC 5322 bytes with CRLF line ends: text and HTML as multipart/alternative in
// quoted-printable UTF-8. The same message gives the same bytes. The error is a *FieldError: nothing that could forge a
// header, reach another recipient or be cut off by a reader's client leaves here.
func Build(m Message) ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithCharset(gomail.CharsetUTF8),
		gomail.WithEncoding(gomail.EncodingQP), gomail.WithBoundary(boundary(m)))
	msg.SetAddrHeaderFromMailAddress(gomail.HeaderFrom, m.From.mailbox())
	msg.SetAddrHeaderFromMailAddress(gomail.HeaderTo, m.To.mailbox())
	if !m.ReplyTo.IsZero() {
		msg.SetAddrHeaderFromMailAddress(gomail.HeaderReplyTo, m.ReplyTo.mailbox())
	}
	msg.Subject(m.Subject)
	msg.SetDateWithValue(m.Date)
	msg.SetMessageIDWithValue(m.ID)
	msg.SetBulk() // Precedence: bulk, X-Auto-Response-Suppress: All
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetGenHeader("List-Id", "<"+m.ListID+">")
	if m.Head != "" {
		msg.SetGenHeader(HeadHeader, m.Head)
	}
	if m.Language != "" {
		msg.SetGenHeader("Content-Language", m.Language)
	}
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	var raw bytes.Buffer
	if _, err := msg.WriteTo(&raw); err != nil {
		return nil, fmt.Errorf("write message: %w", err)
	}
	if err := checkRaw(raw.Bytes()); err != nil {
		return nil, err
	}
	return raw.Bytes(), nil
}

// HeadHeader carries the journal's head, so that whoever keeps the mail can have the journal verified against it.
const HeadHeader = "X-Skift-Journal-Head"

func (m Message) check() error {
	for _, f := range []struct {
		name, value string
		required    bool
	}{
		{"id", m.ID, true}, {"from", m.From.Addr, true}, {"from name", m.From.Name, false},
		{"to", m.To.Addr, true}, {"to name", m.To.Name, false},
		{"reply-to", m.ReplyTo.Addr, !m.ReplyTo.IsZero()}, {"reply-to name", m.ReplyTo.Name, false},
		{"subject", m.Subject, true}, {"list id", m.ListID, true}, {"journal head", m.Head, false}, {"language", m.Language, false},
	} {
		if err := checkLine(f.name, f.value, f.required); err != nil {
			return err
		}
	}
	for _, f := range []struct {
		name string
		Address
	}{{"from", m.From}, {"to", m.To}, {"reply-to", m.ReplyTo}} {
		if !f.IsZero() && !oneAddress(f.Addr) {
			return &FieldError{f.name, fmt.Sprintf("%q is not one plain mail address", f.Addr)}
		}
	}
	switch {
	case !messageID.MatchString(m.ID):
		return &FieldError{"id", fmt.Sprintf("%q is not left@domain", m.ID)}
	case !listID.MatchString(m.ListID):
		return &FieldError{"list id", fmt.Sprintf("%q is not words joined by dots", m.ListID)}
	case m.Head != "" && !printable.MatchString(m.Head):
		return &FieldError{"journal head", fmt.Sprintf("%q is not one printable word", m.Head)}
	case m.Language != "" && !language.MatchString(m.Language):
		return &FieldError{"language", fmt.Sprintf("%q is not a language", m.Language)}
	case m.Date.IsZero():
		return &FieldError{"date", "is missing"}
	case strings.TrimSpace(m.Text) == "":
		return &FieldError{"text", "is empty; the plain text carries the same facts as the HTML"}
	}
	if err := checkBody("text", m.Text, maxText); err != nil {
		return err
	}
	return checkBody("html", m.HTML, MaxHTML)
}

var (
	messageID = regexp.MustCompile(`^[A-Za-z0-9!#$%&'*+/=?^_{|}~.-]{1,128}@[A-Za-z0-9]([A-Za-z0-9.-]{0,100}[A-Za-z0-9])?$`)
	listID    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63}){0,8}$`)
	printable = regexp.MustCompile(`^[!-~]{1,256}$`)
	language  = regexp.MustCompile(`^[a-z]{2}$`)
	plainAddr = regexp.MustCompile(`^[A-Za-z0-9!#$%&'*+/=?^_{|}~.` + "`" + `-]{1,64}@[A-Za-z0-9.-]{1,253}$`)
)

func checkLine(field, value string, required bool) error {
	switch {
	case required && strings.TrimSpace(value) == "":
		return &FieldError{field, "is missing"}
	case strings.ContainsAny(value, "\r\n"):
		return &FieldError{field, "has a line break"}
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f || r >= 0x80 && r < 0xa0 }):
		return &FieldError{field, "has a control character"}
	case strings.ContainsFunc(value, func(r rune) bool {
		return r == 0x200e || r == 0x200f || r == 0x2028 || r == 0x2029 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
	}):
		return &FieldError{field, "has a character that turns the direction of text"}
	case !utf8.ValidString(value):
		return &FieldError{field, "is not UTF-8"}
	case len(value) > 900:
		return &FieldError{field, fmt.Sprintf("is %d bytes long; at most 900 are taken", len(value))}
	}
	return nil
}

func checkBody(field, value string, limit int) error {
	switch {
	case len(value) >= limit:
		return &FieldError{field, fmt.Sprintf("is %d bytes; it must stay under %d, or mail clients cut the message off: show fewer rows and name how many are left out", len(value), limit)}
	case !utf8.ValidString(value):
		return &FieldError{field, "is not UTF-8"}
	case strings.ContainsFunc(strings.ReplaceAll(value, "\r\n", "\n"), func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x7f }):
		return &FieldError{field, "has a control character"}
	}
	return nil
}

// oneAddress reports whether s is one plain address that a reader of the header takes for the same address.
func oneAddress(s string) bool {
	if !plainAddr.MatchString(s) {
		return false
	}
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s && a.Name == ""
}

func (a Address) mailbox() *mail.Address { return &mail.Address{Name: a.Name, Address: a.Addr} }

// boundary is derived from the message, so that building it again gives the same bytes, and from its texts, so that
// nobody who writes a part of a text can guess it.
func boundary(m Message) string {
	h := sha256.New()
	for _, s := range []string{m.ID, m.Text, m.HTML} {
		fmt.Fprintf(h, "%d:%s", len(s), s)
	}
	return "skift-" + hex.EncodeToString(h.Sum(nil)[:16])
}

// checkRaw holds what was written against RFC 5322 and against what was meant: every line at most 998 octets, and each
// header that decides who gets what exactly once.
func checkRaw(raw []byte) error {
	for line := range bytes.SplitSeq(raw, []byte("\r\n")) {
		if len(line) > 998 {
			return errors.New("message: a line is longer than 998 octets")
		}
		if bytes.ContainsAny(line, "\r\n\x00") {
			return errors.New("message: a line break that is not CRLF, or a NUL")
		}
	}
	parsed, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("message cannot be read back: %w", err)
	}
	for _, name := range []string{"From", "To", "Subject", "Date", "Message-Id", "List-Id", "Auto-Submitted", "Precedence", "Mime-Version", "Content-Type"} {
		if n := len(parsed.Header[name]); n != 1 {
			return fmt.Errorf("message has %d %s headers, want one", n, name)
		}
	}
	for _, name := range []string{"Cc", "Bcc"} {
		if len(parsed.Header[name]) > 0 {
			return fmt.Errorf("message has a %s header", name)
		}
	}
	return nil
}
