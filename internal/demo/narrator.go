package demo

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"skift/internal/journal"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/term"
	"skift/internal/words"
)

// narrator writes one calm line per happening, in English: time, shape, words. It may be used by several people at once.
type narrator struct {
	screen term.Screen
	plan   *plan.Plan
	data   string // the data directory, for what commands wrote
	runs   map[string]run.Started
	told   map[string]bool // chapters and findings, each told once

	mu  sync.Mutex
	out io.Writer
}

func newNarrator(o Options, p *plan.Plan, data string) *narrator {
	return &narrator{screen: o.Screen, plan: p, data: data, runs: map[string]run.Started{}, told: map[string]bool{}, out: o.Out}
}

// lang is the language of the demo.
const lang = "en"

// line is one happening.
func (n *narrator) line(at time.Time, state term.State, format string, a ...any) {
	shape := " "
	if s := state.Shape(); s != "" {
		shape = n.screen.Paint(state, s)
	}
	n.print(fmt.Sprintf("%s  %s %s", n.screen.Dim(at.UTC().Format("15:04:05")), shape, term.Line(fmt.Sprintf(format, a...))))
}

func (n *narrator) print(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	fmt.Fprintln(n.out, text)
}

// more is what belongs to the line before.
func (n *narrator) more(format string, a ...any) {
	n.print("            " + n.screen.Dim(term.Line(fmt.Sprintf(format, a...))))
}

// chapter begins a part of the story, once.
func (n *narrator) chapter(title string) {
	if !n.told[title] {
		n.told[title] = true
		n.print("\n" + n.screen.Bold(title))
	}
}

// opening says what there is before anything happens.
func (n *narrator) opening(o Options, t *theatre) {
	n.print(n.screen.Bold(n.plan.Title.In(lang)))
	n.print(fmt.Sprintf("%d milestones, %d gates, %d flows; two simulated platforms per environment on this machine, people played by scripts.",
		len(n.plan.MilestoneIDs), len(n.plan.GateIDs), len(n.plan.Flows)))
	if o.pace > 1.5 {
		n.print(fmt.Sprintf("This machine is busy: the dates lie %.1f times as far apart as usual.", o.pace))
	}
	switch o.Fault {
	case AllowList:
		n.print(fmt.Sprintf("Broken on purpose: the new platform does not let in %s (%s).", t.missing.Party, t.sources[t.missing.Source]))
	case HostKey:
		n.print("Broken on purpose: the new platform's SFTP server shows another host key than the announced one.")
	case Expiry:
		n.print("Broken on purpose: the certificate of the new platform's gateway ends at " + t.until.UTC().Format("15:04:05") + ", before hypercare does.")
	}
}

// mended says what the new supplier did.
func mended(f Fault, t *theatre) string {
	switch f {
	case AllowList:
		return "ibm puts " + t.sources[t.missing.Source].String() + " on the allow-list; the checks are asked again"
	case HostKey:
		return "ibm installs the announced host key; the checks are asked again"
	}
	return "ibm installs a certificate that lasts; the checks are asked again"
}

// sweep tells of a scheduled sweep.
func (n *narrator) sweep(at time.Time, b register.Swept, bad int) {
	if bad == 0 {
		n.line(at, term.OK, "scheduled sweep %s in %s: %d measurements, all as they must be", b.Suite, b.Environment, b.Units)
		return
	}
	n.line(at, term.Risk, "scheduled sweep %s in %s: %d of %d measurements are not as they must be", b.Suite, b.Environment, bad, b.Units)
}

// finding says what is wrong, whose it is and what that usually means; each once.
func (n *narrator) finding(f register.Finding) {
	if text := describe(f); !n.told[text] {
		n.told[text] = true
		n.more("%s", text)
		n.more("%s", words.In(words.En).Outcome(string(f.Code)).Cause)
	}
}

// describe is a finding in one clause: which check for whom, what was seen on which side, and who must act.
func describe(f register.Finding) string {
	what := f.Check
	if f.Flow != "" {
		what += " for " + f.Flow
	}
	return fmt.Sprintf("%s: %s on the %s platform, owner %s", what, f.Code, f.Side, f.Owner)
}

// event tells one event of the journal, or nothing.
func (n *narrator) event(e journal.Event) {
	if tell, ok := tellers[e.Kind]; ok {
		tell(n, e)
	}
}

