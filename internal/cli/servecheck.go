package cli

import (
	"context"

	"skift/internal/app"
	"skift/internal/term"
)

// serveCheck says whether serving would go well here, and starts nothing.
func (s *session) serveCheck(ctx context.Context) error {
	r, err := app.Ready(ctx, app.Options{PlanDir: s.dir, DataDir: s.data})
	if err != nil {
		return err
	}
	if s.json {
		err = s.printJSON(r)
	} else {
		err = s.printReady(r)
	}
	if err == nil && !r.OK {
		return exit(ExitNotKnown)
	}
	return err
}

// readySign tells states apart at a glance.
var readySign = map[app.ReadyState]string{app.ReadyOK: "✓", app.ReadyNote: "!", app.ReadyRed: "✗"}

func (s *session) printReady(r app.Readiness) error {
	t := term.NewTable("", "", "").Fold(2)
	red := 0
	for _, i := range r.Items {
		t.Cells(term.Cell{Text: readySign[i.State]}, term.Cell{Text: i.What}, term.Cell{Text: i.Text})
		if i.Hint != "" {
			t.Cells(term.Cell{}, term.Cell{}, term.Cell{Text: "→ " + i.Hint})
		}
		if i.State == app.ReadyRed {
			red++
		}
	}
	if err := t.Write(s.out, s.screen); err != nil {
		return err
	}
	if red > 0 {
		s.printf("skift serve would not do its work here: %s\n", numbered(red, "thing"))
		return nil
	}
	s.printf("skift serve can do its work here; nothing was started\n")
	return nil
}
