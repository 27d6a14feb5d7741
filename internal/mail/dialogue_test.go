package mail

import (
	"bufio"
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// script is a server that says exactly what it is told to: one reply after each line that begins with the command, in
// order. "EHLO" and the like are commands, "." is the end of the text. An empty reply hangs until the client goes; a
// reply of "drop" closes the connection.
type script struct {
	greeting string
	replies  map[string]string
}

var healthy = map[string]string{
	"EHLO": "250 hello", "MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go on", ".": "250 taken", "QUIT": "221 bye",
}

func (s script) with(command, reply string) script {
	replies := map[string]string{}
	for k, v := range healthy {
		replies[k] = v
	}
	replies[command] = reply
	return script{s.greeting, replies}
}

// play serves one connection and closes it; heard is called with the commands that came.
func (s script) play(c net.Conn, heard func(string)) {
	defer c.Close()
	reply := func(text string) bool {
		switch text {
		case "drop":
			return false
		case "":
			_, _ = bufio.NewReader(c).ReadByte() // until the client closes
			return false
		}
		_, err := c.Write([]byte(text + "\r\n"))
		return err == nil
	}
	if !reply(s.greeting) {
		return
	}
	lines, inText := bufio.NewScanner(c), false
	for lines.Scan() {
		command, _, _ := strings.Cut(lines.Text(), " ")
		if inText && command != "." {
			continue
		}
		heard(lines.Text())
		inText = command == "DATA" && strings.HasPrefix(s.replies["DATA"], "354")
		if !reply(s.replies[command]) {
			return
		}
	}
}

// send plays the script to one Send over in-memory or loopback connections.
func (s script) send(t *testing.T, ctx context.Context) (Result, []string) {
	t.Helper()
	var mu sync.Mutex
	var heard []string
	var served sync.WaitGroup
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served.Go(func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		s.play(c, func(line string) {
			mu.Lock()
			defer mu.Unlock()
			heard = append(heard, line)
		})
	})
	out := sender(t, Server{Addr: l.Addr().String(), Security: None, Timeout: 300 * time.Millisecond, ReplyTimeout: 300 * time.Millisecond})
	r := out.Send(ctx, envelope, built(t))
	l.Close()
	served.Wait()
	return r, heard
}

// What the dialogue proves about the message, at each place where it can break.
func TestHowFarTheDialogueCame(t *testing.T) {
	t.Parallel()
	s := script{greeting: "220 mail.example"}
	for name, c := range map[string]struct {
		script script
		want   Outcome
		phase  Phase
	}{
		"taken":                       {s.with("", ""), Sent, PhaseDone},
		"taken in other words":        {s.with(".", "251 forwarded"), Sent, PhaseDone},
		"taken, no farewell":          {s.with("QUIT", "drop"), Sent, PhaseDone},
		"taken, farewell hangs":       {s.with("QUIT", ""), Sent, PhaseDone},
		"greeting refuses":            {script{greeting: "554 no service"}, Temporary, PhaseConnect},
		"greeting hangs":              {script{}, Temporary, PhaseConnect},
		"greeting is another service": {script{greeting: "SSH-2.0-x"}, Temporary, PhaseConnect},
		"hangs up at once":            {script{greeting: "drop"}, Temporary, PhaseConnect},
		"sender refused":              {s.with("MAIL", "550 who are you"), Temporary, PhaseFrom},
		"login wanted":                {s.with("MAIL", "530 log in"), Temporary, PhaseFrom},
		"recipient for later":         {s.with("RCPT", "450 greylisted"), Temporary, PhaseTo},
		"recipient unknown":           {s.with("RCPT", "550 chair@customer.example unknown"), Permanent, PhaseTo},
		"hangs up at the recipient":   {s.with("RCPT", "drop"), Temporary, PhaseTo},
		"text not wanted":             {s.with("DATA", "554 no"), Permanent, PhaseData},
		"text not wanted now":         {s.with("DATA", "421 closing"), Temporary, PhaseData},
		"hangs up before the text":    {s.with("DATA", "drop"), Temporary, PhaseData},
		"hangs before the text":       {s.with("DATA", ""), Temporary, PhaseData},
		"refused after the text":      {s.with(".", "554 spam"), Permanent, PhaseReply},
		"refused for now after text":  {s.with(".", "452 disk full"), Temporary, PhaseReply},
		"closing after the text":      {s.with(".", "421 closing"), Temporary, PhaseReply},
		"hangs up after the text":     {s.with(".", "drop"), Uncertain, PhaseReply},
		"hangs after the text":        {s.with(".", ""), Uncertain, PhaseReply},
		"nonsense after the text":     {s.with(".", "well"), Uncertain, PhaseReply},
		"half an answer":              {s.with(".", "354 more"), Uncertain, PhaseReply},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, heard := c.script.send(t, t.Context())
			if r.Outcome != c.want || r.Phase != c.phase {
				t.Errorf("got %s; the server heard %q", r, heard)
			}
			if n := strings.Count(strings.Join(heard, "\n"), "RCPT TO:"); n > 1 {
				t.Errorf("the server heard %d recipients", n)
			}
			if strings.Contains(r.Brief(), "chair") {
				t.Errorf("brief %q names the recipient", r.Brief())
			}
		})
	}
}

func TestCancelledInEachPhase(t *testing.T) {
	t.Parallel()
	stop := errors.New("the program is stopping")
	for command, want := range map[string]Outcome{"EHLO": Temporary, "MAIL": Temporary, "RCPT": Temporary, "DATA": Temporary, ".": Uncertain} {
		ctx, cancel := context.WithCancelCause(t.Context())
		s := script{greeting: "220 mail.example"}.with(command, "")
		done := make(chan struct{})
		var result Result
		heard := make(chan string, 16)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		var served sync.WaitGroup
		served.Go(func() {
			if c, err := l.Accept(); err == nil {
				s.play(c, func(line string) { heard <- line })
			}
		})
		out := sender(t, Server{Addr: l.Addr().String(), Security: None, Timeout: time.Minute, ReplyTimeout: time.Minute})
		raw := built(t)
		go func() {
			defer close(done)
			result = out.Send(ctx, envelope, raw)
		}()
		for line := range heard {
			if strings.HasPrefix(line, command) {
				break
			}
		}
		cancel(stop)
		<-done
		if result.Outcome != want || result.Text != stop.Error() {
			t.Errorf("%s: got %s", command, result)
		}
		l.Close()
		served.Wait()
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	if r := sender(t, Server{Addr: "127.0.0.1:1"}).Send(ctx, envelope, built(t)); r.Outcome != Temporary || r.Text != stop.Error() {
		t.Errorf("before it began: %s", r)
	}
}

// What a server says reaches logs and screens as one printable line.
func TestServerTextIsInert(t *testing.T) {
	t.Parallel()
	s := script{greeting: "220 mail.example"}.with("RCPT", "550 \x1b[2J\x1b]0;x\x07 bad\u202e "+strings.Repeat("x", 2000))
	r, _ := s.send(t, t.Context())
	if r.Outcome != Permanent || strings.ContainsAny(r.Text, "\x1b\x07\u202e\n") || len([]rune(r.Text)) > maxResultText+1 {
		t.Errorf("got %q", r.Text)
	}
}
