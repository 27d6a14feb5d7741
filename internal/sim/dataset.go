package sim

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strconv"
	"strings"
)

// File is one file of a data set.
type File struct {
	Path string // relative to the root, "OUT/…" or "IN/…"
	Data []byte
}

// DataSet makes n messages, the same ones for the same seed: every third has
// been received (IN/<name> with IN/<name>.metadata), the others are to be sent
// (OUT/<name> with OUT/<name>.trigger).
func DataSet(seed uint64, n int) []File {
	random := rand.New(rand.NewPCG(seed, 0x736b696674))
	var files []File
	for i := 1; i <= n; i++ {
		dir, companion := "OUT", ".trigger"
		if i%3 == 0 {
			dir, companion = "IN", ".metadata"
		}
		name := fmt.Sprintf("message-%04d.xml", i)
		data := message(random, i)
		files = append(files,
			File{Path: dir + "/" + name, Data: data},
			File{Path: dir + "/" + name + companion, Data: companionOf(name, len(data))})
	}
	return files
}

func message(random *rand.Rand, i int) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "<message number=\"%d\">\n", i)
	for range 8 + random.IntN(56) {
		fmt.Fprintf(&b, "  <entry id=\"%016x\" amount=\"%d\"/>\n", random.Uint64(), random.IntN(1_000_000))
	}
	b.WriteString("</message>\n")
	return b.Bytes()
}

func companionOf(name string, size int) []byte {
	return fmt.Appendf(nil, "<trigger><file>%s</file><size>%d</size><sender>user-system.example</sender>"+
		"<recipient>data-source.example</recipient></trigger>\n", name, size)
}

// Fill stores a data set in a tree that has the two directories even when the
// set is empty.
func (t *Tree) Fill(files []File) {
	t.Mkdir("OUT")
	t.Mkdir("IN")
	for _, f := range files {
		t.WriteFile(f.Path, f.Data)
	}
}

// ManifestRow describes one file as suppliers hand it over.
type ManifestRow struct {
	Name   string // relative to the root
	Size   int64  // bytes
	SHA256 string // lower-case hex
}

// Manifest lists the files under dir (zero: all), sorted by name.
func (t *Tree) Manifest(dir string) []ManifestRow {
	t.mu.Lock()
	defer t.mu.Unlock()
	var rows []ManifestRow
	for p, n := range t.nodes {
		if n.dir || !below(p, clean(dir)) {
			continue
		}
		sum := sha256.Sum256(n.data)
		rows = append(rows, ManifestRow{Name: p[1:], Size: int64(len(n.data)), SHA256: hex.EncodeToString(sum[:])})
	}
	slices.SortFunc(rows, func(a, b ManifestRow) int { return strings.Compare(a.Name, b.Name) })
	return rows
}

// ManifestCSV writes rows under the header name,size,sha256.
func ManifestCSV(rows []ManifestRow) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Write([]string{"name", "size", "sha256"})
	for _, row := range rows {
		w.Write([]string{row.Name, strconv.FormatInt(row.Size, 10), row.SHA256})
	}
	w.Flush() // a bytes.Buffer does not fail
	return b.Bytes()
}

// isCompanion tells a trigger or metadata file from a message.
func isCompanion(name string) bool {
	return slices.Contains([]string{".trigger", ".metadata"}, path.Ext(name))
}
