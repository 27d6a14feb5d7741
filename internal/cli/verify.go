package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"skift/internal/journal"
	"skift/internal/store"
	"skift/internal/term"
)

// verifyCommand proves the journal against a head somebody kept.
func (s *session) verifyCommand() *cobra.Command {
	var head string
	c := &cobra.Command{
		Use: "verify [FILE] [--head HEAD]", Short: "Prove that nothing in the journal was changed",
		Long: "With a head from an earlier mail, decision or report: nothing up to it was changed, removed, added or reordered. Without one only: the\n" +
			"journal is consistent with itself. FILE is an export (skift journal export): it needs no plan, no database and no trust in whoever wrote\n" +
			"it. Exit 0 when it holds, 1 when it does not.",
		Args: between(0, "FILE"),
		RunE: func(c *cobra.Command, a []string) error {
			var held *journal.Head
			if c.Flags().Changed("head") {
				h, err := journal.ParseHead(head)
				if err != nil {
					return usage(err.Error(), "copy the whole word that begins with skift1:")
				}
				held = &h
			}
			if len(a) > 0 {
				return s.verifyFile(a[0], held)
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
	st, err := s.beside(ctx)
	if err != nil {
		return err
	}
	defer st.Close()
	r, err := st.Verify(ctx, held)
	if err != nil && !errors.Is(err, store.ErrStorage) {
		return err
	}
	return s.verdict(r, err)
}

// verifyFile proves an export.
func (s *session) verifyFile(name string, held *journal.Head) error {
	r, err := verifyExport(name, held)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return err
	}
	return s.verdict(r, err)
}

// verifyExport reads an export, line by line. The error says why it could not be read to its end.
func verifyExport(name string, held *journal.Head) (journal.Report, error) {
	f, err := os.Open(name)
	if err != nil {
		return journal.Report{}, fmt.Errorf("read %s: %w", name, errors.Unwrap(err)) // the cause: the path is named once
	}
	defer f.Close()
	x, err := journal.Import(f)
	if err != nil {
		return journal.Report{}, err
	}
	return journal.Verify(x.Head.Plan, x.Records(), x.Frontier, held)
}

// verdict prints what was found. damage is why the journal could not be read to its end.
func (s *session) verdict(r journal.Report, damage error) error {
	out := verified{OK: damage == nil && r.OK(), Text: r.String(), Problems: []defect{}}
	for _, p := range r.Problems {
		out.Problems = append(out.Problems, defect{p.Seq, p.Text})
	}
	if damage != nil {
		out.Text = "the journal is damaged: " + damage.Error()
	} else {
		out.Head = r.Stored.String()
	}
	if s.json {
		if err := s.printJSON(out); err != nil {
			return err
		}
	} else {
		s.printf("%s\n", term.Strip(out.Text))
	}
	if !out.OK {
		return exit(ExitFailed)
	}
	return nil
}
