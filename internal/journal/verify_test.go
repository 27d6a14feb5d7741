package journal

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func head(n int64) *Head {
	_, f := written(n)
	h := f.Head(plan)
	return &h
}

func TestVerify(t *testing.T) {
	t.Parallel()
	const n = 11
	rehash := func(r *Record) { r.Leaf = LeafHash(r.Event) }
	tests := []struct {
		name   string
		change func([]Record) []Record
		stored int64 // size of the stored tree; 0: n
		held   *Head
		seq    int64  // of the first problem
		want   string // in the first problem; empty: none
	}{
		{name: "untouched"},
		{name: "untouched, held", held: head(5)},
		{name: "untouched, held all", held: head(n)},
		{name: "untouched, held none", held: head(0)},
		{name: "body", seq: 4, want: "event 4 (step.done step-4) differs from the leaf hash",
			change: func(r []Record) []Record { r[3].Body[2] ^= 1; return r }},
		{name: "leaf", seq: 4, want: "event 4 (step.done step-4) differs from the leaf hash",
			change: func(r []Record) []Record { r[3].Leaf[31] ^= 1; return r }},
		{name: "plan", seq: 4, want: `event 4 belongs to plan "weekenx"`,
			change: func(r []Record) []Record { r[3].Plan = "weekenx"; return r }},
		{name: "body and leaf", seq: 1, want: "events 1–8 are rewritten together",
			change: func(r []Record) []Record { r[3].Body[2] ^= 1; rehash(&r[3]); return r }},
		{name: "body and leaf of the last", seq: 11, want: "event 11 is rewritten together",
			change: func(r []Record) []Record { r[10].Body[2] ^= 1; rehash(&r[10]); return r }},
		{name: "deleted", seq: 4, want: "event 4 is missing: the next one stored is event 5",
			change: func(r []Record) []Record { return slices.Delete(r, 3, 4) }},
		{name: "deleted first ones", seq: 1, want: "events 1–2 are missing: the next one stored is event 3",
			change: func(r []Record) []Record { return r[2:] }},
		{name: "reordered", seq: 4, want: "event 4 is missing: the next one stored is event 5",
			change: func(r []Record) []Record { r[3], r[4] = r[4], r[3]; return r }},
		{name: "contents swapped", seq: 4, want: "event 4 (step.done step-5) differs from the leaf hash",
			change: func(r []Record) []Record { r[3], r[4] = r[4], r[3]; r[3].Seq, r[4].Seq = 4, 5; return r }},
		{name: "twice", seq: 4, want: "event 4 stands after event 4",
			change: func(r []Record) []Record { return slices.Insert(r, 4, r[3]) }},
		{name: "truncated", seq: 10, want: "events 10–11 are missing at the end: the journal says it has 11",
			change: func(r []Record) []Record { return r[:9] }},
		{name: "emptied", seq: 1, want: "events 1–11 are missing at the end",
			change: func(r []Record) []Record { return nil }},
		{name: "added", stored: 9, seq: 10, want: "events 10–11 are stored, but the journal says it has 9"},
		{name: "rolled back", held: head(15), seq: 12, want: "rolled back or truncated: the held head was taken at 15 events, the journal ends at 11"},
		{name: "other plan", held: &Head{Plan: "other", Size: 3}, want: `the held head is of plan "other"`},
		{name: "rewritten before the head", held: &Head{Plan: plan, Size: 5, Root: head(4).Root},
			want: "the first 5 events are not those of the held head"},
		{name: "held an empty one of another root", held: &Head{Plan: plan},
			want: "the first 0 events are not those of the held head"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			recs, stored := written(n)
			if tt.stored > 0 {
				_, stored = written(tt.stored)
			}
			if tt.change != nil {
				recs = tt.change(recs)
			}
			report, err := Verify(plan, stream(recs), stored, tt.held)
			if err != nil {
				t.Fatal(err)
			}
			if tt.want == "" {
				if !report.OK() {
					t.Fatalf("trouble where there is none: %s", report)
				}
				return
			}
			if report.OK() {
				t.Fatal("nothing was found")
			}
			if p := report.Problems[0]; p.Seq != tt.seq || !strings.Contains(p.Text, tt.want) {
				t.Errorf("first problem is %d: %s\nwant %d: …%s…", p.Seq, p.Text, tt.seq, tt.want)
			}
			if !strings.Contains(report.String(), "cannot be trusted") {
				t.Errorf("report does not say so: %s", report)
			}
		})
	}
}

