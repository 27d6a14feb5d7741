package yamldoc

import (
	"bytes"
	"fmt"
	"testing"

	"go.yaml.in/yaml/v4"

	"skift/internal/diag"
	"skift/internal/figure"
)

// largePlan is a plan of n steps, three quarters of them in flow style.
func largePlan(n int) []byte {
	var b bytes.Buffer
	b.WriteString("runbook: cutover-weekend\nwindow: cutover\nsteps:\n")
	for i := range n {
		if i%4 == 0 {
			fmt.Fprintf(&b, "  step-%d:\n    needs: [step-%d, step-%d]\n    owner: sse/operator\n    takes: 1h30m\n"+
				"    manual: {da: \"Stop indtag nr. %d\", en: \"Stop intake no. %d\"}\n    verify: [intake-closed]\n    change: transition\n", i, max(i-1, 0), max(i-2, 0), i, i)
			continue
		}
		fmt.Fprintf(&b, "  step-%d: {needs: [step-%d], owner: ibm/operator, stream: data, takes: 20m, manual: \"Copy file %d\", verify: [equal], change: transition}\n", i, i-1, i)
	}
	return b.Bytes()
}

type step struct {
	id     string
	needs  []diag.Word
	owner  diag.Word
	stream string
	manual Text
	takes  Span
	verify []diag.Word
	change string
}

// readPlan reads what a runbook loader would.
func readPlan(src []byte, list *diag.List) (steps []step) {
	n, ok := Parse("f.yaml", src, list)
	if !ok {
		return nil
	}
	m := n.Map()
	defer m.Done()
	m.ID("runbook")
	m.ID("window")
	m.Map("steps").EachID(func(id string, n Node) {
		m := n.Map()
		defer m.Done()
		s := step{id: id, needs: m.OptWords("needs"), owner: m.OptWord("owner"), stream: m.OptID("stream", "")}
		s.takes = opt(m, "takes", Span{}, Node.Span)
		if m.ExactlyOne("manual", "command", "check", "wait", "message", "http", "sftp_copy", "runbook") == "manual" {
			s.manual = m.Prose("manual")
		}
		s.verify, s.change = m.OptWords("verify"), m.OptID("change", "")
		m.OptBool("repeatable", false)
		m.OptOneOf("on_failure", "hold", "hold", "retry", "back-out", "continue-with-reason")
		steps = append(steps, s)
	})
	return steps
}

func TestReadLargePlan(t *testing.T) {
	t.Parallel()
	var list diag.List
	steps := readPlan(largePlan(5000), &list)
	if len(steps) != 5000 || list.Len() > 0 {
		t.Fatalf("%d steps, %v", len(steps), list.Err())
	}
	if s := steps[4]; s.id != "step-4" || s.needs[1].Text != "step-2" || s.manual.En != "Stop intake no. 4" || s.takes.Clock.Minutes() != 90 {
		t.Errorf("%+v", s)
	}
}

// BenchmarkReadLargePlan compares reading 5,000 steps strictly with only
// parsing them, in turns; "x-bare" is the ratio. The aim is at most 3.
func BenchmarkReadLargePlan(b *testing.B) {
	src := largePlan(5000)
	bare := func() {
		var n yaml.Node
		if err := yaml.Load(src, &n); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("bare", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			bare()
		}
	})
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		var ours, floor int64
		for b.Loop() {
			var list diag.List
			start := b.Elapsed()
			readPlan(src, &list)
			middle := b.Elapsed()
			bare()
			ours, floor = ours+int64(middle-start), floor+int64(b.Elapsed()-middle)
		}
		figure.AtMost(b, "x-bare", float64(ours)/float64(floor), 3, "reading 5,000 steps strictly beside only parsing them")
	})
}
