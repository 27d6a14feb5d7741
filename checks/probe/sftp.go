package probe

import (
	"context"
	"errors"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"skift/checks"
	"skift/internal/dial"
	"skift/internal/sshdial"
)

// sftp goes as far as the check's level and says at which one it ended. It opens no file but one of its own, at the levels that
// write: some servers take a file away once it has been read.
func (p *Prober) sftp(ctx context.Context, t target) sighting {
	o, _ := t.Spec.Options.(checks.SFTPOptions)
	s := sighting{facts: map[string]string{}, timings: map[string]time.Duration{}}
	cfg, err := p.prepare(t, o)
	if err != nil {
		s.code, s.evidence.Err = checks.Credential, printable([]byte(err.Error()))
		return s
	}
	client, trace, err := sshdial.Dial(ctx, p.dialer, t.addr, cfg)
	s.traced(trace)
	switch {
	case err != nil:
		s.loginFailed(err)
	case client == nil:
		s.code = checks.OK
	default:
		defer client.Close()
		s.session(ctx, &login{p: p, t: t, o: o, cfg: cfg, client: client})
	}
	return s
}

// login is one login and what it is for.
type login struct {
	p      *Prober
	t      target
	o      checks.SFTPOptions
	cfg    sshdial.Config
	client *sshdial.Client
	files  *subsystem
}

// prepare prepares the connection for the wanted level.
func (p *Prober) prepare(t target, o checks.SFTPOptions) (sshdial.Config, error) {
	pins, err := sshdial.ParsePins(o.HostKey[t.Unit.Side])
	if err != nil {
		return sshdial.Config{}, err
	}
	user, _ := o.User.In(t.Flow)
	cfg := sshdial.Config{
		User: user, Pins: pins, Timeout: t.timeout, Stop: sshdial.AtLogin,
		Dial: dial.Options{Source: t.Source, Timeout: t.timeout},
	}
	switch {
	case o.Level == checks.LevelBanner:
		cfg.Stop = sshdial.AtBanner
		return cfg, nil
	case o.Level == checks.LevelHostKey:
		cfg.Stop = sshdial.AtHostKey
		return cfg, nil
	case p.secrets == nil:
		return cfg, errors.New("no secrets are given to this prober")
	}
	key, err := p.secrets.Resolve(o.Key)
	if err != nil {
		return cfg, err
	}
	cfg.Key, err = sshdial.ParseKey([]byte(key.Reveal()))
	return cfg, err
}

func (s *sighting) traced(t sshdial.Trace) {
	s.reached, s.local, s.timings = t.Reached, t.LocalAddr, t.Timings
	s.evidence.Banner = printable([]byte(t.Banner))
	if t.Version == "" {
		s.evidence.FirstBytes = printable(t.First)
	}
	s.set(map[string]string{
		"ssh_version":   printable([]byte(t.Version)),
		"host_key":      t.HostKey,
		"host_key_type": t.HostType,
		"kex":           t.Algorithms.KeyExchange,
		"cipher":        t.Algorithms.Write.Cipher,
		"mac":           t.Algorithms.Write.MAC,
		"auth_offered":  printable([]byte(joined(t.Offered))),
		"peer_offers":   printable([]byte(joined(t.Peer))),
		"pin":           pinName(t.Pin),
	})
}

func (s *sighting) loginFailed(err error) {
	if e, ok := errors.AsType[*sshdial.Error](err); ok {
		s.code = checks.Code(e.Code)
		s.evidence.Err, s.evidence.Errno = printable([]byte(err.Error())), dial.Errno(err)
		return
	}
	s.dialFailed(err)
}

// pinName says which of the pinned keys a server shows: the first is the current one, those after it are the next.
func pinName(i int) string {
	switch {
	case i < 0:
		return ""
	case i == 0:
		return "current"
	}
	return "next"
}

// session asks for the subsystem and goes on from there.
func (s *sighting) session(ctx context.Context, l *login) {
	s.code = checks.OK
	if !l.o.Level.AtLeast(checks.LevelSubsystem) {
		return
	}
	began := time.Now()
	err := l.client.Within(ctx, l.t.timeout, func() (err error) {
		l.files, err = openSubsystem(l.client)
		return err
	})
	if l.files != nil {
		// Closing in good order waits for the server, which may have stopped answering.
		defer func() { _ = l.client.Within(ctx, l.t.timeout, l.files.close) }()
	}
	if err != nil {
		s.subsystemFailed(err, l.client, l.files)
		return
	}
	s.reached = string(checks.LevelSubsystem)
	if _, ok := l.files.HasExtension(extPosixRename); ok {
		s.facts["posix_rename"] = "true"
	}
	for _, rung := range []struct {
		level checks.Level
		climb func(*sighting, context.Context, *login)
	}{{checks.LevelList, (*sighting).list}, {checks.LevelPerm, (*sighting).places}, {checks.LevelWrite, (*sighting).write}} {
		if s.code == checks.OK && l.o.Level.AtLeast(rung.level) {
			rung.climb(s, ctx, l)
		}
	}
	s.timings["op"] = time.Since(began)
}

