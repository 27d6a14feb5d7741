package probe

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"skift/checks"
	"skift/internal/figure"
)

func sum(c string) string { return strings.Repeat(c, 64) }

const listHeader = "name,size,sha256\n"

// lists asks about files of these texts; "" = there is none.
func askLists(t *testing.T, side checks.Side, o checks.ManifestOptions, old, new string) checks.Result {
	t.Helper()
	files := fstest.MapFS{}
	o.Lists = map[checks.Side]checks.Text{}
	for s, text := range map[checks.Side]string{checks.Old: old, checks.New: new} {
		if name := "lists/" + string(s) + ".csv"; text != "-" {
			o.Lists[s] = checks.Text{Literal: name}
			if text != "" {
				files[name] = &fstest.MapFile{Data: []byte(text), ModTime: noon.Add(-time.Hour)}
			}
		}
	}
	r, err := New(Config{Files: files}).Run(t.Context(), ask("", o, func(a *checks.Ask) { a.Unit.Side = side }))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s %s, facts %v, evidence %+v", r.Verdict, r.Code, r.Facts, r.Evidence)
	saw(r)
	return r
}

// Each way in which two lists can part has its own code and no other, and says where.
func TestManifest(t *testing.T) {
	t.Parallel()
	row := func(name string, size int, c string) string { return fmt.Sprintf("%s,%d,%s\n", name, size, sum(c)) }
	a, b := row("OUT/a.xml", 1, "a"), row("OUT/b.xml", 2, "b")
	both := listHeader + a + b
	out := checks.ManifestOptions{Pairs: []checks.PairRule{{Kind: checks.PairTrigger, Folder: "OUT"}, {Kind: checks.PairMetadata, Folder: "IN"}, {Kind: checks.PairReceipt, Folder: "SENT"}}}
	none := checks.ManifestOptions{}
	aged := checks.ManifestOptions{MaxListAge: 30 * time.Minute}
	cases := []struct {
		name     string
		o        checks.ManifestOptions
		old, new string
		code     checks.Code
		facts    map[string]string
		says     string
	}{
		{"the same", none, both, listHeader + b + a, checks.OK, map[string]string{"files_old": "2", "files_new": "2", "only_old": ""}, ""},
		{"another order of columns, semicolons, BOM and CRLF", none, both, "\ufeffsha256;Name;size\r\n" + sum("B") + ";./OUT/b.xml;2\r\n" + sum("a") + ";OUT/a.xml;1\r\n", checks.OK, nil, ""},
		{"sha256sum against a table", none, both, sum("a") + "  ./OUT/a.xml\n" + sum("b") + " *OUT/b.xml\r\n", checks.OK, nil, ""},
		{"quoted names", none, listHeader + row(`"OUT/a, ""b"".xml"`, 1, "a"), listHeader + row(`"OUT/a, ""b"".xml"`, 1, "a"), checks.OK, nil, ""},
		{"missing on new", none, both, listHeader + a, checks.ListDiffers, map[string]string{"only_old": "1", "names only_old": "OUT/b.xml"}, "only_old 1: OUT/b.xml"},
		{"more on new", none, listHeader + a, both, checks.ListDiffers, map[string]string{"only_new": "1", "names only_new": "OUT/b.xml"}, "only_new"},
		{"another size", none, both, listHeader + a + row("OUT/b.xml", 3, "b"), checks.ListDiffers, map[string]string{"size_differs": "1", "sha256_differs": ""}, "size_differs 1: OUT/b.xml"},
		{"another sum", none, both, listHeader + a + row("OUT/b.xml", 2, "c"), checks.ListDiffers, map[string]string{"sha256_differs": "1"}, "sha256_differs"},
		{"on their way", checks.ManifestOptions{InFlight: 1}, both, listHeader + a, checks.OK, map[string]string{"only_old": "1"}, ""},
		{"more than are on their way", checks.ManifestOptions{InFlight: 1}, listHeader + a + b + row("c", 1, "c"), listHeader + a, checks.ListDiffers, map[string]string{"only_old": "2"}, ""},
		{"another case", none, both, listHeader + a + row("OUT/B.xml", 2, "b"), checks.ListDiffers, map[string]string{"same_but_for_case": "1", "same_but_for_unicode_form": ""}, ""},
		{"another form of Unicode", none, listHeader + row("b\u00e5d", 2, "b"), listHeader + row("ba\u030ad", 2, "b"), checks.ListDiffers, map[string]string{"same_but_for_unicode_form": "1"}, ""},
		{"a civil registration number", none, listHeader + row("OUT/010203-1234.xml", 1, "a"), listHeader + row("OUT/010203-1235.xml", 1, "a"), checks.ListDiffers,
			map[string]string{"names only_old": "OUT/******-****.xml", "names only_new": "OUT/******-****.xml"}, ""},
		{"many names", none, listHeader + row("z", 1, "a") + row("y", 1, "a") + row("x", 1, "a") + row("w", 1, "a") + row("v", 1, "a") + row("u", 1, "a"), both, checks.ListDiffers,
			map[string]string{"only_old": "6", "names only_old": "u, v, w, x, y, …"}, ""},
		{"no list", none, both, "", checks.ListUnreadable, map[string]string{"list": "new"}, "file does not exist"},
		{"no old list", none, "", both, checks.ListUnreadable, map[string]string{"list": "old"}, "file does not exist"},
		{"an empty list", none, both, listHeader, checks.ListUnreadable, nil, "the list is empty"},
		{"an empty file", none, both, "\n", checks.ListUnreadable, nil, "the list is empty"},
		{"half a row", none, both, listHeader + a + "OUT/b.xml,2\n", checks.ListUnreadable, nil, "line 3"},
		{"no sum", none, both, listHeader + "OUT/a.xml,1,x\n", checks.ListUnreadable, nil, "line 2: no SHA-256"},
		{"no size", none, both, listHeader + "OUT/a.xml,+1," + sum("a") + "\n", checks.ListUnreadable, nil, `"+1" is no size`},
		{"an open quote", none, both, listHeader + "\"OUT/a.xml,1," + sum("a") + "\n", checks.ListUnreadable, nil, "line 2"},
		{"another header", none, both, "file,size\nx,1\n", checks.ListUnreadable, nil, `column "file"`},
		{"a header without anything to compare", none, both, "name\nx\n", checks.ListUnreadable, nil, "the header needs"},
		{"nothing in common to compare", none, "name,size\na,1\n", sum("a") + "  a\n", checks.ListUnreadable, nil, "in common"},
		{"a page instead of a list", none, both, "<html><body>Not found</body></html>\n", checks.ListUnreadable, nil, "the columns are name"},
		{"a sum with a word instead of a name", none, both, sum("a") + "  a\nsha256sum: b: Permission denied\n", checks.ListUnreadable, nil, "line 2: not a line of sha256sum"},
		{"a name twice", none, both, listHeader + a + a, checks.ListUnreadable, nil, "line 3: a name that was there before"},
		{"a name of one list only twice", none, both, listHeader + row("x", 1, "a") + row("x", 1, "a"), checks.ListUnreadable, nil, "line 3: a name that was there before"},
		{"a name twice in the old", none, listHeader + a + a, both, checks.ListUnreadable, map[string]string{"list": "old"}, "line 3"},
		{"out of the folder", none, both, listHeader + row("OUT/../../etc/passwd", 1, "a"), checks.ListUnreadable, nil, "leads out of the folder"},
		{"from the root", none, both, listHeader + row("/srv/a", 1, "a"), checks.ListUnreadable, nil, "begins at the root"},
		{"from a drive", none, both, listHeader + row("C:/a", 1, "a"), checks.ListUnreadable, nil, "begins at the root"},
		{"backslashes", none, both, listHeader + row(`OUT\a.xml`, 1, "a"), checks.ListUnreadable, nil, "backslash"},
		{"escapes", none, both, listHeader + row("OUT/\x1b[2J", 1, "a"), checks.ListUnreadable, nil, "control characters"},
		{"another encoding", none, both, listHeader + row("OUT/\xe6", 1, "a"), checks.ListUnreadable, nil, "not UTF-8"},
		{"a line without end", none, both, listHeader + strings.Repeat("x", maxListLine+2), checks.ListUnreadable, nil, "a line of more than"},
		{"too old by the file's time", aged, both, both, checks.Stale, nil, "2019-11-09T11:00:00Z"},
		{"new enough by its own word", aged, "# taken_at: 2019-11-09T12:40:00+01:00\n" + both, "# from the backup\n# taken_at: 2019-11-09T11:50:00Z\n" + both, checks.OK, nil, ""},
		{"too old by its own word", aged, "# taken_at: 2019-11-09T11:50:00Z\n" + both, "# taken_at: 2019-11-09T11:20:00Z\n" + both, checks.Stale, map[string]string{"list": "new"}, "11:20"},
		{"from the future", aged, "# taken_at: 2019-11-09T11:50:00Z\n" + both, "# taken_at: 2029-11-09T11:20:00Z\n" + both, checks.Stale, nil, "2029"},
		{"no time", none, both, "# taken_at: yesterday\n" + both, checks.ListUnreadable, nil, "line 1: taken_at"},
		{"whole pairs", out, "-", listHeader + a + row("OUT/a.xml.trigger", 1, "e") + row("IN/c", 1, "c") + row("IN/c.metadata", 1, "e") + row("SENT/d", 1, "d") + row("SENT/d.sftpreceipt", 1, "e") +
			row("SENT/gone.sftpreceipt", 1, "e") + row("OTHER/x", 1, "e"), checks.OK, nil, ""},
		{"a file without its trigger", out, "-", listHeader + a, checks.TriggerMissing, map[string]string{"trigger_missing": "1", "names trigger_missing": "OUT/a.xml"}, ""},
		{"a file without its metadata", out, "-", listHeader + row("IN/c", 1, "c"), checks.TriggerMissing, map[string]string{"metadata_missing": "1"}, ""},
		{"a file without its receipt", out, "-", listHeader + row("SENT/d", 1, "d"), checks.ReceiptMissing, map[string]string{"receipt_missing": "1"}, ""},
		{"a trigger without its file", out, "-", listHeader + row("OUT/a.xml.trigger", 1, "e"), checks.FileMissing, map[string]string{"file_missing": "1"}, ""},
		{"without its trigger, in every folder", checks.ManifestOptions{Pairs: []checks.PairRule{{Kind: checks.PairTrigger, Folder: "."}}}, "-", listHeader + row("X/Y/a", 1, "a"), checks.TriggerMissing, nil, ""},
		{"a pair that both sides lack", out, listHeader + a, listHeader + a, checks.TriggerMissing, nil, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := askLists(t, checks.New, c.o, c.old, c.new)
			if r.Code != c.code || r.Outcome != c.code.Info().Verdict || !strings.Contains(r.Evidence.Err, c.says) {
				t.Errorf("got %s %s saying %q; want %s saying %q", r.Outcome, r.Code, r.Evidence.Err, c.code, c.says)
			}
			for k, v := range c.facts {
				if r.Facts[k] != v {
					t.Errorf("fact %s is %q, want %q", k, r.Facts[k], v)
				}
			}
		})
	}
}

