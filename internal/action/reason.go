package action

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"

	"skift/internal/dial"
	"skift/internal/sshdial"
)

// explain says in words why an effect on another host failed. The result may hold text of that host.
func explain(ctx context.Context, err error) string {
	if ctx.Err() != nil {
		return context.Cause(ctx).Error() // the library only knows that its connection was closed
	}
	if ue, ok := errors.AsType[*url.Error](err); ok {
		err = ue.Err // its text holds the URL, and that may hold a secret
	}
	if de, ok := errors.AsType[*dial.Error](err); ok {
		return explainDial(de)
	}
	if se, ok := errors.AsType[*sshdial.Error](err); ok {
		return fmt.Sprintf("%v (%s)", se, se.Code)
	}
	if _, ok := errors.AsType[*fileError](err); ok {
		return err.Error()
	}
	switch {
	case err == nil:
		return "the answer was empty"
	case dial.TimedOut(err):
		return "no answer within the time"
	case refusedByTLS(err):
		return "the server refused the TLS connection: " + err.Error()
	case dial.Hung(err):
		return "the server closed the connection"
	}
	return err.Error()
}

var dialReasons = map[string]string{
	dial.CodeDNSNXDomain:    "the name does not exist",
	dial.CodeDNSServfail:    "the name server could not tell the address",
	dial.CodeDNSTimeout:     "the name server did not answer",
	dial.CodeVantageBind:    "the source address is not on this host",
	dial.CodeNetUnreachable: "there is no route to the host",
	dial.CodeFilteredReject: "a firewall rejects the connection",
	dial.CodeFilteredDrop:   "nothing answers there; a firewall may drop the connection",
	dial.CodeRefused:        "the connection is refused; nothing listens there, or a firewall rejects it",
}

func explainDial(e *dial.Error) string {
	if words := dialReasons[e.Code]; words != "" {
		return fmt.Sprintf("%s: %s (%s)", e.Addr, words, e.Code)
	}
	return e.Err.Error()
}

// passing reports whether a connection could not be had, or was lost before an answer, for a reason that may be gone
// at a second try. What we or a certificate forbid stays forbidden.
func passing(err error) bool {
	if de, ok := errors.AsType[*dial.Error](err); ok {
		switch de.Code {
		case dial.CodeRefused, dial.CodeFilteredReject, dial.CodeNetUnreachable, dial.CodeDNSServfail, dial.CodeDNSTimeout:
			return true
		}
		return false
	}
	return dial.Hung(err)
}

// refusedByTLS reports whether the other side sent a TLS alert: it speaks, and does not want us.
func refusedByTLS(err error) bool {
	oe, ok := errors.AsType[*net.OpError](err)
	return ok && oe.Op == "remote error"
}

// quiet passes the library's log on: that it asks, and that it asks again. URLs and errors, whose text repeats the URL,
// are left out, and what came of it is told by the outcome.
type quiet struct{ log *slog.Logger }

func (q quiet) Error(msg string, kv ...any) { q.Debug(msg, kv...) }
func (q quiet) Warn(msg string, kv ...any)  { q.Debug(msg, kv...) }
func (q quiet) Info(msg string, kv ...any)  { q.Debug(msg, kv...) }
func (q quiet) Debug(msg string, kv ...any) {
	var safe []any
	for i := 0; i+1 < len(kv); i += 2 {
		switch kv[i] {
		case "method", "timeout", "remaining":
			safe = append(safe, kv[i], kv[i+1])
		}
	}
	q.log.Debug(msg, safe...)
}

// reason takes the operation and the path off an error of package os: the message has said both already.
func reason(err error) error {
	if pe, ok := errors.AsType[*os.PathError](err); ok {
		return pe.Err
	}
	return err
}
