package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"
)

const plan = "weekend"

func event(seq int64) Event {
	return Event{
		Plan: plan, Seq: seq, At: time.Date(2019, 11, 9, 0, 0, int(seq), 1000*int(seq), time.UTC),
		Kind: "step.done", Run: "cutover-weekend-1", Subject: fmt.Sprintf("step-%d", seq),
		Actor: Actor{Seat: "ibm/operator", Person: "p7", EnteredBy: "uid-1000", Via: ViaPhone},
		Body:  fmt.Appendf(nil, `{"n": %d, "say": "æ <b> & \u2028"}`, seq),
	}
}

func record(e Event) Record { return Record{e, LeafHash(e)} }

// written is a journal of n events and its tree.
func written(n int64) ([]Record, Frontier) {
	var recs []Record
	var f Frontier
	for seq := int64(1); seq <= n; seq++ {
		recs = append(recs, record(event(seq)))
		f.Append(recs[seq-1].Leaf)
	}
	return recs, f
}

func stream(recs []Record) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for _, r := range recs {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func TestFrontierIsTheTree(t *testing.T) {
	t.Parallel()
	var stored []Hash
	reader := tlog.HashReaderFunc(func(at []int64) ([]Hash, error) {
		var hs []Hash
		for _, i := range at {
			hs = append(hs, stored[i])
		}
		return hs, nil
	})
	var f Frontier
	for n := int64(0); n < 300; n++ {
		want, err := tlog.TreeHash(n, reader)
		if err != nil {
			t.Fatal(err)
		}
		if n > 0 && f.Root() != want {
			t.Fatalf("root of %d leaves is not that of the tree", n)
		}
		back, err := ParseFrontier(f.Size(), f.Bytes())
		if err != nil || back.Root() != f.Root() || back.Size() != n {
			t.Fatalf("frontier of %d leaves does not survive: %v", n, err)
		}
		e := event(n + 1)
		more, err := tlog.StoredHashes(n, AppendLeaf(nil, e), reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, more...)
		f.Append(LeafHash(e))
	}
}

func TestFrontierClone(t *testing.T) {
	t.Parallel()
	_, f := written(3)
	root := f.Root()
	g := f.Clone()
	g.Append(LeafHash(event(4)))
	g.Append(LeafHash(event(5)))
	if f.Root() != root || f.Size() != 3 {
		t.Error("appending to a clone changed the original")
	}
}

func TestParseFrontierRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		size  int64
		bytes int
	}{{-1, 0}, {0, 32}, {1, 0}, {1, 31}, {3, 32}, {4, 64}} {
		if _, err := ParseFrontier(tt.size, make([]byte, tt.bytes)); err == nil {
			t.Errorf("size %d with %d bytes was accepted", tt.size, tt.bytes)
		}
	}
}

// parseLeaf reads what AppendLeaf wrote: that it can be written at all proves
// that no two events share a leaf.
func parseLeaf(b []byte) (e Event, err error) {
	next := func() (field []byte) {
		if len(b) < 4 || uint64(binary.BigEndian.Uint32(b)) > uint64(len(b)-4) {
			err = errors.New("short")
			return nil
		}
		n := binary.BigEndian.Uint32(b)
		field, b = b[4:4+n], b[4+n:]
		return field
	}
	number := func() int64 {
		f := next()
		if len(f) != 8 {
			err = errors.New("not a number")
			return 0
		}
		return int64(binary.BigEndian.Uint64(f))
	}
	if string(next()) != leafFormat {
		return e, errors.New("another format")
	}
	e.Seq, e.At = number(), time.UnixMicro(number()).UTC()
	for _, f := range e.texts() {
		*f = string(next())
	}
	e.Body = next()
	if len(b) > 0 {
		err = errors.New("long")
	}
	return e, err
}

func FuzzLeaf(f *testing.F) {
	f.Add(AppendLeaf(nil, event(1)))
	f.Add(AppendLeaf(nil, Event{}))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := parseLeaf(b)
		if err != nil {
			return
		}
		if again := AppendLeaf(nil, e); !bytes.Equal(again, b) {
			t.Errorf("two leaves for one event:\n%q\n%q", b, again)
		}
	})
}

func TestLeafHoldsEveryColumn(t *testing.T) {
	t.Parallel()
	base := LeafHash(event(1))
	for name, change := range map[string]func(*Event){
		"plan":       func(e *Event) { e.Plan += "x" },
		"seq":        func(e *Event) { e.Seq++ },
		"at":         func(e *Event) { e.At = e.At.Add(time.Microsecond) },
		"kind":       func(e *Event) { e.Kind += "x" },
		"run":        func(e *Event) { e.Run = "" },
		"subject":    func(e *Event) { e.Subject += "x" },
		"seat":       func(e *Event) { e.Actor.Seat += "x" },
		"person":     func(e *Event) { e.Actor.Person = "p8" },
		"entered by": func(e *Event) { e.Actor.EnteredBy = "uid-0" },
		"via":        func(e *Event) { e.Actor.Via = ViaConsole },
		"body":       func(e *Event) { e.Body = append(e.Body, ' ') },
		"border": func(e *Event) {
			e.Run, e.Subject = e.Run+e.Subject[:1], e.Subject[1:]
		},
	} {
		e := event(1)
		change(&e)
		if LeafHash(e) == base {
			t.Errorf("%s can be changed without changing the leaf", name)
		}
	}
}

