package register

import (
	"fmt"
	"time"

	"skift/checks"
	"skift/internal/journal"
)

// gate finds or makes the facts of the gate an event is about.
func (f *Facts) gate(e journal.Event) *GateFacts {
	if f.Gates == nil {
		f.Gates = map[GateKey]*GateFacts{}
	}
	k := GateKey{e.Subject, e.Run}
	if f.Gates[k] == nil {
		f.Gates[k] = &GateFacts{}
	}
	return f.Gates[k]
}

func (f *Facts) applyOpened(e journal.Event, b Opened) error {
	g := f.gate(e)
	if b.Round != g.Round+1 {
		return fmt.Errorf("round %d after round %d", b.Round, g.Round)
	}
	if g.Decision != nil {
		g.Earlier = append(g.Earlier, *g.Decision)
	}
	before := *g
	*g = GateFacts{Round: b.Round, OpenedAt: e.At, Votes: map[string]Vote{}, Earlier: before.Earlier}
	if !b.Anew {
		g.Attested, g.Until, g.Extension = before.Attested, before.Until, before.Extension
	}
	return nil
}

func (f *Facts) applyVoted(e journal.Event, b Voted) error {
	g := f.gate(e)
	if g.Round == 0 || b.Round != g.Round || g.Decision != nil {
		return fmt.Errorf("round %d does not take votes", b.Round)
	}
	g.Votes[e.Actor.Seat] = Vote{b, e.Seq, e.At, e.Actor}
	return nil
}

func (f *Facts) applyAttested(e journal.Event, b Attested) error {
	g := f.gate(e)
	if g.Attested == nil {
		g.Attested = map[string]Attestation{}
	}
	g.Attested[b.Criterion] = Attestation{b, e.Seq, e.At, e.Actor}
	return nil
}

func (f *Facts) applyExtended(e journal.Event, b Extended) error {
	g := f.gate(e)
	g.Until, g.Extension = b.Until, b.Reason
	return nil
}

func (f *Facts) applyDecided(e journal.Event, b Decided) error {
	g := f.gate(e)
	if g.Round == 0 || b.Round != g.Round || g.Decision != nil {
		return fmt.Errorf("round %d cannot be decided", b.Round)
	}
	g.Decision = &Decision{Decided: b, Seq: e.Seq, At: e.At, Actor: e.Actor}
	return nil
}

// applyUsed: Run is the run that went through, Subject the gate; the gate is always the plan's own.
func (f *Facts) applyUsed(e journal.Event, _ struct{}) error {
	g := f.Gates[GateKey{e.Subject, ""}]
	if e.Run == "" || g == nil || g.Decision == nil || g.Decision.Decision != Go {
		return fmt.Errorf("no go to use")
	}
	if g.UsedBy != "" && g.UsedBy != e.Run {
		return fmt.Errorf("the go was used by %s", g.UsedBy)
	}
	g.UsedBy, g.Decision.UsedBy = e.Run, e.Run
	return nil
}

func (f *Facts) applyMoved(_ journal.Event, b Moved) error {
	if f.Phases == nil {
		f.Phases = map[PhaseKey]checks.Phase{}
	}
	for _, s := range b.Services {
		f.Phases[PhaseKey{b.Environment, s, b.Party}] = b.Phase
	}
	return nil
}

func (f *Facts) applyAccepted(e journal.Event, b Accepted) error {
	f.Deviations = append(f.Deviations, &Deviation{Accepted: b, Check: e.Subject, Seq: e.Seq, At: e.At, Actor: e.Actor})
	return nil
}

func (f *Facts) applyConfirmed(e journal.Event, b Confirmed) error {
	d := f.Deviation(b.Event)
	switch {
	case d == nil || d.Check != e.Subject:
		return fmt.Errorf("no accepted deviation of %s with number %d", e.Subject, b.Event)
	case d.Wish().Second(e.Actor, e.At) != "":
		return fmt.Errorf("no second word for the deviation of event %d: %s", b.Event, d.Wish().Second(e.Actor, e.At))
	}
	d.ConfirmedAt, d.ConfirmedBy = e.At, e.Actor
	return nil
}

func (f *Facts) applyMilestone(e journal.Event, b Passed) error {
	m := f.milestone(e.Subject)
	switch e.Kind {
	case MilestoneStarted:
		m.StartedAt = e.At
	case MilestonePassed:
		m.PassedAt, m.PassedBy, m.Gate, m.Run = e.At, e.Actor, b.Gate, b.Run
	case MilestoneReopened:
		m.PassedAt, m.PassedBy, m.Gate, m.Run, m.ReopenedAt = time.Time{}, journal.Actor{}, "", "", e.At
	}
	return nil
}

func (f *Facts) applyStatus(e journal.Event, b StatusBody) error {
	s := &Status{b, e.Seq, e.At, e.Actor}
	if e.Kind == NoteWritten {
		f.Note = s
	} else {
		f.Status = s
	}
	return nil
}

func (f *Facts) applyLogged(e journal.Event, b LogBody) error {
	f.Log = append(f.Log, Entry{b.Text, e.Seq, e.At, e.Actor})
	return nil
}

func (f *Facts) applySwept(e journal.Event, b Swept) error {
	if f.Sweeps == nil {
		f.Sweeps = map[string]Sweep{}
	}
	f.Sweeps[b.Suite] = Sweep{b, e.Seq, e.At}
	return nil
}

func (f *Facts) applyQueued(e journal.Event, b Queued) error {
	if b.About != 0 {
		if f.ToldOf == nil {
			f.ToldOf = map[int64]bool{}
		}
		for _, event := range append(b.Also, b.About) {
			f.ToldOf[event] = true
		}
		return nil // no report of the audience's own
	}
	if b.Simulated {
		return nil
	}
	if f.Reports == nil {
		f.Reports = map[string]time.Time{}
	}
	f.Reports[b.Audience] = e.At
	if b.Light != "" {
		if f.Told == nil {
			f.Told = map[string]Told{}
		}
		f.Told[b.Audience] = Told{b.Light, e.At}
	}
	return nil
}

func (f *Facts) applyPaused(e journal.Event, b PauseBody) error {
	if e.Kind == ProbingResumed {
		delete(f.Paused, e.Subject)
		return nil
	}
	if f.Paused == nil {
		f.Paused = map[string]Pause{}
	}
	f.Paused[e.Subject] = Pause{b.Reason, e.Seq, e.At, e.Actor}
	return nil
}
