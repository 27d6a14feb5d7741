package mail

import (
	"net"
	"sync"
)

// holder keeps the connection of one attempt so that it is closed whatever happens, also by a cancelled context before
// it is opened.
type holder struct {
	mu     sync.Mutex
	conn   net.Conn
	closed bool
}

func (h *holder) hold(c net.Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.conn = c
	if h.closed {
		_ = c.Close()
	}
}

func (h *holder) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	if h.conn != nil {
		_ = h.conn.Close()
	}
}
