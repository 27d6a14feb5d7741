package health

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// State is where a process is in its life.
type State string

// The states.
const (
	Starting State = "starting"
	Serving  State = "serving"
	Stopping State = "stopping" // what is in flight is finished, nothing else is begun
)

// Report is what /healthz answers.
type Report struct {
	OK       bool      `json:"ok"`
	State    State     `json:"state"` // starting serving stopping
	At       time.Time `json:"at"`
	Troubles []Trouble `json:"troubles"` // none when ok
	Head     string    `json:"head"`     // of the journal, as it was when it last could be asked
}

// Source is the process that is asked.
type Source interface {
	Health(ctx context.Context) Report
	Figures(ctx context.Context) (Figures, error)
}

// Handler answers /healthz, /readyz and /metrics. Whoever reaches it may read it: it holds counts, and ids that the plan gives its parts. It
// answers under the names of this host alone, so that no page in somebody's browser reads it under its own.
func Handler(s Source) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) { healthz(w, r, s) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if state := s.Health(r.Context()).State; state != Serving {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprintln(w, state)
			return
		}
		io.WriteString(w, "ok\n")
	})
	mux.Handle("GET /metrics", metricsHandler(s))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !ours(r.Host) {
			http.Error(w, "this address answers as localhost only", http.StatusMisdirectedRequest)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		mux.ServeHTTP(w, r)
	})
}

func healthz(w http.ResponseWriter, r *http.Request, s Source) {
	report := s.Health(r.Context())
	asJSON := strings.Contains(r.Header.Get("Accept"), "application/json") || r.URL.Query().Get("format") == "json"
	if asJSON {
		w.Header().Set("Content-Type", "application/json")
	} else {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	}
	if !report.OK {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	if asJSON {
		_ = json.NewEncoder(w).Encode(report)
		return
	}
	if report.OK {
		io.WriteString(w, "ok\n")
	}
	for _, t := range report.Troubles {
		fmt.Fprintf(w, "%s: %s\n", t.Code, t.Text)
	}
}

// ours reports whether a request was meant for this host: its name or a loopback address, with or without a port.
func ours(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && a.Unmap().IsLoopback()
}
