package app_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"skift/internal/journal"
	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/sim"
	"skift/internal/store"
	"skift/internal/timeline"
)

// patience is how long these tests wait for what must happen.
const patience = time.Minute

// zonePlan is a plan whose zone begins in a moment and starts a runbook that asks both platforms and mails a report to two people.
// "probe" is an audience of its own: its mail overtakes none that is due, so when it has come, all have.
const zonePlan = `plan: night
title: A zone that begins in a moment
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
  list: {kind: sftp, service: files, level: list, user: skift, key: "file:keys/skift", host_key: {old: ["$OLD_KEY"], new: ["$NEW_KEY"]}}
suites: {readiness: {checks: [list], every: 6h}}
milestones:
  quiet: {kind: zone, from: "$SOON", until: cutover.passed, allow: [transition], runbook: begin}
  cutover: {kind: point, date: "$TOMORROW"}
audiences:
  board: {to: [customer/chair, customer/manager], report: weekly}
  probe: {to: [olde/operator], report: weekly}
`

const zoneRunbook = `runbook: begin
steps:
  baseline: {check: {suite: readiness}, on_failure: continue-with-reason}
  tell: {needs: [baseline], message: {audience: board, report: zone}}
`

// night is a plan directory, the platforms it speaks of, and the process that serves it.
type night struct {
	t       *testing.T
	program string
	world   *sim.World
	dir     string
	tmp     string    // for sockets, whose paths have at most 107 bytes
	soon    time.Time // when the zone begins
	child   *child
}

