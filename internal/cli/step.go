package cli

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"skift/internal/runner"
	"skift/internal/yamldoc"
)

// stepWords are what can be said of a step.
const stepWords = "done|fail|skip|retry|hold|release|accept|change|issue|clear|note|add"

// aboutStep is what goes with some of the words, as it was typed.
type aboutStep struct {
	takes, fix, file, manual string
	needs, before            []string
}

func (s *session) stepCommand() *cobra.Command {
	var a act
	var about aboutStep
	c := acting(&cobra.Command{
		Use: "step RUN STEP " + stepWords + " --as SEAT [--reason …]", Short: "Say what became of a step, hold it, or plan it otherwise",
		Long: "done: it has happened · fail: it has not, or not as it should · skip: it is not needed · retry: try a failed or uncertain step again ·\n" +
			"hold: it must not begin before somebody says release · accept: it is done, its checks say otherwise now, and somebody answers for\n" +
			"that · change: it takes longer or shorter (--takes 3h), or somebody else does it\n" +
			"(--owner SEAT) · issue: something is wrong with it, and takes a while to fix (--fix 2h) · clear: no more · note: keep the reason as\n" +
			"a line about it, with a file (--file F) · add: put a new step called STEP into the run (--file F with what would stand under it in a\n" +
			"runbook, or --manual TEXT --needs S --owner SEAT), before others if need be (--before S). All but done need a reason; so does done of\n" +
			"a step that failed or is uncertain. RUN may be the runbook's name while one run of it is unfinished.",
		Args: args("RUN", "STEP", stepWords),
		RunE: func(c *cobra.Command, got []string) error {
			a.Do, a.Run, a.Step, a.Answer = runner.DoStep, got[0], got[1], got[2]
			if err := about.read(&a); err != nil {
				return err
			}
			return s.send(c, a)
		},
	}, &a)
	c.Flags().StringVar(&about.takes, "takes", "", "with change or add: how long it `TAKES`, such as 90m or 3h")
	c.Flags().StringVar(&a.Owner, "owner", "", "with change or add: the `SEAT` that does it")
	c.Flags().StringVar(&about.fix, "fix", "", "with issue: how `LONG` it takes to fix")
	c.Flags().StringVar(&about.file, "file", "", "with note: `FILE` is kept with its hash; with add: the step")
	c.Flags().StringVar(&about.manual, "manual", "", "with add: the `TEXT` that a person is told to do")
	c.Flags().StringSliceVar(&about.needs, "needs", nil, "with add: `STEPS` it needs")
	c.Flags().StringSliceVar(&about.before, "before", nil, "with add: `STEPS` that then need it; none of them may have begun")
	return c
}

// read takes up what goes with the word, and refuses what goes with another.
func (b aboutStep) read(a *act) error {
	for _, f := range []struct {
		flag  string
		given bool
		words []string
	}{
		{"takes", b.takes != "", []string{"change", "add"}}, {"owner", a.Owner != "", []string{"change", "add"}}, {"fix", b.fix != "", []string{"issue"}},
		{"file", b.file != "", []string{"note", "add"}}, {"manual", b.manual != "", []string{"add"}}, {"needs", len(b.needs) > 0, []string{"add"}},
		{"before", len(b.before) > 0, []string{"add"}},
	} {
		if f.given && !slices.Contains(f.words, a.Answer) {
			return usage(fmt.Sprintf("--%s goes with %s only", f.flag, strings.Join(f.words, " or ")), "leave it out, or say "+f.words[0])
		}
	}
	for _, text := range []string{b.takes, b.fix} {
		if text == "" {
			continue
		}
		d, err := yamldoc.ParseDuration(text)
		if err != nil || d <= 0 || d > 365*24*time.Hour {
			return usage(fmt.Sprintf("%q is no length of time", text), "write 90m, 3h or 1h30m")
		}
		a.Takes = d
	}
	if a.Answer == "add" {
		return b.readAdded(a)
	}
	return b.readFile(a)
}

// readFile reads the file that goes with the word, if there is one.
func (b aboutStep) readFile(a *act) error {
	if b.file == "" {
		return nil
	}
	data, err := readCapped(b.file)
	if err != nil {
		return err
	}
	if len(data) == 0 {
		return usage(b.file+" is empty", "an empty file shows nothing: leave --file out, or name another")
	}
	a.File, a.FileName = data, filepath.Base(b.file)
	return nil
}

// readAdded reads the step that is to be added: a file, or what a person is to do.
func (b aboutStep) readAdded(a *act) error {
	short := b.manual != "" || len(b.needs) > 0 || a.Owner != "" || b.takes != ""
	switch {
	case b.file != "" && short:
		return usage("--file says all of the step but what comes after it", "leave out the other flags, or --file")
	case b.file == "" && b.manual == "":
		return usage("add needs --file FILE or --manual TEXT", "the file has what would stand under the step in a runbook")
	}
	a.Before = b.before
	if b.file != "" {
		return b.readFile(a)
	}
	step := map[string]any{"manual": b.manual}
	if len(b.needs) > 0 {
		step["needs"] = b.needs
	}
	if a.Owner != "" {
		step["owner"] = a.Owner
	}
	if b.takes != "" {
		step["takes"] = b.takes
	}
	var err error
	if a.File, err = json.Marshal(step); err != nil { // JSON is YAML
		return fmt.Errorf("write step: %w", err)
	}
	a.Owner, a.Takes = "", 0
	return nil
}
