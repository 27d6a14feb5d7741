//go:build linux

package app_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/internal/register"
	"skift/internal/run"
)

// minutePlan is a transition of one minute in real time: a zone, a phase with its exit gate, and a window whose gate asks for a suite, a
// phase that has passed and two persons' words. Commands leave their marks, platforms and mail server answer on loopback.
const minutePlan = `plan: minute
title: One minute
timezone: UTC
language: en
parties:
  customer: {role: customer}
  olde: {role: old-supplier, consent: {levels: [sftp-login]}}
  newe: {role: new-supplier, consent: {levels: [sftp-login]}}
seats: {customer/chair: {}, customer/manager: {}, olde/operator: {}, newe/operator: {}}
roster: shifts.csv
contacts: contacts.csv
environments: {prod: {production: true}}
platforms: {old: {party: olde, networks: [127.0.0.0/8]}, new: {party: newe, networks: [127.0.0.0/8]}}
services:
  files: {in: {prod: {old: {addr: "$OLD_SFTP"}, new: {addr: "$NEW_SFTP"}}}}
checks:
  list: {kind: sftp, service: files, level: list, user: skift, key: "file:keys/skift", host_key: {old: ["$OLD_KEY"], new: ["$NEW_KEY"]}, critical: true}
suites: {readiness: {checks: [list], every: 10s, during: [quiet]}}
milestones:
  quiet: {kind: zone, from: "$+0", until: cutover.passed, allow: [transition], runbook: begin}
  trial: {kind: phase, from: "$+3", until: "$+44", runbook: trial, exit: trial-ok, owner: customer/manager}
  cutover: {kind: window, from: "$+40", until: "$+180", runbook: weekend, owner: customer/manager}
  after: {kind: phase, from: cutover.passed, until: 2099-01-01, runbook: after, owner: customer/manager}
gates:
  trial-ok:
    asks: Did the trial pass?
    opens: "$+18"
    criteria: [{attested: report, by: customer/manager}]
    poll: [newe/operator]
    decides: customer/chair
  go:
    asks: Go?
    opens: cutover.start - 6s
    decide_by: cutover.end - 10s
    criteria:
      - {suite: readiness, critical: all, max_age: 1m}
      - {milestone: trial, state: passed}
      - {attested: staffed, by: newe/operator}
    poll: [newe/operator, olde/operator]
    decides: customer/chair
audiences:
  board: {to: [customer/chair, customer/manager], report: weekly}
`

var minuteRunbooks = map[string]string{
	"begin": "  baseline: {check: {suite: readiness}, on_failure: continue-with-reason}\n  tell: {needs: [baseline], message: {audience: board, report: zone}}\n",
	"trial": "  files: {owner: newe/operator, command: [./do, files], change: transition}\n  report: {needs: [files], owner: newe/operator, manual: Write the report}\n",
	"weekend": `  stop: {owner: olde/operator, after_gate: go, manual: Stop, verify: [list], change: transition}
  copy: {needs: [stop], owner: olde/operator, command: [./do, copy], change: transition, stream: data}
  load: {needs: [stop], owner: newe/operator, command: [./do, load], repeatable: true, change: transition, stream: platform}
  switch: {needs: [copy, load], owner: newe/operator, command: [./do, switch], switches: [files], change: transition}
  settle: {needs: [switch], wait: 6s}
  prove: {needs: [settle], check: {suite: readiness, pairs: ok}}
  open: {needs: [prove], owner: newe/operator, manual: Open, point_of_no_return: true, change: transition}
  tell: {needs: [open], message: {audience: board, report: cutover-done}}
`,
	"after": "  last: {owner: newe/operator, command: [./do, last], change: transition}\n  sign: {needs: [last], owner: customer/manager, manual: Sign}\n",
}

// minuteDo marks that it began and that it is done, and takes a second and a half in between, in which it can be met.
const minuteDo = "#!/bin/sh\necho \"$1\" >> begun\nsleep 1.5\necho \"$1\" >> done\n"

// minute is that plan with the process that serves it and the people who are asked.
type minute struct {
	t     *testing.T
	n     *night   // the process that serves, and the world
	w     *weekend // the commands beside it
	rand  *rand.Rand
	kills int
	acts  int
	said  strings.Builder
}

