package journal_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"skift/internal/journal"
	"skift/internal/register"
	"skift/internal/run"
)

// slowed tells that this program looks for races.
var slowed bool

// bodies has one value of the body of every kind of event there is.
var bodies = map[string]any{
	run.RunStarted: run.Started{}, run.RunWasHeld: run.Ended{}, run.RunReleased: run.Ended{}, run.RunPaused: run.Pausing{},
	run.RunResumed: run.Pausing{}, run.RunEnded: run.Ended{}, run.StepStarted: run.Begun{}, run.StepLaunched: run.Launched{},
	run.StepVerifying: run.Finished{}, run.StepFinished: run.Finished{}, run.StepUncertain: run.Finished{}, run.StepRetried: run.Finished{},
	run.StepWasHeld: run.Finished{}, run.StepReleased: run.Finished{}, run.StepChanged: run.Changed{}, run.StepFlagged: run.Flagged{},
	run.StepCleared: run.Flagged{}, run.StepNoted: run.Noted{}, run.StepAdded: run.Added{}, run.StepContradicted: run.Contradicted{},
	run.StepAgrees: run.Contradicted{}, run.StepContradictionAccepted: run.Contradicted{},

	register.PlanAdopted: register.Adopted{}, register.GateOpened: register.Opened{}, register.GateVoted: register.Voted{},
	register.GateAttested: register.Attested{}, register.GateExtended: register.Extended{}, register.GateDecided: register.Decided{},
	register.GateUsed: struct{}{}, register.PhaseMoved: register.Moved{}, register.DeviationAccepted: register.Accepted{},
	register.DeviationConfirmed: register.Confirmed{}, register.MilestoneStarted: register.Passed{}, register.MilestonePassed: register.Passed{},
	register.MilestoneReopened: register.Passed{}, register.StatusSet: register.StatusBody{}, register.NoteWritten: register.StatusBody{},
	register.Logged: register.LogBody{}, register.SweepDone: register.Swept{}, register.ProbingPaused: register.PauseBody{},
	register.ProbingResumed: register.PauseBody{}, register.ReportQueued: register.Queued{}, register.MessageSettled: register.Settled{},
	register.ProbeExported: register.Exported{}, register.ProbeRevoked: register.Revoked{}, register.ProbeImported: register.Imported{},
	register.LogObserved: register.Observed{}, register.DataTakenOver: register.TakenOver{},
	register.OverrideAsked: register.Override{}, register.OverrideConfirmed: register.Confirmed{}, register.WaiverAsked: register.Waiver{}, register.WaiverConfirmed: register.Confirmed{}, register.DriftAnswered: register.DriftAnswer{},
	register.ZoneBaseline: register.Baseline{}, register.DriftAsked: register.DriftQuestion{}, register.DriftExcepted: register.DriftQuestion{},
	register.IncidentOpened: register.Incident{}, register.IncidentChanged: register.Incident{}, register.IncidentClosed: register.Closing{}, register.IncidentsListed: register.Listed{},
}

// everyText has what is written in more than one way: letters of several bytes, what is escaped in JSON, what is escaped for browsers.
const everyText = "Skift: æ\u00a0€ \U0001F600 \"no\" \\ <b>&\u2028\t/é"

// fill gives every field of a value something that is not nothing.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString("æ\"<\u2028")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(1_234_567_890)
	case reflect.Float64:
		v.SetFloat(12.5)
	case reflect.Uint8:
		v.SetUint(200)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key)
		fill(value)
		v.SetMapIndex(key, value)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Date(2019, 11, 9, 2, 3, 4, 567_891_000, time.UTC)))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	default:
		panic("a body holds a " + v.Kind().String())
	}
}

// kinds lists every kind of event there is.
func kinds() []string { return slices.Sorted(slices.Values(append(run.Kinds(), register.Kinds()...))) }

// everyKind is a journal with an event of each kind, every field of which says something.
func everyKind(t testing.TB) []journal.Record {
	t.Helper()
	var recs []journal.Record
	for i, kind := range kinds() {
		body, known := bodies[kind]
		if !known {
			t.Fatalf("give %s a body in this test", kind)
		}
		v := reflect.New(reflect.TypeOf(body)).Elem()
		fill(v)
		b, err := json.Marshal(v.Interface())
		if err != nil {
			t.Fatal(err)
		}
		e := journal.Event{Plan: "move", Seq: int64(i + 1), At: time.Date(2019, 11, 9, 2, 3, i%60, 120_000+1000*i, time.UTC), Kind: kind, Run: "weekend-1", Subject: everyText,
			Actor: journal.Actor{Seat: "ibm/operator", Person: "p-7", EnteredBy: "uid-1000", Via: journal.ViaPhone}, Body: b}
		if err := e.Check(); err != nil {
			t.Fatal(err)
		}
		recs = append(recs, journal.Record{Event: e, Leaf: journal.LeafHash(e)})
	}
	if len(recs) != len(bodies) {
		t.Fatalf("%d kinds, %d bodies", len(recs), len(bodies))
	}
	return recs
}

