package cli

import (
	"fmt"
	"strings"

	"skift/internal/term"
)

// diffContext is how many lines are shown around what differs.
const diffContext = 2

// lineDiff is how text b differs from a, in the form that diff -u has made known; "" when it does not.
func lineDiff(nameA, nameB, a, b string) string {
	if a == b {
		return ""
	}
	ops := diffLines(splitLines(a), splitLines(b))
	var out strings.Builder
	fmt.Fprintf(&out, "--- %s\n+++ %s\n", term.Line(nameA), term.Line(nameB))
	for from := 0; from < len(ops); {
		if ops[from].kind == ' ' {
			from++
			continue
		}
		first, last := max(0, from-diffContext), from
		for i := from; i < len(ops) && i <= last+2*diffContext; i++ {
			if ops[i].kind != ' ' {
				last = i
			}
		}
		end := min(len(ops), last+1+diffContext)
		writeHunk(&out, ops[first:end])
		from = end
	}
	return out.String()
}

// diffOp is one line: kept, only in the first, or only in the second; a and b are its numbers there.
type diffOp struct {
	kind byte
	text string
	a, b int
}

func writeHunk(out *strings.Builder, ops []diffOp) {
	na, nb := 0, 0
	for _, o := range ops {
		if o.kind != '+' {
			na++
		}
		if o.kind != '-' {
			nb++
		}
	}
	fmt.Fprintf(out, "@@ -%d,%d +%d,%d @@\n", ops[0].a, na, ops[0].b, nb)
	for _, o := range ops {
		fmt.Fprintf(out, "%c%s\n", o.kind, term.Line(o.text))
	}
}

func splitLines(s string) []string {
	lines := strings.Split(s, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// diffLines finds a longest common part: what is the same at both ends is set aside first, for the rest is mostly short.
func diffLines(a, b []string) []diffOp {
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	midA, midB := a[head:len(a)-tail], b[head:len(b)-tail]
	// common[i][j] is how much of midA[i:] and midB[j:] is the same.
	common := make([][]int32, len(midA)+1)
	for i := range common {
		common[i] = make([]int32, len(midB)+1)
	}
	for i := len(midA) - 1; i >= 0; i-- {
		for j := len(midB) - 1; j >= 0; j-- {
			if midA[i] == midB[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	ops := make([]diffOp, 0, len(a)+len(b))
	i, j := 0, 0
	put := func(kind byte, text string) {
		ops = append(ops, diffOp{kind, text, i + 1, j + 1})
		if kind != '+' {
			i++
		}
		if kind != '-' {
			j++
		}
	}
	for _, l := range a[:head] {
		put(' ', l)
	}
	for x, y := 0, 0; x < len(midA) || y < len(midB); {
		switch {
		case x < len(midA) && y < len(midB) && midA[x] == midB[y]:
			put(' ', midA[x])
			x, y = x+1, y+1
		case y >= len(midB) || x < len(midA) && common[x+1][y] >= common[x][y+1]:
			put('-', midA[x])
			x++
		default:
			put('+', midB[y])
			y++
		}
	}
	for _, l := range a[len(a)-tail:] {
		put(' ', l)
	}
	return ops
}
