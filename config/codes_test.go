package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skift/checks"
	"skift/internal/words"
)

const codesBegin = "<!-- What follows is made from the code: go test ./config -run OutcomeCodes -update -->\n"

// docs/outcome-codes.md lists every code with its sentences in both languages.
func TestOutcomeCodesAreDocumented(t *testing.T) {
	t.Parallel()
	doc := document(t, "outcome-codes.md")
	head, _, ok := strings.Cut(doc, codesBegin)
	if !ok {
		t.Fatal("docs/outcome-codes.md has lost its mark")
	}
	want := head + codesBegin + outcomeCodes()
	if *update {
		if err := os.WriteFile(filepath.Join("..", "docs", "outcome-codes.md"), []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(strings.Split(want, "\n"), strings.Split(doc, "\n")); d != "" {
		t.Errorf("docs/outcome-codes.md is not what is said (-code +document); go test ./config -run OutcomeCodes -update:\n%s", d)
	}
}

func outcomeCodes() string {
	var b strings.Builder
	for _, i := range checks.Codes() {
		fmt.Fprintf(&b, "\n## `%s`\n\n%s · about %s", i.Code, i.Verdict, classes[i.Class])
		if i.Denies {
			b.WriteString(" · proves a deny, if the control from the same place answers")
		}
		b.WriteString("\n\n| | English | dansk |\n|---|---|---|\n")
		en, da := words.In(words.En), words.In(words.Da)
		e, d := en.Outcome(string(i.Code)), da.Outcome(string(i.Code))
		fmt.Fprintf(&b, "| what was seen | %s | %s |\n", e.Cause, d.Cause)
		fmt.Fprintf(&b, "| usually for | %s | %s |\n", en.Owner(e.Owner), da.Owner(d.Owner))
		fmt.Fprintf(&b, "| what to do | %s | %s |\n", e.Next, d.Next)
	}
	return b.String()
}

// classes say whom a code speaks about.
var classes = map[checks.Class]string{checks.ClassOK: "nobody: it is as it should be", checks.ClassTarget: "the target", checks.ClassPath: "the way to the target",
	checks.ClassBlind: "us: we could not look", checks.ClassOurs: "us: our configuration, key or place is broken"}
