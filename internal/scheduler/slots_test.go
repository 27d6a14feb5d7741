package scheduler_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/internal/register"
)

// What is generated here is read twice: by the scheduler, from the text of a plan, and by a reader of this file that walks through the time
// minute by minute and looks at the clock on the wall. They share nothing.

var copenhagen = func() *time.Location {
	z, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		panic(err)
	}
	return z
}()

// slowed tells that this program looks for races.
var slowed bool

// turn is an instant around which nothing may come twice or never, and how long before and after it is looked.
type turn struct {
	what  string
	at    time.Time
	about time.Duration
}

// turns are the clock changes from 2025 to 2035, the ends of the months of a year, the leap days and the ends of the years.
func turns() (out []turn) {
	lastSunday := func(year int, m time.Month) time.Time {
		at := time.Date(year, m, 31, 1, 0, 0, 0, time.UTC)
		return at.AddDate(0, 0, -int(at.Weekday()))
	}
	for year := 2025; year <= 2035; year++ {
		out = append(out, turn{fmt.Sprint("spring ", year), lastSunday(year, time.March), 27 * time.Hour},
			turn{fmt.Sprint("autumn ", year), lastSunday(year, time.October), 27 * time.Hour},
			turn{fmt.Sprint("end of ", year), time.Date(year, 12, 31, 23, 0, 0, 0, time.UTC), 26 * time.Hour})
	}
	for m := time.February; m <= time.December; m++ {
		out = append(out, turn{"end before " + m.String(), time.Date(2027, m, 1, 0, 0, 0, 0, time.UTC), 26 * time.Hour})
	}
	for _, year := range []int{2028, 2032} {
		out = append(out, turn{fmt.Sprint("leap day ", year), time.Date(year, 2, 29, 12, 0, 0, 0, time.UTC), 30 * time.Hour})
	}
	return out
}

// rhythm is a schedule as it was generated.
type rhythm struct {
	key     string // of its rows
	every   time.Duration
	minutes []int // of a cron expression
	hours   []int // nil = all of them: an interval
	day     int   // of the month; 0 = any
	weekday int   // -1 = any
	from    string
	until   string // local times of a period; "" = none
	skip    bool
	jitter  time.Duration
}

// any picks one.
func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func generate(r *rand.Rand, key string, near time.Time) rhythm {
	s := rhythm{key: key, weekday: -1, skip: r.IntN(3) == 0}
	local := near.In(copenhagen)
	switch r.IntN(4) {
	case 0:
		s.every = pick(r, 7*time.Minute, 15*time.Minute, 30*time.Minute, 45*time.Minute, 90*time.Minute, 4*time.Hour, 10*time.Hour)
	case 1: // an interval by the clock
		s.minutes = pick(r, []int{0}, []int{0, 15, 30, 45}, []int{r.IntN(60)}, []int{30, 59})
	default: // fixed to the clock, mostly where it changes
		s.minutes = pick(r, []int{0}, []int{30}, []int{0, 20, 40}, []int{r.IntN(60)})
		s.hours = pick(r, []int{2}, []int{1, 2, 3}, []int{0}, []int{3}, []int{0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22}, []int{r.IntN(24)}, []int{23})
	}
	if s.every == 0 {
		switch r.IntN(4) {
		case 0:
			s.day = pick(r, local.Day(), local.AddDate(0, 0, 1).Day(), 1, 31)
		case 1:
			s.weekday = pick(r, int(local.Weekday()), int(local.AddDate(0, 0, 1).Weekday()))
		}
	}
	if strings.HasPrefix(key, "suite/") && r.IntN(3) == 0 {
		day := func(n int) string { return local.AddDate(0, 0, n).Format(time.DateOnly) }
		s.from = pick(r, day(-1)+" 12:00", day(0)+" 00:30", day(0)+" 01:30")
		s.until = pick(r, day(0)+" 03:30", day(1)+" 00:00", day(1)+" 12:00")
	}
	if r.IntN(4) == 0 {
		s.jitter = pick(r, 2*time.Minute, 5*time.Minute)
	}
	return s
}

// text is its line in a plan.
func (s rhythm) text() string {
	list := func(of []int) string {
		if of == nil {
			return "*"
		}
		return strings.Trim(strings.ReplaceAll(fmt.Sprint(of), " ", ","), "[]")
	}
	out := fmt.Sprintf("every: %dm", int(s.every.Minutes()))
	if s.every == 0 {
		day, weekday := "*", "*"
		if s.day > 0 {
			day = fmt.Sprint(s.day)
		}
		if s.weekday >= 0 {
			weekday = fmt.Sprint(s.weekday)
		}
		out = fmt.Sprintf("cron: %q", fmt.Sprintf("%s %s %s * %s", list(s.minutes), list(s.hours), day, weekday))
	}
	if s.from != "" {
		out += fmt.Sprintf(", during: [{from: %q, until: %q}]", s.from, s.until)
	}
	if s.skip {
		out += ", on_missed: skip"
	}
	if s.jitter > 0 {
		out += fmt.Sprintf(", jitter: %dm", int(s.jitter.Minutes()))
	}
	return out
}

