package cli

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"skift/checks"
	"skift/internal/api"
	"skift/internal/matrix"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/snapshot"
	"skift/internal/term"
	"skift/internal/timeline"
	"skift/internal/yamldoc"
)

// poison puts hostile text into every string of a value, and one element into every empty list, map and pointer.
func poison(v reflect.Value, depth int) {
	switch {
	case depth > 8, !v.CanSet():
	case v.Type() == reflect.TypeFor[time.Time](), v.Type() == reflect.TypeFor[*time.Location](), v.Kind() == reflect.Func:
	case v.Kind() == reflect.String:
		v.SetString(hostile)
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			poison(v.Field(i), depth+1)
		}
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		poison(v.Elem(), depth+1)
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() != reflect.Uint8:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		poison(v.Index(0), depth+1)
	case v.Kind() == reflect.Map && v.Type().Key().Kind() == reflect.String:
		v.Set(reflect.MakeMap(v.Type()))
		el := reflect.New(v.Type().Elem()).Elem()
		poison(el, depth+1)
		v.SetMapIndex(reflect.ValueOf(hostile).Convert(v.Type().Key()), el)
	case v.Kind() == reflect.Int || v.Kind() == reflect.Int64:
		v.SetInt(3)
	}
}

func poisoned[T any]() T {
	var t T
	poison(reflect.ValueOf(&t).Elem(), 0)
	return t
}

// Whatever servers, certificates and other people wrote, no screen that looks at checks obeys it, on a narrow terminal, a wide one, or in
// JSON. Every string of what is shown is hostile here, also those that cannot be today.
func TestScreensAreInert(t *testing.T) {
	t.Parallel()
	at := time.Date(2019, 11, 9, 2, 14, 0, 0, time.UTC)
	p := &plan.Plan{ID: "p", Language: "en", Zone: time.UTC, Title: yamldoc.Text{En: hostile},
		Parties: map[string]*plan.Party{hostile: {ID: hostile, Name: hostile}}, Services: map[string]*plan.Service{hostile: {Title: yamldoc.Text{En: hostile}}}}
	e := poisoned[snapshot.Explanation]()
	e.Verdict.Level = checks.SeverityBad
	for i := range e.Why.Sides {
		e.Why.Sides[i].Verdict, e.Why.Sides[i].Side = checks.Fail, checks.New
	}
	for _, verdict := range checks.Verdicts() {
		a := poisoned[snapshot.Answer]()
		a.Side, a.Verdict, a.LastAt, a.Reason = checks.New, verdict, at, matrix.Counts
		a.Facts = map[string]string{"subject": hostile, "issuer": hostile, "not_after": "2020-01-01T00:00:00Z", "egress": hostile, "file": hostile, hostile: hostile,
			checks.LinkFact(1): checks.Link{Subject: hostile, Issuer: hostile, NotAfter: hostile}.String()}
		e.Answers = append(e.Answers, a)
	}
	for _, width := range []int{0, 20, 80, 200} {
		for _, side := range []string{"", "new"} {
			var out strings.Builder
			s := &session{out: &out, err: &out, screen: term.Screen{Width: width}, plan: p}
			r := api.CheckReply{Environment: hostile, Side: side, At: at, Head: "h", Pairs: []snapshot.Pair{e.Pair}}
			v := s.checkView(r, p)
			v.table(r.Pairs)
			v.byService(r.Pairs)
			v.byParty([]snapshot.Explanation{e})
			v.foot(r)
			s.print(v.sheet)
			x := s.sheet(p)
			x.explanation(e, at)
			h := poisoned[api.History]()
			h.MaxAge = time.Hour
			for i := range h.Bands {
				h.Bands[i].Since, h.Bands[i].Until = at.Add(-time.Hour), at
			}
			x.band(h, at.Add(-2*time.Hour), at)
			s.print(x)
			c := certView{sheet: s.sheet(p), t: timeline.At(p, &register.Facts{}, at), now: at}
			cert := poisoned[snapshot.Certificate]()
			cert.NotAfter = at
			c.draw([]snapshot.Certificate{cert, poisoned[snapshot.Certificate]()})
			s.print(c.sheet)
			f := snapshot.FlowRegister{At: at, Flows: []snapshot.Flow{poisoned[snapshot.Flow](), {ID: hostile, Allowed: snapshot.Sides{New: checks.Fail}}},
				Parties: []snapshot.PartyFlows{poisoned[snapshot.PartyFlows](), {}}}
			if err := s.showFlows(f, p); err != nil {
				t.Fatal(err)
			}
			if err := s.flowsCSV(f); err != nil {
				t.Fatal(err)
			}
			if err := s.printJSON([]any{r, e, h, cert, f}); err != nil {
				t.Fatal(err)
			}
			inert(t, out.String())
			if !strings.Contains(out.String(), "txet") {
				t.Fatal("nothing hostile was shown: the test proves nothing")
			}
		}
	}
}
