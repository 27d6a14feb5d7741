package app

import (
	"context"
	"errors"
	"fmt"

	"skift/internal/journal"
	"skift/internal/runner"
	"skift/internal/secret"
	"skift/internal/store"
	"skift/internal/term"
)

// GiveUp makes the journal in a data directory act no more, because another one went on in its place: the one that has the head. On the host that
// lost its place nobody can know that but by such a head. One that holds it itself went on, and is not given up by mistake.
func GiveUp(ctx context.Context, data string, successor journal.Head, reason string) error {
	s, err := store.Open(ctx, store.Options{Dir: data, ReadOnly: true})
	if err != nil {
		return err
	}
	stands, serr := s.Stands(ctx)
	own, herr := s.Head(ctx)
	report, verr := s.Verify(ctx, &successor)
	if err := errors.Join(serr, herr, verr, s.Close()); err != nil {
		return err
	}
	switch {
	case stands.Foreign != "":
		return notGivenUp("restore --give-up is for the one that was owned here last", "%s acts no more as it is: %s", data, stands.Foreign)
	case own.Plan != successor.Plan:
		return notGivenUp("use a head of the one that went on", "the head is of plan %s, the journal in %s of plan %s", successor.Plan, data, own.Plan)
	case report.OK():
		return notGivenUp("use a head from after the take-over: skift log or skift status prints one there", "the journal in %s holds that head itself: nothing shows that another one went on", data)
	}
	return store.GiveUp(ctx, data, own.Plan, fmt.Sprintf("the one that has %s (%s)", successor, secret.MaskCivil(term.Line(reason))))
}

func notGivenUp(hint, format string, a ...any) error {
	return &runner.Refusal{Kind: runner.Conflict, Message: fmt.Sprintf(format, a...), Hints: []string{hint}}
}
