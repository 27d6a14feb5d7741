package dial

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"time"
)

// Recorded is how many of the first received bytes a Conn keeps.
const Recorded = 512

// Conn is a connection that remembers how it began: the peer's first bytes and when they came.
type Conn struct {
	net.Conn
	connect time.Duration
	since   time.Time

	mu        sync.Mutex
	first     []byte
	firstByte time.Duration
	received  int64
	sent      int64
	ended     error
}

// Read reads and records.
func (c *Conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	if n > 0 {
		if c.received == 0 {
			c.firstByte = time.Since(c.since)
		}
		c.received += int64(n)
		c.first = append(c.first, b[:min(n, Recorded-len(c.first))]...)
	}
	if err != nil && c.ended == nil {
		c.ended = err
	}
	return n, err
}

// Write writes and counts.
func (c *Conn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.mu.Lock()
	c.sent += int64(n)
	c.mu.Unlock()
	return n, err
}

// First gives a copy of the first bytes received, at most Recorded.
func (c *Conn) First() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]byte(nil), c.first...)
}

// Received is how many bytes the peer has sent and we have read.
func (c *Conn) Received() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.received
}

// Sent is how many bytes were written.
func (c *Conn) Sent() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sent
}

// FirstByte is how long after connecting the first byte came; 0 when none did.
func (c *Conn) FirstByte() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.firstByte
}

// Established is when connecting was done.
func (c *Conn) Established() time.Time { return c.since }

// Connected is how long connecting took.
func (c *Conn) Connected() time.Duration { return c.connect }

// Ended is the first error a Read gave: how the peer stopped talking. nil while it has not. Libraries on top often hide it.
func (c *Conn) Ended() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

// Phase gives the next phase its own time: reads and writes fail when d has passed from now. 0 or less takes the limit away.
func (c *Conn) Phase(d time.Duration) error {
	if d <= 0 {
		return c.SetDeadline(time.Time{})
	}
	return c.SetDeadline(time.Now().Add(d))
}

// CloseOn closes the connection when the context is done, for libraries that take no context. The returned function
// ends that; call it when the phase is over. A library's error is then "use of closed network connection":
// report context.Cause(ctx) instead.
func (c *Conn) CloseOn(ctx context.Context) (stop func()) {
	cancel := context.AfterFunc(ctx, func() { _ = c.Close() })
	return func() { cancel() }
}

// Hung reports whether the error says that the other end closed or reset the connection. Both are one thing: a close
// arrives as a reset when something we sent had not been read.
func Hung(err error) bool {
	if n, ok := errnoOf(err); ok {
		return n == syscall.ECONNRESET || n == syscall.EPIPE || n == syscall.ECONNABORTED
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// TimedOut reports whether the error is a deadline that passed. A dial's time-out is not context.DeadlineExceeded, so only this is asked.
func TimedOut(err error) bool {
	ne, ok := errors.AsType[net.Error](err)
	return ok && ne.Timeout()
}
