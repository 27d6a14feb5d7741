package sim

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// supplierTimeout bounds one connection of the suppliers' operators.
const supplierTimeout = time.Minute

// CopyFiles is the suppliers' work in a cut-over: over SFTP, with their own
// account and address, every file under the given directories (none: OUT and
// IN) goes from the old to the new platform. A message is complete before its
// trigger is written, and a file of the new platform is replaced. It returns
// how many files were copied. Under FaultChangedByte on the new platform the
// first message copied arrives with a changed byte of the same size.
func (w *World) CopyFiles(ctx context.Context, dirs ...string) (int, error) {
	if len(dirs) == 0 {
		dirs = []string{"OUT", "IN"}
	}
	from, err := w.dialSupplier(ctx, w.Old)
	if err != nil {
		return 0, err
	}
	defer from.close()
	to, err := w.dialSupplier(ctx, w.New)
	if err != nil {
		return 0, err
	}
	defer to.close()
	var copied []string
	for _, dir := range dirs {
		names, err := copyDir(from.files, to.files, dir)
		copied = append(copied, names...)
		if err != nil {
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			return len(copied), fmt.Errorf("copy files: %w", err)
		}
	}
	if w.New.broken(FaultChangedByte, DoorSFTP) {
		for _, name := range copied {
			if !isCompanion(name) {
				return len(copied), w.New.Files().ChangeByte(name)
			}
		}
	}
	return len(copied), nil
}

// copyDir copies the files of one directory: first messages, then companions.
func copyDir(from, to *sftp.Client, dir string) ([]string, error) {
	infos, err := from.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", dir, err)
	}
	if _, err := to.Stat(dir); err != nil {
		if err := to.MkdirAll(dir); err != nil {
			return nil, fmt.Errorf("make %s: %w", dir, err)
		}
	}
	var copied []string
	for _, companions := range []bool{false, true} {
		for _, info := range infos {
			name := path.Join(dir, info.Name())
			if info.IsDir() || isCompanion(name) != companions {
				continue
			}
			if err := copyFile(from, to, name); err != nil {
				return copied, fmt.Errorf("copy %s: %w", name, err)
			}
			copied = append(copied, name)
		}
	}
	return copied, nil
}

func copyFile(from, to *sftp.Client, name string) error {
	source, err := from.Open(name)
	if err != nil {
		return err
	}
	defer source.Close()
	data, err := io.ReadAll(source)
	if err != nil {
		return err
	}
	target, err := to.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	if _, err := io.Copy(target, bytes.NewReader(data)); err != nil {
		target.Close()
		return err
	}
	return target.Close()
}

// supplierSession is an operator logged in to one platform.
type supplierSession struct {
	files  *sftp.Client
	server *ssh.Client
	detach func() bool
}

func (s *supplierSession) close() {
	s.detach()
	s.files.Close()
	s.server.Close()
	s.server.Wait()
}

func (w *World) dialSupplier(ctx context.Context, p *Platform) (*supplierSession, error) {
	fail := func(err error) (*supplierSession, error) {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, fmt.Errorf("log in to the %s platform as %s: %w", p.Name(), AccountSupplier, err)
	}
	dialer := net.Dialer{Timeout: supplierTimeout, LocalAddr: &net.TCPAddr{IP: loopback(suppliersHost).AsSlice()}}
	conn, err := dialer.DialContext(ctx, "tcp", p.SFTPAddr().String())
	if err != nil {
		return fail(err)
	}
	// Neither ssh nor sftp calls take a context: closing the connection under
	// them is what ends them.
	detach := context.AfterFunc(ctx, func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(supplierTimeout))
	server, channels, requests, err := ssh.NewClientConn(conn, conn.RemoteAddr().String(), &ssh.ClientConfig{
		User: AccountSupplier,
		Auth: []ssh.AuthMethod{ssh.PublicKeys(w.keys[AccountSupplier].Signer)},
		// The operators own the platform: they know both of its keys.
		HostKeyCallback: p.ownHostKey,
	})
	if err != nil {
		detach()
		conn.Close()
		return fail(err)
	}
	client := ssh.NewClient(server, channels, requests)
	files, err := sftp.NewClient(client)
	if err != nil {
		detach()
		client.Close()
		client.Wait()
		return fail(err)
	}
	return &supplierSession{files: files, server: client, detach: detach}, nil
}

func (p *Platform) ownHostKey(_ string, _ net.Addr, key ssh.PublicKey) error {
	for _, own := range []ssh.Signer{p.hostKey, p.otherKey} {
		if bytes.Equal(own.PublicKey().Marshal(), key.Marshal()) {
			return nil
		}
	}
	return fmt.Errorf("%s is no host key of the %s platform", ssh.FingerprintSHA256(key), p.Name())
}

// Kit is what a plan that points at a World refers to on disk.
type Kit struct {
	RootCA   string            // path: the bundle that trusts the platforms
	OtherCA  string            // path: a bundle that does not
	Keys     map[string]string // account → path of its private key, mode 0600
	HostKeys map[string]string // "old", "new" → announced fingerprint, "SHA256:…"
}

// WriteKit writes bundles to DIR/pki and keys to DIR/keys, over what is there.
func (w *World) WriteKit(dir string) (Kit, error) {
	kit := Kit{
		RootCA:   filepath.Join(dir, "pki", "root.pem"),
		OtherCA:  filepath.Join(dir, "pki", "other-root.pem"),
		Keys:     make(map[string]string),
		HostKeys: map[string]string{"old": w.Old.HostKey(), "new": w.New.HostKey()},
	}
	type file struct {
		path string
		data []byte
		mode os.FileMode
	}
	files := []file{{kit.RootCA, w.PKI.RootPEM(), 0o644}, {kit.OtherCA, w.PKI.OtherRootPEM(), 0o644}}
	for account, key := range w.keys {
		kit.Keys[account] = filepath.Join(dir, "keys", account)
		public := ssh.MarshalAuthorizedKey(key.Signer.PublicKey())
		files = append(files, file{kit.Keys[account], key.Private, 0o600}, file{kit.Keys[account] + ".pub", public, 0o644})
	}
	for _, f := range files {
		if err := os.MkdirAll(filepath.Dir(f.path), 0o755); err != nil {
			return Kit{}, fmt.Errorf("write keys and bundles: %w", err)
		}
		if err := os.WriteFile(f.path, f.data, f.mode); err != nil {
			return Kit{}, fmt.Errorf("write keys and bundles: %w", err)
		}
		// WriteFile leaves the mode of a file that was there.
		if err := os.Chmod(f.path, f.mode); err != nil {
			return Kit{}, fmt.Errorf("write keys and bundles: %w", err)
		}
	}
	return kit, nil
}
