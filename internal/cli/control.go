package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"skift/internal/journal"
	"skift/internal/run"
	"skift/internal/runner"
)

// act is a command that somebody gives in a seat.
type act struct {
	runner.Command
	until string   // a time, read in the plan's zone
	set   []string // NAME=VALUE
}

// acting adds the flags of whoever acts.
func acting(c *cobra.Command, a *act) *cobra.Command {
	c.Flags().StringVar(&a.As, "as", "", "`SEAT` that acts, such as ibm/operator")
	c.Flags().StringVar(&a.Via, "via", journal.ViaConsole, "how it reached you: `WAY` is console, phone or mail")
	c.Flags().StringVar(&a.Reason, "reason", "", "why; this `TEXT` is kept in the journal")
	return c
}

// send checks what only the command line knows, hands the command in and prints what was done.
func (s *session) send(c *cobra.Command, a act) error {
	if err := checkVia(a.Via); err != nil {
		return err
	}
	why := toChange
	if a.AboutParty() {
		why = toPause
	}
	at, err := s.find(c.Context(), why)
	if err != nil {
		return err
	}
	defer at.close()
	if a.until != "" {
		t, err := parseEnd(at.plan, a.until, time.Now())
		if err != nil {
			return err
		}
		a.Until = &t
	}
	r, err := at.desk.Do(c.Context(), a.Command)
	if err != nil {
		return err
	}
	s.reply(r)
	if at.own != nil {
		s.undriven(c.Context(), at)
	}
	return nil
}

// checkVia refuses what is no way in which a person reaches another.
func checkVia(via string) error {
	switch via {
	case journal.ViaConsole, journal.ViaPhone, journal.ViaMail:
		return nil
	}
	return usage(fmt.Sprintf("--via %q is not a way to be told something", via), "console, phone or mail")
}

// undriven says so when runs wait for what was just said, and no process is there to go on with them.
func (s *session) undriven(ctx context.Context, at *counter) {
	snap, err := at.desk.Snapshot(ctx)
	if err != nil {
		return
	}
	for _, r := range snap.Runs {
		if r.State == run.RunRunning && r.Parent == "" {
			s.note("nothing drives %s now: `skift %s` or skift serve goes on with it", r.ID, again(r.Runbook, environmentOf(r), r.Rehearsal))
		}
	}
}

// args demands exactly the named arguments.
func args(names ...string) cobra.PositionalArgs { return between(len(names), names...) }

// between demands at least the first of the named arguments.
func between(least int, names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, got []string) error {
		if len(got) < least {
			return usage(names[len(got)]+" is missing", "usage: "+c.UseLine())
		}
		if len(got) > len(names) {
			return usage(fmt.Sprintf("%q is too much", got[len(names)]), "usage: "+c.UseLine())
		}
		return nil
	}
}

func (s *session) voteCommand() *cobra.Command {
	var a act
	c := acting(&cobra.Command{
		Use: "vote GATE ready|not-ready|go|no-go|hold --as SEAT", Short: "Answer at a gate",
		Long: "ready and not-ready answer the poll. go, no-go and hold are the deciding seat's: go is refused while anything stands in its way,\n" +
			"hold --until TIME --reason … extends the deadline. What a seat answers last counts. Without --run the plan's own gate is meant,\n" +
			"which may open and be decided before the run starts.",
		Args: args("GATE", "ready|not-ready|go|no-go|hold"),
		RunE: func(c *cobra.Command, got []string) error {
			a.Do, a.Gate, a.Answer = runner.DoVote, got[0], got[1]
			return s.send(c, a)
		},
	}, &a)
	c.Flags().StringVar(&a.Run, "run", "", "the rehearsal `RUN` in which the gate is practised")
	c.Flags().StringSliceVar(&a.Services, "services", nil, "with go: for these `SERVICES` only, the rest stays as it is")
	c.Flags().StringVar(&a.until, "until", "", "with hold: `TIME` of the new deadline, \"2019-11-08 22:00\" in the plan's time zone or +2h")
	return c
}

func (s *session) attestCommand() *cobra.Command {
	var a act
	var file string
	c := acting(&cobra.Command{
		Use: "attest GATE CRITERION --as SEAT [--file F]", Short: "Vouch for a criterion of a gate",
		Args: args("GATE", "CRITERION"),
		RunE: func(c *cobra.Command, got []string) error {
			a.Do, a.Gate, a.Criterion = runner.DoAttest, got[0], got[1]
			if file != "" {
				data, err := readCapped(file)
				if err != nil {
					return err
				}
				if len(data) == 0 {
					return usage(file+" is empty", "an empty file shows nothing: leave --file out, or name another")
				}
				a.File, a.FileName = data, filepath.Base(file)
			}
			return s.send(c, a)
		},
	}, &a)
	c.Flags().StringVar(&a.Run, "run", "", "the rehearsal `RUN` in which the gate is practised")
	c.Flags().StringVar(&file, "file", "", "evidence: `FILE` is kept with its hash")
	return c
}

