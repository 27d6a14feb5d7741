package cli

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// TestCommandsAreDocumented: docs/commands.md is what `skift help` says of every command and flag, and README names each command.
func TestCommandsAreDocumented(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("only some commands are there")
	}
	page := commandPage((&session{}).root())
	const file = "../../docs/commands.md"
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), page); d != "" {
		t.Errorf("%s is not what the commands say; go test ./internal/cli -run Commands -update:\n%s", file, d)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range (&session{}).root().Commands() {
		named := regexp.MustCompile("`" + c.Name() + "[` ]|skift " + c.Name() + "\\b")
		if c.Name() != "help" && !named.Match(readme) {
			t.Errorf("README.md does not name %s", c.Name())
		}
	}
}

// TestHelpIsWhole: every command says what it does, every flag what it is for, and no line of either runs out of the screen.
func TestHelpIsWhole(t *testing.T) {
	t.Parallel()
	each((&session{}).root(), func(c *cobra.Command) {
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: %q does not say what it does, or is more than a line", c.CommandPath(), c.Short)
		}
		for line := range strings.Lines(c.Long) {
			if len([]rune(line)) > 146 {
				t.Errorf("%s: a line of its help is %d long: %s", c.CommandPath(), len([]rune(line)), line)
			}
		}
		for line := range strings.Lines(c.LocalFlags().FlagUsages()) {
			if m := flagLine.FindStringSubmatch(line); m == nil || m[2] == "" {
				t.Errorf("%s: a flag says nothing: %s", c.CommandPath(), line)
			}
		}
	})
}

// flagLine is one flag as help shows it.
var flagLine = regexp.MustCompile(`^ +((?:-., )?--\S+(?: \S+)?) {2,}(\S.*)\n$`)

// each visits every command below another, in the order of help.
func each(c *cobra.Command, visit func(*cobra.Command)) {
	for _, sub := range c.Commands() {
		visit(sub)
		each(sub, visit)
	}
}

// commandPage is docs/commands.md.
func commandPage(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString("# Commands\n\nWhat `skift help COMMAND` says, for all of them. Every command takes `-C DIR`, the plan directory, and `--data DIR`, the data\ndirectory. " +
		"Exit codes that a command does not name are [those of all](exit-codes.md).\n")
	for _, g := range root.Groups() {
		fmt.Fprintf(&b, "\n## %s\n", strings.TrimSuffix(g.Title, ":"))
		for _, c := range root.Commands() {
			if c.GroupID == g.ID {
				describe(&b, c)
				each(c, func(sub *cobra.Command) { describe(&b, sub) })
			}
		}
	}
	return b.String()
}

func describe(b *strings.Builder, c *cobra.Command) {
	fmt.Fprintf(b, "\n### `%s`\n\n%s.\n", c.CommandPath(), c.Short)
	if c.Runnable() {
		fmt.Fprintf(b, "\n```\n%s\n```\n", c.UseLine())
	}
	if c.Long != "" {
		fmt.Fprintf(b, "\n%s\n", c.Long)
	}
	rows := ""
	for line := range strings.Lines(c.LocalFlags().FlagUsages()) {
		if m := flagLine.FindStringSubmatch(line); m != nil && m[1] != "-h, --help" {
			rows += fmt.Sprintf("| `%s` | %s |\n", m[1], strings.ReplaceAll(m[2], "|", "\\|"))
		}
	}
	if rows != "" {
		fmt.Fprintf(b, "\n| flag | does |\n|---|---|\n%s", rows)
	}
}
