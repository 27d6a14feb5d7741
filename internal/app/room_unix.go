//go:build linux || darwin

package app

import "golang.org/x/sys/unix"

// diskFree is how many bytes we may still write where a directory is; -1 = not known.
func diskFree(dir string) int64 {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return -1
	}
	return int64(st.Bavail) * int64(st.Bsize)
}
