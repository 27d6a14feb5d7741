package cli

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"skift/config"
	"skift/internal/csvdoc"
	"skift/internal/diag"
	"skift/internal/plan"
	"skift/internal/timeline"
	"skift/internal/yamldoc"
)

// movedFiles gives the files of a plan that loads, with every date moved by whole weeks: those that plan and runbooks write, and
// those of the roster. Everything else stays to the byte: titles, texts, comments, ids, and dates in other tables.
func movedFiles(fsys fs.FS, p *plan.Plan, weeks int) (map[string][]byte, error) {
	out := map[string][]byte{}
	err := fs.WalkDir(fsys, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		out[name], err = fs.ReadFile(fsys, name)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read shipped plan: %w", err)
	}
	if weeks == 0 {
		return out, nil
	}
	roster := ""
	for name, src := range out {
		if path.Ext(name) != ".yaml" || name == config.File {
			continue
		}
		root, ok := yamldoc.Parse(name, src, new(diag.List))
		if !ok {
			continue // a file the plan does not read
		}
		if name == plan.File {
			roster = root.Map().OptWord("roster").Text
		}
		if out[name], err = moveWords(src, yamlDates(p, "", root), weeks); err != nil {
			return nil, fmt.Errorf("move dates of %s: %w", name, err)
		}
	}
	if src, ok := out[roster]; ok {
		if out[roster], err = moveWords(src, shiftDates(roster, src), weeks); err != nil {
			return nil, fmt.Errorf("move dates of %s: %w", roster, err)
		}
	}
	return out, nil
}

// dateKeys are the keys under which plan and runbooks write dates.
var dateKeys = []string{"from", "until", "in", "date", "at", "about", "opens", "decide_by", "valid_at"}

// yamlDates finds the dates at and below a value that stands under key.
func yamlDates(p *plan.Plan, key string, n yamldoc.Node) []diag.Word {
	var found []diag.Word
	switch n.Kind() {
	case yamldoc.KindMap:
		n.Map().Each(func(key string, v yamldoc.Node) { found = append(found, yamlDates(p, key, v)...) })
	case yamldoc.KindList:
		items, _ := n.Items()
		for _, v := range items {
			found = append(found, yamlDates(p, key, v)...)
		}
	case yamldoc.KindScalar:
		w, ok := n.Word()
		if !ok || !slices.Contains(dateKeys, key) {
			break
		}
		if _, err := plan.ParseWhen(w.Text, p.Zone); err == nil {
			found = append(found, w)
		}
	}
	return found
}

// shiftDates finds the dates of a roster.
func shiftDates(name string, src []byte) []diag.Word {
	t, ok := csvdoc.Parse(name, src, csvdoc.Columns{Required: []string{"seat", "from", "until", "person"}}, new(diag.List))
	if !ok {
		return nil
	}
	var found []diag.Word
	t.Each(func(r csvdoc.Row) {
		r.OptWord("seat")
		r.OptWord("person")
		found = append(found, r.Word("from"), r.Word("until"))
	})
	return found
}

// moveWords moves the dates in some words of a file where they stand. A moved date is as long as it was.
func moveWords(src []byte, words []diag.Word, weeks int) ([]byte, error) {
	out := bytes.Clone(src)
	lines := lineStarts(src)
	for _, w := range words {
		moved := timeline.ShiftDates(w.Text, weeks)
		at := lines[w.Line-1] + byteColumn(src[lines[w.Line-1]:], w.Col)
		if src[at] == '"' || src[at] == '\'' {
			at++
		}
		if !strings.HasPrefix(string(src[at:]), w.Text) || len(moved) != len(w.Text) {
			return nil, fmt.Errorf("%s: %q is not written in one piece", w.Pos, w.Text)
		}
		copy(out[at:], moved)
	}
	return out, nil
}

func lineStarts(src []byte) []int {
	starts := []int{0}
	for i, b := range src {
		if b == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}

// byteColumn is how many bytes the characters before a column take.
func byteColumn(line []byte, col int) int {
	n := 1
	for i := range string(line) {
		if n == col {
			return i
		}
		n++
	}
	return len(line)
}
