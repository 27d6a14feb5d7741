package sim

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// Protocols under which requests are recorded.
const (
	ProtoHTTPS = "https" // through the gateway
	ProtoHTTP  = "http"  // through an operations or control address
	ProtoSFTP  = "sftp"
	ProtoSSH   = "ssh" // log-in
	ProtoTCP   = "tcp" // connections turned away before any request
)

// Request is one thing a platform was asked, granted or not.
type Request struct {
	At       time.Time // when it arrived
	Platform string    // "old", "new", "front"
	Proto    string    // one of the Proto constants
	// Op is the HTTP method; for sftp open, list, stat, lstat, mkdir, rmdir,
	// remove, rename, posix-rename, setstat, link or symlink; for ssh auth; for
	// tcp denied.
	Op     string
	Path   string // URL path, or absolute SFTP path
	Target string // new name of a rename or link
	Source netip.AddrPort
	User   string // SFTP account
	Flags  string // of an SFTP open, joined with "|": read write append create truncate exclusive
	Size   int64  // bytes of an HTTP body
	Status int    // HTTP status answered, else 0
	Err    string // why an SFTP or ssh request was refused, else ""
}

// Mutates reports whether the request asks for a change: anything but HTTP GET
// and HEAD, log-ins, and SFTP reading, stat and listing. Asking counts, also
// when it was refused.
func (r Request) Mutates() bool {
	switch r.Proto {
	case ProtoHTTP, ProtoHTTPS:
		return r.Op != "GET" && r.Op != "HEAD"
	case ProtoSFTP:
		switch r.Op {
		case "list", "stat", "lstat":
			return false
		case "open":
			return r.Flags != "read"
		}
		return true
	}
	return false
}

// String is one line for a narrator or a failing test.
func (r Request) String() string {
	words := []string{r.Platform, r.Proto, r.Op, r.Path}
	if r.Target != "" {
		words = append(words, "-> "+r.Target)
	}
	if r.Flags != "" {
		words = append(words, "("+r.Flags+")")
	}
	words = append(words, "from "+r.Source.Addr().String())
	if r.Err != "" {
		words = append(words, "refused: "+r.Err)
	}
	return strings.Join(words, " ")
}

// recorder keeps requests in the order they were finished.
type recorder struct {
	mu       sync.Mutex
	requests []Request
}

func (r *recorder) add(req Request) {
	if req.At.IsZero() {
		req.At = time.Now()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, req)
}

// list copies what keep accepts.
func (r *recorder) list(keep func(Request) bool) []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	var kept []Request
	for _, req := range r.requests {
		if keep(req) {
			kept = append(kept, req)
		}
	}
	return slices.Clip(kept)
}
