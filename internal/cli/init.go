package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"skift/config"
	"skift/internal/app"
	"skift/internal/diag"
	"skift/internal/lint"
	"skift/internal/people"
	"skift/internal/plan"
	"skift/internal/timeline"
	"skift/internal/words"
)

const defaultPlan = "serviceplatformen"

// initCommand writes a plan directory to begin with.
func (s *session) initCommand() *cobra.Command {
	var from, cutover string
	c := &cobra.Command{
		Use: "init DIR", Short: "Write a plan directory to begin with",
		Long: "--cutover moves every date of the plan together with the cut-over, by whole weeks: another weekday, a holiday and a night in which\n" +
			"the clocks change are refused. The directory must be new or empty; when anything fails nothing is left in it.",
		Args: args("DIR"),
		RunE: func(c *cobra.Command, a []string) error {
			if c.Flags().Changed("cutover") && cutover == "" { // an empty variable of a script is not the wish for the shipped date
				return usage("--cutover names no day", "write year, month and day: 2027-11-06, or leave --cutover out")
			}
			if c.Flags().Changed("plan") { // which plan to begin with is --from; where it comes to is DIR
				return usage("init takes no --plan: DIR is the new plan directory", "--from names the shipped plan to begin with: "+strings.Join(config.Plans(), ", "))
			}
			return s.init(a[0], from, cutover, time.Now())
		},
	}
	c.Flags().StringVar(&from, "from", defaultPlan, "shipped `PLAN` to begin with: "+strings.Join(config.Plans(), ", "))
	c.Flags().StringVar(&cutover, "cutover", "", "first `DAY` of the cut-over, as 2027-11-06 (default: as the shipped plan has it)")
	return c
}

func (s *session) init(dir, from, cutover string, now time.Time) error {
	shipped, ok := config.Plan(from)
	if !ok {
		return unknownShipped(from)
	}
	p, problems := plan.Load(shipped)
	if problems.Err() != nil {
		return &app.PlanError{Problems: problems.Sorted(), Sources: func(f string) []byte { return p.Sources[f] }}
	}
	weeks := 0
	if cutover != "" {
		var err error
		if weeks, err = moveWeeks(p, cutover); err != nil {
			return err
		}
	}
	files, err := movedFiles(shipped, p, weeks)
	if err != nil {
		return err
	}
	t, err := newTarget(dir)
	if err != nil {
		return err
	}
	defer t.discard()
	if err := t.stage(files, p.ContactsFile); err != nil {
		return err
	}
	r, err := app.Read(t.stageDir)
	if err != nil {
		return err
	}
	if r.Problems.Errors() == 0 {
		lint.Check(r.Plan, lint.Known{Now: now}, &r.Problems)
	}
	if r.Problems.Errors() > 0 { // a time of day that the other date does not have
		return &app.PlanError{Problems: r.Problems.Sorted(), Sources: r.Sources}
	}
	if err := t.settle(); err != nil {
		return err
	}
	s.tellInit(dir, r.Plan, len(files), now)
	return nil
}

func unknownShipped(name string) error {
	hint := "shipped plans: " + strings.Join(config.Plans(), ", ")
	if near := diag.Suggest(name, config.Plans()); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return usage(fmt.Sprintf("no plan %q is shipped", name), hint)
}

// tellInit says what there is now and what comes next.
func (s *session) tellInit(dir string, p *plan.Plan, files int, now time.Time) {
	shown := dir
	if strings.ContainsAny(shown, " '\"$\\") {
		shown = "'" + strings.ReplaceAll(shown, "'", `'\''`) + "'"
	}
	s.printf("wrote %s of plan %s to %s\n", numbered(files, "file"), p.ID, dir)
	c := words.In(words.Lang(p.Language)).With(p.Words)
	if m := cutoverOf(timeline.At(p, nil, now)); m != nil && m.Start.Known() {
		s.printf("%s: %s\n", titleOf(c, m.Milestone), c.DateTime(m.Start.At.In(p.Zone)))
		if m.Start.At.Before(now) {
			s.printf("that has passed: to move every date with it, remove %s and begin again with --cutover DATE\n", shown)
		}
	}
	s.printf("\nnext:\n")
	s.printf("  edit %s and what it names: parties, addresses, who sits where\n", filepath.Join(dir, plan.File))
	s.printf("  skift validate -C %s\n  skift plan -C %s\n", shown, shown)
}

// cutoverOf is the milestone that is the cut-over: the one called so, else the first window; nil when there is none.
func cutoverOf(t *timeline.Timeline) *timeline.Milestone {
	if m := t.Milestone("cutover"); m != nil {
		return m
	}
	i := slices.IndexFunc(t.Milestones, func(m *timeline.Milestone) bool { return m.Kind == plan.Window })
	if i < 0 {
		return nil
	}
	return t.Milestones[i]
}

