package probe

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// odd is an SFTP server in this process whose files are a map, and what is odd about it.
type odd struct {
	readOnce bool             // a file is gone once it has been read
	swallow  bool             // a file is gone once it has been closed
	alter    bool             // what is read has another first byte
	fail     map[string]error // by method
	hang     map[string]int   // how often a method is done and never answered
	drop     map[string]int   // how often a method is done and the connection dropped
	on       func(method string)
	serve    func(ssh.Channel) // instead of a file server

	mu     sync.Mutex
	files  map[string][]byte
	logins int
	conn   net.Conn
	over   chan struct{} // closed when the test ends
}

func (o *odd) seen() (names []string, logins int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Sorted(maps.Keys(o.files)), o.logins
}

func startOdd(t *testing.T, o *odd) sshd {
	t.Helper()
	s := sshd{user: "u", host: newKey(t), me: newKey(t)}
	o.files, o.over = map[string][]byte{}, make(chan struct{})
	cfg := &ssh.ServerConfig{PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) { return nil, nil }}
	signer, err := ssh.ParsePrivateKey([]byte(s.host.private))
	if err != nil {
		t.Fatal(err)
	}
	cfg.AddHostKey(signer)
	s.addr = peer(t, func(c net.Conn) {
		conn, chans, reqs, err := ssh.NewServerConn(c, cfg)
		if err != nil {
			return
		}
		o.mu.Lock()
		o.logins++
		o.conn = c
		o.mu.Unlock()
		var wg sync.WaitGroup
		wg.Go(func() { ssh.DiscardRequests(reqs) })
		wg.Go(func() {
			for ch := range chans {
				channel, asked, err := ch.Accept()
				if err != nil {
					return
				}
				wg.Go(func() {
					for r := range asked {
						_ = r.Reply(r.Type == "subsystem", nil)
					}
				})
				wg.Go(func() {
					if o.serve != nil {
						o.serve(channel)
						_ = channel.Close()
						return
					}
					srv := sftp.NewRequestServer(channel, sftp.Handlers{FileGet: o, FilePut: o, FileCmd: o, FileList: o})
					_ = srv.Serve()
					_ = srv.Close()
				})
			}
		})
		_ = conn.Wait()
		wg.Wait()
	})
	t.Cleanup(func() { close(o.over) }) // before the peer waits for its connections
	return s
}

// after is what happens once a method is done; it is called without the lock.
func (o *odd) after(method string) error {
	if o.on != nil {
		o.on(method)
	}
	o.mu.Lock()
	hang, drop, conn := o.hang[method] > 0, o.drop[method] > 0, o.conn
	if hang {
		o.hang[method]--
	}
	if drop {
		o.drop[method]--
	}
	o.mu.Unlock()
	switch {
	case hang:
		<-o.over
	case drop:
		_ = conn.Close()
	}
	return nil
}

func (o *odd) Filewrite(r *sftp.Request) (io.WriterAt, error) {
	if err := o.fail["Put"]; err != nil {
		return nil, err
	}
	if !r.Pflags().Excl || !r.Pflags().Creat || r.Pflags().Read || r.Pflags().Trunc {
		return nil, errors.New("not created as it must be")
	}
	o.mu.Lock()
	o.files[r.Filepath] = nil
	o.mu.Unlock()
	return &oddFile{o, r.Filepath}, o.after("Put")
}

type oddFile struct {
	o    *odd
	name string
}

func (f *oddFile) WriteAt(b []byte, at int64) (int, error) {
	f.o.mu.Lock()
	defer f.o.mu.Unlock()
	f.o.files[f.name] = append(f.o.files[f.name][:at:at], b...)
	return len(b), nil
}

func (f *oddFile) Close() error {
	f.o.mu.Lock()
	defer f.o.mu.Unlock()
	if f.o.swallow {
		delete(f.o.files, f.name)
	}
	return nil
}

func (o *odd) Fileread(r *sftp.Request) (io.ReaderAt, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	data := slices.Clone(o.files[r.Filepath])
	if o.readOnce {
		delete(o.files, r.Filepath)
	}
	if o.alter && len(data) > 0 {
		data[0] ^= 1
	}
	return bytes.NewReader(data), nil
}

func (o *odd) Filecmd(r *sftp.Request) error {
	if r.Method == "Remove" && o.hang["Remove"] > 1 { // never, and not done either
		<-o.over
		return io.EOF
	}
	return o.change(r)
}

func (o *odd) PosixRename(r *sftp.Request) error { return o.change(r) }

func (o *odd) change(r *sftp.Request) error {
	if err := o.fail[r.Method]; err != nil {
		return err
	}
	o.mu.Lock()
	data, ok := o.files[r.Filepath]
	delete(o.files, r.Filepath)
	if r.Method == "PosixRename" && ok {
		o.files[r.Target] = data
	}
	o.mu.Unlock()
	if !ok {
		return os.ErrNotExist
	}
	return o.after(r.Method)
}

func (o *odd) Filelist(r *sftp.Request) (sftp.ListerAt, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if r.Method == "List" {
		return oddInfos{}, nil
	}
	data, ok := o.files[r.Filepath]
	if !ok {
		return nil, os.ErrNotExist
	}
	return oddInfos{{r.Filepath, int64(len(data))}}, nil
}

func (o *odd) Lstat(r *sftp.Request) (sftp.ListerAt, error) { return o.Filelist(r) }

type oddInfo struct {
	name string
	size int64
}

func (i oddInfo) Name() string     { return i.name }
func (i oddInfo) Size() int64      { return i.size }
func (oddInfo) Mode() os.FileMode  { return 0o600 }
func (oddInfo) ModTime() time.Time { return noon }
func (oddInfo) IsDir() bool        { return false }
func (oddInfo) Sys() any           { return nil }

type oddInfos []oddInfo

func (l oddInfos) ListAt(to []os.FileInfo, at int64) (int, error) {
	n := 0
	for ; n < len(to) && int(at)+n < len(l); n++ {
		to[n] = l[int(at)+n]
	}
	if n < len(to) {
		return n, io.EOF
	}
	return n, nil
}
