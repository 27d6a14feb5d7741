package runner

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"skift/internal/journal"
	"skift/internal/plan"
	"skift/internal/run"
)

// maxAttachment bounds a file that is kept with a note.
const maxAttachment = 10 << 20

// longestTakes bounds how long a step, or fixing it, may be said to take: what is longer is a slip of the pen.
const longestTakes = 365 * 24 * time.Hour

// marks are the words about a step that move it nowhere.
var marks = map[string]func(*decision, *run.Run, *run.Step, journal.Actor, Command) (string, error){
	"change": (*decision).sayChange, "issue": (*decision).sayIssue, "clear": (*decision).sayClear, "note": (*decision).sayNote,
}

// mark carries them out. They are taken also while the run is held, paused or being backed out.
func (r *Runner) mark(ctx context.Context, c Command) (Reply, error) {
	say := marks[c.Answer]
	c.Do = c.Answer // what needs a reason
	return r.control(ctx, c, func(d *decision, rn *run.Run, who journal.Actor) (string, error) {
		_, st, err := d.find(rn.ID, c.Step)
		if err != nil {
			return "", err
		}
		if err := r.mayAct(who.Seat, st); err != nil {
			return "", err
		}
		return say(d, rn, st, who, c)
	})
}

// sayChange plans a step otherwise. The plan and its hash stay as they are.
func (d *decision) sayChange(rn *run.Run, st *run.Step, who journal.Actor, c Command) (string, error) {
	b := run.Changed{Takes: c.Takes, Owner: c.Owner, Reason: c.Reason}
	switch {
	case c.Takes == 0 && c.Owner == "":
		return "", refuse(Usage, "add --takes DURATION or --owner SEAT", "say what changes")
	case c.Takes < 0 || c.Takes > longestTakes:
		return "", refuse(Usage, "write it as 90m or 3h", "a step cannot take %s", c.Takes)
	case c.Owner != "" && d.r.plan.Seats[c.Owner] == nil:
		return "", refuse(NotFound, d.r.suggestSeat(c.Owner), "there is no seat %q in the plan", c.Owner)
	case c.Owner != "" && !d.r.customer(who.Seat) && plan.SeatParty(c.Owner) != plan.SeatParty(who.Seat):
		return "", refuse(Forbidden, "a seat of the customer can", "%s gives work to its own party only", who.Seat)
	case !slices.Contains(run.Marks(run.StepChanged), st.State):
		return "", refuse(Conflict, "", "%s is %s: nothing of it is planned any more", st.ID, st.State)
	case (c.Takes == 0 || c.Takes == st.Takes) && (c.Owner == "" || c.Owner == st.Owner):
		return fmt.Sprintf("%s of %s is planned so already", st.ID, rn.ID), nil
	}
	var said []string
	if c.Takes > 0 {
		said = append(said, fmt.Sprintf("takes %s, not %s", short(c.Takes), short(st.Takes)))
	}
	if c.Owner != "" {
		said = append(said, fmt.Sprintf("is %s's, not %s's", c.Owner, orNobody(st.Owner)))
	}
	_, err := d.Emit(run.StepChanged, rn.ID, st.ID, who, run.Body(b))
	return fmt.Sprintf("%s of %s %s", st.ID, rn.ID, strings.Join(said, ", and ")), err
}

// sayIssue flags what is wrong with a step, and how long it takes to fix. What was flagged before is replaced.
func (d *decision) sayIssue(rn *run.Run, st *run.Step, who journal.Actor, c Command) (string, error) {
	switch {
	case c.Takes < 0 || c.Takes > longestTakes:
		return "", refuse(Usage, "write it as 90m or 3h", "a fix cannot take %s", c.Takes)
	case !slices.Contains(run.Marks(run.StepFlagged), st.State):
		return "", refuse(Conflict, "add a note instead", "%s is %s: nothing is left to fix", st.ID, st.State)
	case st.Issue != nil && st.Issue.Text == c.Reason && st.Issue.Fix == c.Takes:
		return fmt.Sprintf("%s of %s is flagged so already", st.ID, rn.ID), nil
	}
	_, err := d.Emit(run.StepFlagged, rn.ID, st.ID, who, run.Body(run.Flagged{Reason: c.Reason, Fix: c.Takes}))
	fix := "nobody knows yet how long it takes to fix"
	if c.Takes > 0 {
		fix = short(c.Takes) + " to fix"
	}
	return fmt.Sprintf("%s of %s has an issue: %s (%s)", st.ID, rn.ID, c.Reason, fix), err
}

func (d *decision) sayClear(rn *run.Run, st *run.Step, who journal.Actor, c Command) (string, error) {
	if st.Issue == nil {
		return fmt.Sprintf("no issue is flagged on %s of %s", st.ID, rn.ID), nil
	}
	_, err := d.Emit(run.StepCleared, rn.ID, st.ID, who, run.Body(run.Flagged{Reason: c.Reason}))
	return fmt.Sprintf("%s of %s has no issue any more", st.ID, rn.ID), err
}

// sayNote keeps a line about a step, with a file when there is one.
func (d *decision) sayNote(rn *run.Run, st *run.Step, who journal.Actor, c Command) (string, error) {
	if n := utf8.RuneCountInString(c.Reason); n > longestNote {
		return "", refuse(Usage, "say what matters; the rest belongs into a file", "the note has %d characters; there is room for %d", n, longestNote)
	}
	if len(c.File) > maxAttachment {
		return "", refuse(Usage, "keep it elsewhere and attach a file that names it with its hash", "%s is larger than %d MB", d.r.clean(c.FileName), maxAttachment>>20)
	}
	b := run.Noted{Text: c.Reason}
	if len(c.File) > 0 { // kept only once nothing stands in the way: a refusal leaves no file behind
		var err error
		if b.File, b.SHA256, err = d.r.cfg.Files.Save("notes", d.r.clean(c.FileName), c.File); err != nil {
			return "", err
		}
	}
	_, err := d.Emit(run.StepNoted, rn.ID, st.ID, who, run.Body(b))
	message := fmt.Sprintf("noted on %s of %s", st.ID, rn.ID)
	if b.File != "" {
		message += fmt.Sprintf("; %s is kept, SHA-256 %s", b.File, b.SHA256)
	}
	return message, err
}

// short is a duration as people write it: 1h30m0s is 1h30m.
func short(d time.Duration) string {
	if d == 0 {
		return "nobody knows how long"
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func orNobody(seat string) string {
	if seat == "" {
		return "nobody"
	}
	return seat
}
