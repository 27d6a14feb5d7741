//go:build unix

package store

import (
	"fmt"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// networkFS names the file systems, by the magic number the kernel gives them,
// on which neither the lock nor SQLite's shared memory reaches other hosts.
var networkFS = map[int64]string{
	0x6969:     "NFS",
	0x517b:     "SMB",
	0xff534d42: "CIFS",
	0xfe534d42: "SMB2",
	0x5346414f: "AFS",
	0x00c36400: "Ceph",
	0x0bd00bd0: "Lustre",
	0x47504653: "GPFS",
}

// checkFS refuses a directory where the lock could not keep others out.
func checkFS(dir string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return fmt.Errorf("look at the file system of %s: %w", dir, err)
	}
	if name, ok := networkFS[int64(uint32(st.Type))]; ok {
		return fmt.Errorf("%w: %s lies on a network file system (%s); use a directory on a local disk", ErrUnfit, dir, name)
	}
	return nil
}

// fileID tells a file from its copies on one host. It stays when the file is renamed.
func fileID(f os.FileInfo) string {
	if st, ok := f.Sys().(*syscall.Stat_t); ok {
		return strconv.FormatUint(uint64(st.Ino), 10)
	}
	return ""
}

// writable reports whether we may make files in a directory.
func writable(dir string) error { return unix.Access(dir, unix.W_OK|unix.X_OK) }
