package app_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"skift/internal/register"
	"skift/internal/run"
	"skift/internal/sim"
	"skift/internal/store"
)

// TestServeStopsAtWork: SIGTERM while a suite is being asked and mails wait for a server that is down. It ends well and soon; no slot is left
// claimed, no mail in between; and the next process goes on.
func TestServeStopsAtWork(t *testing.T) {
	t.Parallel()
	n := newNight(t, build(t), 3*time.Second)
	file := filepath.Join(n.dir, "plan.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), "every: 6h", "every: 10s", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	n.fault(sim.MailDown)
	manager := newServiceManager(t)
	n.serve("NOTIFY_SOCKET="+manager.name, "WATCHDOG_USEC=1000000")
	manager.hears("READY=1")
	manager.hears("WATCHDOG=1")
	n.until("the run's end", func() bool { return n.stored().count(run.RunEnded, "") > 0 })
	if err := n.world.New.SetFault(sim.FaultSilent); err != nil {
		t.Fatal(err)
	}
	n.until("a suite at work", func() bool { return n.suiteSlots()[register.SlotClaimed] > 0 })
	n.stop()
	manager.hears("STOPPING=1")
	slots := n.suiteSlots()
	if slots[register.SlotClaimed] != 0 || slots[register.SlotFailed] != 1 {
		t.Errorf("slots after the stop: %v", slots)
	}
	for _, m := range n.stored().messages {
		if m.State != register.MessageQueued {
			t.Errorf("mail to %s is %s", m.Recipient, m.State)
		}
	}
	if err := n.world.New.Clear(sim.FaultSilent); err != nil {
		t.Fatal(err)
	}
	n.fault(sim.MailSound)
	n.serve()
	done := slots[register.SlotDone]
	n.until("the next slot", func() bool { return n.suiteSlots()[register.SlotDone] > done })
	n.stop()
}

// suiteSlots counts the slots of the suite by state.
func (n *night) suiteSlots() map[register.SlotState]int {
	n.t.Helper()
	ctx := context.Background()
	st, err := store.Open(ctx, store.Options{Dir: filepath.Join(n.dir, ".skift"), ReadOnly: true})
	if err != nil {
		n.t.Fatal(err)
	}
	defer st.Close()
	slots, err := st.SlotsSince(ctx, "suite/readiness", time.Time{})
	if err != nil {
		n.t.Fatal(err)
	}
	out := map[register.SlotState]int{}
	for _, s := range slots {
		out[s.State]++
	}
	return out
}
