package mail

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func message() Message {
	return Message{
		ID: "steering/weekly/2019-W45/p-1@skift.example", From: Address{"Skift", "skift@programme.example"},
		To: Address{"Formand, styregruppen", "chair@customer.example"}, ReplyTo: Address{Addr: "manager@customer.example"},
		Subject: "[GUL] Skift Serviceplatformen – uge 45: én forbindelse er ikke klar",
		Date:    time.Date(2019, 11, 8, 8, 0, 0, 0, time.FixedZone("CET", 3600)),
		ListID:  "steering.serviceplatformen.skift", Head: "serviceplatformen:17:q83vEjRWeJA=", Language: "da",
		Text: "Hej\n\n. alene på en linje\n.\nSlut på teksten med en meget lang linje: " + strings.Repeat("æøå ", 300) + "\n",
		HTML: "<p>Hej " + strings.Repeat("æ", 2000) + "</p>\n",
	}
}

func parts(t *testing.T, raw []byte) (mail.Header, map[string]string) {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	if kind == "text/plain" {
		body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
		if err != nil {
			t.Fatal(err)
		}
		found[kind] = string(body)
		return m.Header, found
	}
	if kind != "multipart/alternative" {
		t.Fatalf("content type %s", kind)
	}
	for r := multipart.NewReader(m.Body, params["boundary"]); ; {
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return m.Header, found
		}
		if err != nil {
			t.Fatal(err)
		}
		if enc := p.Header.Get("Content-Transfer-Encoding"); enc != "quoted-printable" {
			t.Errorf("encoding %q", enc)
		}
		kind, params, err := mime.ParseMediaType(p.Header.Get("Content-Type"))
		if err != nil || !strings.EqualFold(params["charset"], "utf-8") {
			t.Errorf("part %s %v: %v", kind, params, err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			t.Fatal(err)
		}
		found[kind] = string(body)
	}
}

