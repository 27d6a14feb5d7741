package dial

import "syscall"

// winsock are the errors of Windows' sockets as POSIX names them: the constants of package syscall are made up there, and the system
// gives others.
var winsock = map[int]syscall.Errno{
	10013: syscall.EACCES, 10022: syscall.EINVAL, 10047: syscall.EAFNOSUPPORT, 10049: syscall.EADDRNOTAVAIL, 10050: syscall.ENETDOWN,
	10051: syscall.ENETUNREACH, 10053: syscall.ECONNABORTED, 10054: syscall.ECONNRESET, 10060: syscall.ETIMEDOUT,
	10061: syscall.ECONNREFUSED, 10065: syscall.EHOSTUNREACH,
}
