package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"skift/internal/app"
	"skift/internal/diag"
	"skift/internal/plan"
	"skift/internal/term"
	"skift/internal/words"
	"skift/runbooks"
)

// runbookCommand shows the runbooks of the plan and lets them learn from runs.
func (s *session) runbookCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "runbook show|graph|diff|adopt", Short: "Show the plan's runbooks, and let them learn from runs",
		Long: "show lists the steps; graph draws what needs what; diff shows what was changed since a run or between two; adopt takes the durations\n" +
			"that a run measured into the runbook.",
		RunE: func(c *cobra.Command, a []string) error {
			if len(a) > 0 {
				return unknownCommand(c, a[0])
			}
			return usage("say what is to be done", "skift runbook show, graph, diff or adopt")
		},
	}
	c.AddCommand(s.bookShowCommand(), s.bookGraphCommand(), s.bookDiffCommand(), s.adoptCommand())
	for _, sub := range c.Commands() {
		sub.Flags().SortFlags = false
		sub.DisableFlagsInUseLine = true
	}
	return c
}

// shownBook is `skift runbook show --json` and `skift runbook graph --json`.
type shownBook struct {
	ID       string        `json:"id"`
	File     string        `json:"file"`
	Standard bool          `json:"standard"` // it ships with the program
	Window   string        `json:"window,omitempty"`
	BackOut  string        `json:"back_out,omitempty"`
	Steps    []shownStep   `json:"steps"`
	Longest  time.Duration `json:"longest"` // along the longest way, as far as steps are estimated
}

// shownStep is one step of it.
type shownStep struct {
	ID        string        `json:"id"`
	Name      string        `json:"name"` // in the plan's language
	Kind      string        `json:"kind"`
	Owner     string        `json:"owner,omitempty"`
	Stream    string        `json:"stream,omitempty"`
	Needs     []string      `json:"needs,omitempty"`
	AfterGate string        `json:"after_gate,omitempty"`
	NoReturn  bool          `json:"point_of_no_return,omitempty"`
	Takes     time.Duration `json:"takes,omitempty"` // missing = not estimated
	Layer     int           `json:"layer"`           // 1 = needs nothing
	NotBefore string        `json:"not_before,omitempty"`
	Runbook   string        `json:"runbook,omitempty"` // that it starts
	Exit      string        `json:"exit,omitempty"`    // of a milestone in the overall plan: the gate whose go ends it
	Until     string        `json:"until,omitempty"`   // the date or event that ends it
	After     []string      `json:"after,omitempty"`   // milestones that a gate of it wants passed
}

func (s *session) bookShowCommand() *cobra.Command {
	var source bool
	c := &cobra.Command{
		Use: "show RUNBOOK [--yaml]", Short: "List the steps of a runbook", Args: args("RUNBOOK"),
		Long: "--yaml prints the file as it is written. One that ships with the program becomes the plan's own that way:\n" +
			"skift runbook show cutover-weekend --yaml > runbooks/cutover-weekend.yaml",
		RunE: func(_ *cobra.Command, a []string) error {
			p, r, err := s.book(a[0])
			switch {
			case err != nil:
				return err
			case source && compiled(r):
				return usage("the overall plan has no file of its own", "it is made from the milestones of plan.yaml")
			case source:
				_, err := s.out.Write(bookSource(p, r))
				return err
			case s.json:
				return s.printJSON(showBook(p, r))
			}
			return s.showBook(p, r)
		},
	}
	c.Flags().BoolVar(&source, "yaml", false, "print the file as it is written")
	return s.asJSON(c)
}

// book finds a runbook in the plan as it is now.
func (s *session) book(id string) (*plan.Plan, *runbooks.Runbook, error) {
	p, _, err := app.Load(s.dir)
	if err != nil {
		return nil, nil, err
	}
	s.plan = p
	if id == plan.MasterID {
		return p, plan.Master(p), nil
	}
	if r := p.Runbooks[id]; r != nil {
		return p, r, nil
	}
	return nil, nil, noBook(p, id)
}

func noBook(p *plan.Plan, id string) error {
	hint := "there are: " + strings.Join(p.RunbookIDs, ", ")
	if near := diag.Suggest(id, p.RunbookIDs); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return usage(fmt.Sprintf("the plan has no runbook %q", id), hint)
}

// bookSource is the text of a runbook as a revision of the plan has it.
func bookSource(p *plan.Plan, r *runbooks.Runbook) []byte {
	if src, ok := p.Sources[r.File]; ok {
		return src
	}
	src, _ := runbooks.Standard(r.ID)
	return src
}

