package probe

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pkg/sftp"

	"skift/checks"
)

// allowedOn lets the new side be written to in every phase.
func allowedOn(sides ...checks.Side) map[checks.Side]map[checks.Phase]bool {
	all := map[checks.Side]map[checks.Phase]bool{}
	for _, s := range sides {
		all[s] = map[checks.Phase]bool{}
		for _, p := range checks.Phases() {
			all[s][p] = true
		}
	}
	return all
}

func writes(level checks.Level, dir string) func(*checks.SFTPOptions) {
	return func(o *checks.SFTPOptions) {
		o.Level = level
		o.Writing = checks.SFTPWriting{Allowed: allowedOn(checks.New), Dir: checks.Text{Literal: dir}, Prefix: "skift-probe-"}
	}
}

func perm(p checks.SFTPPlaces) func(*checks.SFTPOptions) {
	return func(o *checks.SFTPOptions) { o.Level, o.Places = checks.LevelPerm, p }
}

// OpenSSH's own server, set up in every way that makes a level fail: each has its own code, and nothing stays behind unsaid.
func TestSFTPPlacesAndWritingAgainstOpenSSH(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name    string
		sftpd   string
		options func(dir string) func(*checks.SFTPOptions)
		ask     func(*checks.Ask)
		prepare func(t *testing.T, dir string)
		code    checks.Code
		reached string
		left    int // files in the directory afterwards
		facts   map[string]string
	}{
		{name: "directories as agreed", code: checks.OK, reached: "perm", facts: map[string]string{"pin": "current"},
			options: func(dir string) func(*checks.SFTPOptions) {
				return perm(checks.SFTPPlaces{Dirs: []checks.ExpectedDir{{Path: dir, Mode: "0750"}}, NotVisible: []string{dir + "/other"}})
			}},
		{name: "a directory is missing", code: checks.PathMissing, reached: "list", options: func(dir string) func(*checks.SFTPOptions) {
			return perm(checks.SFTPPlaces{Dirs: []checks.ExpectedDir{{Path: dir + "/OUT"}}})
		}},
		{name: "a directory is a file", code: checks.PathMissing, reached: "list", left: 1, prepare: touch("OUT"), options: func(dir string) func(*checks.SFTPOptions) {
			return perm(checks.SFTPPlaces{Dirs: []checks.ExpectedDir{{Path: dir + "/OUT"}}})
		}},
		{name: "other permissions", code: checks.PathMode, reached: "list", options: func(dir string) func(*checks.SFTPOptions) {
			return perm(checks.SFTPPlaces{Dirs: []checks.ExpectedDir{{Path: dir, Mode: "0770"}}})
		}},
		{name: "somebody else's file is visible", code: checks.PathVisible, reached: "list", left: 1, prepare: touch("theirs"), options: func(dir string) func(*checks.SFTPOptions) {
			return perm(checks.SFTPPlaces{NotVisible: []string{dir + "/mine", dir + "/theirs"}})
		}},
		{name: "asking is not allowed", sftpd: "-P stat", code: checks.PathDenied, reached: "list", options: func(dir string) func(*checks.SFTPOptions) {
			return perm(checks.SFTPPlaces{Dirs: []checks.ExpectedDir{{Path: dir}}})
		}},
		{name: "write", code: checks.OK, reached: "write", options: func(dir string) func(*checks.SFTPOptions) { return writes(checks.LevelWrite, dir) }},
		{name: "roundtrip", code: checks.OK, reached: "roundtrip", facts: map[string]string{"renamed": "true"}},
		{name: "roundtrip without a safe rename", sftpd: "-P posix-rename", code: checks.OK, reached: "roundtrip", facts: map[string]string{"renamed": "", "posix_rename": ""}},
		{name: "read only", sftpd: "-R", code: checks.PathDenied, reached: "perm"},
		{name: "reading is not allowed", sftpd: "-P read", code: checks.PathDenied, reached: "write"},
		{name: "removing is not allowed", sftpd: "-P remove,rmdir", code: checks.OpLeftover, reached: "write", left: 1},
		{name: "reading and removing are not allowed", sftpd: "-P remove,rmdir,read", code: checks.OpLeftover, reached: "write", left: 1, facts: map[string]string{"seen": "path_denied"}},
		{name: "no directory to write to", code: checks.PathMissing, reached: "perm", options: func(dir string) func(*checks.SFTPOptions) {
			return writes(checks.LevelRoundtrip, dir+"/IN/deep")
		}},
		{name: "no room", code: checks.Quota, reached: "perm", left: 1, prepare: fullDisk},
		{name: "no room and the server does not say", sftpd: "-P statvfs", code: checks.OpFailed, reached: "perm", left: 1, prepare: fullDisk},
		{name: "the plan does not allow it", code: checks.OK, reached: "perm", facts: map[string]string{"write": "denied"}, options: func(dir string) func(*checks.SFTPOptions) {
			return func(o *checks.SFTPOptions) {
				writes(checks.LevelRoundtrip, dir)(o)
				o.Writing.Allowed = allowedOn(checks.Old)
			}
		}},
		{name: "not in this phase", code: checks.OK, reached: "perm", facts: map[string]string{"write": "denied"}, ask: func(a *checks.Ask) { a.Phase = checks.Closed }, options: func(dir string) func(*checks.SFTPOptions) {
			return func(o *checks.SFTPOptions) {
				writes(checks.LevelRoundtrip, dir)(o)
				o.Writing.Allowed[checks.New][checks.Closed] = false
			}
		}},
		{name: "the phase is not known and one forbids it", code: checks.OK, reached: "perm", facts: map[string]string{"write": "denied"}, options: func(dir string) func(*checks.SFTPOptions) {
			return func(o *checks.SFTPOptions) {
				writes(checks.LevelRoundtrip, dir)(o)
				o.Writing.Allowed[checks.New][checks.Closed] = false
			}
		}},
		{name: "we should be kept out", code: checks.OK, reached: "perm", facts: map[string]string{"write": "denied"}, ask: func(a *checks.Ask) { a.Want = checks.Deny }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := folder(t)
			if err := os.Chmod(dir, 0o750); err != nil {
				t.Fatal(err)
			}
			if c.prepare != nil {
				c.prepare(t, dir)
			}
			if c.options == nil {
				c.options = func(dir string) func(*checks.SFTPOptions) { return writes(checks.LevelRoundtrip, dir) }
			}
			s := startSSHD(t, "Subsystem sftp internal-sftp "+c.sftpd)
			a := ask(s.addr, s.options(c.options(dir)))
			if c.ask != nil {
				c.ask(&a)
			}
			r := run(t, s.me.private, a)
			if r.Code != c.code || r.Reached != c.reached {
				t.Errorf("got %s, reached %q; want %s, reached %q", r.Code, r.Reached, c.code, c.reached)
			}
			for k, v := range c.facts {
				if r.Facts[k] != v {
					t.Errorf("fact %s is %q, want %q", k, r.Facts[k], v)
				}
			}
			leftAs(t, dir, c.left, r)
		})
	}
}

