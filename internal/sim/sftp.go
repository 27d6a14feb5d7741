package sim

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// loginGrace is how long a peer may take to log in, as sshd's LoginGraceTime.
const loginGrace = 2 * time.Minute

// shellGreeting is what a forced command prints where the SFTP protocol is
// expected.
const shellGreeting = "This account is currently not available.\r\n"

// serveSSH answers on one door until it closes, then waits for its sessions.
func (p *Platform) serveSSH(d *door) {
	defer p.sessions.Done()
	for {
		conn, err := d.Accept()
		if err != nil {
			return
		}
		p.sessions.Add(1)
		go func() {
			defer p.sessions.Done()
			defer conn.Close()
			p.serveSSHConn(conn)
		}()
	}
}

func (p *Platform) serveSSHConn(conn net.Conn) {
	conn.SetDeadline(time.Now().Add(loginGrace))
	source := conn.RemoteAddr().(*net.TCPAddr).AddrPort()
	server, channels, requests, err := ssh.NewServerConn(conn, p.sshConfig(source))
	if err != nil {
		return
	}
	conn.SetDeadline(time.Time{})
	var wg sync.WaitGroup
	defer wg.Wait()
	defer server.Close()
	wg.Go(func() { ssh.DiscardRequests(requests) })
	account, _ := p.account(server.User())
	for offered := range channels {
		if offered.ChannelType() != "session" {
			offered.Reject(ssh.UnknownChannelType, "only sessions")
			continue
		}
		channel, asked, err := offered.Accept()
		if err != nil {
			return
		}
		wg.Go(func() { p.serveSession(channel, asked, &fileSession{p: p, account: account, source: source}) })
	}
}

// sshConfig is made for each connection: the host key and whether user keys
// are accepted depend on the faults of the moment.
func (p *Platform) sshConfig(source netip.AddrPort) *ssh.ServerConfig {
	config := &ssh.ServerConfig{
		ServerVersion: "SSH-2.0-simulated",
		PublicKeyCallback: func(meta ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			account, ok := p.account(meta.User())
			if !ok || p.broken(FaultUserKey, DoorSFTP) || !bytes.Equal(account.Key.Marshal(), key.Marshal()) {
				return nil, errors.New("unknown key")
			}
			return nil, nil
		},
		AuthLogCallback: func(meta ssh.ConnMetadata, method string, err error) {
			if method == "none" { // how clients ask which methods there are
				return
			}
			entry := Request{Platform: p.opts.Name, Proto: ProtoSSH, Op: "auth", Path: method, User: meta.User(), Source: source}
			if err != nil {
				entry.Err = err.Error()
			}
			p.log.add(entry)
		},
	}
	if p.broken(FaultHostKey, DoorSFTP) {
		config.AddHostKey(p.otherKey)
	} else {
		config.AddHostKey(p.hostKey)
	}
	return config
}

func (p *Platform) account(name string) (Account, bool) {
	for _, a := range p.opts.Accounts {
		if a.Name == name {
			return a, true
		}
	}
	return Account{}, false
}

// serveSession starts the sftp subsystem when asked and refuses the rest.
func (p *Platform) serveSession(channel ssh.Channel, asked <-chan *ssh.Request, s *fileSession) {
	defer channel.Close()
	var wg sync.WaitGroup
	defer wg.Wait()
	started := false
	for req := range asked {
		isSFTP := req.Type == "subsystem" && bytes.HasSuffix(req.Payload, []byte("\x04sftp"))
		ok := isSFTP && !started && !p.broken(FaultNoSubsystem, DoorSFTP)
		if req.WantReply {
			req.Reply(ok, nil)
		}
		if !ok {
			continue
		}
		started = true
		wg.Go(func() {
			defer channel.Close()
			p.serveSFTP(channel, s)
		})
	}
}

func (p *Platform) serveSFTP(channel ssh.Channel, s *fileSession) {
	switch {
	case p.broken(FaultSilentSubsystem, DoorSFTP):
		io.Copy(io.Discard, channel)
		return
	case p.broken(FaultGarbageSubsystem, DoorSFTP):
		io.WriteString(channel, shellGreeting)
		return
	}
	server := sftp.NewRequestServer(channel, sftp.Handlers{FileGet: s, FilePut: s, FileCmd: s, FileList: s})
	server.Serve()
	server.Close()
}

// fileSession answers one session's requests from the platform's tree.
type fileSession struct {
	p       *Platform
	account Account
	source  netip.AddrPort
}

// note records a request with its outcome and returns the outcome.
func (s *fileSession) note(entry Request, err error) error {
	entry.Platform, entry.Proto, entry.Source, entry.User = s.p.opts.Name, ProtoSFTP, s.source, s.account.Name
	if err != nil {
		entry.Err = err.Error()
	}
	s.p.log.add(entry)
	return err
}

