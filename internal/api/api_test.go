package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"skift/internal/gate"
	"skift/internal/journal"
	"skift/internal/runner"
	"skift/internal/snapshot"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// desk answers with what it was given, and keeps what it was asked.
type desk struct {
	got    runner.Command
	asked  ReportRequest
	err    error
	events chan []journal.Event
}

func (d *desk) Do(_ context.Context, c runner.Command) (runner.Reply, error) {
	d.got = c
	return runner.Reply{Message: "done", Event: 7, Head: "skift1:p:7:x"}, d.err
}
func (d *desk) Snapshot(context.Context) (snapshot.Snapshot, error) {
	return snapshot.Snapshot{Head: "h"}, d.err
}
func (d *desk) Judge(_ context.Context, g, r string) (gate.Judgement, error) {
	return gate.Judgement{Gate: g, Run: r}, d.err
}
func (d *desk) Check(_ context.Context, q CheckRequest) (CheckReply, error) {
	return CheckReply{Environment: q.Environment}, d.err
}
func (d *desk) History(_ context.Context, q HistoryRequest) (HistoryReply, error) {
	return HistoryReply{Environment: q.Environment, Units: []History{{Bands: []Band{{Count: 2}}}}}, d.err
}
func (d *desk) Reload(_ context.Context, q ReloadRequest) (ReloadReply, error) {
	return ReloadReply{Plan: "p", Unchanged: q.Dry, Head: q.EnteredBy}, nil
}

func (d *desk) WhatIf(_ context.Context, q WhatIfRequest) (WhatIfReply, error) {
	return WhatIfReply{Run: q.Run, Holds: q.By > 0}, nil
}

func (d *desk) Explain(_ context.Context, q ExplainRequest) (ExplainReply, error) {
	return ExplainReply{Environment: q.Environment}, d.err
}
func (d *desk) Report(_ context.Context, q ReportRequest) (ReportReply, error) {
	d.asked = q
	return ReportReply{Mails: []Mail{{ID: "m", HTML: []byte("<p>"), Raw: []byte{0, 255}}}}, d.err
}
func (d *desk) Export(_ context.Context, q ExportRequest) (ExportReply, error) {
	d.asked.EnteredBy = q.EnteredBy
	return ExportReply{Party: q.For}, d.err
}
func (d *desk) Import(_ context.Context, q ImportRequest) (ImportReply, error) {
	d.asked.EnteredBy = q.EnteredBy
	return ImportReply{Export: string(q.File)}, d.err
}
func (d *desk) Observe(_ context.Context, q ObserveRequest) (ObserveReply, error) {
	d.asked.EnteredBy = q.EnteredBy
	return ObserveReply{Service: q.Service}, d.err
}
func (d *desk) Events(ctx context.Context, after int64, wait bool) ([]journal.Event, error) {
	if !wait {
		return nil, d.err
	}
	select {
	case e := <-d.events:
		return e, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// serve opens a socket in a short folder and gives a client of it.
func serve(t *testing.T, d Desk) (*Client, string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "s")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "s.sock")
	s, err := Listen(path, d, func(uid string) string { return "person-of-" + uid }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	c, err := Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
		os.RemoveAll(dir)
	})
	return c, path
}

// Who is calling comes from the socket, whatever the request says.
func TestWhoCallsComesFromTheSocket(t *testing.T) {
	t.Parallel()
	d := &desk{}
	c, _ := serve(t, d)
	me := "person-of-" + strconv.Itoa(os.Getuid())
	if _, err := c.Do(t.Context(), runner.Command{Do: runner.DoLog, Reason: "x", EnteredBy: "somebody-else"}); err != nil {
		t.Fatal(err)
	}
	if d.got.EnteredBy != me {
		t.Errorf("entered by %q, want %q", d.got.EnteredBy, me)
	}
	if _, err := c.Report(t.Context(), ReportRequest{Audience: "a", EnteredBy: "somebody-else"}); err != nil {
		t.Fatal(err)
	}
	if d.asked.EnteredBy != me {
		t.Errorf("report asked by %q, want %q", d.asked.EnteredBy, me)
	}
}

