package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"skift/internal/bug"
	"skift/internal/runner"
)

// maxRequest bounds a request: an attested file is the largest thing that comes in.
const maxRequest = 32 << 20

// longPoll is how long a waiting request for events is kept.
const longPoll = 25 * time.Second

// Server answers on the unix socket. Make it with Listen.
type Server struct {
	desk   Desk
	person func(uid string) string
	log    *slog.Logger
	ln     net.Listener
	path   string
	http   *http.Server
	stop   context.CancelFunc
}

// Listen opens the socket. person maps a peer's user number to who it is: a person's id, or "uid-1000".
// The directory's lock is held by the caller: a socket left behind by a process that was killed is replaced.
func Listen(path string, desk Desk, person func(uid string) string, log *slog.Logger) (*Server, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("remove old socket: %w", err)
	}
	ln, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("open socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		ln.Close()
		return nil, fmt.Errorf("protect socket: %w", err)
	}
	s := New(desk, person, log)
	s.ln, s.path = ln, path
	return s, nil
}

// New makes a server without a socket: its Handler answers whoever has one of their own.
func New(desk Desk, person func(uid string) string, log *slog.Logger) *Server {
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{desk: desk, person: person, log: log, stop: stop}
	s.http = &http.Server{
		Handler: s.surviving(s.routed()), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, peerKey{}, peer(c))
		},
	}
	return s
}

type peerKey struct{}

// Serve answers until Close.
func (s *Server) Serve() error {
	if err := s.http.Serve(s.ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve socket: %w", err)
	}
	return nil
}

// Close stops answering; requests under way get a moment to finish.
func (s *Server) Close() error {
	s.stop() // ends those that wait for events
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return s.http.Shutdown(ctx)
}

// Routes are what the server answers, by method and path: all of it, for nothing is answered that does not stand here.
func (s *Server) Routes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"POST /v1/do":           s.do,
		"POST /v1/check":        s.check,
		"POST /v1/history":      answering(s.desk.History),
		"POST /v1/explain":      answering(s.desk.Explain),
		"POST /v1/report":       s.report,
		"POST /v1/what-if":      answering(s.desk.WhatIf),
		"POST /v1/reload":       entered(s, s.desk.Reload),
		"POST /v1/probe/export": entered(s, s.desk.Export),
		"POST /v1/probe/import": entered(s, s.desk.Import),
		"POST /v1/observe":      entered(s, s.desk.Observe),
		"GET /v1/snapshot": func(w http.ResponseWriter, r *http.Request) {
			v, err := s.desk.Snapshot(r.Context())
			reply(w, v, err)
		},
		"GET /v1/gates/{gate}": func(w http.ResponseWriter, r *http.Request) {
			v, err := s.desk.Judge(r.Context(), r.PathValue("gate"), r.URL.Query().Get("run"))
			reply(w, v, err)
		},
		"GET /v1/events": s.events,
		"GET /healthz":   func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") },
	}
}

// Handler answers as the socket does. Who calls comes from a socket: where there is none, nobody does.
func (s *Server) Handler() http.Handler { return s.http.Handler }

func (s *Server) routed() http.Handler {
	mux := http.NewServeMux()
	for route, answer := range s.Routes() {
		mux.HandleFunc(route, answer)
	}
	return mux
}

// surviving answers a caller whose request meets a bug of ours, and lets the others go on. What was answered already stays: the caller
// sees it cut off.
func (s *Server) surviving(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := bug.Caught(func() error {
			next.ServeHTTP(w, r)
			return nil
		})
		if err != nil {
			s.log.Error("answer "+r.Method+" "+r.URL.Path, "err", err)
			reply(w, nil, err)
		}
	})
}

func (s *Server) do(w http.ResponseWriter, r *http.Request) {
	var c runner.Command
	if !read(w, r, &c) {
		return
	}
	uid, _ := r.Context().Value(peerKey{}).(string)
	c.EnteredBy = s.person(uid)
	v, err := s.desk.Do(r.Context(), c)
	reply(w, v, err)
}

func (s *Server) report(w http.ResponseWriter, r *http.Request) {
	var q ReportRequest
	if !read(w, r, &q) {
		return
	}
	uid, _ := r.Context().Value(peerKey{}).(string)
	q.EnteredBy = s.person(uid)
	v, err := s.desk.Report(r.Context(), q)
	reply(w, v, err)
}

func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	after, err := strconv.ParseInt(q.Get("after"), 10, 64)
	if err != nil && q.Get("after") != "" {
		reply(w, nil, &runner.Refusal{Kind: runner.Usage, Message: "after must be a number"})
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), longPoll)
	defer cancel()
	v, err := s.desk.Events(ctx, after, q.Get("wait") != "")
	if ctx.Err() != nil && r.Context().Err() == nil {
		v, err = nil, nil
	}
	reply(w, encodeEvents(v), err)
}

// answering reads a request of one type and replies with another.
func answering[Q, A any](ask func(context.Context, Q) (A, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var q Q
		if !read(w, r, &q) {
			return
		}
		a, err := ask(r.Context(), q)
		reply(w, a, err)
	}
}

func read(w http.ResponseWriter, r *http.Request, into any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		reply(w, nil, &runner.Refusal{Kind: runner.Usage, Message: "the request cannot be read: " + err.Error()})
		return false
	}
	return true
}

// failure is what goes over the wire when something was not done.
type failure struct {
	Refusal *runner.Refusal `json:"refusal,omitempty"`
	Error   string          `json:"error,omitempty"`
	Bug     *met            `json:"bug,omitempty"`
}

// met is a bug of ours that the request met.
type met struct {
	What  string `json:"what"`
	Where string `json:"where,omitempty"`
}

func reply(w http.ResponseWriter, v any, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if err != nil {
		f, status := failed(err)
		w.WriteHeader(status)
		v = f
	}
	_ = json.NewEncoder(w).Encode(v) // the caller went away: nobody to tell
}

// failed is an error as it goes over the wire.
func failed(err error) (failure, int) {
	var refusal *runner.Refusal
	var b *bug.Error
	switch {
	case errors.As(err, &b):
		return failure{Bug: &met{fmt.Sprint(b.Value), b.Where}}, http.StatusInternalServerError
	case errors.As(err, &refusal):
		return failure{Refusal: refusal}, statusOf(refusal.Kind)
	case errors.Is(err, context.Canceled): // we are stopping, or nobody waits for the answer any more
		return failure{Error: "stopping"}, http.StatusServiceUnavailable
	}
	return failure{Error: err.Error()}, http.StatusInternalServerError
}

// err is the failure as the error it was.
func (f failure) err() error {
	switch {
	case f.Refusal != nil:
		return f.Refusal
	case f.Bug != nil:
		return &bug.Error{Value: f.Bug.What, Where: f.Bug.Where}
	}
	return errors.New(f.Error)
}

// statusOf is the one table from a refusal to an HTTP status.
func statusOf(kind string) int {
	switch kind {
	case runner.NotFound:
		return http.StatusNotFound
	case runner.Refused, runner.Forbidden:
		return http.StatusForbidden
	case runner.Conflict:
		return http.StatusConflict
	}
	return http.StatusBadRequest
}
