package sim

import (
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pkg/sftp"
)

// Tree is a file system in memory. Paths are slash separated and, with or
// without a leading slash, begin at the root. Its operations give the SFTP
// status that OpenSSH's sftp-server would, which is stricter than what
// pkg/sftp's own servers do: a plain rename never overwrites, and whatever is
// neither missing nor denied is a bare "failure".
type Tree struct {
	mu      sync.Mutex
	nodes   map[string]*node
	onWrite func(name string, n int) // nil: nobody asks
}

type node struct {
	dir   bool
	data  []byte
	mode  fs.FileMode // permission bits
	modAt time.Time
}

// NewTree has a root and nothing in it.
func NewTree() *Tree {
	return &Tree{nodes: map[string]*node{"/": newNode(true)}}
}

func newNode(dir bool) *node {
	mode := fs.FileMode(0o644)
	if dir {
		mode = 0o755
	}
	return &node{dir: dir, mode: mode, modAt: time.Now()}
}

func clean(name string) string { return path.Clean("/" + name) }

// WriteFile stores a file, with the directories above it, over what was there.
func (t *Tree) WriteFile(name string, data []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	name = clean(name)
	for dir := path.Dir(name); t.nodes[dir] == nil; dir = path.Dir(dir) {
		t.nodes[dir] = newNode(true)
	}
	n := newNode(false)
	n.data = slices.Clone(data)
	t.nodes[name] = n
}

// ReadFile returns a copy of a file; the error is fs.ErrNotExist.
func (t *Tree) ReadFile(name string) ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.nodes[clean(name)]
	if n == nil || n.dir {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	return slices.Clone(n.data), nil
}

// Remove deletes a file, or a directory with all below it, if it is there.
func (t *Tree) Remove(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	name = clean(name)
	for p := range t.nodes {
		if p != "/" && (p == name || below(p, name)) {
			delete(t.nodes, p)
		}
	}
}

// OnWrite has fn called after each piece of a file that a client writes, with the name it was opened by, relative to the root, and the
// piece's length in bytes; nil ends that. The client has no answer before fn returns.
func (t *Tree) OnWrite(fn func(name string, n int)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.onWrite = fn
}

// Mkdir makes a directory and those above it.
func (t *Tree) Mkdir(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for dir := clean(name); t.nodes[dir] == nil; dir = path.Dir(dir) {
		t.nodes[dir] = newNode(true)
	}
}

// Files lists the files under dir (zero: all), sorted, relative to the root.
func (t *Tree) Files(dir string) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var names []string
	for p, n := range t.nodes {
		if !n.dir && below(p, clean(dir)) {
			names = append(names, p[1:])
		}
	}
	slices.Sort(names)
	return names
}

// ChangeByte flips one bit of a file's byte in the middle, keeping its size and
// time. The error is fs.ErrNotExist; an empty file has no byte to change and
// counts as missing.
func (t *Tree) ChangeByte(name string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.nodes[clean(name)]
	if n == nil || len(n.data) == 0 {
		return &fs.PathError{Op: "change byte", Path: name, Err: fs.ErrNotExist}
	}
	n.data[len(n.data)/2] ^= 1
	return nil
}

func below(p, dir string) bool {
	return strings.HasPrefix(p, strings.TrimSuffix(dir, "/")+"/") && p != "/"
}

// open is sftp-server's process_open over open(2).
func (t *Tree) open(name string, flags sftp.FileOpenFlags) (*handle, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.nodes[name]
	switch {
	case n == nil && !flags.Creat:
		return nil, sftp.ErrSSHFxNoSuchFile
	case n == nil:
		if parent := t.nodes[path.Dir(name)]; parent == nil || !parent.dir {
			return nil, sftp.ErrSSHFxNoSuchFile
		}
		n = newNode(false)
		t.nodes[name] = n
	case flags.Creat && flags.Excl, n.dir:
		return nil, sftp.ErrSSHFxFailure
	case flags.Trunc:
		n.data, n.modAt = nil, time.Now()
	}
	return &handle{tree: t, name: name[1:], node: n, appends: flags.Append}, nil
}

func (t *Tree) stat(name string) (fs.FileInfo, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.nodes[name]
	if n == nil {
		return nil, sftp.ErrSSHFxNoSuchFile
	}
	return n.info(path.Base(name)), nil
}

func (t *Tree) list(dir string) ([]fs.FileInfo, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := t.nodes[dir]; n == nil || !n.dir {
		return nil, sftp.ErrSSHFxNoSuchFile
	}
	var infos []fs.FileInfo
	for p, n := range t.nodes {
		if p != "/" && path.Dir(p) == dir {
			infos = append(infos, n.info(path.Base(p)))
		}
	}
	slices.SortFunc(infos, func(a, b fs.FileInfo) int { return strings.Compare(a.Name(), b.Name()) })
	return infos, nil
}

func (t *Tree) mkdir(name string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.nodes[name] != nil {
		return sftp.ErrSSHFxFailure
	}
	if parent := t.nodes[path.Dir(name)]; parent == nil || !parent.dir {
		return sftp.ErrSSHFxNoSuchFile
	}
	t.nodes[name] = newNode(true)
	return nil
}