// The leaf is a format: journals written before must verify for ever.
func TestLeafIsStable(t *testing.T) {
	t.Parallel()
	const want = "skift1:weekend:7:FimD9aDVl8yb3MNVnLj2yqSClM_z8SEc6byJCMmvnSY"
	if _, f := written(7); f.Head(plan).String() != want {
		t.Errorf("head of the sample journal is %s, was %s", f.Head(plan), want)
	}
}

func TestEventCheck(t *testing.T) {
	t.Parallel()
	if err := event(1).Check(); err != nil {
		t.Errorf("a good event is refused: %v", err)
	}
	for want, change := range map[string]func(*Event){
		"not the name of a plan": func(e *Event) { e.Plan = "a:b" },
		"no kind":                func(e *Event) { e.Kind = "" },
		"no instant":             func(e *Event) { e.At = time.Time{} },
		"holds NUL":              func(e *Event) { e.Subject = "a\x00b" },
		"not UTF-8":              func(e *Event) { e.Actor.Seat = "\xff" },
		"not JSON":               func(e *Event) { e.Body = []byte("{") },
		"JSON in UTF-8":          func(e *Event) { e.Body = []byte("\"\xff\"") },
	} {
		e := event(1)
		change(&e)
		if err := e.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that says %q", err, want)
		}
	}
}

func TestEventNormal(t *testing.T) {
	t.Parallel()
	e := event(1)
	e.At = e.At.Add(999).In(time.FixedZone("x", 3600))
	if diff := cmp.Diff(event(1), e.Normal()); diff != "" {
		t.Error(diff)
	}
}

func TestParseHead(t *testing.T) {
	t.Parallel()
	_, f := written(7)
	h := f.Head(plan)
	for _, s := range []string{h.String(), "  " + h.String() + "\r\n", "(" + h.String() + ").", "<" + h.String() + ">"} {
		if got, err := ParseHead(s); err != nil || got != h {
			t.Errorf("%q: %v, %v", s, got, err)
		}
	}
	good := h.String()
	for in, want := range map[string]string{
		"":                                      `does not begin with "skift1:"`,
		"skift2" + good[6:]:                     `does not begin with "skift1:"`,
		"skift1:weekend:7":                      "has 3 of 4 parts",
		strings.Replace(good, "weekend", "", 1): "not the name of a plan",
		strings.Replace(good, "weekend", "w d", 1):       "not the name of a plan",
		strings.Replace(good, ":7:", ":07:", 1):          "not a number of events",
		strings.Replace(good, ":7:", ":-7:", 1):          "not a number of events",
		strings.Replace(good, ":7:", ":seven:", 1):       "not a number of events",
		good[:len(good)-1]:                               "is a part of it lost?",
		good[:len(good)-20] + "\n" + good[len(good)-20:]: "is a part of it lost?",
		good + "A": "is a part of it lost?",
	} {
		if _, err := ParseHead(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one that says %q", in, err, want)
		}
	}
}

func FuzzParseHead(f *testing.F) {
	_, tree := written(3)
	f.Add(tree.Head(plan).String())
	f.Add(Frontier{}.Head("a").String())
	f.Add("skift1:a:1:")
	f.Fuzz(func(t *testing.T, s string) {
		h, err := ParseHead(s)
		if err != nil {
			return
		}
		if strings.ContainsAny(h.String(), " \t\r\n") {
			t.Errorf("%q is not one word", h)
		}
		if again, err := ParseHead(h.String()); err != nil || again != h {
			t.Errorf("%q: printed as %q, read back as %v, %v", s, h, again, err)
		}
	})
}

func TestFrontierProperty(t *testing.T) {
	t.Parallel()
	// Any single changed leaf changes the root and is within the narrowed span.
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		n := 1 + r.Int64N(100)
		recs, f := written(n)
		changed := r.Int64N(n)
		var g Frontier
		for i, rec := range recs {
			if int64(i) == changed {
				rec.Leaf[r.IntN(32)] ^= 1
			}
			g.Append(rec.Leaf)
		}
		first, last, ok := g.differs(f)
		if !ok || g.Root() == f.Root() || changed+1 < first || changed+1 > last {
			t.Fatalf("event %d of %d changed: span %d–%d, %v", changed+1, n, first, last, ok)
		}
	}
}

// A frontier that is taken is written as it was read, and can be appended to.
func FuzzParseFrontier(f *testing.F) {
	var g Frontier
	for n := range 4 {
		f.Add(g.Size(), g.Bytes())
		g.Append(LeafHash(event(int64(n + 1))))
	}
	f.Add(int64(-1), []byte(nil))
	f.Fuzz(func(t *testing.T, size int64, b []byte) {
		g, err := ParseFrontier(size, b)
		if err != nil || size == 1<<63-1 {
			return
		}
		if g.Size() != size || string(g.Bytes()) != string(b) {
			t.Errorf("%d events are written as %d with %x", size, g.Size(), g.Bytes())
		}
		before := g.Root()
		if g.Append(LeafHash(event(1))); g.Size() != size+1 || g.Root() == before {
			t.Errorf("an event more: size %d, root %v", g.Size(), g.Root())
		}
	})
}
