package cli

import (
	"fmt"
	"strings"
	"time"

	"skift/internal/diag"
	"skift/internal/people"
	"skift/internal/plan"
)

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
	hint := what + "s: " + strings.Join(known, ", ")
	if near := diag.Suggest(word, known); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return usage(fmt.Sprintf("the plan has no %s %q", what, word), hint)
}
