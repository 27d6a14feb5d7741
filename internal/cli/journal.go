package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"skift/internal/app"
	"skift/internal/store"
)

// journalCommand hands the journal over.
func (s *session) journalCommand() *cobra.Command {
	var out string
	export := &cobra.Command{
		Use: "export [--out FILE]", Short: "Write the whole journal for somebody else to verify",
		Long: "Writes one line of JSON for the head and one for each event, to standard output or whole into FILE. Whoever gets it proves it with\n" +
			"`skift verify FILE`, against a head they kept. It holds seats and opaque ids, no names. It is read beside a running skift.",
		Args: args(),
		RunE: func(c *cobra.Command, _ []string) error {
			if c.Flags().Changed("out") && out == "" {
				return usage("--out names no file", "leave it out to write to standard output")
			}
			return s.exportJournal(c.Context(), out)
		},
	}
	export.Flags().StringVar(&out, "out", "", "write it into `FILE`")
	c := &cobra.Command{Use: "journal export", Short: "Hand the journal over",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(c, args[0])
			}
			return usage("say what is to be done", "skift journal export")
		}}
	export.Flags().SortFlags = false
	export.DisableFlagsInUseLine = true
	c.AddCommand(export)
	return c
}

func (s *session) exportJournal(ctx context.Context, out string) error {
	st, err := s.beside(ctx)
	if err != nil {
		return err
	}
	defer st.Close()
	if out != "" {
		if err := replaceWith(out, 0o600, func(w io.Writer) error { return st.Export(ctx, w) }); err != nil {
			return err
		}
		return s.exported(out)
	}
	w := bufio.NewWriter(s.out)
	if err := st.Export(ctx, w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write export: %w", err)
	}
	return nil
}

// exported reads the file that was just written as whoever gets it will, and says what is in it.
func (s *session) exported(name string) error {
	r, err := verifyExport(name, nil)
	if err != nil || !r.OK() {
		return s.verdict(r, err)
	}
	s.printf("%s: %s\nhead %s\n", name, numbered(int(r.Events), "event"), r.Stored)
	return nil
}

// beside opens the journal for reading only, beside whoever owns it: what proves or keeps it must not depend on a running process.
func (s *session) beside(ctx context.Context) (*store.Store, error) {
	data, err := s.dataDir()
	if err != nil {
		return nil, err
	}
	st, err := store.Open(ctx, store.Options{Dir: data, ReadOnly: true})
	if errors.Is(err, store.ErrNone) {
		return nil, usage("there is no journal in "+data, "name the plan directory with -C, or the data directory with --data")
	}
	return st, err
}

// dataDir is the data directory; a plan with problems still has one.
func (s *session) dataDir() (string, error) {
	if s.data != "" {
		return s.data, nil
	}
	_, settings, err := app.Load(s.dir)
	var bad *app.PlanError
	if err != nil && !errors.As(err, &bad) {
		return "", err
	}
	return app.DataDir(s.dir, "", settings), nil
}
