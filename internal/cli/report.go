package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"skift/internal/api"
	"skift/internal/term"
)

// reportCommand composes a report.
func (s *session) reportCommand() *cobra.Command {
	var q api.ReportRequest
	var out string
	var preview bool
	c := &cobra.Command{
		Use: "report AUDIENCE [--out DIR|--preview|--send]", Short: "Write, show or send a status report",
		Long: "--preview (default) prints the text part of each mail; --out DIR writes each as .eml, .html and .txt; --send queues them in the outbox.\n" +
			"Whoever should be told and cannot be is named on stderr.",
		Args: args("AUDIENCE"),
		RunE: func(c *cobra.Command, a []string) error {
			chosen := 0
			for _, b := range []bool{c.Flags().Changed("out"), preview, q.Send} {
				if b {
					chosen++
				}
			}
			if chosen > 1 {
				return usage("--out, --preview and --send exclude each other", "choose one")
			}
			if c.Flags().Changed("out") && out == "" {
				return usage("--out names no directory", "")
			}
			q.Audience = a[0]
			counter, err := s.reach(c.Context())
			if err != nil {
				return err
			}
			defer counter.close()
			r, err := counter.desk.Report(c.Context(), q)
			if err != nil {
				return err
			}
			for _, m := range r.Missing {
				s.note("%s is not told: no mail address, or nobody in the seat", m)
			}
			if q.Send && counter.own != nil {
				s.note("the mails leave once skift serve or skift run runs")
			}
			return s.showReport(r, out, q.Send)
		},
	}
	c.Flags().StringVar(&out, "out", "", "write the mails into the directory `DIR`")
	c.Flags().BoolVar(&preview, "preview", false, "print the text parts")
	c.Flags().BoolVar(&q.Send, "send", false, "queue the mails")
	c.Flags().StringVar(&q.Report, "report", "", "another `REPORT` than the audience's own")
	return s.asJSON(c)
}

func (s *session) showReport(r api.ReportReply, dir string, sent bool) error {
	switch {
	case dir != "":
		if err := s.writeMails(r, dir); err != nil || !s.json {
			return err
		}
		return s.printJSON(r)
	case s.json:
		return s.printJSON(r)
	case sent:
		s.printf("%s queued\nhead %s\n", numbered(len(r.Mails), "mail"), r.Head)
		return nil
	}
	for i, m := range r.Mails {
		if i > 0 {
			s.printf("\n----\n\n")
		}
		s.printf("To: %s\nSubject: %s\n\n%s", m.Recipient, term.Line(m.Subject), term.Strip(string(m.Text)))
	}
	return nil
}

// writeMails writes every mail in three forms. A file is whole or not there.
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
		for _, part := range []struct {
			ext  string
			data []byte
		}{{".eml", m.Raw}, {".html", m.HTML}, {".txt", m.Text}} {
			tmp := "." + base + part.ext + ".new"
			err := root.WriteFile(tmp, part.data, 0o600)
			if err == nil {
				err = root.Rename(tmp, base+part.ext)
			}
			if err != nil {
				_ = root.Remove(tmp)
				return fmt.Errorf("write report: %w", err)
			}
		}
		if !s.json {
			s.printf("%s\n", filepath.Join(dir, base+".html"))
		}
	}
	if !s.json {
		s.printf("head %s\n", r.Head)
	}
	return nil
}
