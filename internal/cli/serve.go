package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"skift/internal/api"
	"skift/internal/app"
	"skift/internal/runner"
	"skift/internal/systemd"
	"skift/internal/term"
)

// serveCommand runs everything unattended.
func (s *session) serveCommand() *cobra.Command {
	var check bool
	c := s.asJSON(&cobra.Command{
		Use: "serve [--check]", Short: "Run the transition: scheduler, runs, checks and mails, until told to stop",
		Long: "Starts what is due by the plan: milestones with their runbooks, suites, reports. Other commands talk to it over its socket.\n" +
			"SIGHUP or skift reload: take up the plan as its files have it now. Files with errors keep it from nothing once a plan was in use: it goes on\n" +
			"by that one until they are mended and taken up. With errors in skift.yaml it does not start.\n" +
			"SIGTERM or Ctrl-C once: finish what is in flight, then stop; twice: stop now, and what was in flight becomes uncertain.\n\n" +
			"With --check nothing is started: plan, settings, roster, secrets, data directory, journal, addresses, mail, disk and clock are looked at, each\n" +
			"with what to do. It ends with 0 when nothing keeps it from serving, 2 when plan or settings are invalid, else 5.",
		Args: args(),
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case check:
				return s.serveCheck(c.Context())
			case s.json:
				return usage("--json goes with --check", "skift status --json tells how it stands; listen: in skift.yaml names where /healthz and /metrics are answered")
			}
			return s.serve(c.Context())
		},
	})
	c.Flags().BoolVar(&check, "check", false, "look whether it could serve here, and start nothing")
	return c
}

func (s *session) serve(ctx context.Context) error {
	c, err := s.find(ctx, toServe)
	if err != nil {
		return err
	}
	defer c.close()
	if c.own == nil {
		return usage("another skift runs this transition already (data directory "+c.data+")",
			"other commands talk to it as it is; to serve here, end it first")
	}
	w := &watcher{s: s, plan: c.plan, desk: c.desk, data: c.data, all: true, after: c.own.Head().Size}
	if r := c.own.Pending(); r != nil {
		s.printf("the plan was changed since it was last in use\n%s", s.brought(*r))
	}
	manager, err := systemd.FromEnv(os.Getenv, os.Getpid())
	if err != nil {
		return err
	}
	mode := app.Mode{Scheduler: true, Force: s.force, Manager: manager, Ready: func() {
		s.printf("skift serves %s (plan %s, data %s)\n", c.plan.ID, s.dir, c.data)
		s.printf("head %s\n", c.own.Head())
	}}
	err = s.drive(ctx, c.own, mode, w, func(ctx context.Context) error {
		var hung sync.WaitGroup
		defer hung.Wait()
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		hung.Go(func() { s.reloads(ctx, c.own) })
		for {
			w.plan = c.own.Plan()
			if err := w.step(ctx, true); err != nil {
				if ctx.Err() != nil {
					return nil
				}
				return err
			}
		}
	})
	if err == nil {
		s.printf("stopped; head %s\n", c.own.Head())
	}
	return err
}

// startCommand begins a run inside the serving process.
func (s *session) startCommand() *cobra.Command {
	var a act
	c := &cobra.Command{
		Use: "start RUNBOOK [--environment ENV] [--rehearsal [--speed N]] [--set NAME=VALUE]", Short: "Begin a run in the running skift serve", Args: args("RUNBOOK"),
		Long: "Begins a run of the runbook in the environment (default: production), or says which unfinished one goes on. The run is driven by the\n" +
			"process that serves; skift runs shows it.",
		RunE: func(c *cobra.Command, got []string) error {
			a.Do, a.Runbook = runner.DoStart, got[0]
			if err := a.settle(); err != nil {
				return err
			}
			client, err := s.running()
			if errors.Is(err, api.ErrNobody) {
				return usage("no skift serve runs for this data directory", "start it with `skift serve`, or drive the run here with `skift run`")
			}
			if err != nil {
				return err
			}
			defer client.Close()
			r, err := client.Do(c.Context(), a.Command)
			if err == nil {
				s.reply(r)
			}
			return err
		},
	}
	starting(c, &a)
	return c
}

// starting adds the flags of whoever begins a run.
func starting(c *cobra.Command, a *act) {
	c.Flags().StringVar(&a.Environment, "environment", "", "`ENV`, an environment of the plan (default: the production one)")
	c.Flags().BoolVar(&a.Rehearsal, "rehearsal", false, "rehearse: in production no effect is executed")
	c.Flags().Float64Var(&a.Speed, "speed", 1, "with --rehearsal: waits are `N` times shorter")
	c.Flags().StringVar(&a.As, "as", "", "`SEAT` that starts it")
	parametrised(c, a)
}

// parametrised adds the flag by which parameters get their values.
func parametrised(c *cobra.Command, a *act) {
	c.Flags().StringArrayVar(&a.set, "set", nil, "`NAME=VALUE` of a parameter of the runbook; may be given several times")
}

// settle reads what starting takes: a factor for the waits, and values for parameters.
func (a *act) settle() error {
	if err := a.values(); err != nil {
		return err
	}
	return checkSpeed(a.Command)
}

// values reads the parameters of the runbook that begins.
func (a *act) values() error {
	for _, text := range a.set {
		name, value, ok := strings.Cut(text, "=")
		if _, twice := a.Set[name]; !ok || name == "" || twice {
			return usage(fmt.Sprintf("--set %s is not NAME=VALUE of one parameter", term.Line(text)), "write it like --set target=new")
		}
		if a.Set == nil {
			a.Set = map[string]string{}
		}
		a.Set[name] = value
	}
	return nil
}

// checkSpeed refuses what is no factor: waits are never made longer.
func checkSpeed(c runner.Command) error {
	if !(c.Speed >= 1 && c.Speed <= 1e6) { // not a number is neither
		return usage(fmt.Sprintf("--speed %g is not a factor from 1 to 1000000", c.Speed), "1 waits as long as the plan says, 60 makes a minute of an hour")
	}
	return nil
}