// A list per environment is looked for under the name of the one that is asked about, and what it says is no answer elsewhere.
func TestManifestPerEnvironment(t *testing.T) {
	t.Parallel()
	same, other := listHeader+"a,1,"+sum("a")+"\n", listHeader+"a,1,"+sum("b")+"\n"
	files := fstest.MapFS{}
	for name, text := range map[string]string{"lists/test/old.csv": same, "lists/test/new.csv": same, "lists/prod/old.csv": same, "lists/prod/new.csv": other} {
		files[name] = &fstest.MapFile{Data: []byte(text), ModTime: noon}
	}
	o := checks.ManifestOptions{Lists: map[checks.Side]checks.Text{checks.Old: {Literal: "lists/{environment}/old.csv"}, checks.New: {Literal: "lists/{environment}/new.csv"}}}
	hashes := map[string]string{}
	for env, want := range map[string]checks.Code{"test": checks.OK, "prod": checks.ListDiffers} {
		r, err := New(Config{Files: files}).Run(t.Context(), ask("", o, func(a *checks.Ask) { a.In = env }))
		if err != nil || r.Code != want {
			t.Errorf("%s: %s (%v), want %s", env, r.Code, err, want)
		}
		hashes[r.ConfigHash] = env
	}
	if len(hashes) != 2 {
		t.Error("an answer from one environment would be taken for one from the other")
	}
}

