package sim

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// maxBody is as much of a request's body as a server reads, in bytes.
const maxBody = 1 << 20

// webServers are HTTP servers whose end can be waited for, which
// http.Server.Close alone does not do.
type webServers struct {
	wg      sync.WaitGroup
	mu      sync.Mutex
	servers []*http.Server
}

// serve answers on a listener until close. The listener is closed with it.
func (w *webServers) serve(ln net.Listener, h http.Handler) {
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          log.New(io.Discard, "", 0), // peers that hang up are the point here
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				w.wg.Add(1)
			case http.StateClosed, http.StateHijacked:
				w.wg.Done()
			}
		},
	}
	w.mu.Lock()
	w.servers = append(w.servers, server)
	w.mu.Unlock()
	w.wg.Add(1)
	go func() {
		defer w.wg.Done()
		server.Serve(ln)
	}()
}

func (w *webServers) close() {
	w.mu.Lock()
	servers := w.servers
	w.mu.Unlock()
	for _, s := range servers {
		s.Close()
	}
	w.wg.Wait()
}

// recorded passes requests on and records each with its answer. The body is
// read first, so its size is known however little of it the handler wants.
func recorded(rec *recorder, platform, proto string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		entry := Request{At: time.Now(), Platform: platform, Proto: proto, Op: r.Method, Path: r.URL.Path, Source: sourceOf(r)}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		entry.Size = int64(len(body))
		answer := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		if err != nil {
			http.Error(answer, "request body: "+err.Error(), http.StatusRequestEntityTooLarge)
		} else {
			r.Body = io.NopCloser(bytes.NewReader(body))
			next.ServeHTTP(answer, r)
		}
		entry.Status = answer.status
		rec.add(entry)
	})
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func sourceOf(r *http.Request) netip.AddrPort {
	source, _ := netip.ParseAddrPort(r.RemoteAddr) // always set by http.Server
	return source
}

// tlsConfig asks for the certificate anew in each handshake.
func tlsConfig(current func() *tls.Certificate) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"},
		// A resumed session would hide a certificate changed since.
		SessionTicketsDisabled: true,
		GetCertificate:         func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return current(), nil },
	}
}

// serveWeb starts the gateways and the operations desk.
func (p *Platform) serveWeb() {
	config := tlsConfig(func() *tls.Certificate {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.cert
	})
	config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return p.clients(config), nil }
	mux := p.mux()
	guarded := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case p.forbidden(sourceOf(r).Addr()):
			http.Error(w, "this address is not allowed here", http.StatusForbidden)
		case p.broken(FaultUnavailable, DoorGateway):
			http.Error(w, "no backend is available", http.StatusServiceUnavailable)
		default:
			mux.ServeHTTP(w, r)
		}
	})
	for _, d := range p.gateways {
		p.web.serve(tls.NewListener(d, config), recorded(p.log, p.opts.Name, ProtoHTTPS, guarded))
	}
	p.web.serve(p.ops, recorded(p.log, p.opts.Name, ProtoHTTP, mux))
}

// clients demands a client certificate where a fault says so, and nothing else: most callers of the platforms have none.
func (p *Platform) clients(config *tls.Config) *tls.Config {
	var bundle []byte
	switch {
	case p.broken(FaultOtherClients, DoorGateway):
		bundle = p.opts.PKI.OtherRootPEM()
	case p.broken(FaultClients, DoorGateway):
		bundle = p.opts.PKI.RootPEM()
	default:
		return nil
	}
	config = config.Clone()
	config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	config.ClientCAs.AppendCertsFromPEM(bundle)
	return config
}

func (p *Platform) mux() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "demo service of the "+p.opts.Name+" platform\n")
	})
	mux.HandleFunc("POST /{$}", p.demoService)
	mux.HandleFunc("GET /intake", p.writeIntake)
	mux.HandleFunc("POST /intake/stop", func(w http.ResponseWriter, r *http.Request) {
		p.SetIntake(false)
		p.writeIntake(w, r)
	})
	mux.HandleFunc("POST /intake/open", func(w http.ResponseWriter, r *http.Request) {
		p.SetIntake(true)
		p.writeIntake(w, r)
	})
	mux.HandleFunc("POST /switch", p.takeName)
	mux.HandleFunc("GET /manifest", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		w.Write(ManifestCSV(p.Manifest(r.URL.Query().Get("dir"))))
	})
	mux.HandleFunc("POST /allow", p.editList(func(a netip.Addr) { p.Allow(a) }))
	mux.HandleFunc("POST /deny", p.editList(func(a netip.Addr) { p.Deny(a) }))
	return mux
}

// demoService is the service made for verifying a connection: a ping is
// answered, anything else gets a SOAP 1.1 fault, which proves the transport as
// well, and a stopped intake is a fault of the server.
func (p *Platform) demoService(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // already in memory
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	switch {
	case !bytes.Contains(body, []byte("ping")):
		writeFault(w, http.StatusInternalServerError, "Client", "unknown operation")
	case !p.IntakeOpen():
		writeFault(w, http.StatusServiceUnavailable, "Server", "intake is stopped")
	default:
		io.WriteString(w, envelope("<pong>"+p.opts.Name+"</pong>"))
	}
}

func writeFault(w http.ResponseWriter, status int, code, text string) {
	w.WriteHeader(status)
	io.WriteString(w, envelope("<s:Fault><faultcode>s:"+code+"</faultcode><faultstring>"+text+"</faultstring></s:Fault>"))
}

func envelope(body string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>` + "\n" +
		`<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>` + body + "</s:Body></s:Envelope>\n"
}

func (p *Platform) writeIntake(w http.ResponseWriter, _ *http.Request) {
	state := "stopped"
	if p.IntakeOpen() {
		state = "open"
	}
	writeJSON(w, map[string]string{"intake": state})
}

// takeName moves the name to this platform, as its operator would.
func (p *Platform) takeName(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	front := p.front
	p.mu.Unlock()
	if front == nil {
		http.Error(w, "this platform stands behind no front", http.StatusConflict)
		return
	}
	if err := front.Switch(p.opts.Name); err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	front.writeTo(w)
}

// editList reads the form value "addr", one address.
func (p *Platform) editList(edit func(netip.Addr)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		addr, err := netip.ParseAddr(r.FormValue("addr"))
		if err != nil {
			http.Error(w, "addr: give one IP address", http.StatusBadRequest)
			return
		}
		edit(addr)
		writeJSON(w, map[string][]netip.Addr{"allowed": p.Allowed(DoorGateway)})
	}
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}

// readTarget reads {"to": "new"}, or the form value "to".
func readTarget(r *http.Request) (string, error) {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		if to := r.FormValue("to"); to != "" {
			return to, nil
		}
	}
	var wanted struct {
		To string `json:"to"`
	}
	if err := json.NewDecoder(r.Body).Decode(&wanted); err != nil || wanted.To == "" {
		return "", errors.New(`say where to: {"to":"new"}`)
	}
	return wanted.To, nil
}