// Whoever rewrites events, leaf hashes and the stored tree alike is caught by
// the held head, and only by it.
func TestVerifyRewrittenThroughout(t *testing.T) {
	t.Parallel()
	recs, _ := written(11)
	var forged Frontier
	for i := range recs {
		if i == 3 {
			recs[i].Body = []byte(`{"decision": "go"}`)
			recs[i].Leaf = LeafHash(recs[i].Event)
		}
		forged.Append(recs[i].Leaf)
	}
	report, err := Verify(plan, stream(recs), forged, nil)
	if err != nil || !report.OK() || !strings.Contains(report.String(), "consistent with itself") || !strings.Contains(report.String(), "only a head held from earlier") {
		t.Errorf("without a held head: %v, %v", report, err)
	}
	if report, _ := Verify(plan, stream(recs), forged, head(3)); !report.OK() {
		t.Errorf("held before the change: %s", report)
	}
	for _, size := range []int64{4, 8, 11} {
		if report, _ := Verify(plan, stream(recs), forged, head(size)); report.OK() {
			t.Errorf("held at %d: not caught", size)
		}
	}
}

func TestVerifyPassesErrorsOn(t *testing.T) {
	t.Parallel()
	gone := errors.New("gone")
	_, f := written(1)
	_, err := Verify(plan, func(yield func(Record, error) bool) { yield(Record{}, gone) }, f, nil)
	if !errors.Is(err, gone) {
		t.Errorf("error %v", err)
	}
}

func TestVerifyLimitsItsReport(t *testing.T) {
	t.Parallel()
	recs, f := written(100)
	for i := range recs {
		recs[i].Leaf = Hash{}
	}
	if report, _ := Verify(plan, stream(recs), f, nil); len(report.Problems) != maxProblems {
		t.Errorf("%d problems", len(report.Problems))
	}
}

func exported(t *testing.T, n int64) []byte {
	t.Helper()
	recs, f := written(n)
	var b bytes.Buffer
	if err := Export(&b, plan, f, stream(recs)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestExportSurvives(t *testing.T) {
	t.Parallel()
	recs, _ := written(11)
	x, err := Import(bytes.NewReader(exported(t, 11)))
	if err != nil {
		t.Fatal(err)
	}
	var got []Record
	for rec, err := range x.Records() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, rec)
	}
	if diff := cmp.Diff(recs, got); diff != "" {
		t.Error(diff)
	}
	if x.Head != *head(11) {
		t.Errorf("head %s", x.Head)
	}
}

// verifyExport is what somebody does who was sent an export.
func verifyExport(b []byte, held *Head) (Report, error) {
	x, err := Import(bytes.NewReader(b))
	if err != nil {
		return Report{}, err
	}
	return Verify(x.Head.Plan, x.Records(), x.Frontier, held)
}

// Flipping any bit of an export is an error or is found, whatever it stands in: there is one way to write an export.
func TestExportFlippedBits(t *testing.T) {
	t.Parallel()
	good := exported(t, 3)
	want, err := verifyExport(good, head(3))
	if err != nil || !want.OK() {
		t.Fatal(want, err)
	}
	for i := range good {
		for bit := range 8 {
			bad := bytes.Clone(good)
			bad[i] ^= 1 << bit
			if report, err := verifyExport(bad, head(3)); err == nil && report.OK() {
				t.Fatalf("bit %d of byte %d (%q) was changed unseen", bit, i, good[max(0, i-20):i+1])
			}
		}
	}
}

// What means the same and is written otherwise is refused: nobody has to judge whether it means the same.
func TestExportRespelled(t *testing.T) {
	t.Parallel()
	good := string(exported(t, 3))
	for name, tt := range map[string]struct{ old, new, want string }{
		"white space":              {`"seq":2`, `"seq": 2`, "line 3 (event 2) is not spelled as an export is"},
		"white space at the head":  {`{"format"`, `{ "format"`, "line 1 is not spelled as an export is"},
		"another zone":             {`.000002Z"`, `.000002+00:00"`, "is not spelled"},
		"below what is hashed":     {`.000002Z"`, `.0000021Z"`, "is not spelled"},
		"a key in capitals":        {`"seq":2`, `"SEQ":2`, "is not spelled"},
		"a key twice":              {`"seq":2`, `"seq":7,"seq":2`, "is not spelled"},
		"another escape":           {`step-2`, `step\u002d2`, "is not spelled"},
		"null for what is not set": {`"seq":2`, `"seq":2,"run":null`, "is not spelled"},
		"a carriage return":        {"}\n", "}\r\n", "is not spelled"},
		"an empty line":            {"}\n", "}\n\n", "line 2 is not an event"},
		"no end of line":           {good[len(good)-2:], "}", "line 4 is not an event: it is cut off"},
	} {
		bad := strings.Replace(good, tt.old, tt.new, 1)
		if name == "no end of line" {
			bad = good[:len(good)-1]
		}
		if bad == good {
			t.Errorf("%s: %q does not stand in the export:\n%s", name, tt.old, good)
		}
		if _, err := verifyExport([]byte(bad), nil); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one that says %q", name, err, tt.want)
		}
	}
}