func headOf(recs []journal.Record) (f journal.Frontier, h *journal.Head) {
	for _, r := range recs {
		f.Append(r.Leaf)
	}
	head := f.Head("move")
	return f, &head
}

// exportOf writes a journal as `skift journal export` does.
func exportOf(t testing.TB, recs []journal.Record) []byte {
	t.Helper()
	f, _ := headOf(recs)
	var b bytes.Buffer
	var all iter.Seq2[journal.Record, error] = func(yield func(journal.Record, error) bool) {
		for _, r := range recs {
			if !yield(r, nil) {
				return
			}
		}
	}
	if err := journal.Export(&b, "move", f, all); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// verify is what `skift verify FILE --head HEAD` does: nil when there is nothing to say against it.
func verify(export []byte, held *journal.Head) error {
	x, err := journal.Import(bytes.NewReader(export))
	if err != nil {
		return err
	}
	report, err := journal.Verify(x.Head.Plan, x.Records(), x.Frontier, held)
	if err == nil && !report.OK() {
		err = fmt.Errorf("%s", report)
	}
	return err
}

// mentions finds the lines and events that a refusal names; "events 3–5 are" names all three.
var mentions = regexp.MustCompile(`(line|events?) (\d+)(?:–(\d+))?`)

// names reports whether a refusal names the event.
func names(err error, event int) bool {
	for _, m := range mentions.FindAllStringSubmatch(err.Error(), -1) {
		first, _ := strconv.Atoi(m[2])
		last, _ := strconv.Atoi(m[3])
		if m[1] == "line" {
			first-- // the first line is the head
		}
		if first <= event && event <= max(first, last) {
			return true
		}
	}
	return false
}

// TestEveryByteOfEveryKind changes every byte of the export of a journal with every kind of event: it is refused, and the event is named.
// Of each byte one of its bits is turned, and it becomes one of what JSON treats in a way of its own, each byte another. That no other value
// is let through follows from how an export is read, which [TestEveryValueOfEveryByte] shows: a line that is not written as its record is
// written is refused whatever stands in it, so that an accepted line with another byte is another record, and has another leaf.
func TestEveryByteOfEveryKind(t *testing.T) {
	t.Parallel()
	for i, rec := range everyKind(t) {
		t.Run(rec.Kind, func(t *testing.T) {
			t.Parallel()
			// Each line is read by itself: the lines of another event say nothing about this one. So it stands alone here, as the first.
			rec.Seq = 1
			rec.Leaf = journal.LeafHash(rec.Event)
			good := exportOf(t, []journal.Record{rec})
			_, held := headOf([]journal.Record{rec})
			if err := verify(good, held); err != nil {
				t.Fatal(err)
			}
			line := bytes.IndexByte(good, '\n') + 1
			bad := bytes.Clone(good)
			for at := range good {
				if at < line && i > 0 {
					continue // the head is the same for all
				}
				for n, value := range []byte{good[at] ^ 1<<(at%8), lexical[at%len(lexical)]} {
					if slowed && n != at/8%2 || value == good[at] {
						continue
					}
					bad[at] = value
					switch err := verify(bad, held); {
					case err == nil:
						t.Fatalf("byte %d: %q became %q unseen, after %s", at, good[at], value, good[max(0, at-40):at])
					case at >= line && !names(err, 1):
						t.Fatalf("byte %d: %q became %q, and the event is not named: %v", at, good[at], value, err)
					}
				}
				bad[at] = good[at]
			}
		})
	}
}

// lexical is what JSON and UTF-8 treat in a way of their own. Its length and the width of a line have no common measure.
const lexical = "\"\\\n\r\t ,:{}[]0aAeE+-.uZ/\x00\x7f\x80\xc3\xff"

// TestEveryValueOfEveryByte changes every byte of an event, and of the head, to every other value. To who reads an export a kind and a body
// are texts like any other, so that this event stands for all.
func TestEveryValueOfEveryByte(t *testing.T) {
	t.Parallel()
	e := journal.Event{Plan: "move", Seq: 1, At: time.Date(2019, 11, 9, 2, 3, 4, 120_000_000, time.UTC), Kind: run.StepNoted, Run: "w-1", Subject: "copy",
		Actor: journal.Actor{Seat: "ibm/operator", Person: "p", EnteredBy: "u", Via: journal.ViaMail}, Body: run.Body(run.Noted{Text: everyText})}
	recs := []journal.Record{{Event: e, Leaf: journal.LeafHash(e)}}
	good := exportOf(t, recs)
	_, held := headOf(recs)
	line := bytes.IndexByte(good, '\n') + 1
	bad := bytes.Clone(good)
	for at := range good {
		for value := range 256 {
			if byte(value) == good[at] || slowed && value%8 != at%8 {
				continue
			}
			bad[at] = byte(value)
			if err := verify(bad, held); err == nil || at >= line && !names(err, 1) {
				t.Fatalf("byte %d: %q became %q: %v", at, good[at], byte(value), err)
			}
		}
		bad[at] = good[at]
	}
}

// TestOneByteInTheMiddle changes a byte of each event where it stands among all the others: the others are not blamed.
func TestOneByteInTheMiddle(t *testing.T) {
	t.Parallel()
	recs := everyKind(t)
	good := exportOf(t, recs)
	_, held := headOf(recs)
	if err := verify(good, held); err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(good, []byte("\n"))
	for i := range recs {
		at := len(bytes.Join(lines[:i+1], nil))
		for _, field := range []string{`"seq":`, `"at":"2`, `"kind":"`, `"run":"`, `"subject":"`, `"seat":"`, `"person":"`, `"entered_by":"`, `"via":"`, `"body":"{`, `"leaf":"`} {
			bad := bytes.Clone(good)
			in := bytes.Index(lines[i+1], []byte(field))
			if in < 0 && field == `"body":"{` {
				continue
			}
			if in < 0 {
				t.Fatalf("event %d has no %s:\n%s", i+1, field, lines[i+1])
			}
			bad[at+in+len(field)] ^= 1
			err := verify(bad, held)
			if err == nil || !names(err, i+1) {
				t.Errorf("event %d, %s: %v", i+1, field, err)
			}
			if other := (i + 20) % len(recs); err != nil && field == `"kind":"` && names(err, other+1) {
				t.Errorf("event %d was changed and event %d is blamed: %v", i+1, other+1, err)
			}
		}
	}
}

// TestEveryLineOfAJournal deletes each line, doubles it, swaps it with its neighbour, moves it to the end, and cuts the file off after
// each: without any head that somebody kept, for the export carries its own.
func TestEveryLineOfAJournal(t *testing.T) {
	t.Parallel()
	recs := everyKind(t)
	lines := bytes.SplitAfter(exportOf(t, recs), []byte("\n"))
	lines = lines[:len(lines)-1]
	check := func(what string, event int, changed [][]byte) {
		t.Helper()
		switch err := verify(bytes.Join(changed, nil), nil); {
		case err == nil:
			t.Errorf("%s %d: unseen", what, event)
		case event > 0 && !names(err, event):
			t.Errorf("%s %d, and it is not named: %v", what, event, err)
		}
	}
	for i := range lines { // line i is event i; 0 is the head
		check("deleted", i, slices.Delete(slices.Clone(lines), i, i+1))
		check("doubled", i, slices.Insert(slices.Clone(lines), i, lines[i]))
		if i+1 < len(lines) {
			swapped := slices.Clone(lines)
			swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
			check("swapped", i, swapped)
			check("cut off after", i+1, lines[:i+1])
			check("moved to the end", i, append(slices.Delete(slices.Clone(lines), i, i+1), lines[i]))
		}
		if i > 0 { // the file ends inside a line
			check("cut off inside", i, append(slices.Clone(lines[:i]), lines[i][:len(lines[i])/2]))
			check("its end of line cut off", i, append(slices.Clone(lines[:i]), lines[i][:len(lines[i])-1]))
		}
	}
}

// TestEveryOlderCopy puts each older copy in the place of the whole journal. It is in order by itself; who has a head from later sees it,
// and who has one from before sees that it goes on from there.
func TestEveryOlderCopy(t *testing.T) {
	t.Parallel()
	recs := everyKind(t)
	_, late := headOf(recs)
	for n := range recs {
		old := exportOf(t, recs[:n])
		_, now := headOf(recs[:n])
		_, early := headOf(recs[:n/2])
		for _, held := range []*journal.Head{nil, now, early} {
			if err := verify(old, held); err != nil {
				t.Errorf("the copy of %d events: %v", n, err)
			}
		}
		want := fmt.Sprintf("rolled back or truncated: the held head was taken at %d events, the journal ends at %d", len(recs), n)
		if err := verify(old, late); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("rolled back to %d events: %v", n, err)
		}
		// Another history from there on, as long as the one that was lost.
		other := slices.Clone(recs)
		for i := n; i < len(other); i++ {
			other[i].Actor.Seat = "sse/operator"
			other[i].Leaf = journal.LeafHash(other[i].Event)
		}
		if err := verify(exportOf(t, other), late); err == nil || !strings.Contains(err.Error(), "not those of the held head") {
			t.Errorf("another history after %d events: %v", n, err)
		}
	}
}
