package probe

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/dns/dnsmessage"

	"skift/checks"
	"skift/internal/dial"
)

// leads asks each name server where the service's name leads. What the host that asks has in its own tables does not count.
func (p *Prober) leads(ctx context.Context, t target, servers []netip.AddrPort) map[string]string {
	facts := map[string]string{}
	name, err := dnsmessage.NewName(strings.TrimSuffix(t.ServerName, ".") + ".")
	if _, literal := netip.ParseAddr(t.ServerName); t.ServerName == "" || literal == nil || err != nil {
		return facts
	}
	var failed []string
	for _, server := range servers {
		to, err := p.leadsBy(ctx, t, server, name)
		if err != nil {
			failed = append(failed, server.String()+" "+lookupFailure(err))
			continue
		}
		facts[checks.FactLeadsTo+server.String()] = to
	}
	facts[checks.FactUnled] = strings.Join(failed, ", ")
	return facts
}

// errServfail is an answer that is none.
var errServfail = errors.New("the name server does not say")

// lookupFailure is how a name server failed, by the code that a lookup has.
func lookupFailure(err error) string {
	if e, ok := errors.AsType[*dial.Error](err); ok {
		return e.Code
	}
	if dial.TimedOut(err) {
		return string(checks.DNSTimeout)
	}
	return string(checks.DNSServfail)
}

// leadsBy asks one name server for both families of addresses, over one connection.
func (p *Prober) leadsBy(ctx context.Context, t target, server netip.AddrPort, name dnsmessage.Name) (string, error) {
	conn, err := p.dialer.Dial(ctx, server, dial.Options{Source: t.Source, Timeout: t.timeout})
	if err != nil {
		return "", err
	}
	defer conn.Close()
	defer conn.CloseOn(ctx)()
	var all ledTo
	for _, family := range []dnsmessage.Type{dnsmessage.TypeA, dnsmessage.TypeAAAA} {
		if err := conn.Phase(t.timeout); err != nil {
			return "", err
		}
		id, query, err := lookupQuery(name, family)
		if err != nil {
			return "", err
		}
		if _, err := conn.Write(query); err != nil {
			return "", fmt.Errorf("send: %w", err)
		}
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return "", fmt.Errorf("read: %w", err)
		}
		answer := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(conn, answer); err != nil {
			return "", fmt.Errorf("read: %w", err)
		}
		if err := all.read(id, answer); err != nil {
			return "", err
		}
	}
	return all.String(), nil
}

// lookupQuery is a question as it is sent over TCP (RFC 1035 §4.2.2), with the number its answer must have.
func lookupQuery(name dnsmessage.Name, family dnsmessage.Type) (id uint16, query []byte, err error) {
	var random [2]byte
	_, _ = rand.Read(random[:]) // never fails
	id = binary.BigEndian.Uint16(random[:])
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: id, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: name, Type: family, Class: dnsmessage.ClassINET}}}
	query, err = m.AppendPack(make([]byte, 2, 512))
	if err != nil {
		return 0, nil, fmt.Errorf("ask for %s: %w", name, err)
	}
	binary.BigEndian.PutUint16(query, uint16(len(query)-2))
	return id, query, nil
}

// ledTo is where a name leads by the answers so far.
type ledTo struct {
	addrs []netip.Addr
	alias string // the last name in a row of aliases
}

// read adds an answer.
func (l *ledTo) read(id uint16, answer []byte) error {
	var p dnsmessage.Parser
	h, err := p.Start(answer)
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if h.ID != id || !h.Response || h.Truncated || h.RCode != dnsmessage.RCodeSuccess && h.RCode != dnsmessage.RCodeNameError {
		return errServfail
	}
	if err := p.SkipAllQuestions(); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	for {
		a, err := p.Answer()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the answer: %w", err)
		}
		switch b := a.Body.(type) {
		case *dnsmessage.AResource:
			l.addrs = append(l.addrs, netip.AddrFrom4(b.A))
		case *dnsmessage.AAAAResource:
			l.addrs = append(l.addrs, netip.AddrFrom16(b.AAAA))
		case *dnsmessage.CNAMEResource:
			l.alias = strings.TrimSuffix(b.CNAME.String(), ".")
		}
	}
}

// String is the same for the same addresses, in whatever order they came.
func (l *ledTo) String() string {
	switch {
	case len(l.addrs) > 0:
	case l.alias != "":
		return "alias " + l.alias
	default:
		return checks.LeadsNowhere
	}
	slices.SortFunc(l.addrs, netip.Addr.Compare)
	var out []string
	for _, a := range slices.Compact(l.addrs) {
		out = append(out, a.String())
	}
	return strings.Join(out, ", ")
}