// remove deletes a file (dir false) or an empty directory (dir true).
func (t *Tree) remove(name string, dir bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.nodes[name]
	switch {
	case n == nil, dir && !n.dir:
		return sftp.ErrSSHFxNoSuchFile
	case n.dir != dir, name == "/":
		return sftp.ErrSSHFxFailure
	}
	if dir {
		for p := range t.nodes {
			if below(p, name) {
				return sftp.ErrSSHFxFailure
			}
		}
	}
	delete(t.nodes, name)
	return nil
}

// rename moves a file or a directory with what is in it. Only with overwrite,
// the posix-rename extension, may it replace a file.
func (t *Tree) rename(from, to string, overwrite bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, target := t.nodes[from], t.nodes[to]
	parent := t.nodes[path.Dir(to)]
	switch {
	case n == nil, parent == nil, !parent.dir:
		return sftp.ErrSSHFxNoSuchFile
	case from == to && overwrite:
		return nil
	case target != nil && overwrite && n.dir && !target.dir:
		return sftp.ErrSSHFxNoSuchFile // ENOTDIR
	case target != nil && (!overwrite || target.dir), from == "/":
		return sftp.ErrSSHFxFailure
	case below(to, from):
		return sftp.ErrSSHFxBadMessage // EINVAL
	}
	moved := map[string]*node{to: n}
	delete(t.nodes, from)
	for p, child := range t.nodes {
		if below(p, from) {
			moved[to+strings.TrimPrefix(p, from)] = child
			delete(t.nodes, p)
		}
	}
	for p, child := range moved {
		t.nodes[p] = child
	}
	return nil
}

func (t *Tree) setstat(name string, flags sftp.FileAttrFlags, attrs *sftp.FileStat) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.nodes[name]
	if n == nil {
		return sftp.ErrSSHFxNoSuchFile
	}
	if flags.Size {
		if n.dir || attrs.Size > maxFile {
			return sftp.ErrSSHFxFailure
		}
		n.resize(int(attrs.Size))
	}
	if flags.Permissions {
		n.mode = fs.FileMode(attrs.Mode) & fs.ModePerm
	}
	if flags.Acmodtime {
		n.modAt = time.Unix(int64(attrs.Mtime), 0)
	}
	return nil
}

// maxFile bounds one file, in bytes: an offset from the wire must not make the
// process allocate without end.
const maxFile = 256 << 20

func (n *node) resize(size int) {
	if size <= len(n.data) {
		n.data = n.data[:size]
	} else {
		n.data = append(n.data, make([]byte, size-len(n.data))...)
	}
	n.modAt = time.Now()
}

func (n *node) info(name string) fs.FileInfo {
	mode := n.mode
	if n.dir {
		mode |= fs.ModeDir
	}
	return fileInfo{name: name, size: int64(len(n.data)), mode: mode, modAt: n.modAt}
}

// handle is an open file. Like a descriptor it outlives a rename or removal.
type handle struct {
	tree    *Tree
	name    string // it was opened by
	node    *node
	appends bool
	full    func() bool // writing fails while it holds; nil: never
}

// ReadAt implements io.ReaderAt.
func (h *handle) ReadAt(b []byte, off int64) (int, error) {
	h.tree.mu.Lock()
	defer h.tree.mu.Unlock()
	if off < 0 {
		return 0, sftp.ErrSSHFxFailure
	}
	if off >= int64(len(h.node.data)) {
		return 0, io.EOF
	}
	n := copy(b, h.node.data[off:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt implements io.WriterAt.
func (h *handle) WriteAt(b []byte, off int64) (int, error) {
	if h.full != nil && h.full() {
		return 0, sftp.ErrSSHFxFailure
	}
	n, err := h.write(b, off)
	h.tree.mu.Lock()
	tell := h.tree.onWrite
	h.tree.mu.Unlock()
	if tell != nil && n > 0 {
		tell(h.name, n)
	}
	return n, err
}

func (h *handle) write(b []byte, off int64) (int, error) {
	h.tree.mu.Lock()
	defer h.tree.mu.Unlock()
	if h.appends {
		off = int64(len(h.node.data))
	}
	if off < 0 || off+int64(len(b)) > maxFile {
		return 0, sftp.ErrSSHFxFailure
	}
	if end := int(off) + len(b); end > len(h.node.data) {
		h.node.resize(end)
	}
	h.node.modAt = time.Now()
	return copy(h.node.data[off:], b), nil
}

// fileInfo is a snapshot of a node.
type fileInfo struct {
	name  string
	size  int64
	mode  fs.FileMode
	modAt time.Time
}

func (i fileInfo) Name() string       { return i.name }
func (i fileInfo) Size() int64        { return i.size }
func (i fileInfo) Mode() fs.FileMode  { return i.mode }
func (i fileInfo) ModTime() time.Time { return i.modAt }
func (i fileInfo) IsDir() bool        { return i.mode.IsDir() }
func (i fileInfo) Sys() any           { return nil }

// infos is an sftp.ListerAt over a finished listing.
type infos []fs.FileInfo

// ListAt implements sftp.ListerAt.
func (l infos) ListAt(out []os.FileInfo, off int64) (int, error) {
	if off >= int64(len(l)) {
		return 0, io.EOF
	}
	n := copy(out, l[off:])
	if n < len(out) {
		return n, io.EOF
	}
	return n, nil
}