// tellers say what kinds of event are told, and how.
var tellers = map[string]func(*narrator, journal.Event){
	register.MilestoneStarted: (*narrator).milestone,
	register.MilestonePassed:  (*narrator).milestone,
	run.RunStarted:            reading((*narrator).runStarted),
	run.RunEnded:              reading((*narrator).runEnded),
	run.RunWasHeld:            reading((*narrator).runHeld),
	run.StepStarted:           reading((*narrator).stepStarted),
	run.StepFinished:          reading((*narrator).stepFinished),
	register.GateOpened:       reading((*narrator).gateOpened),
	register.GateVoted:        reading((*narrator).gateVoted),
	register.GateExtended:     reading((*narrator).gateExtended),
	register.GateAttested:     reading((*narrator).gateAttested),
	register.GateDecided:      reading((*narrator).gateDecided),
	register.PhaseMoved:       reading((*narrator).phaseMoved),
	register.ReportQueued:     reading((*narrator).reportQueued),
	register.MessageSettled:   reading((*narrator).mailSettled),
}

// reading decodes the body first. One that cannot be read is not told; whoever acts on it says why.
func reading[B any](tell func(*narrator, journal.Event, B)) func(*narrator, journal.Event) {
	return func(n *narrator, e journal.Event) {
		var b B
		if json.Unmarshal(e.Body, &b) == nil {
			tell(n, e, b)
		}
	}
}

func (n *narrator) milestone(e journal.Event) {
	m := n.plan.Milestones[e.Subject]
	if m == nil {
		return
	}
	title := m.Title.In(lang)
	if e.Kind == register.MilestonePassed {
		n.line(e.At, term.OK, "milestone passed: %s", title)
		return
	}
	switch {
	case len(n.told) == 0:
		n.chapter("Frozen zones and first tests")
	case m.Runbook != "" && m.Environment != "":
		n.chapter("Tests and rehearsal, in " + m.Environment)
	case m.Runbook == cutoverRunbook:
		n.chapter("The weekend")
	}
	n.line(e.At, term.Running, "milestone begins, as scheduled: %s", title)
}

func (n *narrator) runStarted(e journal.Event, b run.Started) {
	n.runs[e.Run] = b
	kind := ""
	if b.Rehearsal {
		kind = ", a rehearsal in which everything is really done"
	}
	n.line(e.At, term.Running, "run %s starts in %s%s", e.Run, b.Environment, kind)
}

func (n *narrator) runEnded(e journal.Event, b run.Ended) {
	if b.State == run.RunDone {
		n.line(e.At, term.OK, "run %s is done", e.Run)
		return
	}
	n.line(e.At, term.Fail, "run %s ends %s: %s", e.Run, b.State, b.Reason)
}

func (n *narrator) runHeld(e journal.Event, b run.Ended) {
	n.line(e.At, term.Risk, "run %s is held: %s", e.Run, b.Reason)
}

// stepTitle is a step in words, and who owns it.
func (n *narrator) stepTitle(e journal.Event) (title, owner string) {
	if rb := n.plan.Runbooks[n.runs[e.Run].Runbook]; rb != nil {
		if s := rb.Step(e.Subject); s != nil {
			return s.Name(lang), s.Owner
		}
	}
	return e.Subject, ""
}

func (n *narrator) stepStarted(e journal.Event, b run.Begun) {
	if e.Subject != stepOpen || !n.live(e) {
		return
	}
	n.line(e.At, term.Risk, "from here there is no way back: what users send now exists on the new platform only")
}

func (n *narrator) live(e journal.Event) bool {
	b := n.runs[e.Run]
	return b.Production && !b.Rehearsal
}

func (n *narrator) stepFinished(e journal.Event, b run.Finished) {
	title, owner := n.stepTitle(e)
	switch {
	case b.State == run.Cancelled:
		return
	case b.State == run.Skipped:
		n.line(e.At, term.Risk, "  %s (%s): goes on without, %s", title, e.Actor.Seat, b.Reason)
		return
	case b.State != run.Done:
		n.line(e.At, term.Fail, "  %s: %s, %s", title, b.State, b.Reason)
		return
	}
	text := title
	if owner != "" && owner == e.Actor.Seat {
		text += " (" + owner + ")"
	}
	output := n.output(b)
	if b.Reason != "" && len(output) == 0 {
		text += ": " + b.Reason
	}
	n.line(e.At, term.OK, "  %s", text)
	for _, l := range output {
		n.more("  %s", l)
	}
}

