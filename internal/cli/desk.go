package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"skift/internal/api"
	"skift/internal/app"
	"skift/internal/people"
	"skift/internal/plan"
	"skift/internal/runner"
	"skift/internal/store"
	"skift/internal/term"
	"skift/internal/words"
	"skift/internal/yamldoc"
)

// counter is where a command is handed in: with the process that owns the data directory, or with ourselves for a moment.
type counter struct {
	desk  api.Desk
	plan  *plan.Plan // to show things by
	data  string     // the data directory
	own   *app.App   // nil: another process has the directory
	close func()
}

// reach finds the counter.
func (s *session) reach(ctx context.Context) (*counter, error) { return s.find(ctx, toChange) }

// purpose is what somebody comes to the counter for.
type purpose int

const (
	toChange purpose = iota
	toRead           // a process without a socket that has the data directory, such as a long check, is no hindrance
	toPause          // nor is it where a party is paused: it is told
	toServe          // what serves must come back whatever somebody is writing meanwhile
)

// find is reach for a purpose. A process that is just starting or ending has the lock and no socket for a moment.
func (s *session) find(ctx context.Context, why purpose) (*counter, error) {
	p, settings, err := app.Load(s.dir)
	var bad *app.PlanError
	if err != nil && !errors.As(err, &bad) {
		return nil, err
	}
	data := app.DataDir(s.dir, s.data, settings)
	path, err := api.SocketPath(data)
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(3 * time.Second); ; {
		client, err := api.Dial(path)
		if err == nil {
			return s.remote(ctx, client, &counter{plan: p, data: data}, bad)
		}
		switch {
		case !errors.Is(err, api.ErrNobody):
			return nil, err
		case bad != nil && why != toRead && why != toServe:
			return nil, bad
		}
		options := app.Options{PlanDir: s.dir, DataDir: s.data, Log: s.logger(), GoOn: why == toRead || why == toServe}
		a, err := app.Open(ctx, options)
		if err == nil {
			s.goesOn(a, bad)
			s.plan = a.Plan()
			return &counter{local{a}, a.Plan(), data, a, func() { a.Close() }}, nil
		}
		if why == toPause && errors.Is(err, store.ErrHeld) {
			if client, err := dialAsking(data); err == nil {
				return s.remote(ctx, client, &counter{plan: p, data: data}, bad)
			}
		}
		if why == toRead && errors.Is(err, store.ErrHeld) {
			if a, err := app.OpenBeside(ctx, options); err == nil {
				s.goesOn(a, bad)
				s.plan = a.Plan()
				return &counter{local{a}, a.Plan(), data, nil, func() { a.Close() }}, nil
			} else if !errors.Is(err, store.ErrNone) { // it makes the database first
				return nil, err
			}
		}
		if !errors.Is(err, store.ErrHeld) || time.Now().After(deadline) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// goesOn says by what we go on ourselves when the files have errors.
func (s *session) goesOn(a *app.App, bad *app.PlanError) {
	if bad != nil {
		s.note("the files here cannot be used (%s): this goes on by the plan in use, revision %.12s; skift validate shows all", bad.Wrong(""), a.Plan().Hash)
	}
	if lost := a.Withheld(); lost != "" {
		s.note("the files here are not taken up (%s): this goes on by the plan in use, revision %.12s; when the parties agree: skift reload --accept --reason \"…\" --as SEAT", lost, a.Plan().Hash)
	}
}

func dialAsking(data string) (*api.Client, error) {
	path, err := api.AskingPath(data)
	if err != nil {
		return nil, err
	}
	return api.Dial(path)
}

// remote is the counter of another process. It goes on with the plan it was started on, whatever became of the files since;
// a plan that is being edited must keep nobody from answering.
func (s *session) remote(ctx context.Context, client *api.Client, c *counter, bad *app.PlanError) (*counter, error) {
	c.desk, c.close = client, client.Close
	if bad != nil {
		snap, err := client.Snapshot(ctx)
		if err == nil {
			c.plan, err = app.Revision(c.data, snap.Plan.Hash)
		}
		if err != nil {
			client.Close()
			return nil, err
		}
		s.note("the plan has %s now (skift validate); the running skift goes on with the one in use", numbered(len(bad.Problems), "problem"))
	}
	s.plan = c.plan
	return c, nil
}

// readDesk runs fn at the counter, which it uses to read only.
func (s *session) readDesk(ctx context.Context, fn func(api.Desk, *plan.Plan) error) error {
	return s.atDesk(ctx, toRead, fn)
}

// withDesk runs fn at the counter.
func (s *session) withDesk(ctx context.Context, fn func(api.Desk, *plan.Plan) error) error {
	return s.atDesk(ctx, toChange, fn)
}

func (s *session) atDesk(ctx context.Context, why purpose, fn func(api.Desk, *plan.Plan) error) error {
	c, err := s.find(ctx, why)
	if err != nil {
		return err
	}
	defer c.close()
	return fn(c.desk, c.plan)
}

// running reaches the process that owns the data directory, and no other.
func (s *session) running() (*api.Client, error) {
	_, settings, err := app.Load(s.dir)
	var bad *app.PlanError
	if err != nil && !errors.As(err, &bad) {
		return nil, err
	}
	path, err := api.SocketPath(app.DataDir(s.dir, s.data, settings))
	if err != nil {
		return nil, err
	}
	return api.Dial(path)
}

// local is the desk of our own process: what comes over it was entered by whoever started us.
type local struct{ *app.App }

// Do implements api.Desk.
func (l local) Do(ctx context.Context, c runner.Command) (runner.Reply, error) {
	c.EnteredBy = app.Caller(l.Plan(), strconv.Itoa(os.Getuid()))
	return l.App.Do(ctx, c)
}

// Check implements api.Desk.
func (l local) Check(ctx context.Context, q api.CheckRequest) (r api.CheckReply, err error) {
	if q.Dry {
		return l.App.Check(ctx, q)
	}
	err = l.Asking(func() (err error) {
		r, err = l.App.Check(ctx, q)
		return err
	})
	return r, err
}

// Report implements api.Desk.
func (l local) Report(ctx context.Context, q api.ReportRequest) (api.ReportReply, error) {
	q.EnteredBy = app.Caller(l.Plan(), strconv.Itoa(os.Getuid()))
	return l.App.Report(ctx, q)
}

// reply prints what was done and the head of the journal: whoever keeps the head can prove it later.
func (s *session) reply(r runner.Reply) {
	s.printf("%s\n", term.Line(r.Message))
	if r.Judgement != nil && len(r.Judgement.Poll) > 0 {
		s.printf("%s\n", entered(words.In(words.En), r.Judgement.EnteredBy, len(r.Judgement.Poll)))
	}
	s.printf("head %s\n", r.Head)
}

// entered says how many hands typed the answers: "3 of 3 answers entered by one person".
func entered(c *words.Catalogue, by map[string]int, asked int) string {
	total := 0
	for _, n := range by {
		total += n
	}
	if len(by) == 0 {
		return c.T("gate.answers", "given", total, "whole", asked)
	}
	return c.N("gates.entered", len(by), "given", total, "whole", asked)
}

// printJSON prints a value. JSON escapes most of what a terminal obeys; what it leaves, such as a turned reading direction,
// is escaped here.
func (s *session) printJSON(v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	var b strings.Builder
	for _, r := range string(data) {
		if r != '\n' && r <= 0xffff && term.IsControl(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r)
	}
	s.printf("%s\n", b.String())
	return nil
}

// parseTime reads a time as a person writes it: "+2h" from now, local time of the plan, or RFC 3339. A bare date is the
// beginning of that local day.
func parseTime(p *plan.Plan, text string, now time.Time) (time.Time, error) {
	return readTime(p, text, now, people.ParseFrom)
}

// parseEnd is parseTime for the end of something: a bare date is the end of that local day.
func parseEnd(p *plan.Plan, text string, now time.Time) (time.Time, error) {
	return readTime(p, text, now, people.ParseUntil)
}

func readTime(p *plan.Plan, text string, now time.Time, local func(*time.Location, string) (time.Time, error)) (time.Time, error) {
	if rest, ok := strings.CutPrefix(text, "+"); ok {
		if d, err := yamldoc.ParseDuration(rest); err == nil {
			return now.Add(d), nil
		}
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	t, err := local(p.Zone, text)
	if err != nil {
		return t, usage(fmt.Sprintf("the time %q %v", text, err), fmt.Sprintf(`write "2019-11-09 02:00" in %s, +2h, or RFC 3339`, p.Zone))
	}
	return t, nil
}

// asJSON adds --json to a reading command.
func (s *session) asJSON(c *cobra.Command) *cobra.Command {
	c.Flags().BoolVar(&s.json, "json", false, "print JSON (docs/json.md)")
	return c
}

// Export implements api.Desk.
func (l local) Export(ctx context.Context, q api.ExportRequest) (api.ExportReply, error) {
	q.EnteredBy = app.Caller(l.Plan(), strconv.Itoa(os.Getuid()))
	return l.App.Export(ctx, q)
}

// Import implements api.Desk.
func (l local) Import(ctx context.Context, q api.ImportRequest) (api.ImportReply, error) {
	q.EnteredBy = app.Caller(l.Plan(), strconv.Itoa(os.Getuid()))
	return l.App.Import(ctx, q)
}

// Observe implements api.Desk.
func (l local) Observe(ctx context.Context, q api.ObserveRequest) (api.ObserveReply, error) {
	q.EnteredBy = app.Caller(l.Plan(), strconv.Itoa(os.Getuid()))
	return l.App.Observe(ctx, q)
}
