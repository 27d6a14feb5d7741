package app

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing/fstest"

	"skift/internal/diag"
	"skift/internal/plan"
)

// files keeps captured output and evidence below the data directory.
type files struct{ data string }

// planDir is the plan directory as checks see it: what lies in it at the moment it is asked, and nothing beside it.
type planDir string

// Open implements fs.FS. A pipe without a writer would wait for ever without O_NONBLOCK.
func (d planDir) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	root, err := os.OpenRoot(string(d))
	if err != nil {
		return nil, fmt.Errorf("open plan directory: %w", err)
	}
	defer root.Close()
	f, err := root.OpenFile(filepath.FromSlash(name), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err // not f: a nil *os.File is no nil fs.File
	}
	return f, nil
}

// Stat implements fs.StatFS. Without it a file would be opened to be looked at.
func (d planDir) Stat(name string) (fs.FileInfo, error) {
	root, err := os.OpenRoot(string(d))
	if err != nil {
		return nil, fmt.Errorf("open plan directory: %w", err)
	}
	defer root.Close()
	return fs.Stat(root.FS(), name)
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// Save implements runner.Files. The name is made harmless and carries the beginning of the hash, so that nothing is overwritten.
func (f files) Save(kind, name string, data []byte) (stored, sum string, err error) {
	h := sha256.Sum256(data)
	sum = hex.EncodeToString(h[:])
	base := strings.Trim(notInNames.ReplaceAllString(filepath.Base(name), "-"), ".-")
	if len(base) > 100 {
		base = base[len(base)-100:]
	}
	stored = kind + "/" + sum[:12] + "-" + base
	dir := filepath.Join(f.data, kind)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", "", fmt.Errorf("keep %s: %w", kind, err)
	}
	return stored, sum, writeDurably(filepath.Join(f.data, filepath.FromSlash(stored)), data)
}

// writeDurably writes a file of our own whole or not at all: a crash leaves the old one or none.
func writeDurably(path string, data []byte) error { return writeAs(path, data, 0o600) }

func writeAs(path string, data []byte, mode fs.FileMode) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(tmp.Name())
	if _, err = tmp.Write(data); err == nil {
		err = tmp.Chmod(mode)
	}
	if err == nil {
		err = tmp.Sync()
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// syncDir makes a rename in a folder durable. Windows has no such call: a rename there is as durable as it gets.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// revisions keeps every plan that was in use, so that a run goes on with the plan it was started on.
type revisions struct {
	dir    string
	mu     sync.Mutex
	loaded map[string]*plan.Plan // by hash: a run asks for its plan at every step
	shown  map[string]*plan.Plan // by hash, nil = not to be had: as far as runs are shown
}

func (r *revisions) path(hash string) string { return filepath.Join(r.dir, hash+".json") }

// keep stores a revision once, and has it at hand.
func (r *revisions) keep(p *plan.Plan) error {
	if err := r.store(p); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.loaded == nil {
		r.loaded = map[string]*plan.Plan{}
	}
	if r.loaded[p.Hash] == nil {
		r.loaded[p.Hash] = p
	}
	return nil
}

func (r *revisions) store(p *plan.Plan) error {
	if _, err := os.Stat(r.path(p.Hash)); err == nil {
		return nil
	}
	sources := maps.Clone(p.Sources)
	if p.ContactsFile != "" {
		sources[p.ContactsFile] = idsOnly(p)
	}
	data, err := json.Marshal(sources)
	if err != nil {
		return fmt.Errorf("keep plan: %w", err)
	}
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return fmt.Errorf("keep plan: %w", err)
	}
	return writeDurably(r.path(p.Hash), data)
}

// idsOnly is a contacts file without anything personal: revisions are kept for ever, names must stay erasable.
func idsOnly(p *plan.Plan) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write([]string{"person", "name"}) // a buffer takes everything
	for _, id := range p.Contacts.IDs() {
		_ = w.Write([]string{id, id})
	}
	w.Flush()
	return b.Bytes()
}

// Revision is a plan as it was when a process last took it into use, without the names and addresses of people.
func Revision(data, hash string) (*plan.Plan, error) {
	return (&revisions{dir: filepath.Join(data, "revisions")}).Plan(hash)
}

// RevisionWithNames is a revision with the people's names and numbers that a directory has now: they are no part of a revision. Where they
// cannot be had, or are not those that the revision speaks of, people are called by their ids.
func RevisionWithNames(data, hash, dir string) (*plan.Plan, error) {
	r := &revisions{dir: filepath.Join(data, "revisions")}
	thin, err := r.load(hash)
	if err != nil || thin.ContactsFile == "" {
		return thin, err
	}
	f, err := planDir(dir).Open(thin.ContactsFile)
	if err != nil {
		return thin, nil
	}
	defer f.Close()
	names, err := io.ReadAll(io.LimitReader(f, diag.MaxBytes))
	if err != nil {
		return thin, nil
	}
	sources := maps.Clone(thin.Sources)
	sources[thin.ContactsFile] = names
	if p, err := planOf(sources, hash); err == nil {
		return p, nil
	}
	return thin, nil
}

// Plan implements runner.Revisions.
func (r *revisions) Plan(hash string) (*plan.Plan, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.loaded[hash]; p != nil {
		return p, nil
	}
	p, err := r.load(hash)
	if err != nil {
		return nil, err
	}
	if r.loaded == nil {
		r.loaded = map[string]*plan.Plan{}
	}
	r.loaded[hash] = p
	return p, nil
}

// find is what a run of a revision does, for those who show it: its runbooks and milestones, nil when they are not to be had. Whoever
// looks at every run there ever was does not keep every plan there ever was.
func (r *revisions) find(hash string) *plan.Plan {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.loaded[hash]; p != nil {
		return p
	}
	if p, known := r.shown[hash]; known {
		return p
	}
	var thin *plan.Plan
	if p, err := r.load(hash); err == nil {
		thin = &plan.Plan{ID: p.ID, Hash: p.Hash, Zone: p.Zone, Holidays: p.Holidays, Runbooks: p.Runbooks, RunbookIDs: p.RunbookIDs, Milestones: p.Milestones, MilestoneIDs: p.MilestoneIDs}
	}
	if r.shown == nil {
		r.shown = map[string]*plan.Plan{}
	}
	r.shown[hash] = thin
	return thin
}

func (r *revisions) load(hash string) (*plan.Plan, error) {
	data, err := os.ReadFile(r.path(hash))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("find revision %.12s of the plan: it is not in %s", hash, r.dir)
	}
	if err != nil {
		return nil, fmt.Errorf("read revision %.12s of the plan: %w", hash, err)
	}
	var sources map[string][]byte
	if err := json.Unmarshal(data, &sources); err != nil {
		return nil, fmt.Errorf("read revision %.12s of the plan: %w", hash, err)
	}
	return planOf(sources, hash)
}

// planOf reads the files of a revision.
func planOf(sources map[string][]byte, hash string) (*plan.Plan, error) {
	fsys := fstest.MapFS{}
	for name, src := range sources {
		fsys[name] = &fstest.MapFile{Data: src}
	}
	p, problems := plan.Load(fsys)
	if problems.Errors() > 0 {
		return nil, fmt.Errorf("read revision %.12s of the plan: it has %d problems", hash, problems.Errors())
	}
	if p.Hash != hash {
		return nil, fmt.Errorf("read revision %.12s of the plan: its files now hash to %.12s", hash, p.Hash)
	}
	return p, nil
}
