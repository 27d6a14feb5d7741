package action

import (
	"fmt"
)

// capture keeps the beginning and the end of what is written to it, so that a flood takes no more memory than its cap.
type capture struct {
	limit int // of head and of tail, each
	head  []byte
	tail  []byte // a ring once it is full
	next  int    // where the ring continues
	total int64
}

func newCapture(limit int) *capture { return &capture{limit: max(limit/2, 1)} }

func (c *capture) Write(p []byte) (int, error) {
	n := len(p)
	c.total += int64(n)
	if room := c.limit - len(c.head); room > 0 {
		take := min(room, len(p))
		c.head, p = append(c.head, p[:take]...), p[take:]
	}
	if len(p) > c.limit {
		p = p[len(p)-c.limit:] // the rest would be overwritten at once
	}
	if room := c.limit - len(c.tail); room > 0 {
		take := min(room, len(p))
		c.tail, p = append(c.tail, p[:take]...), p[take:]
	}
	for len(p) > 0 {
		took := copy(c.tail[c.next:], p)
		c.next, p = (c.next+took)%c.limit, p[took:]
	}
	return n, nil
}

// cut is how many bytes were not kept.
func (c *capture) cut() int64 { return c.total - int64(len(c.head)) - int64(len(c.tail)) }

// bytes gives what was kept, each part cleaned by clean, with a line between them that says how much is missing.
func (c *capture) bytes(clean func(string) string) []byte {
	tail := append(append([]byte(nil), c.tail[c.next:]...), c.tail[:c.next]...)
	if c.cut() == 0 {
		return []byte(clean(string(c.head) + string(tail)))
	}
	// A number cut in two would no longer be recognised as one that has to be masked.
	head := trimNumberEnd(c.head)
	tail = trimNumberStart(tail)
	missing := c.total - int64(len(head)) - int64(len(tail))
	note := fmt.Sprintf("\n… %d bytes left out here …\n", missing)
	return []byte(clean(string(head)) + note + clean(string(tail)))
}

func trimNumberEnd(b []byte) []byte {
	for i := 0; i < 16 && len(b) > 0 && partOfNumber(b[len(b)-1]); i++ {
		b = b[:len(b)-1]
	}
	return b
}

func trimNumberStart(b []byte) []byte {
	for i := 0; i < 16 && len(b) > 0 && partOfNumber(b[0]); i++ {
		b = b[1:]
	}
	return b
}

func partOfNumber(c byte) bool { return c >= '0' && c <= '9' || c == '-' }
