package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

// reception is what a door does with a connection before reading any of it.
type reception int

const (
	serve  reception = iota
	hangUp           // closed before any byte
	reset            // closed with a TCP reset
	ignore           // held open and never answered
	babble           // told something in another protocol, then closed
)

// babbleTimeout bounds how long a babbling door waits for the peer to go away.
const babbleTimeout = 2 * time.Second

// door is a net.Listener that decides about each connection by its source, can
// be shut (connections are refused) and opened again on the same port, and
// knows every connection it let in so that Close leaves none behind.
type door struct {
	addr    netip.AddrPort
	receive func(source netip.AddrPort) reception
	text    string // what a babbling door says

	conns chan net.Conn
	done  chan struct{}
	wg    sync.WaitGroup // accept loops and connections held by receptions

	mu     sync.Mutex
	ln     *net.TCPListener // nil while shut
	live   map[*visitor]struct{}
	closed bool
}

// visitor is a connection that was let in.
type visitor struct {
	*net.TCPConn
	door *door
}

// newDoor listens on host with a port of the system's choice.
func newDoor(host netip.Addr, receive func(netip.AddrPort) reception) (*door, error) {
	d := &door{
		addr:    netip.AddrPortFrom(host, 0),
		receive: receive,
		conns:   make(chan net.Conn),
		done:    make(chan struct{}),
		live:    make(map[*visitor]struct{}),
	}
	if err := d.open(); err != nil {
		return nil, err
	}
	return d, nil
}

// open starts to listen; it does nothing when already open.
func (d *door) open() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return net.ErrClosed
	}
	if d.ln != nil {
		return nil
	}
	var config net.ListenConfig
	ln, err := config.Listen(context.Background(), "tcp", d.addr.String())
	if err != nil {
		return fmt.Errorf("listen on %s: %w", d.addr, err)
	}
	d.ln = ln.(*net.TCPListener)
	if d.addr.Port() == 0 {
		d.addr = d.ln.Addr().(*net.TCPAddr).AddrPort()
	}
	d.wg.Add(1)
	go d.loop(d.ln)
	return nil
}

// shut stops listening: new connections are refused, old ones live on.
func (d *door) shut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ln != nil {
		d.ln.Close()
		d.ln = nil
	}
}

func (d *door) loop(ln *net.TCPListener) {
	defer d.wg.Done()
	for {
		conn, err := ln.AcceptTCP()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			// Out of file descriptors, most likely: others will free some.
			select {
			case <-d.done:
				return
			case <-time.After(10 * time.Millisecond):
			}
			continue
		}
		d.take(conn)
	}
}

func (d *door) take(conn *net.TCPConn) {
	source := conn.RemoteAddr().(*net.TCPAddr).AddrPort()
	v, ok := d.enter(conn)
	if !ok {
		return
	}
	switch d.receive(source) {
	case hangUp:
		v.Close()
	case reset:
		conn.SetLinger(0)
		v.Close()
	case ignore:
		d.wg.Add(1)
		go d.hold(v, "")
	case babble:
		d.wg.Add(1)
		go d.hold(v, d.text)
	default:
		select {
		case d.conns <- v:
		case <-d.done:
			v.Close()
		}
	}
}

// hold swallows what the peer sends until it leaves or the door closes. With a
// text it says that first and no more, and waits only a moment: closing with
// the peer's bytes unread would send a reset that may overtake the text.
func (d *door) hold(v *visitor, text string) {
	defer d.wg.Done()
	defer v.Close()
	if text != "" {
		v.SetDeadline(time.Now().Add(babbleTimeout))
		io.WriteString(v.TCPConn, text)
		v.CloseWrite()
	}
	io.Copy(io.Discard, v.TCPConn)
}

func (d *door) enter(conn *net.TCPConn) (*visitor, bool) {
	v := &visitor{TCPConn: conn, door: d}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		conn.Close()
		return nil, false
	}
	d.live[v] = struct{}{}
	return v, true
}

// Close ends the connection and forgets it.
func (v *visitor) Close() error {
	v.door.mu.Lock()
	delete(v.door.live, v)
	v.door.mu.Unlock()
	return v.TCPConn.Close()
}

// Accept implements net.Listener.
func (d *door) Accept() (net.Conn, error) {
	select {
	case conn := <-d.conns:
		return conn, nil
	case <-d.done:
		return nil, net.ErrClosed
	}
}

// Addr implements net.Listener.
func (d *door) Addr() net.Addr { return net.TCPAddrFromAddrPort(d.addr) }

// Close stops listening, ends every connection and waits for the door's own
// goroutines. Who serves the connections waits for theirs.
func (d *door) Close() error {
	d.shut()
	d.mu.Lock()
	if !d.closed {
		d.closed = true
		close(d.done)
	}
	for v := range d.live {
		v.TCPConn.Close()
	}
	clear(d.live)
	d.mu.Unlock()
	d.wg.Wait()
	return nil
}
