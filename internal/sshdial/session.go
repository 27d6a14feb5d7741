package sshdial

import (
	"fmt"
	"io"
	"time"

	"golang.org/x/crypto/ssh"
)

// afterEnd is how long the library may take to notice, once the connection has ended, that no session can be opened.
const afterEnd = 200 * time.Millisecond

// Session opens a session. It also returns when the connection ends between two steps of the library's own opening: there
// ssh.Client.NewSession waits for ever for an answer nobody is left to hand over, closing the connection does not wake it,
// and the goroutine it runs on is given up.
func (c *Client) Session() (*ssh.Session, error) {
	type opened struct {
		session *ssh.Session
		err     error
	}
	got := make(chan opened, 1)
	go func() {
		s, err := c.NewSession()
		got <- opened{s, err}
	}()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = c.Client.Wait() // why it ended is the connection's to tell
	}()
	select {
	case o := <-got:
		return o.session, o.err
	case <-ended:
	}
	select {
	case o := <-got:
		return o.session, o.err
	case <-time.After(afterEnd):
		return nil, fmt.Errorf("open session: %w", io.EOF)
	}
}