func showBook(p *plan.Plan, r *runbooks.Runbook) shownBook {
	out := shownBook{ID: r.ID, File: r.File, Standard: r.Standard, Window: r.Window, BackOut: r.BackOut, Steps: []shownStep{}}
	layer := map[string]int{}
	ends := map[string]time.Duration{}
	for _, st := range inOrder(r) {
		n, begin := 1, time.Duration(0)
		for _, need := range st.Needs {
			n, begin = max(n, layer[need]+1), max(begin, ends[need])
		}
		layer[st.ID], ends[st.ID] = n, begin+st.Takes
		out.Longest = max(out.Longest, ends[st.ID])
	}
	for _, st := range r.Steps {
		out.Steps = append(out.Steps, shownStep{ID: st.ID, Name: st.Name(p.Language), Kind: string(st.Kind), Owner: st.Owner, Stream: st.Stream, Needs: st.Needs,
			AfterGate: st.AfterGate, NoReturn: st.PointOfNoReturn, Takes: st.Takes, Layer: layer[st.ID], NotBefore: st.NotBefore, Runbook: st.Runbook,
			Exit: st.Ends.Gate, Until: st.Ends.Until, After: st.Ends.After})
	}
	return out
}

// inOrder lists the steps so that what a step needs stands before it. A runbook that was read has no circle.
func inOrder(r *runbooks.Runbook) []*runbooks.Step {
	var out []*runbooks.Step
	seen := map[string]bool{}
	var visit func(st *runbooks.Step)
	visit = func(st *runbooks.Step) {
		if st == nil || seen[st.ID] {
			return
		}
		seen[st.ID] = true
		for _, need := range st.Needs {
			visit(r.Step(need))
		}
		out = append(out, st)
	}
	for _, st := range r.Steps {
		visit(st)
	}
	return out
}

func (s *session) showBook(p *plan.Plan, r *runbooks.Runbook) error {
	c, b := speak(p), showBook(p, r)
	s.bookHead(c, p, r)
	t := term.NewTable("", c.T("book.col.step"), c.T("book.col.kind"), c.T("book.col.takes"), c.T("book.col.owner")).Right(3).Fold(2)
	for _, st := range b.Steps {
		t.Cells(bookMark(st), term.Cell{Text: st.ID}, term.Cell{Text: c.T("step-kind." + st.Kind)}, term.Cell{Text: takesText(c, st.Takes)}, term.Cell{Text: st.Owner})
		for _, line := range stepNotes(c, st) {
			t.Under(line)
		}
	}
	if err := t.Write(s.out, s.screen); err != nil {
		return err
	}
	if compiled(r) {
		s.printf("%s\n", c.N("book.milestones", len(b.Steps)))
		return nil
	}
	open := 0
	for _, st := range b.Steps {
		if st.Takes == 0 {
			open++
		}
	}
	s.printf("%s\n", c.N("book.sum", len(b.Steps), "takes", c.Duration(b.Longest), "open", open))
	return nil
}

func (s *session) bookHead(c *words.Catalogue, p *plan.Plan, r *runbooks.Runbook) {
	name, parts := r.ID, []string{r.Title.In(p.Language)}
	if r.Window != "" {
		parts = append(parts, c.T("book.window", "window", r.Window))
	}
	if r.BackOut != "" {
		parts = append(parts, c.T("book.back-out", "runbook", r.BackOut))
	}
	switch {
	case compiled(r):
		name, parts = c.T("overall-plan"), append(parts, c.T("book.compiled"))
	case r.Standard:
		parts = append(parts, c.T("book.standard"))
	default:
		parts = append(parts, r.File)
	}
	parts = slices.DeleteFunc(parts, func(t string) bool { return t == "" })
	for i, l := range term.Parts(append([]string{name}, parts...), " · ", s.screen.Width) {
		if rest, ok := strings.CutPrefix(l, name); ok && i == 0 {
			l = s.screen.Bold(name) + rest
		}
		s.printf("%s\n", l)
	}
}

// bookMark shows by shape what binds a step.
func bookMark(st shownStep) term.Cell {
	switch {
	case st.NoReturn:
		return term.Cell{Text: term.Fail.Shape(), State: term.Fail}
	case st.AfterGate != "", st.Exit != "":
		return term.Cell{Text: term.Gate.Shape(), State: term.Gate}
	}
	return term.Cell{Text: "·"}
}

// stepNotes is what stands below a step: its name, what it waits for, and the point of no return.
func stepNotes(c *words.Catalogue, st shownStep) []string {
	var bound []string
	if len(st.Needs) > 0 {
		bound = append(bound, c.T("book.col.needs")+" "+strings.Join(st.Needs, ", "))
	}
	if st.AfterGate != "" {
		bound = append(bound, c.T("book.gate", "gate", st.AfterGate))
	}
	bound = append(bound, milestoneNotes(c, st)...)
	if st.NoReturn {
		bound = append(bound, c.T("book.no-return"))
	}
	var out []string
	if st.Name != st.ID {
		out = append(out, st.Name)
	}
	if len(bound) > 0 {
		out = append(out, strings.Join(bound, " · "))
	}
	return out
}

func takesText(c *words.Catalogue, d time.Duration) string {
	if d == 0 {
		return "–"
	}
	return c.Duration(d)
}
