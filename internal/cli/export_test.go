package cli_test

import (
	"bytes"
	"math/rand/v2"
	"slices"

	"github.com/rogpeppe/go-internal/testscript"

	"skift/internal/journal"
)

// proves reports whether an export is believed by whoever holds a head.
func proves(export []byte, held *journal.Head) bool {
	x, err := journal.Import(bytes.NewReader(export))
	if err != nil {
		return false
	}
	r, err := journal.Verify(x.Head.Plan, x.Records(), x.Frontier, held)
	return err == nil && r.OK()
}

// everyChange changes an exported journal in every single byte, takes away and doubles each line, puts lines in another order and
// cuts it off everywhere: nothing of that is believed, with a head and without one.
func everyChange(ts *testscript.TestScript, _ bool, args []string) {
	good := []byte(ts.ReadFile(args[0]))
	held, err := journal.ParseHead(args[1])
	ts.Check(err)
	tried := 0
	try := func(what string, n int, bad []byte) {
		for _, h := range []*journal.Head{nil, &held} {
			tried++
			if proves(bad, h) {
				ts.Fatalf("%s %d: not found (held %v):\n%s", what, n, h, bad)
			}
		}
	}
	if !proves(good, nil) || !proves(good, &held) {
		ts.Fatalf("the export itself is not believed")
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1 << (i % 8)
		try("flipped byte", i, bad)
	}
	for n := range good {
		try("cut off after byte", n, good[:n])
	}
	lines := bytes.SplitAfter(good, []byte("\n"))
	lines = lines[:len(lines)-1] // what is behind the last line feed: nothing
	for i := range lines {
		try("deleted line", i+1, bytes.Join(slices.Delete(slices.Clone(lines), i, i+1), nil))
		try("doubled line", i+1, bytes.Join(slices.Insert(slices.Clone(lines), i, lines[i]), nil))
	}
	swap := func(i, j int) {
		bad := slices.Clone(lines)
		bad[i], bad[j] = bad[j], bad[i]
		try("exchanged line", i+1, bytes.Join(bad, nil))
	}
	for i := range len(lines) - 1 {
		swap(i, i+1)
	}
	r := rand.New(rand.NewPCG(7, 7))
	for range 200 {
		if i, j := r.IntN(len(lines)), r.IntN(len(lines)); i != j {
			swap(i, j)
		}
	}
	ts.Logf("%d bytes, %d events: %d changes, each found", len(good), len(lines)-1, tried)
}
