//go:build !windows

package dial

import "syscall"

// winsock is empty where errors are named as POSIX does.
var winsock map[int]syscall.Errno
