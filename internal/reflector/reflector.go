// Package reflector tells callers under which address they are seen: what a firewall on the far side of every address translation
// sees of them.
//
// It speaks HTTP (GET / as text, /json as JSON), and to a caller who says nothing it says the address as one line. It holds no secret
// and no state, reads nothing that callers say but the request line and headers, and believes none of them: the address is the
// connection's own. What it tells a caller the caller could know. A Server may be used once.
package reflector

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Bounds on what a caller can take up.
const (
	quiet      = time.Second      // after which a caller who says nothing is told
	patience   = 5 * time.Second  // for a request, and for taking the answer
	maxHeaders = 8 << 10          // bytes
	maxCallers = 256              // at once; whoever comes then is told off by a closed connection
	ending     = 10 * time.Second // for callers who are being answered when it is stopped
)

// Server answers callers of one listener.
type Server struct {
	Told func(caller netip.Addr) // after each answer, one at a time; nil = nobody wants to know

	mu   sync.Mutex
	open chan struct{} // a place for each caller
}

// Serve answers until ctx is done, and then closes the listener. The error is why listening failed.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	s.open = make(chan struct{}, maxCallers)
	spoken := &handover{conns: make(chan net.Conn), addr: ln.Addr(), done: make(chan struct{})}
	web := &http.Server{Handler: s.handler(), ReadHeaderTimeout: patience, ReadTimeout: patience, WriteTimeout: patience, MaxHeaderBytes: maxHeaders,
		ErrorLog: log.New(io.Discard, "", 0)} // it would repeat what strangers send
	web.SetKeepAlivesEnabled(false)
	var wg sync.WaitGroup
	wg.Go(func() { _ = web.Serve(spoken) })
	stop := context.AfterFunc(ctx, func() { _ = ln.Close() })
	err := s.accept(ln, spoken, &wg)
	stop()
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), ending)
	defer cancel()
	_ = web.Shutdown(late)
	wg.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// accept takes callers until the listener is closed.
func (s *Server) accept(ln net.Listener, spoken *handover, wg *sync.WaitGroup) error {
	for {
		c, err := ln.Accept()
		if err != nil {
			return err
		}
		select {
		case s.open <- struct{}{}:
		default:
			_ = c.Close()
			continue
		}
		wg.Go(func() { s.greet(c, spoken) })
	}
}

// greet waits for the caller's first byte. Who speaks is taken to speak HTTP; who does not is told at once.
func (s *Server) greet(c net.Conn, spoken *handover) {
	first := make([]byte, 1)
	_ = c.SetReadDeadline(time.Now().Add(quiet))
	n, err := io.ReadFull(c, first)
	if ne, ok := errors.AsType[net.Error](err); n == 0 && ok && ne.Timeout() {
		_ = c.SetDeadline(time.Now().Add(patience))
		if _, err := io.WriteString(c, caller(c.RemoteAddr()).String()+"\n"); err == nil {
			s.told(c.RemoteAddr())
		}
	}
	if n == 0 {
		_ = c.Close()
		<-s.open
		return
	}
	_ = c.SetReadDeadline(time.Time{})
	spoken.give(&begun{Conn: c, first: first, gone: sync.OnceFunc(func() { <-s.open })})
}

func (s *Server) told(a net.Addr) {
	if s.Told == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Told(caller(a))
}

// handler answers requests.
func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	answer := func(pattern, kind string, body func(netip.AddrPort) []byte) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			from, err := netip.ParseAddrPort(r.RemoteAddr)
			if err != nil {
				http.Error(w, "no address", http.StatusInternalServerError)
				return
			}
			h := w.Header()
			h.Set("Content-Type", kind)
			h.Set("Cache-Control", "no-store")
			h.Set("X-Content-Type-Options", "nosniff")
			_, _ = w.Write(body(netip.AddrPortFrom(from.Addr().Unmap(), from.Port())))
			s.told(net.TCPAddrFromAddrPort(from))
		})
	}
	answer("GET /{$}", "text/plain; charset=utf-8", func(a netip.AddrPort) []byte { return []byte(a.Addr().String() + "\n") })
	answer("GET /json", "application/json", func(a netip.AddrPort) []byte {
		b, _ := json.Marshal(map[string]any{"address": a.Addr(), "port": a.Port()}) // plain values
		return append(b, '\n')
	})
	return mux
}

// caller is the address of the other end.
func caller(a net.Addr) netip.Addr {
	if t, ok := a.(*net.TCPAddr); ok {
		return t.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// begun is a connection whose first byte was read already.
type begun struct {
	net.Conn
	first []byte
	gone  func()
}

func (b *begun) Read(p []byte) (int, error) {
	if len(b.first) > 0 && len(p) > 0 {
		n := copy(p, b.first)
		b.first = b.first[n:]
		return n, nil
	}
	return b.Conn.Read(p)
}

func (b *begun) Close() error {
	defer b.gone()
	return b.Conn.Close()
}

// handover is the listener of the web server: it accepts what greet gives.
type handover struct {
	conns chan net.Conn
	addr  net.Addr
	once  sync.Once
	done  chan struct{}
}

func (h *handover) give(c net.Conn) {
	select {
	case h.conns <- c:
	case <-h.done:
		_ = c.Close()
	}
}

func (h *handover) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

func (h *handover) Close() error {
	h.once.Do(func() { close(h.done) })
	return nil
}

func (h *handover) Addr() net.Addr { return h.addr }
