package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"skift/internal/diag"
	"skift/internal/people"
	"skift/internal/plan"
	"skift/internal/term"
	"skift/internal/words"
)

// whoCommand shows who answers for a seat.
func (s *session) whoCommand() *cobra.Command {
	var at string
	c := &cobra.Command{
		Use: "who [SEAT]", Short: "Who is on shift, who is next, the deputy, and the number to call", Args: between(0, "SEAT"),
		RunE: func(c *cobra.Command, a []string) error {
			now := time.Now()
			n, err := s.inUse(c.Context(), now)
			if err != nil {
				return err
			}
			p := n.plan
			if at != "" {
				if now, err = parseTime(p, at, now); err != nil {
					return err
				}
			}
			seats := p.SeatIDs
			if len(a) == 1 {
				if p.Seats[a[0]] == nil {
					return unknownWord("seat", a[0], p.SeatIDs)
				}
				seats = a
			}
			return s.showWho(p, seats, now)
		},
	}
	c.Flags().StringVar(&at, "at", "", "`TIME` instead of now: \"2019-11-09 02:00\" in the plan's time zone, +2h, or RFC 3339")
	return s.asJSON(c)
}

// duty is one seat in `skift who --json`.
type duty struct {
	Seat     string    `json:"seat"`
	On       []contact `json:"on"`
	Next     *contact  `json:"next,omitempty"`
	Deputies []contact `json:"deputies,omitempty"`
}

type contact struct {
	Person string    `json:"person"`
	Name   string    `json:"name,omitempty"`
	Phone  string    `json:"phone,omitempty"`
	From   time.Time `json:"from"`
	Until  time.Time `json:"until"`
}

func (s *session) showWho(p *plan.Plan, seats []string, at time.Time) error {
	out := []duty{}
	for _, seat := range seats {
		out = append(out, dutyOf(p, seat, at))
	}
	if s.json {
		return s.printJSON(out)
	}
	c := speak(p)
	s.printf("%s\n", s.screen.Bold(c.DateTime(at.In(p.Zone))))
	t := term.NewTable("", c.T("paper.seat"), c.T("paper.now"), c.T("paper.until"), c.T("paper.next"), c.T("paper.deputy")).Fold(2)
	for _, d := range out {
		state, on, until := term.Fail, c.T("owner.nobody"), ""
		if len(d.On) > 0 {
			state, on, until = term.OK, names(d.On), near(c, p, d.On[0].Until, at)
		} else if len(d.Deputies) > 0 {
			state = term.Risk
		}
		next := ""
		if d.Next != nil {
			next = names([]contact{*d.Next}) + " " + c.T("watch.from", "at", near(c, p, d.Next.From, at))
		}
		t.Cells(term.Cell{Text: state.Shape(), State: state}, term.Cell{Text: d.Seat, State: state}, term.Cell{Text: on, State: state}, term.Cell{Text: until},
			term.Cell{Text: next}, term.Cell{Text: names(d.Deputies)})
	}
	return t.Write(s.out, s.screen)
}

// near is an instant as it is said at another: its time of day, its day when that is another, and its year when it is far.
func near(c *words.Catalogue, p *plan.Plan, t, now time.Time) string {
	if d := t.Sub(now); d > far || d < -far {
		return c.Date(t.In(p.Zone))
	}
	return clockIn(c, p, t, now)
}

// far is from when on an instant is said with its year, and without its time of day.
const far = 90 * 24 * time.Hour

func names(cs []contact) string {
	var out []string
	for _, c := range cs {
		text := c.Name
		if text == "" {
			text = c.Person
		}
		if c.Phone != "" {
			text += ", " + term.Keep(c.Phone)
		}
		out = append(out, text)
	}
	return strings.Join(out, "; ")
}

// dutyOf looks a seat up in the roster, with names and numbers.
func dutyOf(p *plan.Plan, seat string, at time.Time) duty {
	d := p.Roster.At(seat, at, p.Seats[seat].Deputies...)
	out := duty{Seat: seat, On: []contact{}}
	for _, sh := range d.On {
		out.On = append(out.On, contactOf(p, sh))
	}
	for _, sh := range d.Deputies {
		out.Deputies = append(out.Deputies, contactOf(p, sh))
	}
	if d.Next != nil {
		c := contactOf(p, *d.Next)
		out.Next = &c
	}
	return out
}

func contactOf(p *plan.Plan, sh people.Shift) contact {
	who, _ := p.Contacts.Person(sh.Person)
	return contact{Person: sh.Person, Name: who.Name, Phone: who.Phone, From: sh.From, Until: sh.Until}
}

func unknownWord(what, word string, known []string) error {
	hint := "there are: " + strings.Join(known, ", ")
	if near := diag.Suggest(word, known); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return usage(fmt.Sprintf("the plan has no %s %q", what, word), hint)
}
