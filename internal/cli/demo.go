package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"skift/internal/demo"
)

// demoCommand tells a whole transition on simulated platforms.
func (s *session) demoCommand() *cobra.Command {
	o := demo.Options{Out: s.out, Screen: s.screen}
	var fault string
	var names []string
	for _, f := range demo.Faults() {
		names = append(names, string(f))
	}
	c := &cobra.Command{
		Use: "demo [--fault NAME] [--no-fix] [--dir DIR]", Short: "See a whole transition in under a minute, on simulated platforms",
		Long: "Two simulated platforms on this machine, the shipped plan with its dates moved into the seconds from now, the real scheduler and engine;\n" +
			"people are played by scripts. Needs no root and no network. The plan, the journal and the mails stay in the directory.\n" +
			"Exit: 0 the cut-over was done · 3 no-go, because the fault was left unfixed.",
		Args: args(),
		RunE: func(c *cobra.Command, _ []string) error {
			o.Fault, o.Log = demo.Fault(fault), s.logger()
			end, err := demo.Run(c.Context(), o)
			var wrong *demo.UsageError
			switch {
			case errors.As(err, &wrong):
				return usage(wrong.Message, wrong.Hint)
			case err != nil && end.Dir != "":
				return fmt.Errorf("tell the demo: %w (what there is of it is in %s)", err, end.Dir)
			case err != nil:
				return fmt.Errorf("tell the demo: %w", err)
			case end.NoGo:
				return exit(ExitNoGo)
			}
			return nil
		},
	}
	c.Flags().StringVar(&fault, "fault", string(demo.AllowList), "`NAME` of what is broken on the new platform: "+strings.Join(names, ", "))
	c.Flags().BoolVar(&o.NoFix, "no-fix", false, "leave it broken: the cut-over ends with a no-go")
	c.Flags().StringVar(&o.Dir, "dir", "", "an empty `DIR` to keep everything in (default: a fresh one in the temp folder)")
	return c
}
