package sim

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// frontDialTimeout bounds how long the front tries its backend.
const frontDialTimeout = 10 * time.Second

// Front is where "the name" leads: addresses that stay while the platform
// behind them changes. It passes bytes on from the peer's own address, so the
// allow-list of the platform behind it still sees who asks.
type Front struct {
	log      *recorder
	backends map[string]*Platform
	doors    map[Door]*door
	control  *door
	web      webServers
	wg       sync.WaitGroup
	ctx      context.Context // ends dials under way when the front closes
	stop     context.CancelFunc

	mu sync.Mutex
	to map[Door]string
}

// newFront leads to the first platform until switched.
func newFront(log *recorder, host netip.Addr, platforms ...*Platform) (*Front, error) {
	f := &Front{log: log, backends: make(map[string]*Platform), doors: make(map[Door]*door), to: make(map[Door]string)}
	f.ctx, f.stop = context.WithCancel(context.Background())
	for _, name := range bothDoors() {
		f.to[name] = platforms[0].Name()
	}
	for _, p := range platforms {
		f.backends[p.Name()] = p
		p.mu.Lock()
		p.front = f
		p.mu.Unlock()
	}
	everyone := func(netip.AddrPort) reception { return serve }
	for _, name := range bothDoors() {
		d, err := newDoor(host, everyone)
		if err != nil {
			f.Close()
			return nil, err
		}
		f.doors[name] = d
		f.wg.Go(func() { f.serve(name, d) })
	}
	var err error
	if f.control, err = newDoor(host, everyone); err != nil {
		f.Close()
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /front", func(w http.ResponseWriter, _ *http.Request) { f.writeTo(w) })
	mux.HandleFunc("POST /front", f.switchByHTTP)
	f.web.serve(f.control, recorded(log, "front", ProtoHTTP, mux))
	return f, nil
}

// Addr is where peers connect for the gateway or SFTP, whoever answers.
func (f *Front) Addr(d Door) netip.AddrPort { return f.doors[d].addr }

// ControlURL is where the switch is made: GET tells, POST {"to":"new"} moves.
func (f *Front) ControlURL() string { return "http://" + f.control.addr.String() + "/front" }

// To names the platform the front leads to, of the gateway where the two doors lead to different ones.
func (f *Front) To() string { return f.Leads(DoorGateway) }

// Leads names the platform behind one door.
func (f *Front) Leads(d Door) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.to[d]
}

// Switch leads new connections to the named platform; those open stay where
// they are, as after a change in DNS. It errs for an unknown name.
func (f *Front) Switch(to string) error {
	for _, d := range bothDoors() {
		if err := f.SwitchDoor(d, to); err != nil {
			return err
		}
	}
	return nil
}

// SwitchDoor does the same for one door: half a cut-over.
func (f *Front) SwitchDoor(d Door, to string) error {
	if f.backends[to] == nil {
		return fmt.Errorf("switch front: no platform is called %q", to)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.to[d] = to
	return nil
}

// Log has the requests to the control address.
func (f *Front) Log() []Request {
	return f.log.list(func(r Request) bool { return r.Platform == "front" })
}

// Close ends every connection through the front.
func (f *Front) Close() {
	f.stop()
	for _, d := range f.doors {
		d.Close()
	}
	if f.control != nil {
		f.control.Close()
	}
	f.web.close()
	f.wg.Wait()
}

func (f *Front) switchByHTTP(w http.ResponseWriter, r *http.Request) {
	to, err := readTarget(r)
	if err == nil {
		err = f.Switch(to)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	f.writeTo(w)
}

func (f *Front) writeTo(w http.ResponseWriter) { writeJSON(w, map[string]string{"to": f.To()}) }

func (f *Front) serve(name Door, d *door) {
	for {
		conn, err := d.Accept()
		if err != nil {
			return
		}
		f.wg.Go(func() { f.forward(name, conn) })
	}
}

func (f *Front) forward(name Door, peer net.Conn) {
	defer peer.Close()
	backend := f.backends[f.Leads(name)]
	target := backend.GatewayAddr()
	if name == DoorSFTP {
		target = backend.SFTPAddr()
	}
	source := net.IP(peer.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().AsSlice())
	dialer := net.Dialer{Timeout: frontDialTimeout, LocalAddr: &net.TCPAddr{IP: source}}
	behind, err := dialer.DialContext(f.ctx, "tcp", target.String())
	if err != nil {
		return
	}
	defer behind.Close()
	var wg sync.WaitGroup
	wg.Go(func() { pass(peer, behind) })
	pass(behind, peer)
	wg.Wait()
}

// pass copies one direction. An end of stream is passed on; an error ends both
// directions, or the other would wait for a peer that is gone.
func pass(to, from net.Conn) {
	_, err := io.Copy(to, from)
	half, ok := to.(interface{ CloseWrite() error })
	if err != nil || !ok || half.CloseWrite() != nil {
		to.Close()
		from.Close()
	}
}