const (
	extPosixRename = "posix-rename@openssh.com"
	extStatVFS     = "statvfs@openssh.com"
)

func (s *sighting) list(ctx context.Context, l *login) {
	dir, _ := l.o.Dir.In(l.t.Flow)
	if dir == "" {
		dir = "."
	}
	err := l.client.Within(ctx, l.t.timeout, func() error {
		real, err := l.files.RealPath(dir)
		if err != nil {
			return err
		}
		s.facts["path"] = printable([]byte(path.Clean(real)))
		_, err = l.files.ReadDirContext(ctx, real)
		return err
	})
	if err != nil {
		s.opFailed(opCode(err), err)
		return
	}
	s.reached = string(checks.LevelList)
}

func (s *sighting) opFailed(code checks.Code, err error) {
	s.code, s.evidence.Err = code, printable([]byte(err.Error()))
}

// Statuses of later versions of the protocol that servers send all the same; the library has no names for them.
const (
	fxNoSpace = 14
	fxQuota   = 15
)

// opCode reads the answer to an operation. Status 4 says everything else, its reason stands in the text only, which differs
// from server to server: it is evidence and never branched on. What is no answer at all is not a refusal.
func opCode(err error) checks.Code {
	switch {
	case errors.Is(err, sshdial.ErrOverdue):
		return checks.SFTPSilent
	case errors.Is(err, os.ErrNotExist):
		return checks.PathMissing
	case errors.Is(err, os.ErrPermission):
		return checks.PathDenied
	}
	e, status := errors.AsType[*sftp.StatusError](err)
	switch {
	case status && (e.Code == fxNoSpace || e.Code == fxQuota):
		return checks.Quota
	case status, errors.Is(err, io.EOF): // which is how the library gives status 1
		return checks.OpFailed
	}
	return checks.SFTPGarbage // no status: another packet, half of one, or the end of the connection
}

func (s *sighting) subsystemFailed(err error, client *sshdial.Client, files *subsystem) {
	s.code = checks.SFTPGarbage
	heard := files != nil && len(files.heard()) > 0
	switch {
	case client.HungUp() && !heard:
		s.code = checks.AuthDisconnect // the key was taken, but the account's rules ended the connection, such as a chroot sshd refuses
	case strings.Contains(err.Error(), "subsystem request failed"), errors.As(err, new(*ssh.OpenChannelError)):
		s.code = checks.SubsystemRefused
	case errors.Is(err, sshdial.ErrOverdue) && !heard:
		s.code = checks.SFTPSilent
	}
	s.evidence.Err = printable([]byte(err.Error()))
	if files != nil {
		s.evidence.FirstBytes = printable(files.heard())
	}
}

// subsystem is an SFTP session that remembers the first bytes it was answered: garbage that looks like the length of a
// packet makes the library wait for ever, and only the bytes tell that from silence.
type subsystem struct {
	*sftp.Client
	session *ssh.Session

	mu    sync.Mutex
	first []byte
	out   io.Reader
}

// openSubsystem gives a subsystem also beside an error once the session is open; close it then.
func openSubsystem(c *sshdial.Client) (*subsystem, error) {
	session, err := c.Session()
	if err != nil {
		return nil, err
	}
	f := &subsystem{session: session}
	in, err := session.StdinPipe()
	if err != nil {
		return f, err
	}
	if f.out, err = session.StdoutPipe(); err != nil {
		return f, err
	}
	if err := session.RequestSubsystem("sftp"); err != nil {
		return f, err
	}
	f.Client, err = sftp.NewClientPipe(f, in, sftp.UseConcurrentReads(false), sftp.UseConcurrentWrites(false))
	return f, err
}

// Read records what the server sends.
func (f *subsystem) Read(b []byte) (int, error) {
	n, err := f.out.Read(b)
	f.mu.Lock()
	f.first = append(f.first, b[:min(n, dial.Recorded-len(f.first))]...)
	f.mu.Unlock()
	return n, err
}

func (f *subsystem) heard() []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.first)
}

func (f *subsystem) close() error {
	err := f.session.Close()
	if f.Client != nil {
		err = errors.Join(err, f.Client.Close())
	}
	return err
}