// The old side's unit is about its own list alone: what the new one lacks is no fault of the old.
func TestManifestOfTheOldSide(t *testing.T) {
	t.Parallel()
	good := listHeader + "a,1," + sum("a") + "\n"
	if r := askLists(t, checks.Old, checks.ManifestOptions{}, good, ""); r.Code != checks.OK {
		t.Errorf("got %s", r.Code)
	}
	if r := askLists(t, checks.Old, checks.ManifestOptions{}, "", good); r.Code != checks.ListUnreadable {
		t.Errorf("got %s", r.Code)
	}
}

func FuzzReadList(f *testing.F) {
	f.Add([]byte(listHeader + "a,1," + sum("a") + "\n"))
	f.Add([]byte("\ufeff# taken_at: 2019-11-09T11:20:00Z\r\nsha256;name\r\n" + sum("b") + ";\"x\"\"y\"\r\n"))
	f.Add([]byte(sum("c") + "  ./OUT/a\n\\" + sum("d") + " *a\\nb\n"))
	f.Add([]byte("#"))
	f.Fuzz(func(t *testing.T, src []byte) {
		var again bytes.Buffer
		w := csv.NewWriter(&again)
		_ = w.Write([]string{"name", "size"})
		var rows []listRow
		_, err := readList(bytes.NewReader(src), func(l listRow) error {
			if l.name == "" || strings.HasPrefix(l.name, "/") || strings.Contains("/"+l.name+"/", "/../") || strings.ContainsAny(l.name, "\x00\x1b\n\\") || l.sum != nil && len(l.sum) != 32 {
				t.Errorf("accepted %+v", l)
			}
			rows = append(rows, l)
			return w.Write([]string{l.name, fmt.Sprint(max(l.size, 0))})
		})
		w.Flush()
		if err != nil {
			if text := err.Error(); strings.Contains(text, "strconv") {
				t.Errorf("the refusal speaks Go: %s", text)
			}
			return
		}
		n := 0
		if _, err := readList(&again, func(l listRow) error {
			if l.name != strings.TrimPrefix(rows[n].name, "./") {
				t.Errorf("%q was written and read back as %q", rows[n].name, l.name)
			}
			n++
			return nil
		}); err != nil || n != len(rows) {
			t.Errorf("%d of %d rows read back: %v", n, len(rows), err)
		}
	})
}