// shows reports whether a local reading is one of a cron expression's.
func (s rhythm) shows(w time.Time) bool {
	return slices.Contains(s.minutes, w.Minute()) && (s.hours == nil || slices.Contains(s.hours, w.Hour())) &&
		(s.day == 0 || s.day == w.Day()) && (s.weekday < 0 || s.weekday == int(w.Weekday()))
}

// in reports whether its period holds.
func (s rhythm) in(t *testing.T, at time.Time) bool {
	if s.from == "" {
		return true
	}
	read := func(text string) time.Time {
		at, err := time.ParseInLocation("2006-01-02 15:04", text, copenhagen)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	return !at.Before(read(s.from)) && at.Before(read(s.until))
}

// wall is what a clock on the wall shows, written as if it were UTC.
func wall(at time.Time) time.Time {
	l := at.In(copenhagen)
	return time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), 0, 0, time.UTC)
}

// walk finds its slots in (after, until] by looking at every minute: one that is fixed to the clock comes when its reading is passed for the
// first time, be it shown or jumped over; one of all hours whenever its reading is shown.
func (s rhythm) walk(t *testing.T, after, until time.Time) (out []time.Time) {
	highest := wall(after)
	for at := after.Truncate(time.Minute).Add(time.Minute); !at.After(until); at = at.Add(time.Minute) {
		now, comes := wall(at), false
		switch {
		case s.every > 0:
			comes = at.Unix()%int64(s.every.Seconds()) == 0
		case s.hours == nil:
			comes = s.shows(now)
		default:
			for w := highest.Add(time.Minute); !w.After(now); w = w.Add(time.Minute) {
				comes = comes || s.shows(w)
			}
		}
		if now.After(highest) {
			highest = now
		}
		if comes && s.in(t, at) {
			out = append(out, at.UTC())
		}
	}
	return out
}

// up is a stretch in which a process runs.
type up struct{ from, until time.Time }

// uptimes are the stretches of some hours: one process that stays, or many that come and go. None begins or ends with a minute.
func uptimes(r *rand.Rand, from, until time.Time) (out []up) {
	until = until.Add(30 * time.Second)
	if r.IntN(3) == 0 {
		return []up{{from, until}}
	}
	for at := from; at.Before(until); {
		u := up{at, at.Add(time.Duration(1+r.IntN(pick(r, 90, 3600, 12*3600)))*time.Second + 250*time.Millisecond)}
		down := time.Duration(r.IntN(pick(r, 2, 600, 5*3600))) * time.Second
		if !u.until.Before(until) || !u.until.Add(down).Before(until.Add(-time.Hour)) {
			u.until = until // whoever is the last stays
		}
		out = append(out, u)
		at = u.until.Add(down + 500*time.Millisecond)
		if u.until.Equal(until) {
			break
		}
	}
	return out
}

// fates says what must become of each slot of a schedule without jitter: "done" and when, or "missed".
func (s rhythm) fates(t *testing.T, slots []time.Time, ups []up) map[string]string {
	out := map[string]string{}
	say := func(slot time.Time, what string) { out[slot.Format(time.RFC3339)] = what }
	next := 0
	for _, u := range ups {
		first := true
		for next < len(slots) && slots[next].Before(u.until) {
			due := next // of those that came before there was a process, the newest
			for first && due+1 < len(slots) && !slots[due+1].After(u.from) {
				due++
			}
			for ; next < due; next++ {
				say(slots[next], "missed")
			}
			begins := slots[due]
			if begins.Before(u.from) {
				begins = u.from
			}
			switch late := begins.Sub(slots[due]) > time.Minute; {
			case late && (s.skip || !s.in(t, begins)):
				say(slots[due], "missed")
			default:
				say(slots[due], "done at "+begins.UTC().Format(time.RFC3339))
			}
			next, first = due+1, false
		}
	}
	return out
}

// diary notes what was worked: by schedule and slot, when.
type diary struct {
	d      *disk
	mu     sync.Mutex
	worked map[string][]time.Time
}

func (w *diary) note(schedule string, slot time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	k := schedule + " " + slot.UTC().Format(time.RFC3339)
	w.worked[k] = append(w.worked[k], time.Now())
}

func (w *diary) Sweep(_ context.Context, suite string, slot time.Time) error {
	w.note("suite/"+suite, slot)
	return nil
}

func (w *diary) Report(ctx context.Context, audience string, slot register.Slot) error {
	w.note("report/"+audience, slot.At)
	return w.d.Commit(ctx, register.Batch{Slots: []register.Slot{slot}})
}

