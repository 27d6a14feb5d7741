package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// folder is where the patches lie, from the root of the module.
const folder = ".ci/mutants"

// mutant is one patch that takes a defence away, and the test that must notice.
type mutant struct {
	name    string // of the file, without .patch
	defence string // one sentence
	against []string
	pkg     string // "./checks/probe"
	run     string // what the test binary is told to run: "TestX$" or "TestX$/one case"
	require string // programs without which the test proves nothing, as SKIFT_REQUIRE lists them
	ends    ending
	within  time.Duration // of the mutated test; longer is a time-out
	diff    []byte
}

// ending is how the named test is expected to fail.
type ending string

// The endings. Without a word in the header a test fails by its own judgement.
const (
	byJudgement ending = ""
	byPanic     ending = "panic"
	byTimeout   ending = "time-out"
	byLeak      ending = "leak" // the test passes, and the package finds what it left behind
)

// usual is how long a mutated test may take when its header does not say.
const usual = 2 * time.Minute

// reason is what a defence may be against: a numbered pitfall of the libraries and protocols, or a numbered threat.
var reason = regexp.MustCompile(`^(pitfall|threat) [1-9][0-9]?$|^behaviour of [a-z]+( [a-z]+)?$`)

// named is a test and, behind slashes, one of its cases.
var named = regexp.MustCompile(`^((?:Test|Fuzz)[A-Za-z0-9_]+)\$(/.+)?$`)

// test is the name of the top-level test.
func (m mutant) test() string { return named.FindStringSubmatch(m.run)[1] }

// parse reads a patch: header lines "Key: value", an empty line, a unified diff.
func parse(name string, text []byte) (mutant, error) {
	m := mutant{name: name, within: usual}
	head, diff, ok := bytes.Cut(text, []byte("\n\n"))
	if !ok || !bytes.HasPrefix(diff, []byte("diff --git ")) {
		return m, fmt.Errorf("%s: want header lines, an empty line and a diff made by git", name)
	}
	m.diff = diff
	seen := map[string]bool{}
	for line := range strings.Lines(string(head)) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok || seen[key] {
			return m, fmt.Errorf("%s: header line %q: want each key once, as \"Key: value\"", name, strings.TrimSpace(line))
		}
		seen[key] = true
		if err := m.set(key, value); err != nil {
			return m, fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, key := range []string{"Defence", "Against", "Test"} {
		if !seen[key] {
			return m, fmt.Errorf("%s: the header lacks %s", name, key)
		}
	}
	return m, nil
}

func (m *mutant) set(key, value string) error {
	switch key {
	case "Defence":
		if m.defence = value; !strings.HasSuffix(value, ".") {
			return fmt.Errorf("header Defence: %q is no whole sentence", value)
		}
	case "Against":
		m.against = strings.Split(value, ", ")
		for _, a := range m.against {
			if !reason.MatchString(a) {
				return fmt.Errorf("header Against: %q is neither \"pitfall N\" nor \"threat N\"", a)
			}
		}
	case "Test":
		m.pkg, m.run, _ = strings.Cut(value, " ")
		if !strings.HasPrefix(m.pkg, "./") || !named.MatchString(m.run) {
			return fmt.Errorf("header Test: %q: want a package and a test, as \"./dir TestName$\"", value)
		}
	case "Require":
		m.require = value
	case "Ends":
		return m.setEnds(value)
	default:
		return fmt.Errorf("header %q is unknown", key)
	}
	return nil
}

// setEnds reads "panic", "leak" or "time-out 20s".
func (m *mutant) setEnds(value string) error {
	word, length, timed := strings.Cut(value, " ")
	m.ends = ending(word)
	if !slices.Contains([]ending{byPanic, byTimeout, byLeak}, m.ends) || timed != (m.ends == byTimeout) {
		return fmt.Errorf("header Ends: %q: want panic, leak or time-out with its length", value)
	}
	if timed {
		d, err := time.ParseDuration(length)
		if err != nil || d < time.Second || d > usual {
			return fmt.Errorf("header Ends: %s is no length between 1s and %s", strconv.Quote(length), usual)
		}
		m.within = d
	}
	return nil
}

// mutants reads the patches whose name matches, in the order of their names.
func mutants(root, only string) ([]mutant, error) {
	files, err := filepath.Glob(filepath.Join(root, folder, "*.patch"))
	if err != nil {
		return nil, err
	}
	var list []mutant
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".patch")
		wanted, err := filepath.Match(only, name)
		if err != nil {
			return nil, fmt.Errorf("pattern %q: %w", only, err)
		}
		if !wanted {
			continue
		}
		text, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		m, err := parse(name, text)
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("no patch in %s is named like %q", folder, only)
	}
	return list, nil
}
