package cli

import (
	"bytes"

	"github.com/spf13/cobra"

	"skift/internal/api"
	"skift/internal/plan"
	"skift/internal/report"
)

// printCommand makes the page for the night without network.
func (s *session) printCommand() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use: "print [--out FILE]", Short: "Write one page for paper: plan, steps, phone list, back-out, and columns for a pen", Args: args(),
		Long: "One HTML file that needs nothing else, A4 across, in the plan's language: dates, gates, the telephone list, the runbooks of the window with\n" +
			"their way back, and when each step is expected, as things stand now. skift serve and `skift run` write it anew at each gate into the data\n" +
			"directory, as print.html.\n" +
			"It holds names and numbers: treat it so.",
		RunE: func(c *cobra.Command, _ []string) error {
			if c.Flags().Changed("out") && out == "" {
				return usage("--out names no file", "leave it out to write to standard output")
			}
			return s.withDesk(c.Context(), func(d api.Desk, p *plan.Plan) error {
				snap, err := d.Snapshot(c.Context())
				if err != nil {
					return err
				}
				var b bytes.Buffer
				if err := report.Paper(&b, p, snap); err != nil {
					return err
				}
				if out == "" {
					_, err := s.out.Write(b.Bytes())
					return err
				}
				if err := replaceFile(out, b.Bytes()); err != nil {
					return err
				}
				s.printf("%s\nhead %s\n", out, snap.Head)
				return nil
			})
		},
	}
	c.Flags().StringVar(&out, "out", "", "write it into `FILE`")
	return c
}
