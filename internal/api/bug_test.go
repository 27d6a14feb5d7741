package api

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"

	"skift/internal/bug"
	"skift/internal/gate"
	"skift/internal/journal"
	"skift/internal/runner"
	"skift/internal/snapshot"
)

// stumbling panics at whatever it is asked, until it is mended.
type stumbling struct {
	desk
	mended bool
}

func (d *stumbling) step() {
	if !d.mended {
		panic("index out of range")
	}
}

func (d *stumbling) Do(ctx context.Context, c runner.Command) (runner.Reply, error) {
	d.step()
	return d.desk.Do(ctx, c)
}
func (d *stumbling) Snapshot(ctx context.Context) (snapshot.Snapshot, error) {
	d.step()
	return d.desk.Snapshot(ctx)
}
func (d *stumbling) Judge(ctx context.Context, g, r string) (gate.Judgement, error) {
	d.step()
	return d.desk.Judge(ctx, g, r)
}
func (d *stumbling) Check(ctx context.Context, q CheckRequest) (CheckReply, error) {
	d.step()
	return d.desk.Check(ctx, q)
}
func (d *stumbling) Import(ctx context.Context, q ImportRequest) (ImportReply, error) {
	d.step()
	return d.desk.Import(ctx, q)
}
func (d *stumbling) Events(ctx context.Context, after int64, wait bool) ([]journal.Event, error) {
	d.step()
	return d.desk.Events(ctx, after, wait)
}

// A bug of ours in one answer is told to who asked, and to nobody else.
func TestABugInAnAnswer(t *testing.T) {
	t.Parallel()
	d := &stumbling{}
	c, path := serve(t, d)
	ask := map[string]func() error{
		"do":       func() error { _, err := c.Do(t.Context(), runner.Command{Do: runner.DoLog}); return err },
		"snapshot": func() error { _, err := c.Snapshot(t.Context()); return err },
		"judge":    func() error { _, err := c.Judge(t.Context(), "go", ""); return err },
		"check":    func() error { _, err := c.Check(t.Context(), CheckRequest{}); return err },
		"followed": func() error {
			_, err := c.Check(t.Context(), CheckRequest{Progress: func(int, int) {}})
			return err
		},
		"import": func() error { _, err := c.Import(t.Context(), ImportRequest{}); return err },
		"events": func() error { _, err := c.Events(t.Context(), 0, false); return err },
	}
	for name, fn := range ask {
		err := fn()
		var b *bug.Error
		if !errors.As(err, &b) || !strings.HasPrefix(err.Error(), "a bug in skift: index out of range (internal/api/bug_test.go:") {
			t.Errorf("%s: %v", name, err)
		}
	}
	raw := &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", path) }}}
	res, err := raw.Get("http://skift/v1/snapshot")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusInternalServerError || res.Header.Get("Content-Type") != "application/json" {
		t.Errorf("answered %s, %s", res.Status, res.Header.Get("Content-Type"))
	}
	d.mended = true
	for name, fn := range ask {
		if err := fn(); err != nil {
			t.Errorf("%s, later: %v", name, err)
		}
	}
}
