package outbox

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/mail"
	"strings"
	"testing"
	"time"

	skiftmail "skift/internal/mail"
	"skift/internal/register"
	"skift/internal/sim"
)

// smtpSender is the adapter as the program wires it.
type smtpSender struct{ *skiftmail.Sender }

func (s smtpSender) Send(ctx context.Context, m register.Message) Answer {
	r := s.Sender.Send(ctx, skiftmail.Envelope{From: "skift@programme.example", To: m.Address}, m.Raw)
	return Answer{Outcome: Outcome(r.Outcome), Brief: r.Brief(), Text: r.Text, Unreachable: r.Unreachable()}
}

type bench struct {
	server *sim.Mail
	sender smtpSender
	store  *memory
}

func newBench(t *testing.T, messages int) bench {
	t.Helper()
	pki, err := sim.NewPKI()
	if err != nil {
		t.Fatal(err)
	}
	server, err := sim.NewMail(sim.MailOptions{PKI: pki})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	sender, err := skiftmail.NewSender(skiftmail.Server{
		Addr: server.Addr().String(), Security: skiftmail.Mandatory, Roots: pki.Pool(), Timeout: 10 * time.Second, ReplyTimeout: 500 * time.Millisecond,
	}, new(net.Dialer).DialContext)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for i := range messages {
		ids = append(ids, fmt.Sprintf("m%02d", i))
	}
	all := queued(ids...)
	for i, m := range all {
		all[i].Address = fmt.Sprintf("%s@customer.example", m.ID)
		all[i].NextAt = m.QueuedAt.Add(-time.Minute)
		all[i].Raw, err = skiftmail.Build(skiftmail.Message{
			ID: m.ID + "@skift.example", From: skiftmail.Address{Addr: "skift@programme.example"}, To: skiftmail.Address{Addr: all[i].Address},
			Subject: "Status", Date: m.QueuedAt, ListID: "steering.skift", Head: "p:1:AAAA", Text: "Status\n.\nEnd\n", HTML: "<p>Status</p>",
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return bench{server, smtpSender{sender}, newMemory(all...)}
}

var quick = Settings{Gap: time.Millisecond, Backoff: 20 * time.Millisecond, MaxBackoff: 50 * time.Millisecond, Poll: 20 * time.Millisecond}

// runUntil runs the loop until the condition holds.
func (b bench) runUntil(t *testing.T, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- New(b.store, b.sender, quick, nil).Run(ctx) }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case err := <-done:
			t.Fatalf("the loop ended with %v; messages: %v", err, b.store.states())
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func (b bench) count(state register.MessageState) int {
	return strings.Count(strings.Join(b.store.states(), "\n"), " "+string(state)+" ")
}

func TestARealServerDownAndUpAgain(t *testing.T) {
	t.Parallel()
	for _, fault := range []sim.MailFault{sim.MailDown, sim.MailTemporary} {
		b := newBench(t, 3)
		if err := b.server.SetFault(fault); err != nil {
			t.Fatal(err)
		}
		tried := func() bool {
			n := 0
			for _, id := range []string{"m00", "m01", "m02"} {
				if m := b.store.message(id); m.State == register.MessageQueued && m.LastError != "" {
					n += m.Attempts
				}
			}
			return n >= 3
		}
		b.runUntil(t, tried)
		if err := b.server.SetFault(sim.MailSound); err != nil {
			t.Fatal(err)
		}
		b.runUntil(t, func() bool { return b.count(register.MessageSent) == 3 })
		got := b.server.Messages()
		if len(got) != 3 {
			t.Fatalf("%s: %d messages arrived", fault, len(got))
		}
		for _, m := range got {
			parsed, err := mail.ReadMessage(bytes.NewReader(m.Raw))
			if err != nil {
				t.Fatal(err)
			}
			id, _, _ := strings.Cut(strings.Trim(parsed.Header.Get("Message-Id"), "<>"), "@")
			if stored := b.store.message(id); !bytes.Equal(stored.Raw, m.Raw) || len(m.To) != 1 || m.To[0] != stored.Address {
				t.Errorf("%s arrived changed, to %v", id, m.To)
			}
		}
	}
}

func TestARealServerThatRefuses(t *testing.T) {
	t.Parallel()
	b := newBench(t, 2)
	if err := b.server.SetFault(sim.MailPermanent); err != nil {
		t.Fatal(err)
	}
	b.runUntil(t, func() bool { return b.count(register.MessageFailed) == 2 })
	if m := b.store.message("m00"); m.Attempts != 1 || !strings.Contains(m.LastError, "No such mailbox") {
		t.Errorf("%+v", m)
	}
}

// The server has the message and its word is lost: a second copy must never leave, however often the program restarts.
func TestARealServerThatTakesTheTextAndSaysNothing(t *testing.T) {
	t.Parallel()
	for _, fault := range []sim.MailFault{sim.MailHang, sim.MailDrop} {
		b := newBench(t, 2)
		if err := b.server.SetFault(fault); err != nil {
			t.Fatal(err)
		}
		b.runUntil(t, func() bool { return b.count(register.MessageUncertain) == 2 })
		if err := b.server.SetFault(sim.MailSound); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			polls := 0
			b.runUntil(t, func() bool { polls++; return polls > 10 })
		}
		if n := len(b.server.Messages()); n != 2 || b.count(register.MessageUncertain) != 2 {
			t.Errorf("%s: %d messages arrived; %v", fault, n, b.store.states())
		}
	}
}

// Restarted fifty times while it sends: each recipient gets one message.
func TestRestartedAgainAndAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, 30)
	for i := 1; i <= 50; i++ {
		b.store.mu.Lock()
		b.store.commits, b.store.breakAt = 0, 2+i%4
		b.store.mu.Unlock()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		finished := make(chan struct{})
		go func() {
			defer close(finished)
			_ = New(b.store, b.sender, quick, nil).Run(ctx)
		}()
		tick := time.NewTicker(5 * time.Millisecond)
		for running := true; running; {
			select {
			case <-finished:
				running = false
			case <-tick.C:
				if b.count(register.MessageQueued)+b.count(register.MessageSending) == 0 {
					cancel()
				}
			}
		}
		tick.Stop()
		cancel()
	}
	seen := map[string]int{}
	for _, m := range b.server.Messages() {
		seen[m.To[0]]++
	}
	for to, n := range seen {
		if n != 1 {
			t.Errorf("%s got %d messages", to, n)
		}
	}
	if n := b.count(register.MessageQueued); n != 0 {
		t.Errorf("%d messages were never tried: %v", n, b.store.states())
	}
	if b.count(register.MessageUncertain) == 0 || b.count(register.MessageSent) == 0 {
		t.Errorf("the restarts hit nothing: %v", b.store.states())
	}
}
