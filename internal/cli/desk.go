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
	"skift/internal/yamldoc"
)

// withDesk runs fn with whoever owns the data directory: a running process if there is one, else ourselves for a moment.
func (s *session) withDesk(ctx context.Context, fn func(api.Desk, *plan.Plan) error) error {
	p, settings, err := app.Load(s.dir)
	if err != nil {
		return err
	}
	path, err := api.SocketPath(app.DataDir(s.dir, s.data, settings))
	if err != nil {
		return err
	}
	client, err := api.Dial(path)
	if err == nil {
		defer client.Close()
		return fn(client, p)
	}
	if !errors.Is(err, api.ErrNobody) {
		return err
	}
	a, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer a.Close()
	return fn(local{a}, p)
}

// open takes the data directory. A process that is just starting or ending has the lock and no socket for a moment.
func (s *session) open(ctx context.Context) (*app.App, error) {
	deadline := time.Now().Add(3 * time.Second)
	for {
		a, err := app.Open(ctx, app.Options{PlanDir: s.dir, DataDir: s.data, Log: s.logger()})
		if !errors.Is(err, store.ErrHeld) || time.Now().After(deadline) {
			return a, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// local is the desk of our own process: what comes over it was entered by whoever started us.
type local struct{ *app.App }

// Do implements api.Desk.
func (l local) Do(ctx context.Context, c runner.Command) (runner.Reply, error) {
	c.EnteredBy = app.Caller(l.Plan(), strconv.Itoa(os.Getuid()))
	return l.App.Do(ctx, c)
}

// Report implements api.Desk.
func (l local) Report(ctx context.Context, q api.ReportRequest) (api.ReportReply, error) {
	q.EnteredBy = app.Caller(l.Plan(), strconv.Itoa(os.Getuid()))
	return l.App.Report(ctx, q)
}

// do sends a command and prints its reply.
func (s *session) do(ctx context.Context, c runner.Command) error {
	return s.withDesk(ctx, func(d api.Desk, p *plan.Plan) error {
		r, err := d.Do(ctx, c)
		if err != nil {
			return err
		}
		return s.reply(r)
	})
}

// reply prints what was done and the head of the journal: whoever keeps the head can prove it later.
func (s *session) reply(r runner.Reply) error {
	if s.json {
		return s.printJSON(r)
	}
	s.printf("%s\n", r.Message)
	if r.Judgement != nil {
		s.printf("%s\n", entered(r.Judgement.EnteredBy, len(r.Judgement.Poll)))
	}
	s.printf("head %s\n", r.Head)
	return nil
}

// entered says how many hands typed the answers: "3 of 3 answers entered by one person".
func entered(by map[string]int, asked int) string {
	total := 0
	for _, n := range by {
		total += n
	}
	if len(by) == 1 && total > 1 {
		return fmt.Sprintf("%d of %d answers entered by one person", total, asked)
	}
	return fmt.Sprintf("%d of %d answers, entered by %d persons", total, asked, len(by))
}

func (s *session) printJSON(v any) error {
	enc := json.NewEncoder(s.out)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

// parseTime reads a time as a person writes it: "+2h" from now, local time of the plan, or RFC 3339.
func parseTime(p *plan.Plan, text string, now time.Time) (time.Time, error) {
	if rest, ok := strings.CutPrefix(text, "+"); ok {
		if d, err := yamldoc.ParseDuration(rest); err == nil {
			return now.Add(d), nil
		}
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	t, err := people.ParseFrom(p.Zone, text)
	if err != nil {
		return t, usage(fmt.Sprintf("%q is not a time: %v", text, err), `write "2019-11-09 02:00" in the plan's time zone, +2h, or RFC 3339`)
	}
	return t, nil
}

// asJSON adds --json to a reading command.
func (s *session) asJSON(c *cobra.Command) *cobra.Command {
	c.Flags().BoolVar(&s.json, "json", false, "print JSON (docs/json.md)")
	return c
}