// moveWeeks judges another first day for the cut-over and gives the weeks by which every date moves.
func moveWeeks(p *plan.Plan, wish string) (int, error) {
	day, err := time.Parse(time.DateOnly, wish)
	if err != nil {
		return 0, usage(fmt.Sprintf("--cutover %q is not a day", wish), "write year, month and day: 2027-11-06")
	}
	t := timeline.At(p, nil, time.Time{})
	m := cutoverOf(t)
	if m == nil || !m.Start.Known() {
		return 0, usage("the plan has no cut-over with a date to move", "leave --cutover out and write the dates by hand")
	}
	cal := t.Calendar()
	to := people.DayStart(p.Zone, day.Year(), day.Month(), day.Day())
	if y := day.Year(); y < 1970 || y > 2200 { // neither holidays nor clock changes can be known there
		return 0, usage(fmt.Sprintf("--cutover %s lies too far away", wish), "write a year from 1970 to 2200")
	}
	move := cal.JudgeMove(m.Start.At, to, localDays(cal, m))
	if move.OK() {
		return move.Weeks, nil
	}
	return 0, refusedMove(p, move, wish)
}

// localDays is how many local dates the milestone touches.
func localDays(cal timeline.Calendar, m *timeline.Milestone) int {
	n := 1
	for day := cal.AddDays(cal.Day(m.Start.At), 1); day.Before(m.End.At); day = cal.AddDays(day, 1) {
		n++
	}
	return n
}

func refusedMove(p *plan.Plan, move timeline.Move, wish string) error {
	c := words.In(words.En)
	var why []string
	for _, o := range move.Problems {
		text := c.Day(o.Day.In(p.Zone)) + ": " + c.T("why."+string(o.Objection))
		if o.Name != "" {
			text += " (" + o.Name + ")"
		}
		why = append(why, text)
	}
	hint := "no other date within a year is better"
	if len(move.Nearest) > 0 {
		var near []string
		for _, d := range move.Nearest {
			near = append(near, d.In(p.Zone).Format("Mon 2006-01-02"))
		}
		hint = "the nearest good dates: " + strings.Join(near, ", ")
	}
	return usage(fmt.Sprintf("the cut-over cannot begin on %s: %s", wish, strings.Join(why, "; ")), hint)
}

// target is the directory that is written: whole, or not at all.
type target struct {
	dir, stageDir string
	fresh         bool // dir does not exist yet: the stage becomes it
}

func newTarget(dir string) (*target, error) {
	if dir == "" {
		return nil, usage("DIR is empty", "name a directory that is new or empty; for the one you stand in, write .")
	}
	t := &target{dir: filepath.Clean(dir)}
	entries, err := os.ReadDir(t.dir)
	parent := t.dir
	switch {
	case errors.Is(err, fs.ErrNotExist):
		t.fresh, parent = true, filepath.Dir(t.dir)
	case err != nil:
		return nil, usage(fmt.Sprintf("%s cannot be used: %v", dir, err), "name a directory that is new or empty")
	case len(entries) > 0:
		return nil, usage(fmt.Sprintf("%s is not empty: there is %s", dir, entries[0].Name()), "name a directory that is new or empty; init never writes over anything")
	}
	t.stageDir, err = os.MkdirTemp(parent, ".skift-init-*")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usage(fmt.Sprintf("there is no directory %s", parent), "make it first")
	}
	if err != nil {
		return nil, fmt.Errorf("write plan: %w", err)
	}
	return t, nil
}

// stage writes the files beside where they belong.
func (t *target) stage(files map[string][]byte, private string) error {
	for name, data := range files {
		path := filepath.Join(t.stageDir, filepath.FromSlash(name))
		mode := fs.FileMode(0o644)
		switch {
		case name == private: // names, phones and mail addresses
			mode = 0o600
		case strings.HasPrefix(string(data), "#!"):
			mode = 0o755
		}
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if err == nil {
			err = os.WriteFile(path, data, mode)
		}
		if err != nil {
			return fmt.Errorf("write plan: %w", err)
		}
	}
	return nil
}

// settle puts the staged files in their place. A directory that was there keeps being the same one, because somebody may stand
// in it; plan.yaml comes last, so that what was not finished is not taken for a plan.
func (t *target) settle() (err error) {
	if t.fresh {
		err = os.Chmod(t.stageDir, 0o755)
		if err == nil {
			err = os.Rename(t.stageDir, t.dir)
		}
		return placed(err)
	}
	entries, err := os.ReadDir(t.stageDir)
	if err != nil {
		return placed(err)
	}
	slices.SortStableFunc(entries, func(a, b fs.DirEntry) int { return last(a.Name()) - last(b.Name()) })
	for i, e := range entries {
		to := filepath.Join(t.dir, e.Name())
		if _, err = os.Lstat(to); err == nil {
			err = fmt.Errorf("%s has come into being meanwhile", to)
		} else {
			err = os.Rename(filepath.Join(t.stageDir, e.Name()), to)
		}
		if err != nil {
			for _, done := range entries[:i] {
				os.RemoveAll(filepath.Join(t.dir, done.Name()))
			}
			return placed(err)
		}
	}
	return nil
}

func last(name string) int {
	if name == plan.File {
		return 1
	}
	return 0
}

func placed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("write plan: %w", err)
}

// discard removes what was staged and not placed.
func (t *target) discard() { os.RemoveAll(t.stageDir) }