// A journal is verified while it is read: what is in memory does not grow with it.
func TestVerifyStreams(t *testing.T) {
	t.Parallel()
	const n = 100_000
	var tree Frontier
	for seq := int64(1); seq <= n; seq++ {
		tree.Append(LeafHash(event(seq)))
	}
	r, w := io.Pipe()
	go func() {
		w.CloseWithError(Export(w, plan, tree, func(yield func(Record, error) bool) {
			for seq := int64(1); seq <= n && yield(record(event(seq)), nil); seq++ {
			}
		}))
	}()
	x, err := Import(r)
	if err != nil {
		t.Fatal(err)
	}
	var most, before uint64
	live := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before = live()
	held := tree.Head(plan)
	report, err := Verify(x.Head.Plan, func(yield func(Record, error) bool) {
		for rec, err := range x.Records() {
			if rec.Seq%20_000 == 0 {
				most = max(most, live())
			}
			if !yield(rec, err) {
				return
			}
		}
	}, x.Frontier, &held)
	if err != nil || !report.OK() || report.Events != n {
		t.Fatal(report, err)
	}
	if most > before+16<<20 {
		t.Errorf("%d MB more are in memory than at the beginning", (most-before)>>20)
	}
}

func TestImportRefuses(t *testing.T) {
	t.Parallel()
	good := string(exported(t, 3))
	first, rest, _ := strings.Cut(good, "\n")
	for name, tt := range map[string]struct{ in, want string }{
		"empty":          {"", "it is empty"},
		"no head":        {rest, "line 1 is not the head"},
		"another format": {strings.Replace(good, "journal-1", "journal-2", 1), "line 1 is not the head"},
		"frontier":       {strings.Replace(good, `"frontier":"`, `"frontier":"AAAA`, 1), "line 1: the frontier of 3 events must have 64 bytes, not 67"},
		"head size":      {strings.Replace(good, plan+":3:", plan+":1:", 1), "line 1: the frontier of 1 events must have 32 bytes, not 64"},
		"other frontier": {strings.Replace(good, `"frontier":"`+first[strings.Index(first, `"frontier":"`)+12:][:4], `"frontier":"0000`, 1), "disagree"},
		"unknown field":  {strings.Replace(good, `"seq":2`, `"seq":2,"more":1`, 1), "line 3 is not an event"},
		"two on a line":  {strings.Replace(good, "\n{\"plan\":\"weekend\",\"seq\":3", " {\"plan\":\"weekend\",\"seq\":3", 1), "more than one value"},
		"half a line":    {good[:len(good)-20], "line 4 is not an event"},
	} {
		if _, err := verifyExport([]byte(tt.in), nil); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one that says %q", name, err, tt.want)
		}
	}
	// A lost last line is no error of reading but a journal that lacks its end.
	cut := good[:strings.LastIndex(strings.TrimSpace(good), "\n")+1]
	if report, err := verifyExport([]byte(cut), nil); err != nil || report.OK() || !strings.Contains(report.String(), "event 3 is missing at the end") {
		t.Errorf("lost line: %v, %v", report, err)
	}
}

func FuzzImport(f *testing.F) {
	recs, tree := written(2)
	var b bytes.Buffer
	if err := Export(&b, plan, tree, stream(recs)); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte(`{"format":"skift-journal-1"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := Import(bytes.NewReader(b))
		if err != nil {
			return
		}
		var recs []Record
		report, err := Verify(x.Head.Plan, func(yield func(Record, error) bool) {
			for rec, err := range x.Records() {
				recs = append(recs, rec)
				if !yield(rec, err) {
					return
				}
			}
		}, x.Frontier, nil)
		if err != nil || !report.OK() {
			return
		}
		if report.Events != x.Head.Size {
			t.Errorf("%d events are in order, the head says %d", report.Events, x.Head.Size)
		}
		var again bytes.Buffer
		if err := Export(&again, x.Head.Plan, x.Frontier, stream(recs)); err != nil || !bytes.Equal(again.Bytes(), b) {
			t.Errorf("what was accepted is written otherwise (%v):\n%s\n%s", err, b, again.Bytes())
		}
	})
}