func (w *diary) Enter(_ context.Context, milestone string, slot register.Slot) error {
	w.note("milestone/"+milestone, slot.At)
	w.d.mu.Lock()
	defer w.d.mu.Unlock()
	if err := w.d.commit(register.Batch{Slots: []register.Slot{slot}}); err != nil {
		return err
	}
	w.d.facts.Milestones[milestone] = &register.MilestoneFacts{StartedAt: time.Now()}
	return nil
}

// TestNothingComesTwiceOrNever: around every clock change from 2025 to 2035, the ends of months and years and the leap days, schedules of all
// kinds have one row for each of their slots and none beside; while a process runs each is worked once at its instant, and what passed while
// none ran follows its policy. A failing case says its seed.
func TestNothingComesTwiceOrNever(t *testing.T) {
	t.Parallel()
	seeds := uint64(2)
	if testing.Short() || slowed {
		seeds = 1
	}
	for i, around := range turns() {
		t.Run(around.what, func(t *testing.T) {
			t.Parallel()
			for seed := range seeds {
				comes(t, around, rand.New(rand.NewPCG(uint64(i), seed)))
				if t.Failed() {
					t.Fatalf("it was seed %d of %s", seed, around.what)
				}
			}
		})
	}
}

func comes(t *testing.T, around turn, r *rand.Rand) {
	from, until := around.at.Add(-around.about), around.at.Add(around.about)
	var rhythms []rhythm
	suites, audiences := "suites:\n", "audiences:\n"
	for n := range 6 {
		s := generate(r, fmt.Sprintf("suite/s%d", n), around.at)
		suites += fmt.Sprintf("  s%d: {checks: [cert], %s}\n", n, s.text())
		rhythms = append(rhythms, s)
	}
	for n := range 3 {
		s := generate(r, fmt.Sprintf("report/a%d", n), around.at)
		for s.every > 0 {
			s = generate(r, s.key, around.at)
		}
		audiences += fmt.Sprintf("  a%d: {to: [kombit/chair], report: weekly, %s}\n", n, s.text())
		rhythms = append(rhythms, s)
	}
	begins := around.at.Add(3 * time.Hour).In(copenhagen)
	text := suites + audiences + fmt.Sprintf("milestones:\n  m: {kind: point, date: %q}\n", begins.Format("2006-01-02 15:04"))
	p := loadIn(t, copenhagen.String(), text)
	ups := uptimes(r, from, until)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(from))
		h := &hand{d: newDisk(), sized: r.IntN(8) > 0}
		h.d.facts.AdoptedAt = from
		w := &diary{d: h.d, worked: map[string][]time.Time{}}
		h.works = w
		for _, u := range ups {
			time.Sleep(time.Until(u.from))
			proc := h.run(t, p)
			time.Sleep(time.Until(u.until))
			proc.stop()
		}
		for _, s := range rhythms {
			s.judge(t, h.d, w, s.walk(t, from, until), ups)
		}
		if got := w.worked["milestone/m "+begins.UTC().Format(time.RFC3339)]; len(got) != 1 || len(h.d.rows("milestone/m")) != 1 {
			t.Errorf("the milestone was entered at %v, rows %v", got, h.d.rows("milestone/m"))
		}
	})
	if t.Failed() {
		t.Logf("up %v\n%s", ups, text)
	}
}

// judge compares what came with what had to come.
func (s rhythm) judge(t *testing.T, d *disk, w *diary, slots []time.Time, ups []up) {
	t.Helper()
	end := ups[len(ups)-1].until
	want := s.fates(t, slots, ups)
	got := map[string]string{}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, row := range d.slots {
		if row.Schedule != s.key {
			continue
		}
		at := row.At.UTC().Format(time.RFC3339)
		worked := w.worked[s.key+" "+at]
		switch got[at] = string(row.State); {
		case row.State == register.SlotDone && len(worked) == 1:
			got[at] += " at " + worked[0].UTC().Format(time.RFC3339)
		case row.State == register.SlotDone || len(worked) > 0:
			t.Errorf("%s: slot %s is %s and was worked %d times", s.key, at, row.State, len(worked))
		}
		if s.jitter > 0 && len(worked) == 1 && len(ups) == 1 && (worked[0].Before(row.At) || !worked[0].Before(row.At.Add(s.jitter))) {
			t.Errorf("%s: slot %s was worked at %s", s.key, at, worked[0])
		}
	}
	for at := range want { // one that ends with the last process may not have begun, and when a spread one begins is not known here
		slot, _ := time.Parse(time.RFC3339, at)
		if _, there := got[at]; !there && !slot.Before(end.Add(-s.jitter)) {
			delete(want, at)
		} else if s.jitter > 0 && there {
			want[at], got[at] = "", ""
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (%s), slots (-want +got):\n%s", s.key, s.text(), diff)
	}
}
