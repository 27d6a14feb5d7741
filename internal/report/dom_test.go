package report_test

import (
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skift/internal/report"
	"skift/internal/snapshot"
	"skift/internal/words"
)

// node is one element of a mail.
type node struct {
	name  string
	attrs map[string]string
	text  string // directly inside it
	kids  []*node
}

// dom reads the HTML of a report. It is written so that a strict reader takes it, but for the void elements.
func dom(t testing.TB, html string) *node {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(strings.TrimPrefix(html, "<!DOCTYPE html>")))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	top := &node{}
	stack := []*node{top}
	for {
		tok, err := d.Token()
		if err == io.EOF {
			return top
		}
		if err != nil {
			t.Fatalf("the HTML cannot be read: %v", err)
		}
		in := stack[len(stack)-1]
		switch tok := tok.(type) {
		case xml.StartElement:
			n := &node{name: tok.Name.Local, attrs: map[string]string{}}
			for _, a := range tok.Attr {
				n.attrs[a.Name.Local] = a.Value
			}
			in.kids = append(in.kids, n)
			stack = append(stack, n)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			in.text += string(tok)
		case xml.Comment, xml.Directive, xml.ProcInst:
			t.Errorf("the HTML has a %T", tok)
		}
	}
}

// walk calls fn with every element.
func (n *node) walk(fn func(*node)) {
	for _, k := range n.kids {
		fn(k)
		k.walk(fn)
	}
}

// shape is every element with its attributes, without text and without the values of attributes.
func (n *node) shape() []string {
	var out []string
	n.walk(func(k *node) { out = append(out, k.name+fmt.Sprint(slices.Sorted(maps.Keys(k.attrs)))) })
	return out
}

// tokens are the words of what is shown.
func tokens(s string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" \n\t\u00a0·:–-<>()", r) }) {
		out[w] = true
	}
	return out
}

// shown is what a reader sees, but for the heading of first columns: a list in plain text needs none.
func shown(n *node) string {
	var b strings.Builder
	skip := map[*node]bool{}
	n.walk(func(k *node) {
		if k.name == "tr" && k.kids[0].attrs["scope"] == "col" {
			skip[k.kids[0]] = true
		}
		if k.name != "title" && !skip[k] {
			b.WriteString(k.text + " " + k.attrs["href"] + " ")
		}
	})
	return b.String()
}

// each renders every kind in both languages.
func each(t *testing.T, s snapshot.Snapshot, o report.Options, fn func(name string, r report.Rendered)) {
	t.Helper()
	for _, kind := range everyReport() {
		if kind == report.Contradiction {
			o.Run, o.Step = "cutover-weekend-2", "switch"
		}
		for _, lang := range words.Langs() {
			o.Lang = lang
			fn(kind+"."+string(lang), render(t, kind, s, o))
		}
	}
}

func TestBothFormsCarryTheSameFacts(t *testing.T) {
	t.Parallel()
	each(t, rich(t), report.Options{BaseURL: "https://skift.example"}, func(name string, r report.Rendered) {
		if d := cmp.Diff(tokens(shown(dom(t, r.HTML))), tokens(r.Text)); d != "" {
			t.Errorf("%s: HTML (-) and text (+) say different things:\n%s", name, d)
		}
	})
}

// allowed are the elements and attributes mail clients draw, the Word engine among them.
var allowed = map[string][]string{
	"html": {"lang"}, "head": nil, "meta": {"charset", "name", "content"}, "title": nil, "body": {"style"},
	"table": {"role", "align", "width", "cellpadding", "cellspacing", "border", "style"}, "tr": nil, "td": {"style", "valign", "bgcolor"},
	"th": {"scope", "align", "valign", "style"}, "h1": {"style"}, "h2": {"style"}, "p": {"style"}, "span": {"style"}, "a": {"href", "style"},
}

func TestHTMLIsFitForMail(t *testing.T) {
	t.Parallel()
	each(t, rich(t), report.Options{BaseURL: "https://skift.example"}, func(name string, r report.Rendered) {
		top := dom(t, r.HTML)
		if got := top.kids[0].attrs["lang"]; got != name[len(name)-2:] {
			t.Errorf("%s: lang is %q", name, got)
		}
		top.walk(func(n *node) {
			attrs, known := allowed[n.name]
			if !known {
				t.Errorf("%s: <%s> is not drawn everywhere", name, n.name)
			}
			for a, v := range n.attrs {
				if !slices.Contains(attrs, a) {
					t.Errorf("%s: <%s %s> is not drawn everywhere", name, n.name, a)
				}
				if strings.Contains(v, "url(") || strings.Contains(v, "flex") || strings.Contains(v, "ZgotmplZ") || strings.Contains(v, "var(") {
					t.Errorf("%s: <%s %s=%q>", name, n.name, a, v)
				}
			}
			if n.name != "table" || n.attrs["role"] == "presentation" {
				return
			}
			heads := 0
			for _, c := range n.kids[0].kids {
				if c.name == "th" && c.attrs["scope"] == "col" {
					heads++
				}
			}
			if heads == 0 {
				t.Errorf("%s: a table of data has no column headings", name)
			}
			for _, row := range n.kids {
				if len(row.kids) != len(n.kids[0].kids) {
					t.Errorf("%s: a row has %d cells under %d columns", name, len(row.kids), len(n.kids[0].kids))
				}
			}
		})
	})
}

func TestTextIsWrapped(t *testing.T) {
	t.Parallel()
	each(t, rich(t), report.Options{BaseURL: "https://skift.example"}, func(name string, r report.Rendered) {
		for line := range strings.Lines(r.Text) {
			if n := len([]rune(strings.TrimRight(line, "\n"))); n > 78 && !strings.Contains(line, "skift1:") {
				t.Errorf("%s: a line of %d: %s", name, n, line)
			}
		}
	})
}

// White on each colour, and each colour on white, must reach 4.5:1.
func TestColoursCanBeRead(t *testing.T) {
	t.Parallel()
	seen := 0
	top := dom(t, render(t, "weekly", rich(t), report.Options{Lang: words.En}).HTML)
	top.walk(func(n *node) {
		for part := range strings.SplitSeq(n.attrs["style"], ";") {
			key, value, _ := strings.Cut(part, ":")
			dark := key == "background" && strings.Contains(n.attrs["style"], "color:#FFFFFF")
			if (key == "color" && value != "#FFFFFF") || dark {
				seen++
				if r := contrast(t, value); r < 4.5 {
					t.Errorf("%s has %.2f:1 against white", value, r)
				}
			}
		}
	})
	if seen < 10 {
		t.Errorf("only %d colours were looked at", seen)
	}
}
