package cli

import (
	"context"

	"github.com/spf13/cobra"

	"skift/internal/app"
	"skift/internal/journal"
	"skift/internal/runner"
)

// serveCommand runs everything unattended.
func (s *session) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "serve", Short: "Run the transition: scheduler, runs, checks and mails, until told to stop",
		Long: "Starts what is due by the plan: milestones with their runbooks, suites, reports. Other commands talk to it over its socket.\n" +
			"SIGTERM or Ctrl-C once: finish what is in flight, then stop; twice: stop now.",
		Args: args(),
		RunE: func(c *cobra.Command, _ []string) error {
			a, err := s.open(c.Context())
			if err != nil {
				return err
			}
			defer a.Close()
			err = a.Run(c.Context(), app.Mode{Scheduler: true, Force: s.force, Ready: func() {
				s.printf("skift serves %s (plan %s, data %s)\n", a.Plan().ID, s.dir, a.Data())
				s.printf("head %s\n", a.Head())
			}})
			if err == nil {
				s.printf("stopped; head %s\n", a.Head())
			}
			return err
		},
	}
}

// startCommand begins a run inside the serving process.
func (s *session) startCommand() *cobra.Command {
	var cmd runner.Command
	c := &cobra.Command{
		Use: "start RUNBOOK", Short: "Begin a run in the running skift serve", Args: args("RUNBOOK"),
		RunE: func(c *cobra.Command, a []string) error {
			cmd.Do, cmd.Runbook = runner.DoStart, a[0]
			return s.startInside(c.Context(), cmd)
		},
	}
	c.Flags().StringVar(&cmd.Environment, "environment", "", "environment (default: the production one)")
	c.Flags().BoolVar(&cmd.Rehearsal, "rehearsal", false, "rehearse: in production no effect is executed")
	c.Flags().Float64Var(&cmd.Speed, "speed", 1, "with --rehearsal: waits are shortened by this factor")
	c.Flags().StringVar(&cmd.As, "as", "", "seat that starts it")
	cmd.Via = journal.ViaConsole
	return c
}

func (s *session) startInside(ctx context.Context, cmd runner.Command) error {
	client, err := s.dialRunning()
	if err != nil {
		return err
	}
	defer client.Close()
	r, err := client.Do(ctx, cmd)
	if err != nil {
		return err
	}
	return s.reply(r)
}