// leftAs checks how many files there are, and that a file of ours among them was named.
func leftAs(t *testing.T, dir string, n int, r checks.Result) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != n {
		t.Errorf("%d files are there, want %d: %v", len(entries), n, entries)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "skift-probe-") && (r.Facts[FactLeftover] != filepath.Join(dir, e.Name()) || !strings.Contains(r.Evidence.Err, e.Name())) {
			t.Errorf("%s is left behind and not named: %v, %q", e.Name(), r.Facts, r.Evidence.Err)
		}
	}
}

func touch(name string) func(*testing.T, string) {
	return func(t *testing.T, dir string) {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// fullDisk puts a tiny file system there and fills it.
func fullDisk(t *testing.T, dir string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root mounts a file system")
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=16k"); err != nil {
		t.Skipf("mount a small file system: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	if err := os.WriteFile(filepath.Join(dir, "full"), make([]byte, 64<<10), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the file system took everything: %v", err)
	}
}

// What OpenSSH never does is done by a server in this process.
func TestSFTPWritingAgainstOddServers(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name    string
		odd     *odd
		code    checks.Code
		reached string
		left    int
		logins  int
	}{
		{"as it should be", &odd{}, checks.OK, "roundtrip", 0, 1},
		{"a file is gone once it has been read", &odd{readOnce: true}, checks.OK, "roundtrip", 0, 1},
		{"a file is gone once it has been closed", &odd{swallow: true}, checks.PathMissing, "write", 0, 1},
		{"what comes back is not what was written", &odd{alter: true}, checks.ContentDiffers, "write", 0, 1},
		{"no space, by number", &odd{fail: map[string]error{"Put": sftp.ErrSSHFxOk + fxNoSpace}}, checks.Quota, "perm", 0, 1},
		{"quota, by number", &odd{fail: map[string]error{"Put": sftp.ErrSSHFxOk + fxQuota}}, checks.Quota, "perm", 0, 1},
		{"a failure without a reason", &odd{fail: map[string]error{"Put": sftp.ErrSSHFxFailure}}, checks.OpFailed, "perm", 0, 1},
		{"renaming fails", &odd{fail: map[string]error{"PosixRename": sftp.ErrSSHFxFailure}}, checks.OpFailed, "write", 0, 1},
		{"removing is never answered", &odd{hang: map[string]int{"Remove": 9}}, checks.OpLeftover, "write", 1, 2},
		{"removing is answered by the second connection", &odd{hang: map[string]int{"Remove": 1}}, checks.OK, "roundtrip", 0, 2},
		{"creating is done and never answered", &odd{hang: map[string]int{"Put": 1}}, checks.SFTPSilent, "perm", 0, 2},
		{"the connection is lost while renaming", &odd{drop: map[string]int{"PosixRename": 1}}, checks.SFTPGarbage, "write", 0, 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			srv := startOdd(t, c.odd)
			a := ask(srv.addr, srv.options(writes(checks.LevelRoundtrip, "/drop")))
			a.Spec.Timeout = 2 * time.Second
			r := run(t, srv.me.private, a)
			if r.Code != c.code || r.Reached != c.reached {
				t.Errorf("got %s, reached %q; want %s, reached %q", r.Code, r.Reached, c.code, c.reached)
			}
			names, logins := c.odd.seen()
			if len(names) != c.left || logins != c.logins {
				t.Errorf("files %v after %d logins; want %d after %d", names, logins, c.left, c.logins)
			}
			if c.left > 0 && r.Facts[FactLeftover] != names[0] {
				t.Errorf("%s is left behind and told as %q", names[0], r.Facts[FactLeftover])
			}
		})
	}
}

// Cancelling while a file of ours is there removes it first; where that cannot be done the error names it.
func TestCancelledWriting(t *testing.T) {
	t.Parallel()
	for _, stuck := range []bool{false, true} {
		stopped := errors.New("stopped")
		ctx, cancel := context.WithCancelCause(t.Context())
		o := &odd{on: func(method string) {
			if method == "Put" {
				cancel(stopped)
			}
		}}
		if stuck {
			o.fail = map[string]error{"Remove": sftp.ErrSSHFxPermissionDenied, "Rmdir": sftp.ErrSSHFxPermissionDenied}
		}
		srv := startOdd(t, o)
		_, err := New(Config{Dialer: loopback(), Secrets: secrets(srv.me.private)}).Run(ctx, ask(srv.addr, srv.options(writes(checks.LevelRoundtrip, "/drop"))))
		if !errors.Is(err, stopped) {
			t.Errorf("got %v", err)
		}
		names, _ := o.seen()
		if stuck != (len(names) == 1) {
			t.Fatalf("files %v, stuck %v", names, stuck)
		}
		if stuck && !strings.Contains(err.Error(), names[0]) {
			t.Errorf("%s is left behind and not named in %q", names[0], err)
		}
	}
}
