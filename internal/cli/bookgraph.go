package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"skift/internal/plan"
	"skift/internal/term"
	"skift/runbooks"
)

func (s *session) bookGraphCommand() *cobra.Command {
	var dot bool
	c := &cobra.Command{
		Use: "graph RUNBOOK [--dot]", Short: "Draw what needs what", Args: args("RUNBOOK"),
		Long: "Steps in layers: a step stands below all that it needs, and steps of one layer do not need each other. --dot prints the graph for\n" +
			"Graphviz: skift runbook graph cutover-weekend --dot | dot -Tsvg > weekend.svg",
		RunE: func(_ *cobra.Command, a []string) error {
			p, r, err := s.book(a[0])
			switch {
			case err != nil:
				return err
			case dot:
				s.printf("%s", dotText(p, r))
				return nil
			case s.json:
				return s.printJSON(showBook(p, r))
			}
			return s.layers(p, r)
		},
	}
	c.Flags().BoolVar(&dot, "dot", false, "print it for Graphviz")
	return s.asJSON(c)
}

func (s *session) layers(p *plan.Plan, r *runbooks.Runbook) error {
	c, b := speak(p), showBook(p, r)
	s.bookHead(c, p, r)
	last := 0
	for _, st := range b.Steps {
		last = max(last, st.Layer)
	}
	for n := 1; n <= last; n++ {
		s.printf("%s\n", s.screen.Bold(c.T("book.layer", "n", n)))
		t := term.NewTable().Fold(3)
		for _, st := range b.Steps {
			if st.Layer != n {
				continue
			}
			var from []string
			if len(st.Needs) > 0 {
				from = append(from, "← "+strings.Join(st.Needs, ", "))
			}
			if st.AfterGate != "" { // what the shape before the name stands for
				from = append(from, c.T("book.gate", "gate", st.AfterGate))
			}
			if st.NoReturn {
				from = append(from, c.T("book.no-return"))
			}
			t.Cells(bookMark(st), term.Cell{Text: st.ID}, term.Cell{Text: takesText(c, st.Takes)}, term.Cell{Text: strings.Join(from, " · ")})
		}
		if err := t.Write(s.out, s.screen); err != nil {
			return err
		}
	}
	return nil
}

// dotText is the graph in the language of Graphviz. Streams are boxes around their steps, gates are diamonds.
func dotText(p *plan.Plan, r *runbooks.Runbook) string {
	var b strings.Builder
	fmt.Fprintf(&b, "digraph %s {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n", dotWord(r.ID))
	gates := map[string]bool{}
	streams := map[string][]string{}
	for _, st := range r.Steps {
		if st.Stream != "" {
			streams[st.Stream] = append(streams[st.Stream], dotWord(st.ID))
		}
		label := st.Name(p.Language)
		if st.Takes > 0 {
			label += "\n" + speak(p).Duration(st.Takes)
		}
		style := ""
		if st.PointOfNoReturn {
			style = ", peripheries=2"
		}
		fmt.Fprintf(&b, "  %s [label=%s%s];\n", dotWord(st.ID), dotWord(label), style)
		for _, need := range st.Needs {
			fmt.Fprintf(&b, "  %s -> %s;\n", dotWord(need), dotWord(st.ID))
		}
		if g := st.AfterGate; g != "" {
			if !gates[g] {
				fmt.Fprintf(&b, "  %s [label=%s, shape=diamond];\n", dotWord("gate "+g), dotWord(g))
			}
			gates[g] = true
			fmt.Fprintf(&b, "  %s -> %s [style=dashed];\n", dotWord("gate "+g), dotWord(st.ID))
		}
	}
	for _, stream := range slices.Sorted(maps.Keys(streams)) {
		fmt.Fprintf(&b, "  subgraph %s { label=%s; %s; }\n", dotWord("cluster "+stream), dotWord(stream), strings.Join(streams[stream], "; "))
	}
	b.WriteString("}\n")
	return b.String()
}

// dotWord is a text as Graphviz reads it: in quotes, line breaks as \n, nothing that a terminal obeys.
func dotWord(s string) string {
	var lines []string
	for _, l := range strings.Split(s, "\n") {
		lines = append(lines, strings.ReplaceAll(strings.ReplaceAll(term.Line(l), `\`, `\\`), `"`, `\"`))
	}
	return `"` + strings.Join(lines, `\n`) + `"`
}
