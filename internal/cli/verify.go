package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"skift/internal/app"
	"skift/internal/journal"
	"skift/internal/store"
	"skift/internal/term"
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
			if c.Flags().Changed("head") {
				h, err := journal.ParseHead(head)
				if err != nil {
					return usage(err.Error(), "copy the whole word that begins with skift1:")
				}
				held = &h
			}
			return s.verify(c.Context(), held)
		},
	}
	c.Flags().StringVar(&head, "head", "", "a `HEAD` you kept: the word that begins with skift1:")
	return s.asJSON(c)
}

// verified is `skift verify --json`.
type verified struct {
	OK       bool     `json:"ok"`
	Head     string   `json:"head,omitempty"` // what the journal says of itself
	Text     string   `json:"text"`
	Problems []defect `json:"problems"`
}

// defect is one thing that is wrong with a journal.
type defect struct {
	Event int64  `json:"event"` // the first concerned; 0 = the journal as a whole
	Text  string `json:"text"`
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
	st, err := store.Open(ctx, store.Options{Dir: data, ReadOnly: true})
	if errors.Is(err, store.ErrNone) {
		return usage("there is no journal in "+data, "name the plan directory with -C, or the data directory with --data")
	}
	if err != nil {
		return err
	}
	defer st.Close()
	r, err := st.Verify(ctx, held)
	if err != nil && !errors.Is(err, store.ErrStorage) {
		return err
	}
	out := verified{OK: err == nil && r.OK(), Text: r.String(), Problems: []defect{}}
	for _, p := range r.Problems {
		out.Problems = append(out.Problems, defect{p.Seq, p.Text})
	}
	if err != nil {
		out.Text = "the journal is damaged: " + err.Error()
	} else {
		out.Head = r.Stored.String()
	}
	if s.json {
		err = s.printJSON(out)
	} else {
		err = nil
		s.printf("%s\n", term.Strip(out.Text))
	}
	if err == nil && !out.OK {
		err = exit(ExitFailed)
	}
	return err
}
