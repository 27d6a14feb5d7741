package cli

import (
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"skift/checks"
	"skift/internal/probefile"
	"skift/internal/words"
)

// counting is a server that greets, and remembers when each caller came.
type counting struct {
	net.Listener
	wg sync.WaitGroup

	mu   sync.Mutex
	came []time.Time
}

func newCounting(t *testing.T) *counting {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &counting{Listener: ln}
	c.wg.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			c.mu.Lock()
			c.came = append(c.came, time.Now())
			c.mu.Unlock()
			fmt.Fprint(conn, "ready\r\n")
			conn.Close()
		}
	})
	t.Cleanup(func() { ln.Close(); c.wg.Wait() })
	return c
}

// A party's host asks no harder than the file says: a minute's worth at once, and then one after the other.
func TestProbeRunKeepsTheRate(t *testing.T) {
	t.Parallel()
	const rate, units = 60, 62
	server := newCounting(t)
	e := probefile.Export{ID: "ask-1", Language: "en", Budget: probefile.Budget{Parallel: 64, Total: 64, Rate: rate}}
	spec := &checks.Spec{ID: "greets", Kind: checks.TCP, Timeout: 10 * time.Second, MaxAge: time.Hour, Options: checks.TCPOptions{Steps: []checks.Step{{Expect: "ready"}}}}
	for i := range units {
		unit := checks.Unit{Check: spec.ID, Side: checks.New, Addr: server.Addr().String(), Vantage: "there", Flow: fmt.Sprint("f", i)}
		if err := e.Add(checks.Ask{Unit: unit, Spec: spec, Want: checks.Allow}); err != nil {
			t.Fatal(err)
		}
	}
	s := &session{err: io.Discard}
	r, err := s.askAll(t.Context(), e, t.TempDir(), words.In(words.En))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range r.Answers {
		if a.Code != checks.OK {
			t.Fatalf("%s: %s %+v", a.Unit, a.Code, a.Evidence)
		}
	}
	server.mu.Lock()
	defer server.mu.Unlock()
	if len(server.came) != units {
		t.Fatalf("%d callers, want %d", len(server.came), units)
	}
	for i := rate; i < units; i++ {
		// The clock of the rate starts before the first caller is seen, so a little of the time may be gone.
		if after, least := server.came[i].Sub(server.came[0]), time.Duration(i-rate+1)*time.Minute/rate*8/10; after < least {
			t.Errorf("caller %d came after %s, not before %s is allowed", i+1, after, least)
		}
	}
}
