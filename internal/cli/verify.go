package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"skift/internal/api"
	"skift/internal/app"
	"skift/internal/journal"
	"skift/internal/plan"
	"skift/internal/store"
)

// verifyCommand proves the journal against a head somebody kept.
func (s *session) verifyCommand() *cobra.Command {
	var head string
	c := &cobra.Command{
		Use: "verify [--head HEAD]", Short: "Prove that nothing in the journal was changed",
		Long: "With a head from an earlier mail, decision or report: nothing up to it was changed, removed, added or reordered. Without one only: the\n" +
			"journal is consistent with itself. Exit 0 when it holds, 1 when it does not.",
		Args: args(),
		RunE: func(c *cobra.Command, _ []string) error {
			var held *journal.Head
			if head != "" {
				h, err := journal.ParseHead(head)
				if err != nil {
					return usage(err.Error(), "copy the whole word that begins with skift1:")
				}
				held = &h
			}
			return s.verify(c.Context(), held)
		},
	}
	c.Flags().StringVar(&head, "head", "", "a head you kept")
	return s.asJSON(c)
}

// verified is `skift verify --json`.
type verified struct {
	OK       bool              `json:"ok"`
	Text     string            `json:"text"`
	Problems []journal.Problem `json:"problems"`
}

// verify reads the journal beside whoever owns it: a proof must not depend on a running process.
func (s *session) verify(ctx context.Context, held *journal.Head) error {
	data := s.data
	if data == "" {
		_, settings, err := app.Load(s.dir)
		var bad *app.PlanError
		if err != nil && !errors.As(err, &bad) { // a plan with problems still has a journal
			return err
		}
		data = app.DataDir(s.dir, "", settings)
	}
	if _, err := os.Stat(data); errors.Is(err, fs.ErrNotExist) {
		return usage("there is no journal in "+data, "name the plan directory with -C, or the data directory with --data")
	}
	st, err := store.Open(ctx, store.Options{Dir: data, ReadOnly: true})
	if err != nil {
		return err
	}
	defer st.Close()
	r, err := st.Verify(ctx, held)
	out := verified{OK: err == nil && r.OK(), Text: r.String(), Problems: r.Problems}
	if errors.Is(err, store.ErrStorage) {
		out.Text = "the journal is damaged: " + err.Error()
	} else if err != nil {
		return err
	}
	if out.Problems == nil {
		out.Problems = []journal.Problem{}
	}
	if s.json {
		err = s.printJSON(out)
	} else {
		s.printf("%s\n", out.Text)
		err = nil
	}
	if err == nil && !out.OK {
		err = exit(ExitFailed)
	}
	return err
}

// reportCommand composes a report.
func (s *session) reportCommand() *cobra.Command {
	var q api.ReportRequest
	var out string
	var preview bool
	c := &cobra.Command{
		Use: "report AUDIENCE [--out DIR|--preview|--send]", Short: "Write, show or send a status report",
		Long: "--preview (default) prints the text part of each mail; --out DIR writes each as .eml, .html and .txt; --send queues them in the outbox.",
		Args: args("AUDIENCE"),
		RunE: func(c *cobra.Command, a []string) error {
			chosen := 0
			for _, b := range []bool{out != "", preview, q.Send} {
				if b {
					chosen++
				}
			}
			if chosen > 1 {
				return usage("--out, --preview and --send exclude each other", "choose one")
			}
			q.Audience = a[0]
			return s.withDesk(c.Context(), func(d api.Desk, p *plan.Plan) error {
				r, err := d.Report(c.Context(), q)
				if err != nil {
					return err
				}
				return s.showReport(r, out, q.Send)
			})
		},
	}
	c.Flags().StringVar(&out, "out", "", "write the mails into this directory")
	c.Flags().BoolVar(&preview, "preview", false, "print the text parts")
	c.Flags().BoolVar(&q.Send, "send", false, "queue the mails")
	c.Flags().StringVar(&q.Report, "report", "", "another report than the audience's own")
	return s.asJSON(c)
}

func (s *session) showReport(r api.ReportReply, dir string, sent bool) error {
	for _, m := range r.Missing {
		fmt.Fprintf(s.err, "skift: %s is not told: no mail address, or nobody in the seat\n", m)
	}
	switch {
	case s.json:
		return s.printJSON(r)
	case dir != "":
		return s.writeMails(r, dir)
	case sent:
		s.printf("%d mails queued\nhead %s\n", len(r.Mails), r.Head)
		return nil
	}
	for i, m := range r.Mails {
		if i > 0 {
			s.printf("\n%s\n\n", "----")
		}
		s.printf("To: %s\nSubject: %s\n\n%s", m.Recipient, m.Subject, m.Text)
	}
	return nil
}

func (s *session) writeMails(r api.ReportReply, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	defer root.Close()
	for _, m := range r.Mails {
		base := m.Recipient + "-" + m.ID[:min(8, len(m.ID))]
		for ext, data := range map[string][]byte{".eml": m.Raw, ".html": m.HTML, ".txt": m.Text} {
			if err := root.WriteFile(base+ext, data, 0o600); err != nil {
				return fmt.Errorf("write report: %w", err)
			}
		}
		s.printf("%s\n", filepath.Join(dir, base+".html"))
	}
	s.printf("head %s\n", r.Head)
	return nil
}

// dialRunning finds the process that owns the data directory.
func (s *session) dialRunning() (*api.Client, error) {
	_, settings, err := app.Load(s.dir)
	if err != nil {
		return nil, err
	}
	path, err := api.SocketPath(app.DataDir(s.dir, s.data, settings))
	if err != nil {
		return nil, err
	}
	client, err := api.Dial(path)
	if errors.Is(err, api.ErrNobody) {
		return nil, usage("no skift serve runs for this data directory", "start it with `skift serve`, or drive the run here with `skift run`")
	}
	return client, err
}
