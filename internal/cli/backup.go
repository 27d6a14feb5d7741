package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"skift/internal/app"
	"skift/internal/journal"
	"skift/internal/store"
	"skift/internal/term"
)

// backupCommand keeps everything there is.
func (s *session) backupCommand() *cobra.Command {
	return &cobra.Command{
		Use: "backup FILE|DIR", Short: "Write the whole data directory into one file, while skift runs",
		Long: "Into FILE, or into DIR under a name with the plan and the time. The journal is read as it is at one moment, beside a running skift.\n" +
			"The file appears once it was read back: the database is whole, the journal verifies, every hash is right. A backup that was broken\n" +
			"off or had no room leaves nothing under that name, and a file that is there is never overwritten. Keep the head it prints elsewhere.",
		Args: args("FILE|DIR"),
		RunE: func(c *cobra.Command, a []string) error {
			data, err := s.dataDir()
			if err != nil {
				return err
			}
			name, b, err := app.MakeBackup(c.Context(), data, a[0], time.Now())
			if errors.Is(err, store.ErrNone) {
				return usage("there is no journal in "+data, "name the plan directory with -C, or the data directory with --data")
			}
			if errors.Is(err, app.ErrThere) {
				return usage(name+" is there already, and is not overwritten", "name another, or a directory: it gets a file with the time in its name")
			}
			if err != nil {
				return s.kept(c.Context(), err)
			}
			s.printf("%s: %s, %s, verified\nhead %s\n", name, numbered(int(b.Head.Size), "event"), numbered(len(b.Files), "file"), b.Head)
			return nil
		},
	}
}

// restoreCommand brings it back, and lets a copy go on.
func (s *session) restoreCommand() *cobra.Command {
	var a act
	var to, head string
	var takeOver, giveUp bool
	c := &cobra.Command{
		Use: "restore FILE --to DIR [--head HEAD] | restore --take-over --reason … | restore --give-up --head HEAD --reason …", Short: "Bring a backup back; let a copy go on in place of the original",
		Long: "restore FILE makes the data directory DIR from a backup, once every hash, the database and the journal were checked; with --head also\n" +
			"that it holds what that head holds. What was restored, and what was copied to another host or place, can be proven and exported,\n" +
			"and does nothing else: two copies must not act. --take-over makes the copy in the data directory the one that goes on. You answer\n" +
			"for it that the other one never acts again; on this host the original is given up for it, and must not be running. On another host\n" +
			"the original cannot know: --give-up there, with a HEAD of the one that went on, makes it act no more.",
		Args: between(0, "FILE"),
		RunE: func(c *cobra.Command, got []string) error {
			if giveUp {
				if takeOver || len(got) > 0 || to != "" {
					return usage("--give-up goes with neither FILE, --to nor --take-over", "usage: "+c.UseLine())
				}
				return s.giveUp(c.Context(), head, a.Reason)
			}
			switch {
			case takeOver && (len(got) > 0 || to != "" || head != ""):
				return usage("--take-over goes with neither FILE, --to nor --head", "restore first, then take over: usage: "+c.UseLine())
			case takeOver:
				return s.takeOver(c.Context(), a)
			case len(got) == 0 || to == "":
				return usage("say what is restored, and to where", "usage: "+c.UseLine())
			}
			var held *journal.Head
			if head != "" {
				h, err := journal.ParseHead(head)
				if err != nil {
					return usage(err.Error(), "copy the whole word that begins with skift1:")
				}
				held = &h
			}
			b, err := app.Restore(c.Context(), got[0], to, held)
			if err != nil {
				return s.kept(c.Context(), err)
			}
			s.printf("%s: %s of plan %s, as of %s\nhead %s\n", to, numbered(int(b.Head.Size), "event"), term.Line(b.Plan), b.MadeAt.Format("2006-01-02 15:04:05 MST"), b.Head)
			s.printf("→ it does nothing before somebody lets it: skift restore --take-over --data %s --reason …\n", to)
			return nil
		},
	}
	acting(c, &a)
	c.Flags().StringVar(&to, "to", "", "the data directory `DIR` that is made")
	c.Flags().StringVar(&head, "head", "", "a `HEAD` you kept: what it holds must be in the backup")
	c.Flags().BoolVar(&giveUp, "give-up", false, "the data directory acts no more, because another one went on: the one with --head")
	c.Flags().BoolVar(&takeOver, "take-over", false, "the copy in the data directory goes on from now on")
	return c
}

// kept says why a backup was not made or not brought back.
func (s *session) kept(ctx context.Context, err error) error {
	if ctx.Err() == nil && errors.Is(err, app.ErrDamaged) {
		s.say(ExitFailed, err.Error(), "use another backup; nothing was made of this one")
		return exit(ExitFailed)
	}
	return err
}

// giveUp keeps the original from acting when it comes back and another one has gone on.
func (s *session) giveUp(ctx context.Context, head, reason string) error {
	switch {
	case head == "":
		return usage("--give-up needs the head of the one that went on", "add --head: what skift status prints there now, or its last mail")
	case reason == "":
		return usage("--give-up needs a reason", "add --reason: where does it go on, and who said so?")
	}
	h, err := journal.ParseHead(head)
	if err != nil {
		return usage(err.Error(), "copy the whole word that begins with skift1:")
	}
	data, err := s.dataDir()
	if err != nil {
		return err
	}
	err = app.GiveUp(ctx, data, h, reason)
	var held *store.HeldError
	switch {
	case errors.As(err, &held):
		return usage(held.Error(), "end it first: what it does meanwhile is done twice")
	case err != nil:
		return err
	}
	s.printf("%s acts no more\n", data)
	s.note("what only it has can still be read: skift journal export --data %s", data)
	return nil
}

func (s *session) takeOver(ctx context.Context, a act) error {
	if a.Reason == "" {
		return usage("--take-over needs a reason", "add --reason: what became of the other copy, and how do you know?")
	}
	if err := checkVia(a.Via); err != nil {
		return err
	}
	p, settings, err := app.Load(s.dir)
	if err != nil {
		return err
	}
	data := app.DataDir(s.dir, s.data, settings)
	out, err := app.TakeOver(ctx, p, data, app.TakingOver{Reason: a.Reason, As: a.As, Via: a.Via, EnteredBy: app.Caller(p, strconv.Itoa(os.Getuid()))})
	var held *store.HeldError
	switch {
	case errors.As(err, &held):
		return usage(held.Error(), "what was backed up is still at work: end it first, if this copy is to go on in its place")
	case errors.Is(err, store.ErrOurs):
		return usage(fmt.Sprintf("%s was last owned here: there is nothing to take over", data), "")
	case err != nil:
		return err
	}
	s.printf("%s goes on from now on\n", data)
	if out.GivenUp != "" {
		s.printf("given up for it: %s\n", out.GivenUp)
	}
	if out.Lost > 0 {
		s.note("%s of %s are not in the copy: skift journal export --data %s still has them", numbered(int(out.Lost), "event"), out.GivenUp, out.GivenUp)
	}
	s.printf("head %s\n", out.Head)
	return nil
}
