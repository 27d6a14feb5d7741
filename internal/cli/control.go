package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"skift/internal/app"
	"skift/internal/journal"
	"skift/internal/runner"
)

// commands lists every command.
func (s *session) commands() []*cobra.Command {
	return []*cobra.Command{
		s.initCommand(), s.validateCommand(), s.planCommand(), s.whoCommand(),
		s.checkCommand(), s.runCommand(), s.startCommand(), s.serveCommand(), s.runsCommand(), s.stepCommand(),
		s.gateCommand(), s.voteCommand(), s.attestCommand(), s.confirmCommand(), s.acceptCommand(), s.milestoneCommand(),
		s.abortCommand(), s.statusCommand(), s.reportCommand(), s.logCommand(), s.verifyCommand(), s.demoCommand(),
	}
}

// acting adds the flags of whoever acts.
func acting(c *cobra.Command, cmd *runner.Command) *cobra.Command {
	c.Flags().StringVar(&cmd.As, "as", "", "seat that acts, such as ibm/operator")
	c.Flags().StringVar(&cmd.Via, "via", journal.ViaConsole, "how it reached you: console, phone, mail")
	c.Flags().StringVar(&cmd.Reason, "reason", "", "why; kept in the journal")
	return c
}

func checkVia(via string) error {
	switch via {
	case journal.ViaConsole, journal.ViaPhone, journal.ViaMail:
		return nil
	}
	return usage(fmt.Sprintf("--via %q is not a way", via), "console, phone or mail")
}

// args demands exactly the named arguments.
func args(names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, got []string) error {
		if len(got) == len(names) {
			return nil
		}
		if len(got) < len(names) {
			return usage(names[len(got)]+" is missing", "usage: "+c.UseLine())
		}
		return usage(fmt.Sprintf("%q is too much", got[len(names)]), "usage: "+c.UseLine())
	}
}

func (s *session) stepCommand() *cobra.Command {
	var cmd runner.Command
	return acting(&cobra.Command{
		Use: "step RUN STEP done|fail|skip|retry --as SEAT [--reason …]", Short: "Say what became of a step",
		Args: args("RUN", "STEP", "done|fail|skip|retry"),
		RunE: func(c *cobra.Command, a []string) error {
			cmd.Do, cmd.Run, cmd.Step, cmd.Answer = runner.DoStep, a[0], a[1], a[2]
			return s.act(c, cmd)
		},
	}, &cmd)
}

func (s *session) act(c *cobra.Command, cmd runner.Command) error {
	if err := checkVia(cmd.Via); err != nil {
		return err
	}
	return s.do(c.Context(), cmd)
}

func (s *session) voteCommand() *cobra.Command {
	var cmd runner.Command
	var until string
	c := acting(&cobra.Command{
		Use: "vote GATE ready|not-ready|go|no-go|hold --as SEAT", Short: "Answer at a gate",
		Long: "ready and not-ready answer the poll. go, no-go and hold are the deciding seat's: go is refused while anything stands in its way,\n" +
			"hold --until TIME extends the deadline.",
		Args: args("GATE", "ready|not-ready|go|no-go|hold"),
		RunE: func(c *cobra.Command, a []string) error {
			cmd.Do, cmd.Gate, cmd.Answer = runner.DoVote, a[0], a[1]
			if err := s.until(until, &cmd); err != nil {
				return err
			}
			return s.act(c, cmd)
		},
	}, &cmd)
	c.Flags().StringVar(&cmd.Run, "run", "", "the run in which the gate is asked (default: the plan's own gate)")
	c.Flags().StringSliceVar(&cmd.Services, "services", nil, "go for these services only")
	c.Flags().StringVar(&until, "until", "", "with hold: the new deadline")
	return c
}

// until reads a time in the plan's zone.
func (s *session) until(text string, cmd *runner.Command) error {
	if text == "" {
		return nil
	}
	p, _, err := app.Load(s.dir)
	if err != nil {
		return err
	}
	t, err := parseTime(p, text, time.Now())
	if err != nil {
		return err
	}
	cmd.Until = &t
	return nil
}

func (s *session) attestCommand() *cobra.Command {
	var cmd runner.Command
	var file string
	c := acting(&cobra.Command{
		Use: "attest GATE CRITERION --as SEAT [--file F]", Short: "Vouch for a criterion of a gate",
		Args: args("GATE", "CRITERION"),
		RunE: func(c *cobra.Command, a []string) error {
			cmd.Do, cmd.Gate, cmd.Criterion = runner.DoAttest, a[0], a[1]
			if file != "" {
				data, err := readCapped(file)
				if err != nil {
					return err
				}
				cmd.File, cmd.FileName = data, filepath.Base(file)
			}
			return s.act(c, cmd)
		},
	}, &cmd)
	c.Flags().StringVar(&cmd.Run, "run", "", "the run in which the gate is asked")
	c.Flags().StringVar(&file, "file", "", "evidence, kept with its hash")
	return c
}

