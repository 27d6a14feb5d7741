package plan

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"skift/internal/diag"
	"skift/internal/pemdoc"
)

// files reads the files of a plan directory, each once.
type files struct {
	fsys     fs.FS
	read     map[string][]byte
	private  map[string]bool // personal data: not part of the hash
	problems *diag.List
}

// named reads a file whose name stands in the plan; what is wrong is reported there.
func (f *files) named(w diag.Word) (src []byte, ok bool) {
	if w.Text == "" {
		return nil, false
	}
	if !fs.ValidPath(w.Text) || w.Text == "." || strings.Contains(w.Text, `\`) || strings.HasPrefix(w.Text, standardPrefix) {
		w.Problemf(f.problems, CodeBadFilePath, "%q is not a path in the plan directory", w.Text).
			Hintf(`write it from the plan directory on, with / and without a leading "/", "./" or ".."`)
		return nil, false
	}
	if src, ok := f.read[w.Text]; ok {
		return src, true
	}
	src, err := readFile(f.fsys, w.Text)
	if err == nil {
		f.read[w.Text] = src
		return src, true
	}
	f.report(w, err)
	return nil, false
}

var (
	errNotAFile = errors.New("not a file")
	errTooLarge = errors.New("too large")
)

func (f *files) report(w diag.Word, err error) {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		w.Problemf(f.problems, CodeNoFile, "there is no file %q in the plan directory", w.Text).
			DidYouMean(w.Text, f.siblings(w.Text))
	case errors.Is(err, errNotAFile):
		w.Problemf(f.problems, CodeUnreadable, "%q is not a file", w.Text)
	case errors.Is(err, errTooLarge):
		w.Problemf(f.problems, diag.CodeTooLarge, "%q is larger than 8 MB", w.Text)
	default:
		reason := err.Error()
		if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
			reason = pe.Err.Error()
		}
		if reason == outside {
			w.Problemf(f.problems, CodeUnreadable, "%q is a link that leads out of the plan directory", w.Text).
				Hintf("put the file itself there: what a plan says may not change from outside it")
			return
		}
		w.Problemf(f.problems, CodeUnreadable, "%q cannot be read: %s", w.Text, reason)
	}
}

// outside is what an os.Root says of a link that leads out of it; it has no error value to compare with.
const outside = "path escapes from parent"

// Beside reads a file that stands beside plan.yaml and need not be there: nil when it is not, or when it cannot be read, which
// is added to problems.
func Beside(fsys fs.FS, name string, problems *diag.List) []byte {
	src, err := readFile(fsys, name)
	if err == nil {
		return src
	}
	if !errors.Is(err, fs.ErrNotExist) {
		(&files{fsys: fsys, problems: problems}).report(diag.Word{Pos: diag.Pos{File: name}, Text: name}, err)
	}
	return nil
}

func (f *files) siblings(name string) []string {
	entries, err := fs.ReadDir(f.fsys, path.Dir(name))
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		names = append(names, path.Join(path.Dir(name), e.Name()))
	}
	return names
}

// readFile reads at most diag.MaxBytes of a regular file.
func readFile(fsys fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(fsys, name) // before opening: opening a pipe would wait for somebody to write into it
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errNotAFile
	case info.Size() > diag.MaxBytes:
		return nil, errTooLarge
	}
	file, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	src, err := io.ReadAll(io.LimitReader(file, diag.MaxBytes+1))
	if err == nil && len(src) > diag.MaxBytes {
		err = errTooLarge
	}
	return src, err
}

// hash is the SHA-256 over every file read, in the order of their paths, each path and content preceded by its length. Contacts are
// left out: they are personal data, which must be erasable, and a plan does not change its meaning when somebody gets a new
// phone. Standard runbooks count as files, because a plan that uses one means what is in it.
func (f *files) hash() string {
	h := sha256.New()
	part := func(b []byte) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(b)))
		h.Write(n[:])
		h.Write(b)
	}
	for _, name := range slices.Sorted(maps.Keys(f.read)) {
		if !f.private[name] {
			part([]byte(name))
			part(f.read[name])
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// trust reads a bundle of PEM certificates.
func (f *files) trust(w diag.Word) ([]byte, bool) {
	src, ok := f.named(w)
	if !ok {
		return nil, false
	}
	_, err := pemdoc.Certificates(src)
	switch {
	case errors.Is(err, pemdoc.ErrNone):
		w.Problemf(f.problems, CodeNoCertificate, "%q holds no certificate", w.Text).Hintf("a bundle is one or more PEM blocks: -----BEGIN CERTIFICATE-----")
	case err != nil:
		w.Problemf(f.problems, CodeNoCertificate, "%q cannot be used: %v", w.Text, err)
	}
	return src, err == nil
}

// unmistakable is text that is a secret wherever it stands.
var unmistakable = regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}|\bglpat-[A-Za-z0-9_-]{20}|\bxox[abprs]-[A-Za-z0-9-]{20}|\beyJ[A-Za-z0-9_-]{15,}\.eyJ[A-Za-z0-9_-]{15,}\.`)

// markers begin everything unmistakable matches; looking for them is far cheaper.
var markers = []string{"PRIVATE KEY-----", "AKIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "glpat-", "xox", "eyJ"}

// secrets reports what is unmistakably a secret in any file that was read.
func (f *files) secrets() {
	for _, name := range slices.Sorted(maps.Keys(f.read)) {
		src := bytes.TrimPrefix(f.read[name], []byte("\ufeff"))
		if !slices.ContainsFunc(markers, func(m string) bool { return bytes.Contains(src, []byte(m)) }) {
			continue
		}
		for _, at := range unmistakable.FindAllIndex(src, 20) {
			before := src[:at[0]]
			line := bytes.LastIndexByte(before, '\n') + 1
			pos := diag.Pos{File: name, Line: 1 + bytes.Count(before, []byte("\n")), Col: 1 + utf8.RuneCount(before[line:])}
			f.problems.Addf(pos, CodeSecretInFile, "a key or token is written in clear").Wide(at[1] - at[0]).Hide().
				Hintf("keep it outside the plan and name it as env:NAME, file:PATH or cred:NAME; the one written here has to be replaced")
		}
	}
}