// reachable applies the faults that hide or deny paths.
func (s *fileSession) reachable(name string) error {
	switch {
	case name == "/":
		return nil
	case s.p.broken(FaultMissingPath, DoorSFTP):
		return sftp.ErrSSHFxNoSuchFile
	case s.p.broken(FaultDeniedPath, DoorSFTP):
		return sftp.ErrSSHFxPermissionDenied
	}
	return nil
}

// writable says whether the account may change this path now.
func (s *fileSession) writable(name string) error {
	if err := s.reachable(name); err != nil {
		return err
	}
	switch s.account.Access {
	case AccessOperate:
		return nil
	case AccessWrite:
		if s.p.IntakeOpen() {
			return nil
		}
	}
	return sftp.ErrSSHFxPermissionDenied
}

// Fileread implements sftp.FileReader.
func (s *fileSession) Fileread(r *sftp.Request) (io.ReaderAt, error) {
	return s.open(r, s.reachable)
}

// Filewrite implements sftp.FileWriter.
func (s *fileSession) Filewrite(r *sftp.Request) (io.WriterAt, error) {
	return s.open(r, s.writable)
}

// OpenFile implements sftp.OpenFileWriter.
func (s *fileSession) OpenFile(r *sftp.Request) (sftp.WriterAtReaderAt, error) {
	return s.open(r, s.writable)
}

func (s *fileSession) open(r *sftp.Request, permitted func(string) error) (*handle, error) {
	entry := Request{Op: "open", Path: r.Filepath, Flags: flagText(r.Pflags())}
	if err := permitted(r.Filepath); err != nil {
		return nil, s.note(entry, err)
	}
	h, err := s.p.files.open(r.Filepath, r.Pflags())
	if s.note(entry, err) != nil {
		return nil, err
	}
	h.full = func() bool { return s.p.broken(FaultFull, DoorSFTP) }
	return h, nil
}

func flagText(f sftp.FileOpenFlags) string {
	var words []string
	for _, flag := range []struct {
		set  bool
		word string
	}{{f.Read, "read"}, {f.Write, "write"}, {f.Append, "append"}, {f.Creat, "create"}, {f.Trunc, "truncate"}, {f.Excl, "exclusive"}} {
		if flag.set {
			words = append(words, flag.word)
		}
	}
	return strings.Join(words, "|")
}

// Filecmd implements sftp.FileCmder.
func (s *fileSession) Filecmd(r *sftp.Request) error {
	entry := Request{Op: strings.ToLower(r.Method), Path: r.Filepath, Target: r.Target}
	return s.note(entry, s.change(r))
}

func (s *fileSession) change(r *sftp.Request) error {
	if err := s.writable(r.Filepath); err != nil {
		return err
	}
	tree := s.p.files
	switch r.Method {
	case "Mkdir":
		return tree.mkdir(r.Filepath)
	case "Rmdir":
		return tree.remove(r.Filepath, true)
	case "Remove":
		return tree.remove(r.Filepath, false)
	case "Rename":
		return tree.rename(r.Filepath, r.Target, false)
	case "Setstat":
		return tree.setstat(r.Filepath, r.AttrFlags(), r.Attributes())
	}
	return sftp.ErrSSHFxOpUnsupported // links: the tree has none
}

// PosixRename implements sftp.PosixRenameFileCmder.
func (s *fileSession) PosixRename(r *sftp.Request) error {
	err := s.writable(r.Filepath)
	if err == nil {
		err = s.p.files.rename(r.Filepath, r.Target, true)
	}
	return s.note(Request{Op: "posix-rename", Path: r.Filepath, Target: r.Target}, err)
}

// Filelist implements sftp.FileLister.
func (s *fileSession) Filelist(r *sftp.Request) (sftp.ListerAt, error) {
	found, err := s.look(r)
	if s.note(Request{Op: strings.ToLower(r.Method), Path: r.Filepath}, err) != nil {
		return nil, err
	}
	return found, nil
}

func (s *fileSession) look(r *sftp.Request) (infos, error) {
	if err := s.reachable(r.Filepath); err != nil {
		return nil, err
	}
	switch r.Method {
	case "List":
		return s.p.files.list(r.Filepath)
	case "Stat", "Lstat":
		info, err := s.p.files.stat(r.Filepath)
		if err != nil {
			return nil, err
		}
		return infos{info}, nil
	}
	return nil, sftp.ErrSSHFxOpUnsupported
}

// Lstat implements sftp.LstatFileLister.
func (s *fileSession) Lstat(r *sftp.Request) (sftp.ListerAt, error) { return s.Filelist(r) }

// RealPath implements sftp.RealPathFileLister. Like OpenSSH's it lets only the
// last element of the path be missing.
func (s *fileSession) RealPath(name string) (string, error) {
	full := clean(name)
	if err := s.reachable(path.Dir(full)); err != nil {
		return "", err
	}
	if _, err := s.p.files.stat(path.Dir(full)); err != nil {
		return "", err
	}
	return full, nil
}
