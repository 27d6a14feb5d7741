package action

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pkg/sftp"

	"skift/internal/sshdial"
	"skift/runbooks"
)

// chunk is how much is read and written at once: what every server must take in one packet.
const chunk = 32 << 10

// copyEnd is one end as the step names it.
type copyEnd runbooks.CopyEnd

// label names the end in messages: "old sftp".
func (e copyEnd) label() string { return e.Side + " " + e.Service }

// end is one open end of a copy. The library takes no contexts: every operation is watched from outside and the
// connection is closed under it when ctx is done or the server has said nothing for too long.
type end struct {
	label string
	dir   string
	ssh   *sshdial.Client
	sftp  *sftp.Client
	stall time.Duration
	lost  atomic.Bool // the connection is of no more use
}

// open connects and logs in to one end. The server's key must be pinned.
func (a *Actions) open(ctx context.Context, locate func(service, side string) (addr, name string, err error), e copyEnd) (*end, error) {
	to, cfg, err := a.login(locate, e)
	if err != nil {
		return nil, err
	}
	client, _, err := sshdial.Dial(ctx, a.cfg.Dialer, to, cfg)
	if err != nil {
		return nil, err
	}
	out := &end{label: e.label(), dir: cmp.Or(e.Dir, "."), ssh: client, stall: a.cfg.Stall}
	err = out.within(ctx, func() error {
		// Sequential reads: the library's concurrent ones first ask for the file's size, which some servers take for
		// having read it.
		out.sftp, err = openSFTP(client)
		return err
	})
	if err != nil {
		_ = client.Close()
		return nil, fmt.Errorf("the account has no SFTP: %w", err)
	}
	return out, nil
}

// openSFTP starts SFTP on a session of its own.
func openSFTP(c *sshdial.Client) (*sftp.Client, error) {
	session, err := c.Session()
	if err != nil {
		return nil, err
	}
	in, err := session.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := session.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := session.RequestSubsystem("sftp"); err != nil {
		return nil, err
	}
	return sftp.NewClientPipe(out, in, sftp.UseConcurrentReads(false), sftp.UseConcurrentWrites(false))
}

// login gathers what a connection to an end needs.
func (a *Actions) login(locate func(service, side string) (addr, name string, err error), e copyEnd) (netip.AddrPort, sshdial.Config, error) {
	var none netip.AddrPort
	if locate == nil {
		return none, sshdial.Config{}, errors.New("nobody told the addresses of services")
	}
	addr, _, err := locate(e.Service, e.Side)
	if err != nil {
		return none, sshdial.Config{}, err
	}
	to, err := netip.ParseAddrPort(addr)
	if err != nil {
		return none, sshdial.Config{}, fmt.Errorf("%q is not an address and a port", addr)
	}
	pins, err := sshdial.ParsePins(e.HostKey)
	if err != nil {
		return none, sshdial.Config{}, err
	}
	if pins.Empty() {
		return none, sshdial.Config{}, errors.New("no host key is pinned; name it under host_key")
	}
	if a.cfg.Secrets == nil {
		return none, sshdial.Config{}, fmt.Errorf("secret %s cannot be fetched here", e.Key)
	}
	pem, err := a.cfg.Secrets.Resolve(e.Key)
	if err != nil {
		return none, sshdial.Config{}, err
	}
	key, err := sshdial.ParseKey([]byte(pem.Reveal()))
	if err != nil {
		return none, sshdial.Config{}, fmt.Errorf("key %s: %w", e.Key, err)
	}
	return to, sshdial.Config{User: e.User, Key: key, Pins: pins}, nil
}

// close ends the connection first: ending SFTP would otherwise wait for a server that is silent.
func (e *end) close() {
	_ = e.ssh.Close()
	_ = e.sftp.Close()
}

// within watches one operation.
func (e *end) within(ctx context.Context, op func() error) error {
	if e.gone() {
		return errLost
	}
	err := e.ssh.Within(ctx, e.stall, op)
	if err == nil {
		return nil
	}
	said := fileReason(err)
	if said.lost {
		e.lost.Store(true)
	}
	return said
}

// gone reports whether the connection is of no more use.
func (e *end) gone() bool { return e.lost.Load() }

// fileError is why an operation on a file failed, in words.
type fileError struct {
	words string
	lost  bool // the connection is of no more use: it was not the server that answered
	err   error
}

