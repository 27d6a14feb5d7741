package plan

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// bundle is several files in one text file: a comment, then each file behind a line `-- name --`.
type bundle struct {
	comment string
	names   []string
	files   map[string]string
}

func parseBundle(src string) *bundle {
	b := &bundle{files: map[string]string{}}
	name := ""
	var text strings.Builder
	flush := func() {
		if name == "" {
			b.comment = text.String()
		} else {
			b.files[name] = text.String()
		}
		text.Reset()
	}
	for line := range strings.Lines(src) {
		marker := strings.TrimRight(line, "\n")
		if inner, ok := strings.CutPrefix(marker, "-- "); ok && strings.HasSuffix(inner, " --") {
			flush()
			name = strings.TrimSuffix(inner, " --")
			b.names = append(b.names, name)
			continue
		}
		text.WriteString(line)
	}
	flush()
	return b
}

func readBundle(t testing.TB, file string) *bundle {
	t.Helper()
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return parseBundle(string(src))
}

func (b *bundle) set(name, text string) {
	if !slices.Contains(b.names, name) {
		b.names = append(b.names, name)
	}
	b.files[name] = text
}

func (b *bundle) bytes() []byte {
	var out bytes.Buffer
	out.WriteString(b.comment)
	for _, name := range b.names {
		out.WriteString("-- " + name + " --\n" + b.files[name])
	}
	return out.Bytes()
}

// fsys is the bundle as a plan directory, without the file that says what is wanted.
func (b *bundle) fsys() fstest.MapFS {
	fsys := fstest.MapFS{}
	for _, name := range b.names {
		if name != wantFile {
			fsys[name] = &fstest.MapFile{Data: []byte(b.files[name])}
		}
	}
	return fsys
}

const wantFile = "want"