func TestBuild(t *testing.T) {
	t.Parallel()
	in := message()
	raw, err := Build(in)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Build(in)
	if err != nil || !bytes.Equal(raw, again) {
		t.Errorf("the same message gave other bytes: %v", err)
	}
	header, bodies := parts(t, raw)
	crlf := func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }
	if diff := cmp.Diff(map[string]string{"text/plain": crlf(in.Text), "text/html": crlf(in.HTML)}, bodies); diff != "" {
		t.Error(diff)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(header.Get("Subject"))
	if err != nil || subject != in.Subject {
		t.Errorf("subject %q, %v", subject, err)
	}
	date, err := header.Date()
	if err != nil || !date.Equal(in.Date) {
		t.Errorf("date %v, %v", date, err)
	}
	for name, want := range map[string]Address{"From": in.From, "To": in.To, "Reply-To": in.ReplyTo} {
		list, err := header.AddressList(name)
		if err != nil || len(list) != 1 || list[0].Address != want.Addr || list[0].Name != want.Name {
			t.Errorf("%s: %v, %v", name, list, err)
		}
	}
	for name, want := range map[string]string{
		"Message-Id": "<" + in.ID + ">", "List-Id": "<" + in.ListID + ">", "Auto-Submitted": "auto-generated", "Precedence": "bulk",
		HeadHeader: in.Head, "Content-Language": "da", "Mime-Version": "1.0", "User-Agent": "", "X-Mailer": "",
	} {
		if got := header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for line := range strings.SplitSeq(string(raw), "\r\n") {
		if len(line) > 200 || strings.ContainsAny(line, "\r\n") {
			t.Errorf("line of %d octets", len(line))
		}
	}
}

func TestBuildTextAlone(t *testing.T) {
	t.Parallel()
	in := message()
	in.HTML, in.Head, in.Language, in.ReplyTo = "", "", "", Address{}
	raw, err := Build(in)
	if err != nil {
		t.Fatal(err)
	}
	header, bodies := parts(t, raw)
	if len(bodies) != 1 || !strings.Contains(bodies["text/plain"], "æøå") || header.Get(HeadHeader) != "" || header.Get("Reply-To") != "" {
		t.Errorf("header %v", header)
	}
}

// Whatever stands in a field, it never becomes a header, a recipient or a second message.
func TestBuildRefuses(t *testing.T) {
	t.Parallel()
	attack := []string{"x\r\nBcc: evil@outside.example", "x\nBcc: evil@outside.example", "x\rBcc: y", "x\x00", "x\x1b[2J", "x\u202ey", "x\u2028y", string([]byte{0xff, 'x'})}
	fields := map[string]func(*Message, string){
		"id":            func(m *Message, s string) { m.ID = s },
		"from":          func(m *Message, s string) { m.From.Addr = s },
		"from name":     func(m *Message, s string) { m.From.Name = s },
		"to":            func(m *Message, s string) { m.To.Addr = s },
		"to name":       func(m *Message, s string) { m.To.Name = s },
		"reply-to":      func(m *Message, s string) { m.ReplyTo.Addr = s },
		"reply-to name": func(m *Message, s string) { m.ReplyTo.Name = s },
		"subject":       func(m *Message, s string) { m.Subject = s },
		"list id":       func(m *Message, s string) { m.ListID = s },
		"journal head":  func(m *Message, s string) { m.Head = s },
		"language":      func(m *Message, s string) { m.Language = s },
	}
	refuse := func(field string, m Message) {
		t.Helper()
		raw, err := Build(m)
		var fe *FieldError
		if !errors.As(err, &fe) || fe.Field != field || raw != nil {
			t.Errorf("%s: error %v", field, err)
		}
	}
	for field, set := range fields {
		for _, s := range attack {
			m := message()
			set(&m, s)
			refuse(field, m)
		}
	}
	for field, values := range map[string][]string{
		"id":           {"", "no-domain", "a b@c", "<a@b>", "a@b>\tc"},
		"from":         {"", "a", "a@b.example, c@d.example", "Name <a@b.example>", "a@b..example", "æ@b.example"},
		"to":           {"", "a@b.example;c@d.example", "undisclosed:;", "a@b.example (c@d.example)", `"a b"@c.example`},
		"subject":      {"", " ", strings.Repeat("x", 901)},
		"list id":      {"", "a..b", "a b"},
		"journal head": {"two words", "æ"},
		"language":     {"danish", "DA"},
	} {
		for _, s := range values {
			m := message()
			fields[field](&m, s)
			refuse(field, m)
		}
	}
	for field, set := range map[string]func(*Message){
		"text": func(m *Message) { m.Text = "\n" },
		"date": func(m *Message) { m.Date = time.Time{} },
	} {
		m := message()
		set(&m)
		refuse(field, m)
	}
	for _, body := range []string{"a\x00b", "a\rb", "a\x1b]52;c;x\x07", string([]byte{0xff})} {
		m := message()
		m.Text = body
		refuse("text", m)
		m = message()
		m.HTML = body
		refuse("html", m)
	}
}

func TestHTMLMustNotBeCutOffByClients(t *testing.T) {
	t.Parallel()
	m := message()
	m.HTML = strings.Repeat("x", MaxHTML-1)
	if _, err := Build(m); err != nil {
		t.Errorf("just below the limit: %v", err)
	}
	m.HTML += "x"
	_, err := Build(m)
	if err == nil || !strings.Contains(err.Error(), "90000 bytes") || !strings.Contains(err.Error(), "cut the message off") {
		t.Errorf("at the limit: %v", err)
	}
}

func FuzzBuild(f *testing.F) {
	f.Add("subject", "name", "text", "<p>html</p>")
	f.Add("=?utf-8?q?x?=", `a" <b@c.example>`, ".\n--skift-", "\n.\n")
	f.Fuzz(func(t *testing.T, subject, name, text, html string) {
		m := message()
		m.Subject, m.To.Name, m.Text, m.HTML = subject, name, text, html
		raw, err := Build(m)
		if err != nil {
			return
		}
		header, bodies := parts(t, raw)
		to, err := header.AddressList("To")
		if err != nil || len(to) != 1 || to[0].Address != m.To.Addr {
			t.Errorf("To %v, %v", to, err)
		}
		if len(header["Bcc"])+len(header["Cc"]) > 0 || len(bodies) > 2 {
			t.Errorf("header %v, %d parts", header, len(bodies))
		}
	})
}
