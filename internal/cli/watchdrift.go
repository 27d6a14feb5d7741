package cli

import (
	"maps"
	"slices"
	"strings"

	"skift/internal/journal"
	"skift/internal/register"
	"skift/internal/term"
)

// printDrift shows what changes in a frozen zone, who is asked, and what a person says it is.
func (w *watcher) printDrift(e journal.Event) {
	if e.Kind == register.DriftAnswered {
		if b, ok := body[register.DriftAnswer](e); ok {
			state := term.OK
			if b.Word == register.Breach {
				state = term.Fail
			}
			w.line(e, state, "difference %s in %s is %s, says %s: %s", b.ID, e.Subject, b.Word, e.Actor.Seat, b.Reason)
		}
		return
	}
	b, ok := body[register.DriftQuestion](e)
	if !ok {
		return
	}
	facts := strings.Join(slices.Sorted(maps.Keys(b.After)), ", ")
	if b.Exception != 0 {
		w.line(e, term.Plain, "%s shows another %s than when %s began: exception %d covers it", b.Unit, facts, e.Subject, b.Exception)
		return
	}
	who := b.Seat
	if who == "" {
		who = b.Owner
	}
	w.line(e, term.Risk, "%s shows another %s than when %s began: %s is asked until %s", b.Unit, facts, e.Subject, who, localTime(w.plan, b.By))
	w.more("skift drift answer %s breach|expected --as SEAT --reason …", b.ID)
}