func newMinute(t *testing.T, skift string, seed uint64) *minute {
	t.Helper()
	n := newNight(t, skift, 4*time.Second)
	m := &minute{t: t, n: n, rand: rand.New(rand.NewPCG(seed, 60)),
		w: &weekend{t: t, skift: skift, dir: n.dir, tmp: n.tmp, crash: func() string { return "" }}}
	kit, err := n.world.WriteKit(n.dir)
	if err != nil {
		t.Fatal(err)
	}
	fill := []string{"$OLD_SFTP", n.world.Old.SFTPAddr().String(), "$NEW_SFTP", n.world.New.SFTPAddr().String(), "$OLD_KEY", kit.HostKeys["old"], "$NEW_KEY", kit.HostKeys["new"]}
	for _, s := range []int{180, 44, 40, 18, 3, 0} {
		fill = append(fill, fmt.Sprintf("\"$+%d\"", s), strconv.Quote(n.soon.Add(time.Duration(s)*time.Second).Format(time.DateTime)))
	}
	files := map[string]string{"plan.yaml": minutePlan, "do": minuteDo,
		"shifts.csv": "seat,from,until,person\ncustomer/chair,2020-01-01,2099-01-01,p-chair\ncustomer/manager,2020-01-01,2099-01-01,p-manager\n" +
			"olde/operator,2020-01-01,2099-01-01,p-old\nnewe/operator,2020-01-01,2099-01-01,p-new\n",
		"contacts.csv": "person,name,mail,language\np-chair,The Chair,chair@customer.example,en\np-manager,The Manager,manager@customer.example,da\n" +
			"p-old,The Operator,old@olde.example,en\np-new,The Operator,new@newe.example,en\n"}
	for id, steps := range minuteRunbooks {
		files["runbooks/"+id+".yaml"] = "runbook: " + id + "\nsteps:\n" + steps
	}
	for name, text := range files {
		path := filepath.Join(n.dir, name)
		_ = os.Remove(path) // one that was there keeps its mode
		if err := os.WriteFile(path, []byte(strings.NewReplacer(fill...).Replace(text)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// live serves the plan to its end; the process is killed so often, at moments that the seed chooses, and started again.
func (m *minute) live(kills int) {
	t := m.t
	t.Helper()
	m.n.serve()
	var strikes []time.Time // until shortly after the window has begun
	for range kills {
		strikes = append(strikes, m.n.soon.Add(time.Duration(m.rand.IntN(46_000)-2000)*time.Millisecond))
	}
	slices.SortFunc(strikes, time.Time.Compare)
	for deadline := time.Now().Add(5 * time.Minute); !m.over(); <-time.After(100 * time.Millisecond) {
		switch {
		case time.Now().After(deadline):
			t.Fatalf("it does not come to an end; people: %s\nthe last process said:\n%s", m.said.String(), m.n.child.out.String())
		case m.kills < kills && time.Now().After(strikes[m.kills]) && (m.kills%2 == 0 || m.atWork()):
			m.n.child.kill()
			m.kills++
			<-time.After(time.Duration(m.rand.IntN(1500)) * time.Millisecond)
			m.n.serve()
		case m.n.child.dead(): // somebody was at work in the directory when it began
			m.n.serve()
		}
		if args := m.asked(); args != nil {
			code, out := m.w.call(args...)
			m.acts++
			fmt.Fprintf(&m.said, "skift %v: %d\n%s", args, code, out)
		}
	}
	m.n.until("serving", func() bool {
		if m.n.child.dead() {
			m.n.serve()
		}
		return strings.Contains(m.n.child.out.String(), "skift serves")
	})
	m.n.stop()
}

// atWork reports whether a command is under way, or none will be soon: every other kill waits for that.
func (m *minute) atWork() bool {
	return len(m.w.lines("begun")) > len(m.w.lines("done")) || time.Now().After(m.n.soon.Add(50*time.Second))
}

// asked is what a person does next, by the facts; nil when nobody is asked for anything.
func (m *minute) asked() []string {
	m.t.Helper()
	f, _ := m.w.facts()
	if f == nil {
		return nil
	}
	if unsure := m.mails(register.MessageUncertain); len(unsure) > 0 {
		mail, answer := unsure[0], "again"
		if m.taken()[mail.ID] > 0 {
			answer = "sent"
		}
		return []string{"mail", mail.ID, answer, "--as", "customer/manager", "--reason", "looked into the mailbox"}
	}
	for gate, who := range map[string]struct{ attests, criterion, polled string }{
		"trial-ok": {"customer/manager", "report", "newe/operator"}, "go": {"newe/operator", "staffed", "newe/operator,olde/operator"}} {
		g := f.Register.Gate(register.GateKey{Gate: gate})
		if g.Round == 0 || g.Decision != nil {
			continue
		}
		if _, said := g.Attested[who.criterion]; !said {
			return []string{"attest", gate, who.criterion, "--as", who.attests}
		}
		for _, seat := range strings.Split(who.polled, ",") {
			if g.Votes[seat].Answer == "" {
				return []string{"vote", gate, "ready", "--as", seat}
			}
		}
		return []string{"vote", gate, "go", "--as", "customer/chair"}
	}
	for _, id := range f.Runs.Order {
		r := f.Runs.Runs[id]
		for _, step := range r.Order {
			s := r.Steps[step]
			answer := map[run.StepState]string{run.WaitingForPerson: "done", run.Failed: "retry", run.Uncertain: "retry"}[s.State]
			if s.State == run.Uncertain {
				m.w.still()
				if slices.Contains(m.w.lines("done"), step) {
					answer = "done"
				}
			}
			if seat := s.Owner; answer != "" {
				if seat == "" {
					seat = "customer/manager"
				}
				return []string{"step", id, step, answer, "--as", seat, "--reason", "looked at it"}
			}
		}
	}
	return nil
}

// mails are the messages in one of some states, none = all.
func (m *minute) mails(states ...register.MessageState) (out []register.Message) {
	for _, msg := range m.n.stored().messages {
		if len(states) == 0 || slices.Contains(states, msg.State) {
			out = append(out, msg)
		}
	}
	return out
}

// taken counts how often the mail server took each message.
func (m *minute) taken() map[string]int {
	out := map[string]int{}
	arrived := m.n.world.Mail.Messages()
	for _, msg := range m.mails() {
		for _, got := range arrived {
			if bytes.Contains(got.Raw, []byte("<"+msg.ID+"@")) {
				out[msg.ID]++
			}
		}
	}
	return out
}

// over reports whether everything has been done and told.
func (m *minute) over() bool {
	m.t.Helper()
	f, _ := m.w.facts()
	if f == nil || f.Runs.Runs["after-1"] == nil {
		return false
	}
	for _, r := range f.Runs.Runs {
		if !r.State.Final() {
			return false
		}
	}
	return len(m.mails(register.MessageQueued, register.MessageSending, register.MessageUncertain)) == 0
}

// came is what it came to.
func (m *minute) came() []string {
	t := m.t
	t.Helper()
	k := keptIn(t, m.n.dir, filepath.Join(m.n.dir, ".skift"))
	if !k.report.OK() {
		t.Errorf("the journal: %+v", k.report)
	}
	k.expectOverall(t)
	done, begun := map[string]int{}, map[string]int{}
	for _, step := range m.w.lines("done") {
		done[step]++
	}
	for _, step := range m.w.lines("begun") {
		begun[step]++
	}
	for _, once := range []string{"files", "copy", "switch", "last"} {
		if done[once] != 1 || begun[once] != 1 {
			t.Errorf("%s was begun %d times and done %d times", once, begun[once], done[once])
		}
	}
	if done["load"] < 1 {
		t.Error("load was never done")
	}
	rows := map[string]int{}
	for _, s := range k.slots {
		if rows[s.Schedule+s.At.String()]++; s.State == register.SlotClaimed {
			t.Errorf("slot %s of %s is still claimed", s.At, s.Schedule)
		}
	}
	for at := m.n.soon.Truncate(10 * time.Second).Add(10 * time.Second); at.Before(k.facts.Register.Milestone("cutover").PassedAt); at = at.Add(10 * time.Second) {
		if at.After(k.facts.Register.AdoptedAt) && rows["suite/readiness"+at.UTC().String()] != 1 {
			t.Errorf("slot %s has %d rows", at, rows["suite/readiness"+at.UTC().String()])
		}
	}
	for _, head := range slices.Compact(slices.Sorted(slices.Values(m.w.heads))) {
		if code, out := m.w.call("verify", "--head", head); code != 0 {
			t.Errorf("the head %s that was given out is not accepted: %s", head, out)
		}
	}
	taken := m.taken()
	for id, n := range taken {
		if n != 1 {
			t.Errorf("mail %s arrived %d times", id, n)
		}
	}
	k.slots = slices.DeleteFunc(k.slots, func(s register.Slot) bool { return true }) // they are of other minutes each time
	return k.settled(taken)
}

// TestMinute lives through a plan of a minute, in real time and by the program as it is: once undisturbed, once killed five times at random
// moments and started again, with people at other terminals. It comes to the same, no command was begun twice and no mail came twice.
// SKIFT_KILLS asks for more kills, of plans of eight each: `make soak` does.
func TestMinute(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("a plan of a minute takes one")
	}
	skift := build(t)
	seeds, kills := 1, 5
	if text := os.Getenv("SKIFT_KILLS"); text != "" {
		total, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		kills = 8
		seeds = (total + kills - 1) / kills
	}
	came := make([][]string, seeds+1)
	ms := make([]*minute, seeds+1)
	limit := make(chan struct{}, 4) // a machine that is too busy would be tried, not the program
	t.Run("plans", func(t *testing.T) {
		for seed := range came {
			name := fmt.Sprintf("killed, seed %d", seed)
			if seed == 0 {
				name = "undisturbed"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				limit <- struct{}{}
				defer func() { <-limit }()
				m := newMinute(t, skift, uint64(seed))
				defer func() {
					if t.Failed() {
						t.Logf("people:\n%s\nthe last process:\n%s", m.said.String(), m.n.child.out.String())
					}
				}()
				m.live(min(seed, 1) * kills)
				came[seed], ms[seed] = m.came(), m
			})
		}
	})
	if t.Failed() {
		return
	}
	total, acts := 0, 0
	for seed, got := range came {
		if d := cmp.Diff(came[0], got); d != "" {
			t.Errorf("seed %d comes to something else (-undisturbed +killed):\n%s", seed, d)
		}
		total, acts = total+ms[seed].kills, acts+ms[seed].acts
	}
	t.Logf("kills: %d, plans: %d, words of people: %d", total, seeds, acts)
	if total < seeds*kills {
		t.Errorf("%d processes were killed, want %d", total, seeds*kills)
	}
}