// output is what a command wrote, at most three lines of it.
func (n *narrator) output(b run.Finished) []string {
	if b.Output == "" {
		return nil
	}
	data, err := os.ReadFile(filepath.Join(n.data, filepath.FromSlash(b.Output)))
	if err != nil {
		return nil
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	return lines[:min(3, len(lines))]
}

func (n *narrator) gateOpened(e journal.Event, b register.Opened) {
	g := n.plan.Gates[e.Subject]
	if g == nil {
		return
	}
	switch {
	case e.Run != "":
		n.line(e.At, term.Gate, "  gate %s is practised", g.ID)
	case b.Round > 1:
		n.line(e.At, term.Gate, "gate %s is asked again", g.ID)
	default:
		if g.ID == goGate {
			n.chapter("May we?")
		}
		n.line(e.At, term.Gate, "gate %s: %s", g.ID, g.Title.In(lang))
		n.more("asked: %s; decides: %s", strings.Join(g.Poll, ", "), g.Decides)
	}
}

// shown: the answers of the gates of the weekend are told one by one, of the others only the decision.
func shown(e journal.Event) bool {
	return e.Run == "" && (e.Subject == goGate || e.Subject == switchGate || e.Subject == openGate)
}

func (n *narrator) gateVoted(e journal.Event, b register.Voted) {
	if !shown(e) || b.Answer != register.Ready && b.Answer != register.NotReady {
		return // the others are told as what follows from them
	}
	text := e.Actor.Seat + ": " + strings.ReplaceAll(string(b.Answer), "-", " ")
	if b.Remark != "" {
		text += ", " + b.Remark
	}
	n.line(e.At, term.Gate, "  %s", text)
}

func (n *narrator) gateExtended(e journal.Event, b register.Extended) {
	n.line(e.At, term.Risk, "%s gives %s until %s: %s", e.Actor.Seat, e.Subject, b.Until.Format("15:04:05"), b.Reason)
}

func (n *narrator) gateAttested(e journal.Event, b register.Attested) {
	if shown(e) {
		n.line(e.At, term.Gate, "  %s vouches: %s", e.Actor.Seat, strings.ReplaceAll(b.Criterion, "-", " "))
	}
}

func (n *narrator) gateDecided(e journal.Event, b register.Decided) {
	state, practised := term.Fail, ""
	if b.Decision == register.Go {
		state = term.OK
	}
	if e.Run != "" {
		practised = "  practised: "
	}
	by := e.Actor.Seat
	if by == "" {
		by = "the deadline"
	}
	n.line(e.At, state, "%s%s at %s, decided by %s", practised, strings.ToUpper(string(b.Decision)), e.Subject, by)
	if e.Run != "" {
		return
	}
	if b.Decision != register.Go {
		before := ""
		for _, f := range findings(b.Criteria) {
			if text := describe(f); text != before { // both sites of a platform say the same
				before = text
				n.more("%s", text)
			}
		}
	}
	if len(b.EnteredBy) > 0 {
		total := 0
		for _, k := range b.EnteredBy {
			total += k
		}
		n.more("%d of %d answers, entered by %d persons", total, len(b.Poll), len(b.EnteredBy))
	}
}

func (n *narrator) phaseMoved(e journal.Event, b register.Moved) {
	if b.Environment == production {
		n.line(e.At, term.Running, "  %s: now %s", strings.Join(b.Services, ", "), b.Phase)
	}
}

func (n *narrator) reportQueued(e journal.Event, b register.Queued) {
	n.line(e.At, term.Running, "  report %s for %s: %d mails", b.Report, b.Audience, len(b.Messages))
}

func (n *narrator) mailSettled(e journal.Event, b register.Settled) {
	if b.State == register.MessageSent {
		return
	}
	n.line(e.At, term.Risk, "  mail %s: %s %s", e.Subject, b.State, b.Error)
}

// farewell says how it ended, what is kept and what to try.
func (n *narrator) farewell(end Ending, mails []string) {
	n.chapter("The end")
	switch {
	case end.Back:
		n.print("Backed out: the old platform carries its users on, as it did before.")
	case end.NoGo:
		n.print("No-go, because the fault was left there: " + end.Why + ".")
		n.print("Nothing was changed; the old platform carries its users on.")
	default:
		n.print("The new platform carries its users. Everything decided, measured and done is in the journal.")
	}
	plan := filepath.Join(end.Dir, "plan")
	n.print("\nKept in " + end.Dir)
	n.print("  plan/         the plan, its runbooks and settings; the journal is in plan/.skift")
	n.print(fmt.Sprintf("  mail/         %d mails as they arrived (.eml) and to look at (.html)", len(mails)))
	if len(mails) > 0 {
		n.print("Open " + mails[len(mails)-1])
	}
	n.print("\nTry next")
	for _, c := range n.commands(end) {
		n.print("  skift -C " + plan + " " + c)
	}
}

// commands are worth a try after the demo: the platforms are gone, what was stored is not.
func (n *narrator) commands(end Ending) []string {
	live := ""
	for id, b := range n.runs {
		if b.Runbook == cutoverRunbook && b.Production {
			live = id
		}
	}
	return []string{"verify --head " + end.Head, "runs", "runs " + live, "gate " + goGate, "check --dry readiness", "report steering --preview", "plan"}
}