// bigLists streams two lists of n rows without holding them.
type bigList struct {
	n, i int
	buf  []byte
}

func (b *bigList) Read(p []byte) (int, error) {
	if len(b.buf) == 0 {
		if b.i > b.n {
			return 0, io.EOF
		}
		if b.buf = []byte(listHeader); b.i > 0 {
			b.buf = fmt.Appendf(nil, "OUT/2019/11/message-%09d.xml,%d,%064x\n", b.i, b.i*7, b.i)
		}
		b.i++
	}
	n := copy(p, b.buf)
	b.buf = b.buf[n:]
	return n, nil
}

// BenchmarkManifest compares a million files and says how long that takes beside merely reading both tables.
func BenchmarkManifest(b *testing.B) {
	const n = 1_000_000
	var text bytes.Buffer
	if _, err := io.Copy(&text, &bigList{n: n}); err != nil {
		b.Fatal(err)
	}
	files := fstest.MapFS{"old": {Data: text.Bytes()}, "new": {Data: text.Bytes()}}
	o := checks.ManifestOptions{Lists: map[checks.Side]checks.Text{checks.Old: {Literal: "old"}, checks.New: {Literal: "new"}}}
	var ours, floor time.Duration
	for b.Loop() {
		began := time.Now()
		for range 2 {
			r := csv.NewReader(bytes.NewReader(text.Bytes()))
			r.ReuseRecord = true
			for _, err := r.Read(); !errors.Is(err, io.EOF); _, err = r.Read() {
				if err != nil {
					b.Fatal(err)
				}
			}
		}
		floor += time.Since(began)
		began = time.Now()
		if r, err := New(Config{Files: files}).Run(b.Context(), ask("", o)); err != nil || r.Code != checks.OK {
			b.Fatalf("%s %s, %v", r.Code, r.Evidence.Err, err)
		}
		ours += time.Since(began)
	}
	figure.Told(b, "x-csv", float64(ours)/float64(floor), "comparing two lists of a million files beside merely reading both tables")
}
