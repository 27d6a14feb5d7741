package action

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// server is an SFTP server over a directory that can be told to misbehave. Like some real ones, and unlike OpenSSH, its
// plain rename replaces what is there.
type server struct {
	t    *testing.T
	dir  string
	addr string
	key  ssh.Signer
	done sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
	live  int        // connections that are served
	ended *sync.Cond // one of them ended
	opens []string   // "r NAME" and "w NAME", in order

	corrupt  func(name string, off int64, p []byte) // changes what is written
	quota    int64                                  // bytes that may be written in all; 0 = no limit
	written  atomic.Int64
	deny     string       // a part of file names that may not be opened
	cutAfter atomic.Int64 // bytes after which every connection is cut, once; 0 = never
	hang     atomic.Bool  // writes are not answered
	release  chan struct{}
	onRead   func(name string)
	readOnce bool // a file that was opened or asked about is gone
}

func serveSFTP(t *testing.T) *server {
	t.Helper()
	s := &server{t: t, dir: t.TempDir(), key: newKey(t), release: make(chan struct{})}
	s.ended = sync.NewCond(&s.mu)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	cfg := &ssh.ServerConfig{PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) { return nil, nil }}
	cfg.AddHostKey(s.key)
	s.done.Add(1)
	go func() {
		defer s.done.Done()
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns = append(s.conns, c)
			s.live++
			s.mu.Unlock()
			s.done.Add(1)
			go func() {
				defer s.done.Done()
				s.serve(c, cfg)
				s.mu.Lock()
				s.live--
				s.mu.Unlock()
				s.ended.Broadcast()
			}()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		close(s.release)
		s.cut()
		s.done.Wait()
	})
	return s
}

func newKey(t *testing.T) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// writeKey writes a client's private key and gives its public one.
func writeKey(t *testing.T, path string) ssh.PublicKey {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err == nil {
		err = os.WriteFile(path, pem.EncodeToMemory(block), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (s *server) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		_ = c.Close()
	}
	s.conns = nil
}

// idle waits until no connection is served: what came before one was cut is still written.
func (s *server) idle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.live > 0 {
		s.ended.Wait()
	}
}

func (s *server) serve(c net.Conn, cfg *ssh.ServerConfig) {
	defer func() { _ = c.Close() }()
	conn, channels, requests, err := ssh.NewServerConn(c, cfg)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	go ssh.DiscardRequests(requests)
	for ch := range channels {
		channel, requests, err := ch.Accept()
		if err != nil {
			return
		}
		s.done.Add(1)
		go func() {
			defer s.done.Done()
			for r := range requests {
				_ = r.Reply(r.Type == "subsystem" && strings.HasSuffix(string(r.Payload), "sftp"), nil)
			}
		}()
		srv := sftp.NewRequestServer(channel, sftp.Handlers{FileGet: s, FilePut: s, FileCmd: s, FileList: s})
		_ = srv.Serve()
		_ = srv.Close()
	}
}

func (s *server) path(r string) string { return filepath.Join(s.dir, filepath.Clean("/"+r)) }

func (s *server) note(how, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deny != "" && strings.Contains(name, s.deny) {
		return sftp.ErrSSHFxPermissionDenied
	}
	s.opens = append(s.opens, how+" "+filepath.Base(name))
	return nil
}

func (s *server) opened() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.opens...)
}

func (s *server) Fileread(r *sftp.Request) (io.ReaderAt, error) {
	if err := s.note("r", r.Filepath); err != nil {
		return nil, err
	}
	if s.onRead != nil {
		s.onRead(filepath.Base(r.Filepath))
	}
	f, err := os.Open(s.path(r.Filepath))
	s.lookedAt(r.Filepath)
	return f, err
}

// lookedAt takes a file away that was looked at, where the server hands each out once.
func (s *server) lookedAt(name string) {
	if s.readOnce {
		_ = os.Remove(s.path(name)) // a directory stays, for it is not empty
	}
}

func (s *server) Filewrite(r *sftp.Request) (io.WriterAt, error) {
	if err := s.note("w", r.Filepath); err != nil {
		return nil, err
	}
	flags := os.O_WRONLY
	p := r.Pflags()
	if p.Read {
		s.t.Errorf("%s was opened for reading and writing", r.Filepath)
	}
	if p.Creat && !p.Excl || p.Trunc || !p.Creat && !strings.HasSuffix(r.Filepath, ".part") {
		s.t.Errorf("%s was opened without demanding that it is new", r.Filepath)
	}
	if p.Creat {
		flags |= os.O_CREATE
	}
	if p.Excl {
		flags |= os.O_EXCL
	}
	f, err := os.OpenFile(s.path(r.Filepath), flags, 0o600)
	if err != nil {
		return nil, err
	}
	return &writing{s, f}, nil
}

type writing struct {
	s *server
	f *os.File
}

func (w *writing) WriteAt(p []byte, off int64) (int, error) {
	total := w.s.written.Add(int64(len(p)))
	if at := w.s.cutAfter.Load(); at > 0 && total > at && w.s.cutAfter.CompareAndSwap(at, 0) {
		w.s.cut()
	}
	if w.s.hang.Load() {
		<-w.s.release
	}
	if w.s.quota > 0 && total > w.s.quota {
		return 0, errors.New("disk quota of account 010190-1234 exceeded")
	}
	if w.s.corrupt != nil {
		p = append([]byte(nil), p...)
		w.s.corrupt(filepath.Base(w.f.Name()), off, p)
	}
	return w.f.WriteAt(p, off)
}

func (w *writing) Close() error { return w.f.Close() }

func (s *server) Filecmd(r *sftp.Request) error {
	switch r.Method {
	case "Rename":
		return os.Rename(s.path(r.Filepath), s.path(r.Target))
	case "Remove":
		return os.Remove(s.path(r.Filepath))
	}
	return sftp.ErrSSHFxOpUnsupported
}

func (s *server) Filelist(r *sftp.Request) (sftp.ListerAt, error) {
	if r.Method == "List" {
		entries, err := os.ReadDir(s.path(r.Filepath))
		var list listing
		for _, e := range entries {
			if fi, err := e.Info(); err == nil {
				list = append(list, fi)
			}
		}
		return list, err
	}
	fi, err := os.Stat(s.path(r.Filepath))
	if err == nil && s.readOnce {
		s.t.Errorf("%s was asked about", r.Filepath)
	}
	return listing{fi}, err
}

func (s *server) Lstat(r *sftp.Request) (sftp.ListerAt, error) {
	fi, err := os.Lstat(s.path(r.Filepath))
	return listing{fi}, err
}

type listing []os.FileInfo

func (l listing) ListAt(to []os.FileInfo, off int64) (int, error) {
	if off >= int64(len(l)) {
		return 0, io.EOF
	}
	n := copy(to, l[off:])
	if n < len(to) {
		return n, io.EOF
	}
	return n, nil
}