func TestAnswersSurviveTheWire(t *testing.T) {
	t.Parallel()
	d := &desk{events: make(chan []journal.Event, 1)}
	c, _ := serve(t, d)
	r, err := c.Do(t.Context(), runner.Command{Do: runner.DoVote})
	if err != nil || r.Event != 7 || r.Head != "skift1:p:7:x" {
		t.Errorf("%+v, %v", r, err)
	}
	if j, err := c.Judge(t.Context(), "a gate/..", "run&1"); err != nil || j.Gate != "a gate/.." || j.Run != "run&1" {
		t.Errorf("%+v, %v", j, err)
	}
	if m, err := c.Report(t.Context(), ReportRequest{Audience: "a"}); err != nil || string(m.Mails[0].Raw) != "\x00\xff" {
		t.Errorf("%+v, %v", m, err)
	}
	if s, err := c.Snapshot(t.Context()); err != nil || s.Head != "h" {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err := c.Reload(t.Context(), ReloadRequest{Dry: true}); err != nil || !s.Unchanged || s.Head == "" {
		t.Errorf("reload: %+v, %v", s, err)
	}
	if s, err := c.WhatIf(t.Context(), WhatIfRequest{Run: "weekend-1", Step: "copy", By: 1}); err != nil || s.Run != "weekend-1" || !s.Holds {
		t.Errorf("what if: %+v, %v", s, err)
	}
	if s, err := c.Explain(t.Context(), ExplainRequest{Environment: "prod"}); err != nil || s.Environment != "prod" {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err := c.Check(t.Context(), CheckRequest{Environment: "prod"}); err != nil || s.Environment != "prod" {
		t.Errorf("%+v, %v", s, err)
	}
	if h, err := c.History(t.Context(), HistoryRequest{Environment: "prod"}); err != nil || h.Environment != "prod" || h.Units[0].Bands[0].Count != 2 {
		t.Errorf("%+v, %v", h, err)
	}
	sent := []journal.Event{{Plan: "p", Seq: 3, At: time.Date(2019, 11, 9, 2, 14, 0, 123000, time.UTC), Kind: "k", Run: "r", Subject: "s",
		Actor: journal.Actor{Seat: "a/b", Person: "p-1", EnteredBy: "uid-1", Via: "phone"}, Body: []byte(`{"x":1}`)}}
	d.events <- sent
	got, err := c.Events(t.Context(), 2, true)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sent, got); diff != "" {
		t.Error(diff)
	}
	if got, err := c.Events(t.Context(), 9, false); err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestRefusalsStayRefusals(t *testing.T) {
	t.Parallel()
	for kind, status := range map[string]int{runner.Usage: 400, runner.NotFound: 404, runner.Refused: 403, runner.Conflict: 409} {
		want := &runner.Refusal{Kind: kind, Message: "no", Hints: []string{"try"}}
		c, path := serve(t, &desk{err: want})
		_, err := c.Do(t.Context(), runner.Command{Do: "x"})
		var got *runner.Refusal
		if !errors.As(err, &got) {
			t.Fatalf("%s: %v", kind, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if s := post(t, path, "/v1/do", `{"do":"x"}`); s != status {
			t.Errorf("%s: status %d, want %d", kind, s, status)
		}
	}
	c, _ := serve(t, &desk{err: errors.New("broken disk")})
	if _, err := c.Do(t.Context(), runner.Command{Do: "x"}); err == nil || err.Error() != "broken disk" {
		t.Errorf("%v", err)
	}
}

// post sends raw bytes and gives the status.
func post(t *testing.T, path, url, body string) int {
	t.Helper()
	tr := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}}
	res, err := (&http.Client{Transport: tr}).Post("http://skift"+url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

func TestBadRequestsReachNoDesk(t *testing.T) {
	t.Parallel()
	d := &desk{}
	_, path := serve(t, d)
	for _, body := range []string{`{`, `{"do":"vote","entered_by":"chair"}`, `{"do":"vote","unknown":1}`, `[]`, ``} {
		if s := post(t, path, "/v1/do", body); s != http.StatusBadRequest {
			t.Errorf("%s: status %d", body, s)
		}
	}
	if d.got.Do != "" {
		t.Errorf("a bad request was carried out: %+v", d.got)
	}
}

func TestSocketIsOursAlone(t *testing.T) {
	t.Parallel()
	_, path := serve(t, &desk{})
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", st.Mode())
	}
	if _, err := Dial(path + "x"); !errors.Is(err, ErrNobody) {
		t.Errorf("%v", err)
	}
}

// A process that was killed leaves its socket behind; the next owner of the directory takes its place.
func TestSocketLeftBehindIsReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "s.sock")
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	left.Close()
	if _, err := Dial(path); !errors.Is(err, ErrNobody) {
		t.Fatalf("somebody answers on a socket left behind: %v", err)
	}
	s, err := Listen(path, &desk{}, func(string) string { return "" }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s.Serve()
}

func TestSocketPathFits(t *testing.T) {
	deep := filepath.Join(t.TempDir(), strings.Repeat("a-rather-long-name/", 12))
	a, err := SocketPath(deep)
	if err != nil {
		t.Fatal(err)
	}
	if len(a) > 107 {
		t.Errorf("%d bytes: %s", len(a), a)
	}
	b, err := SocketPath(deep + "other")
	if err != nil || a == b {
		t.Errorf("two directories share %s (%v)", a, err)
	}
	open := t.TempDir()
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_RUNTIME_DIR", "")
	t.Setenv("TMPDIR", open)
	if err := os.Mkdir(filepath.Join(open, "skift-"+strconv.Itoa(os.Getuid())), 0o777); err != nil {
		t.Fatal(err)
	}
	os.Chmod(filepath.Join(open, "skift-"+strconv.Itoa(os.Getuid())), 0o777)
	if p, err := SocketPath(deep); err == nil {
		t.Errorf("a folder everybody can write is used: %s", p)
	}
}

func TestRefusalIsJSON(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(failure{Refusal: &runner.Refusal{Kind: runner.Refused, Message: "no"}})
	if err != nil || string(b) != `{"refusal":{"kind":"refused","message":"no"}}` {
		t.Errorf("%s, %v", b, err)
	}
}
