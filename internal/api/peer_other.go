//go:build !linux

package api

import (
	"net"
	"os"
	"runtime"
	"strconv"
)

// peer is the user at the other end of a unix socket. The socket lies in a folder of ours alone: whoever reaches it is us.
func peer(net.Conn) string { return strconv.Itoa(os.Getuid()) }

// oursAlone reports whether nobody else may look into a folder. Windows has no such mode; its temporary folder is the user's own.
func oursAlone(st os.FileInfo) bool { return runtime.GOOS == "windows" || st.Mode().Perm()&0o077 == 0 }
