package cli

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

var (
	block  = regexp.MustCompile("(?ms)^```[a-z]*\n(.*?)^```$")
	inline = regexp.MustCompile("`(skift [^`]+)`")
	typed  = regexp.MustCompile(`(?m)^(?:\$ )?(?:(?:[\d* ]+root +/usr/local/bin/)?skift-service |(?:sudo -u skift )?skift(?:\.new)? )(.+)$`)
	option = regexp.MustCompile(`(?:^|[\s(\[])--([a-z][a-z-]*)`)
)

// TestDocumentedCommandsExist: whatever a page has somebody type is a command there is, with flags that it has.
func TestDocumentedCommandsExist(t *testing.T) {
	t.Parallel()
	seen := 0
	look := func(file string) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, m := range block.FindAllStringSubmatch(string(text), -1) {
			for _, l := range typed.FindAllStringSubmatch(m[1], -1) {
				lines = append(lines, l[1])
			}
		}
		for _, m := range inline.FindAllStringSubmatch(block.ReplaceAllString(string(text), ""), -1) {
			lines = append(lines, strings.TrimPrefix(strings.Join(strings.Fields(m[1]), " "), "skift "))
		}
		for _, line := range lines {
			seen++
			documented(t, file, line)
		}
	}
	look("../../README.md")
	err := filepath.WalkDir("../../docs", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".md") {
			look(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 200 {
		t.Errorf("only %d commands were found", seen)
	}
}

// documented looks at one command as a page writes it, without `skift`.
func documented(t *testing.T, file, line string) {
	t.Helper()
	line, _, _ = strings.Cut(line, " # ")
	line, _, _ = strings.Cut(line, " | ")
	var words []string
	for _, w := range strings.Fields(line) {
		if w = strings.Trim(w, "[]()…,"); w != "" {
			words = append(words, w)
		}
	}
	root := (&session{out: io.Discard, err: io.Discard}).root()
	for len(words) > 1 && strings.HasPrefix(words[0], "-") { // flags of every command, each with a value
		words = words[min(2, len(words)):]
	}
	if len(words) == 0 || words[0] == "help" || words[0] != strings.ToLower(words[0]) || strings.HasPrefix(words[0], "-") {
		return // `skift COMMAND`, `skift --help`
	}
	c, _, err := root.Find(words[:1])
	if err != nil || c == root {
		t.Errorf("%s: skift %s: there is no such command", file, line)
		return
	}
	for _, w := range words[1:] {
		var sub *cobra.Command
		for _, s := range c.Commands() {
			if s.Name() == strings.Split(w, "|")[0] {
				sub = s
			}
		}
		if sub == nil {
			break
		}
		c = sub
	}
	for _, m := range option.FindAllStringSubmatch(line, -1) {
		if c.Flag(m[1]) == nil && m[1] != "help" && root.PersistentFlags().Lookup(m[1]) == nil {
			t.Errorf("%s: skift %s: %s has no flag --%s", file, line, c.CommandPath(), m[1])
		}
	}
}
