// Package sim runs platforms that can be broken in named ways, on loopback
// sockets of this process, for tests and for the demo.
//
// A World holds the old and the new platform, the front behind which "the
// name" moves from one to the other, a mail server and the PKI they share. A
// Platform has doors (a TLS gateway and an SFTP server, on one or more
// addresses) behind an allow-list of source addresses, keeps its files in
// memory, and records every request it was sent. A Fault is broken and mended
// at run time and takes effect for connections made from then on.
//
// The servers answer as real ones do where the difference matters to who asks:
// the SFTP server follows OpenSSH's sftp-server (O_EXCL, plain rename never
// overwrites, which status code a failure gets), peers that are not on the
// list lose the connection before any byte, intake that is stopped refuses
// work. What is recorded is what arrived, whether it was granted or not.
//
// sim knows nothing of plans, checks or runs. Everything is safe for
// concurrent use, and Close waits until every goroutine has ended. Sources are
// told apart by address, so a system must be able to send from all of
// 127.0.0.0/8: Linux can as it is, elsewhere Start says what is missing.
package sim
