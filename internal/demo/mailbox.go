package demo

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"skift/internal/sim"
)

// keepMails writes what arrived: each mail as it came (.eml), and its HTML part to look at. It returns the HTML files.
func keepMails(dir string, messages []sim.Message) ([]string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("keep mails: %w", err)
	}
	var pages []string
	for i, m := range messages {
		to := ""
		if len(m.To) > 0 {
			to = notInNames.ReplaceAllString(m.To[0], "-")
		}
		base := filepath.Join(dir, fmt.Sprintf("%02d-%s", i+1, strings.Trim(to, "-")))
		if err := os.WriteFile(base+".eml", m.Raw, 0o644); err != nil {
			return nil, fmt.Errorf("keep mails: %w", err)
		}
		html, err := part(m.Raw, "text/html")
		if err != nil {
			return nil, fmt.Errorf("read mail %d: %w", i+1, err)
		}
		if err := os.WriteFile(base+".html", html, 0o644); err != nil {
			return nil, fmt.Errorf("keep mails: %w", err)
		}
		pages = append(pages, base+".html")
	}
	return pages, nil
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9.]+`)

// part finds the first part of a type in a mail and decodes it.
func part(raw []byte, kind string) ([]byte, error) {
	m, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	found, err := find(m.Body, m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), kind)
	if err == nil && found == nil {
		err = fmt.Errorf("it has no part of type %s", kind)
	}
	return found, err
}

func find(body io.Reader, contentType, encoding, kind string) ([]byte, error) {
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, err
	}
	if media == kind {
		if strings.EqualFold(encoding, "quoted-printable") {
			body = quotedprintable.NewReader(body)
		}
		return io.ReadAll(body)
	}
	if !strings.HasPrefix(media, "multipart/") {
		return nil, nil
	}
	parts := multipart.NewReader(body, params["boundary"])
	for {
		p, err := parts.NextRawPart()
		if err == io.EOF {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		found, err := find(p, p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), kind)
		if found != nil || err != nil {
			return found, err
		}
	}
}