func (s *session) confirmCommand() *cobra.Command {
	var a act
	c := acting(&cobra.Command{
		Use: "confirm EVENT --as SEAT [--set NAME=VALUE]", Short: "Be the second seat of something that needs two",
		Args: args("EVENT"),
		RunE: func(c *cobra.Command, got []string) error {
			n, err := strconv.ParseInt(got[0], 10, 64)
			if err != nil || n < 1 {
				return usage(fmt.Sprintf("%q is not the number of an event", got[0]), "skift runs shows what waits for a second seat, with its number")
			}
			a.Do, a.Event = runner.DoConfirm, n
			if err := a.values(); err != nil {
				return err
			}
			return s.send(c, a)
		},
	}, &a)
	parametrised(c, &a)
	return c
}

func (s *session) acceptCommand() *cobra.Command {
	var a act
	c := acting(&cobra.Command{
		Use: "accept CHECK --until TIME --reason … --as SEAT", Short: "Answer for a failing check, for a while",
		Long: "An accepted deviation lapses at its time, is listed at every gate and in every report, and turns nothing green. That of a critical\n" +
			"check counts once a seat of another party has confirmed it (skift confirm).",
		Args: args("CHECK"),
		RunE: func(c *cobra.Command, got []string) error {
			a.Do, a.Check = runner.DoAccept, got[0]
			return s.send(c, a)
		},
	}, &a)
	c.Flags().StringVar(&a.until, "until", "", "`TIME` at which it lapses: \"2019-11-30\", \"2019-11-30 12:00\" in the plan's time zone, or +48h")
	c.Flags().StringVar(&a.Side, "side", "", "`SIDE` is old or new (default both)")
	c.Flags().StringVar(&a.Flow, "flow", "", "one `FLOW` (default all)")
	return c
}

func (s *session) milestoneCommand() *cobra.Command {
	var a act
	return acting(&cobra.Command{
		Use: "milestone NAME pass|reopen --as SEAT", Short: "Say that a milestone has passed, or that it has not",
		Long: "Its owner's and the customer's seats may. One with an exit gate passes by a go at that gate, a zone by its end alone. reopen needs a reason, and\n" +
			"opens also what passed by its date alone: it is late then until somebody says that it has passed.",
		Args: args("NAME", "pass|reopen"),
		RunE: func(c *cobra.Command, got []string) error {
			a.Do, a.Milestone, a.Answer = runner.DoMilestone, got[0], got[1]
			return s.send(c, a)
		},
	}, &a)
}

func (s *session) abortCommand() *cobra.Command {
	var a act
	var failed bool
	c := acting(&cobra.Command{
		Use: "abort RUN --as SEAT --reason … [--failed] [--stop]", Short: "End a run; what it had not begun is cancelled",
		Long: "A seat of the customer may. Nothing is undone: what was changed stays changed. skift runs RUN shows how to back out instead.\n" +
			"While a program, a copy or a request is in flight it is refused; with --stop that is stopped with everything it started, and the answer\n" +
			"names what could not be. With --failed the run ends as failed, because of a step that failed or is uncertain; no run ends so by itself.",
		Args: args("RUN"),
		RunE: func(c *cobra.Command, got []string) error {
			a.Do, a.Run, a.Answer = runner.DoAbort, got[0], ""
			if failed {
				a.Answer = string(run.RunFailed)
			}
			return s.send(c, a)
		},
	}, &a)
	c.Flags().BoolVar(&failed, "failed", false, "it ends as failed")
	c.Flags().BoolVar(&a.Stop, "stop", false, "stop what is in flight, too")
	return c
}

func (s *session) logCommand() *cobra.Command {
	var a act
	c := &cobra.Command{
		Use: `log "text"`, Short: "Keep a line in the journal",
		RunE: func(c *cobra.Command, got []string) error {
			if len(got) == 0 {
				return usage(`"text" is missing`, "usage: "+c.UseLine())
			}
			a.Do, a.Reason = runner.DoLog, strings.Join(got, " ")
			return s.send(c, a)
		},
	}
	c.Flags().StringVar(&a.As, "as", "", "`SEAT` that acts, such as ibm/operator")
	c.Flags().StringVar(&a.Via, "via", journal.ViaConsole, "how it reached you: `WAY` is console, phone or mail")
	return c
}