// newNight writes a plan whose zone begins after a while.
func newNight(t *testing.T, skift string, after time.Duration) *night {
	t.Helper()
	w, err := sim.Start(context.Background(), sim.Options{Flows: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	tmp, err := os.MkdirTemp("", "skift-n")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(tmp) })
	n := &night{t: t, program: skift, world: w, dir: t.TempDir(), tmp: tmp, soon: time.Now().UTC().Add(after).Truncate(time.Second)}
	t.Cleanup(func() {
		if n.child != nil {
			n.child.kill()
		}
	})
	kit, err := w.WriteKit(n.dir)
	if err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("$OLD_SFTP", w.Old.SFTPAddr().String(), "$NEW_SFTP", w.New.SFTPAddr().String(),
		"$OLD_KEY", kit.HostKeys["old"], "$NEW_KEY", kit.HostKeys["new"], "$SMTP", fmt.Sprint(w.Mail.Addr().Port()),
		"$SOON", n.soon.Format(time.DateTime), "$TOMORROW", n.soon.Add(24*time.Hour).Format("2006-01-02 15:04"))
	for name, text := range map[string]string{
		"plan.yaml": zonePlan, "runbooks/begin.yaml": zoneRunbook, "pki/mail.pem": string(w.PKI.RootPEM()),
		"shifts.csv": "seat,from,until,person\ncustomer/chair,2020-01-01,2099-01-01,p-chair\n" +
			"customer/manager,2020-01-01,2099-01-01,p-manager\nolde/operator,2020-01-01,2099-01-01,p-old\n",
		"contacts.csv": "person,name,mail,language\np-chair,The Chair,chair@customer.example,en\n" +
			"p-manager,The Manager,manager@customer.example,da\np-old,The Operator,old@olde.example,en\n",
		"skift.yaml": "budget: {ssh_gap: 1ms}\nsmtp: {host: localhost, port: $SMTP, from: skift@customer.example, ca: pki/mail.pem, per_hour: 100000}\n",
	} {
		path := filepath.Join(n.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(fill.Replace(text)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// command is the program with its arguments, not started.
func (n *night) command(args ...string) *exec.Cmd {
	c := exec.Command(n.program, append([]string{"-C", n.dir}, args...)...)
	c.Env = []string{"TMPDIR=" + n.tmp, "XDG_RUNTIME_DIR=" + n.tmp, "HOME=" + n.tmp, "LANG=C.UTF-8", "NO_COLOR=1"}
	return c
}

// skift runs a command that must end well.
func (n *night) skift(args ...string) string {
	n.t.Helper()
	out, err := n.command(args...).CombinedOutput()
	if err != nil {
		n.t.Fatalf("skift %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// child is a running `skift serve`.
type child struct {
	*exec.Cmd
	out   output
	ended chan struct{}
}

type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// kill is kill -9; it returns when nothing is left.
func (c *child) kill() {
	_ = c.Process.Kill()
	<-c.ended
}

func (c *child) dead() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// serve starts `skift serve` without waiting for anything.
func (n *night) serve(env ...string) *child {
	n.t.Helper()
	c := &child{Cmd: n.command("serve"), ended: make(chan struct{})}
	c.Env = append(c.Env, env...)
	c.Stdout, c.Stderr = &c.out, &c.out
	if err := c.Start(); err != nil {
		n.t.Fatal(err)
	}
	go func() {
		defer close(c.ended)
		_ = c.Wait() // ProcessState says it
	}()
	n.child = c
	return c
}

// until waits for something that must come true; the child may be dead meanwhile.
func (n *night) until(what string, ok func() bool) {
	n.t.Helper()
	for deadline := time.Now().Add(patience); !ok(); <-time.After(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			n.t.Fatalf("%s did not come true; skift serve said:\n%s", what, n.child.out.String())
		}
	}
}

func (n *night) ready() {
	n.t.Helper()
	n.until("serving", func() bool { return strings.Contains(n.child.out.String(), "skift serves") })
}

// stop ends the child as an operator does.
func (n *night) stop() {
	n.t.Helper()
	if err := n.child.Process.Signal(syscall.SIGTERM); err != nil {
		n.t.Fatal(err)
	}
	<-n.child.ended
	if code := n.child.ProcessState.ExitCode(); code != 0 {
		n.t.Fatalf("skift serve ended with %d:\n%s", code, n.child.out.String())
	}
}

// stored is what the data directory holds.
type stored struct {
	events   []journal.Event
	messages []register.Message
	slots    []register.Slot
}

func (n *night) stored() (s stored) {
	n.t.Helper()
	ctx := context.Background()
	st, err := store.Open(ctx, store.Options{Dir: filepath.Join(n.dir, ".skift"), ReadOnly: true})
	if errors.Is(err, store.ErrNone) || errors.Is(err, store.ErrSchema) { // its first owner is still making it, or died over it
		return s
	}
	if err != nil {
		n.t.Fatal(err)
	}
	defer st.Close()
	err = st.Events(ctx, 0, func(e journal.Event) error { s.events = append(s.events, e); return nil })
	if err == nil {
		s.messages, err = st.Messages(ctx, register.MessageFilter{Audience: "board"})
	}
	if err == nil {
		s.slots, err = st.Slots(ctx, timeline.MilestoneKey+"quiet", time.Time{}, time.Now().Add(time.Hour))
	}
	if err != nil {
		n.t.Fatal(err)
	}
	return s
}

func (s stored) count(kind, subject string) (c int) {
	for _, e := range s.events {
		if e.Kind == kind && (subject == "" || e.Subject == subject) {
			c++
		}
	}
	return c
}

// settled reports whether the run has ended and no mail waits for anything but a person.
func (s stored) settled() bool {
	open := func(m register.Message) bool { return !m.State.Final() && m.State != register.MessageUncertain }
	return s.count(run.RunEnded, "") > 0 && len(s.messages) > 0 && !slices.ContainsFunc(s.messages, open)
}

// arrived counts the mails to an address.
func (n *night) arrived(address string) (c int) {
	for _, m := range n.world.Mail.Messages() {
		if slices.Contains(m.To, address) {
			c++
		}
	}
	return c
}

// asked counts what one side was asked.
func (n *night) asked(side string) (c int) {
	for _, r := range n.world.Log() {
		if r.Platform == side {
			c++
		}
	}
	return c
}

// converges lets a last process finish, sends one more mail behind all others, and then counts: the zone began once, both sides
// were asked, and nobody got a second mail. It returns how many mails are uncertain.
func (n *night) converges() (uncertain int) {
	t := n.t
	t.Helper()
	n.until("a run that has ended and mails that are settled", func() bool { return n.stored().settled() })
	n.ready()
	n.skift("report", "probe", "--send")
	put := time.Now()
	n.until("the probe's mail", func() bool { return n.arrived("old@olde.example") > 0 })
	if took := time.Since(put); took > 40*time.Second { // mails are looked at every minute anyhow
		t.Errorf("a mail left %s after it was queued", took)
	}
	n.stop()
	n.skift("verify")

	s := n.stored()
	for kind, subject := range map[string]string{run.RunStarted: "", run.RunEnded: "", register.MilestoneStarted: "quiet", run.StepFinished: "tell"} {
		if got := s.count(kind, subject); got != 1 {
			t.Errorf("%d events %s %s, want 1", got, kind, subject)
		}
	}
	if len(s.slots) != 1 || s.slots[0].State != register.SlotDone || !s.slots[0].At.Equal(n.soon) {
		t.Errorf("slots of the zone: %+v, want one, done, at %v", s.slots, n.soon)
	}
	if s.count(register.SweepDone, "readiness") == 0 || n.asked("old") == 0 || n.asked("new") == 0 {
		t.Errorf("swept %d times, old asked %d times, new %d times; all must be more than 0",
			s.count(register.SweepDone, "readiness"), n.asked("old"), n.asked("new"))
	}
	for _, m := range n.world.Mail.Messages() {
		want := map[string]string{"chair@customer.example": "en", "manager@customer.example": "da", "old@olde.example": "en"}[m.To[0]]
		if !m.TLS || !bytes.Contains(m.Raw, []byte("\r\nContent-Language: "+want+"\r\n")) {
			t.Errorf("mail to %s: over TLS %v, want in language %q:\n%s", m.To, m.TLS, want, m.Raw)
		}
	}
	told := map[string]int{}
	for _, m := range s.messages {
		told[m.Address]++
		got := n.arrived(m.Address)
		switch {
		case m.State == register.MessageUncertain && got <= 1:
			uncertain++
		case m.State != register.MessageSent || got != 1:
			t.Errorf("mail to %s is %s (%s) and arrived %d times", m.Recipient, m.State, m.LastError, got)
		}
	}
	if len(s.messages) != 2 || told["chair@customer.example"] != 1 || told["manager@customer.example"] != 1 {
		t.Errorf("mails decided: %v, want one to each of two", told)
	}
	if t.Failed() {
		t.Logf("the last process said:\n%s", n.child.out.String())
	}
	return uncertain
}

// TestServe is `skift serve` through a night: a zone begins, both platforms are asked, the report is mailed. Killed at any moment
// and started again it begins the zone once and mails nobody twice.
func TestServe(t *testing.T) {
	t.Parallel()
	skift := build(t)
	t.Run("killed", func(t *testing.T) { servesThoughKilled(t, skift) })
	t.Run("storm", func(t *testing.T) { servesThroughStorm(t, skift) })
	t.Run("scheduled", func(t *testing.T) { sweepsThoughKilled(t, skift) })
}

// sweepsThoughKilled kills the process while it asks a suite whose time had come: the slot is failed and not made up for, the next is asked.
func sweepsThoughKilled(t *testing.T, skift string) {
	t.Parallel()
	n := newNight(t, skift, 24*time.Hour)
	plan := strings.Replace(n.file("plan.yaml"), "every: 6h", "every: 1m", 1)
	if err := os.WriteFile(filepath.Join(n.dir, "plan.yaml"), []byte(plan), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := n.world.New.SetFault(sim.FaultSilent); err != nil {
		t.Fatal(err)
	}
	n.serve()
	patiently(n, "a sweep", func() bool { return n.asked("old") > 0 })
	n.child.kill()
	asked := n.asked("old")
	if s := n.slots("suite/readiness"); len(s) != 1 || s[0].State != register.SlotClaimed || n.running() != 1 {
		t.Fatalf("slots %+v and %d jobs under way, want one of each", s, n.running())
	}
	if err := n.world.New.Clear(sim.FaultSilent); err != nil {
		t.Fatal(err)
	}
	n.serve()
	n.ready()
	n.until("the end of the slot", func() bool { return n.slots("suite/readiness")[0].State != register.SlotClaimed })
	patiently(n, "the next sweep", func() bool { s := n.slots("suite/readiness"); return s[len(s)-1].State == register.SlotDone })
	n.stop()
	s := n.slots("suite/readiness")
	if s[0].State != register.SlotFailed || !strings.Contains(s[0].Note, "stopped while it was at work") {
		t.Errorf("the slot that was cut off is %s: %s", s[0].State, s[0].Note)
	}
	done := 0
	for _, slot := range s {
		if slot.State == register.SlotDone {
			done++
		}
	}
	if swept := n.stored().count(register.SweepDone, "readiness"); swept != done || n.asked("old") == asked {
		t.Errorf("%d sweeps for %d slots that are done: %+v", swept, done, s)
	}
}

func servesThoughKilled(t *testing.T, skift string) {
	t.Parallel()
	cases := []struct {
		name      string
		kill      func(*night) // nil = it is not
		uncertain []int        // how many mails may be uncertain in the end
	}{
		{"never", nil, []int{0}},
		{"before the zone", func(n *night) { n.child.kill() }, []int{0}},
		{"down while the zone begins", func(n *night) {
			n.child.kill()
			<-time.After(time.Until(n.soon.Add(time.Second)))
		}, []int{0}},
		{"during the sweep", func(n *night) {
			if err := n.world.New.SetFault(sim.FaultSilent); err != nil {
				n.t.Fatal(err)
			}
			n.until("the old side asked", func() bool { return n.asked("old") > 0 })
			n.child.kill()
			if err := n.world.New.Clear(sim.FaultSilent); err != nil {
				n.t.Fatal(err)
			}
		}, []int{0}},
		{"right after a mail was accepted", func(n *night) { n.mails(1); n.child.kill() }, []int{0, 1}},
		{"right after the last mail was accepted", func(n *night) { n.mails(2); n.child.kill() }, []int{0, 1}},
		{"between sending and sent", func(n *night) {
			n.fault(sim.MailHang)
			n.mails(1)
			n.child.kill()
			n.fault(sim.MailSound)
		}, []int{1}},
		{"while the mail server is down", func(n *night) {
			n.fault(sim.MailDown)
			n.until("the run's end", func() bool { return n.stored().count(run.RunEnded, "") > 0 })
			n.child.kill() // perhaps while it was trying
			n.fault(sim.MailSound)
		}, []int{0, 1}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := newNight(t, skift, 4*time.Second)
			n.serve()
			n.ready()
			if c.kill != nil {
				c.kill(n)
				n.serve()
			}
			if got := n.converges(); !slices.Contains(c.uncertain, got) {
				t.Errorf("%d mails are uncertain, want one of %v", got, c.uncertain)
			}
			if got := n.carried(); got < 4 {
				t.Errorf("%d jobs were put, want those of the zone and of three mails", got)
			}
		})
	}
}

// file reads a file of the plan directory.
func (n *night) file(name string) string {
	n.t.Helper()
	b, err := os.ReadFile(filepath.Join(n.dir, name))
	if err != nil {
		n.t.Fatal(err)
	}
	return string(b)
}

// patiently waits for something that comes with the next minute.
func patiently(n *night, what string, holds func() bool) {
	n.t.Helper()
	for late := time.Now().Add(time.Minute); time.Now().Before(late) && !holds(); <-time.After(100 * time.Millisecond) {
	}
	n.until(what, holds)
}

// slots reads the slots of a schedule.
func (n *night) slots(schedule string) []register.Slot {
	n.t.Helper()
	st, err := store.Open(context.Background(), store.Options{Dir: filepath.Join(n.dir, ".skift"), ReadOnly: true})
	if err != nil {
		n.t.Fatal(err)
	}
	defer st.Close()
	slots, err := st.Slots(context.Background(), schedule, time.Time{}, time.Now().Add(time.Hour))
	if err != nil {
		n.t.Fatal(err)
	}
	return slots
}

// running counts the jobs that the database says are being done.
func (n *night) running() int {
	return n.jobs("SELECT count(*) FROM river_job WHERE state = 'running'")
}

// carried counts the jobs that were ever put in the database: their numbers are not used again.
func (n *night) carried() int {
	return n.jobs("SELECT seq FROM sqlite_sequence WHERE name = 'river_job'")
}

func (n *night) jobs(question string) (jobs int) {
	n.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(n.dir, ".skift", store.FileName)+"?_pragma=query_only(1)")
	if err != nil {
		n.t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(question).Scan(&jobs); err != nil {
		n.t.Fatal(err)
	}
	return jobs
}

// mails waits until the server has taken so many.
func (n *night) mails(want int) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := n.world.Mail.Wait(ctx, want); err != nil {
		n.t.Fatalf("%v; skift serve said:\n%s", err, n.child.out.String())
	}
}

func (n *night) fault(f sim.MailFault) {
	n.t.Helper()
	if err := n.world.Mail.SetFault(f); err != nil {
		n.t.Fatal(err)
	}
}

// servesThroughStorm kills one process after another at its nth write: together they still come to the same end.
func servesThroughStorm(t *testing.T, skift string) {
	t.Parallel()
	for _, where := range []string{"before", "after"} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			n := newNight(t, skift, 4*time.Second)
			const most = 60
			deaths := 0
			for ; !n.stored().settled(); deaths++ {
				if deaths == most {
					t.Fatalf("not at its end after %d restarts; the last process said:\n%s", most, n.child.out.String())
				}
				// The first writes take the directory over and begin again what was interrupted: with few, nothing would ever end.
				n.serve(fmt.Sprintf("SKIFT_CRASH_AT_WRITE=%s:%d", where, 2+deaths%5))
				n.until("its death, or the end", func() bool { return n.child.dead() || n.stored().settled() })
				if n.child.dead() && n.child.ProcessState.ExitCode() != -1 {
					t.Fatalf("ended by itself:\n%s", n.child.out.String())
				}
				n.child.kill()
			}
			if deaths < 5 {
				t.Errorf("killed %d times only: the storm is none", deaths)
			}
			n.serve()
			n.converges()
		})
	}
}