func (e *fileError) Error() string { return e.words }
func (e *fileError) Unwrap() error { return e.err }

var errLost = &fileError{words: "the connection was lost", lost: true}

// fileReason puts an error into words. A server's own text is kept: for most refusals, a full disk among them, the
// protocol has no number.
func fileReason(err error) *fileError {
	status, isStatus := errors.AsType[*sftp.StatusError](err)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return &fileError{words: "it does not exist", err: err}
	case errors.Is(err, os.ErrPermission):
		return &fileError{words: "permission denied", err: err}
	case isStatus:
		return &fileError{words: "the server says " + strings.TrimPrefix(status.Error(), "sftp: "), err: err}
	case errors.Is(err, sshdial.ErrOverdue):
		return &fileError{words: err.Error(), lost: true, err: err}
	}
	return &fileError{words: errLost.words, lost: true, err: err}
}

func (e *end) list(ctx context.Context) (infos []os.FileInfo, err error) {
	err = e.within(ctx, func() error {
		infos, err = e.sftp.ReadDirContext(ctx, e.dir)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", e.dir, err)
	}
	return infos, nil
}

func (e *end) isDir(ctx context.Context) error {
	var fi os.FileInfo
	err := e.within(ctx, func() (err error) { fi, err = e.sftp.Stat(e.dir); return err })
	switch {
	case err != nil:
		return fmt.Errorf("directory %s: %w", e.dir, err)
	case !fi.IsDir():
		return fmt.Errorf("%s is not a directory", e.dir)
	}
	return nil
}

// stat gives what has the name, a link itself and not what it leads to; nil when nothing has it.
func (e *end) stat(ctx context.Context, name string) (fi os.FileInfo, err error) {
	err = e.within(ctx, func() (err error) { fi, err = e.sftp.Lstat(name); return err })
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return fi, err
}

func (e *end) remove(ctx context.Context, name string) error {
	return e.within(ctx, func() error { return e.sftp.Remove(name) })
}

func (e *end) rename(ctx context.Context, from, to string) error {
	return e.within(ctx, func() error { return e.sftp.Rename(from, to) })
}

// hash reads a whole file.
func (e *end) hash(ctx context.Context, name string) (sum string, size int64, err error) {
	f, err := e.openFile(ctx, name, os.O_RDONLY)
	if err != nil {
		return "", 0, err
	}
	defer f.close(ctx)
	h := sha256.New()
	size, err = io.CopyBuffer(onlyWriter{h}, f, make([]byte, chunk))
	return hex.EncodeToString(h.Sum(nil)), size, err
}

// remoteFile is an open file whose reads and writes are watched. It holds the context, which io.Copy cannot hand over.
type remoteFile struct {
	ctx context.Context
	end *end
	f   *sftp.File
}

func (e *end) openFile(ctx context.Context, name string, flags int) (*remoteFile, error) {
	var f *sftp.File
	err := e.within(ctx, func() (err error) { f, err = e.sftp.OpenFile(name, flags); return err })
	if err != nil {
		return nil, err
	}
	return &remoteFile{ctx, e, f}, nil
}

// Read takes io.EOF for the server's word that this is the end. The library says it for a lost connection, too;
// whoever reads compares sizes.
func (r *remoteFile) Read(p []byte) (n int, err error) {
	atEnd := false
	err = r.end.within(r.ctx, func() error {
		n, err = r.f.Read(p)
		if atEnd = errors.Is(err, io.EOF); atEnd {
			return nil
		}
		return err
	})
	switch {
	case err != nil:
		return n, fmt.Errorf("read from %s: %w", r.end.label, err)
	case atEnd:
		return n, io.EOF
	}
	return n, nil
}

func (r *remoteFile) Write(p []byte) (n int, err error) {
	err = r.end.within(r.ctx, func() error { n, err = r.f.Write(p); return err })
	if err != nil {
		err = fmt.Errorf("write to %s: %w", r.end.label, err)
	}
	return n, err
}

// seek sets where the next read or write begins. Nothing is asked of the server.
func (r *remoteFile) seek(to int64) error {
	_, err := r.f.Seek(to, io.SeekStart)
	return err
}

func (r *remoteFile) rewind() error { return r.seek(0) }

func (r *remoteFile) close(ctx context.Context) error {
	return r.end.within(ctx, r.f.Close)
}