// maxFile bounds what a command reads into memory.
const maxFile = 16 << 20

func readCapped(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if len(data) > maxFile {
		return nil, usage(name+" is larger than 16 MB", "keep its hash instead: attest a file that names it")
	}
	return data, nil
}

func (s *session) confirmCommand() *cobra.Command {
	var cmd runner.Command
	return acting(&cobra.Command{
		Use: "confirm EVENT --as SEAT", Short: "Be the second seat of something that needs two",
		Args: args("EVENT"),
		RunE: func(c *cobra.Command, a []string) error {
			n, err := strconv.ParseInt(a[0], 10, 64)
			if err != nil {
				return usage(fmt.Sprintf("%q is not the number of an event", a[0]), "skift runs shows what waits for a second seat")
			}
			cmd.Do, cmd.Event = runner.DoConfirm, n
			return s.act(c, cmd)
		},
	}, &cmd)
}

func (s *session) acceptCommand() *cobra.Command {
	var cmd runner.Command
	var until string
	c := acting(&cobra.Command{
		Use: "accept CHECK --until TIME --reason … --as SEAT", Short: "Answer for a failing check, for a while",
		Long: "An accepted deviation lapses at its time, is listed at every gate and in every report, and turns nothing green. That of a critical\n" +
			"check counts once a seat of another party has confirmed it (skift confirm).",
		Args: args("CHECK"),
		RunE: func(c *cobra.Command, a []string) error {
			cmd.Do, cmd.Check = runner.DoAccept, a[0]
			if err := s.until(until, &cmd); err != nil {
				return err
			}
			return s.act(c, cmd)
		},
	}, &cmd)
	c.Flags().StringVar(&until, "until", "", "when it lapses")
	c.Flags().StringVar(&cmd.Side, "side", "", "old or new (default both)")
	c.Flags().StringVar(&cmd.Flow, "flow", "", "one flow (default all)")
	return c
}

func (s *session) milestoneCommand() *cobra.Command {
	var cmd runner.Command
	return acting(&cobra.Command{
		Use: "milestone NAME pass|reopen --as SEAT", Short: "Say that a milestone has passed, or that it has not",
		Args: args("NAME", "pass|reopen"),
		RunE: func(c *cobra.Command, a []string) error {
			cmd.Do, cmd.Milestone, cmd.Answer = runner.DoMilestone, a[0], a[1]
			return s.act(c, cmd)
		},
	}, &cmd)
}

func (s *session) abortCommand() *cobra.Command {
	var cmd runner.Command
	return acting(&cobra.Command{
		Use: "abort RUN --as SEAT --reason …", Short: "End a run; what it had not begun is cancelled",
		Args: args("RUN"),
		RunE: func(c *cobra.Command, a []string) error {
			cmd.Do, cmd.Run = runner.DoAbort, a[0]
			return s.act(c, cmd)
		},
	}, &cmd)
}

func (s *session) logCommand() *cobra.Command {
	var cmd runner.Command
	return acting(&cobra.Command{
		Use: `log "text"`, Short: "Keep a line in the journal", Args: args(`"text"`),
		RunE: func(c *cobra.Command, a []string) error {
			cmd.Do, cmd.Reason = runner.DoLog, a[0]
			return s.act(c, cmd)
		},
	}, &cmd)
}

func (s *session) statusCommand() *cobra.Command {
	var note, as string
	parent := &cobra.Command{
		Use: "status [--note FILE]", Short: "Show the light, or write the note above the computed part", Args: args(),
		RunE: func(c *cobra.Command, _ []string) error {
			if note == "" {
				return s.showStatus(c.Context())
			}
			data, err := s.noteFrom(note)
			if err != nil {
				return err
			}
			return s.act(c, runner.Command{Do: runner.DoStatus, As: as, Via: journal.ViaConsole, File: data})
		},
	}
	parent.Flags().StringVar(&note, "note", "", "file with the manager's own sentences (- reads standard input)")
	parent.Flags().StringVar(&as, "as", "", "seat that acts")
	var set runner.Command
	c := &cobra.Command{
		Use: "set green|yellow|red --because … [--as SEAT]", Short: "Set the light; the computed one is shown beside it", Args: args("green|yellow|red"),
		RunE: func(c *cobra.Command, a []string) error {
			set.Do, set.Answer = runner.DoStatus, a[0]
			return s.act(c, set)
		},
	}
	c.Flags().StringVar(&set.Reason, "because", "", "why; printed in every report")
	c.Flags().StringVar(&set.As, "as", "", "seat that acts")
	c.Flags().StringVar(&set.Via, "via", journal.ViaConsole, "how it reached you: console, phone, mail")
	parent.AddCommand(c)
	return s.asJSON(parent)
}

func (s *session) noteFrom(file string) ([]byte, error) {
	if file != "-" {
		return readCapped(file)
	}
	data, err := io.ReadAll(io.LimitReader(s.in, maxFile))
	if err != nil {
		return nil, fmt.Errorf("read standard input: %w", err)
	}
	return data, nil
}
