package words

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Every function here takes the time in the zone it shall be read in (t.In(plan.Zone)) and never looks at a clock.

// DateTime writes an instant in full, with its zone: "lørdag d. 9. november 2019 kl. 02.14 CET",
// "Sat 9 November 2019 02:14 CET".
func (c *Catalogue) DateTime(t time.Time) string {
	if c.lang == Da {
		return c.Day(t) + " kl. " + c.ClockZone(t)
	}
	return c.Day(t) + " " + c.ClockZone(t)
}

// Day writes a date with its weekday: "lørdag d. 9. november 2019", "Sat 9 November 2019".
func (c *Catalogue) Day(t time.Time) string {
	if c.lang == Da {
		return c.Weekday(t.Weekday()) + " d. " + c.Date(t)
	}
	return t.Format("Mon") + " " + c.Date(t)
}

// Date writes a date: "9. november 2019", "9 November 2019".
func (c *Catalogue) Date(t time.Time) string {
	return c.dayMonth(t) + " " + strconv.Itoa(t.Year())
}

// ShortDay writes a date for narrow columns: "lør. 9. nov.", "Sat 9 Nov".
func (c *Catalogue) ShortDay(t time.Time) string {
	if c.lang == Da {
		return danishDays[t.Weekday()][:danishShort(t.Weekday())] + ". " + strconv.Itoa(t.Day()) + ". " + danishMonthsShort[t.Month()-1]
	}
	return t.Format("Mon 2 Jan")
}

// Short writes an instant for narrow columns, without year and zone: "lør. 9. nov. 02.14", "Sat 9 Nov 02:14".
// The reader must be told the zone elsewhere on the same page.
func (c *Catalogue) Short(t time.Time) string { return c.ShortDay(t) + " " + c.Clock(t) }

// Clock writes the time of day: "02.14", "02:14".
func (c *Catalogue) Clock(t time.Time) string {
	if c.lang == Da {
		return t.Format("15.04")
	}
	return t.Format("15:04")
}

// ClockSeconds is Clock with seconds: "02.14.07", "02:14:07".
func (c *Catalogue) ClockSeconds(t time.Time) string {
	if c.lang == Da {
		return t.Format("15.04.05")
	}
	return t.Format("15:04:05")
}

// ClockZone is Clock with the zone's abbreviation, which tells the two 02.30s of an autumn night apart.
func (c *Catalogue) ClockZone(t time.Time) string { return c.Clock(t) + " " + t.Format("MST") }

// Month writes a month: "juli 2019", "July 2019".
func (c *Catalogue) Month(t time.Time) string {
	return c.monthName(t.Month()) + " " + strconv.Itoa(t.Year())
}

// Weekday names a day of the week in full: "lørdag", "Saturday".
func (c *Catalogue) Weekday(d time.Weekday) string {
	if c.lang == Da {
		return danishDays[d]
	}
	return d.String()
}

// Week names the ISO week: "uge 48", "week 48".
func (c *Catalogue) Week(t time.Time) string {
	_, week := t.ISOWeek()
	return c.T("week", "week", week)
}

// WeekYear is Week with the ISO year, which near New Year is not the calendar year: "uge 1, 2020".
func (c *Catalogue) WeekYear(t time.Time) string {
	year, _ := t.ISOWeek()
	return c.Week(t) + ", " + strconv.Itoa(year)
}

// Days writes the days from first to last, both included, saying what they share once: "9.–10. november 2019",
// "30 Sep – 2 Oct 2019" in full months, one day as Date.
func (c *Catalogue) Days(first, last time.Time) string {
	switch {
	case first.Year() != last.Year():
		return c.Date(first) + " – " + c.Date(last)
	case first.Month() != last.Month():
		return c.dayMonth(first) + " – " + c.Date(last)
	case first.Day() != last.Day():
		return c.dayNumber(first) + "–" + c.Date(last)
	}
	return c.Date(first)
}

// Months writes whole months from first to last, both included: "juli 2019", "september – oktober 2019".
func (c *Catalogue) Months(first, last time.Time) string {
	switch {
	case first.Year() != last.Year():
		return c.Month(first) + " – " + c.Month(last)
	case first.Month() != last.Month():
		return c.monthName(first.Month()) + " – " + c.Month(last)
	}
	return c.Month(first)
}

// About writes days that are not certain, from first to last, both included. A third of a month gets its usual name:
// "primo februar 2020", "early February 2020"; anything else "ca. 3.–12. februar 2020", "about 3–12 February 2020".
func (c *Catalogue) About(first, last time.Time) string {
	if first.Year() == last.Year() && first.Month() == last.Month() {
		end := time.Date(last.Year(), last.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
		switch {
		case first.Day() == 1 && last.Day() == 10:
			return c.T("date.early", "month", c.Month(first))
		case first.Day() == 11 && last.Day() == 20:
			return c.T("date.middle", "month", c.Month(first))
		case first.Day() == 21 && last.Day() == end:
			return c.T("date.late", "month", c.Month(first))
		}
	}
	return c.T("date.about", "date", c.Days(first, last))
}

// Duration writes a length of time in its two largest units: "3 t. 20 min.", "3 h 20 min"; "2 d. 4 t.", "2 d 4 h".
// Under a second it writes milliseconds; a negative length gets a minus sign. Rounding is towards the nearest of the
// smaller unit shown.
func (c *Catalogue) Duration(d time.Duration) string {
	if d < 0 {
		if d == math.MinInt64 {
			d++
		}
		return "−" + c.Duration(-d)
	}
	if d == 0 {
		return "0 " + c.unit(time.Second)
	}
	if d < time.Second {
		ms := max(1, d.Round(time.Millisecond)/time.Millisecond)
		return strconv.FormatInt(int64(ms), 10) + " ms"
	}
	for i, large := range durationUnits {
		small := time.Second
		if i+1 < len(durationUnits) {
			small = durationUnits[i+1]
		}
		r := d.Round(small)
		if r < large {
			continue
		}
		text := c.Number(int64(r/large)) + " " + c.unit(large)
		if rest := r % large; large != time.Second && rest > 0 {
			text += " " + strconv.FormatInt(int64(rest/small), 10) + " " + c.unit(small)
		}
		return text
	}
	return "1 " + c.unit(time.Second)
}

var durationUnits = []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second}

func (c *Catalogue) unit(u time.Duration) string {
	switch u {
	case 24 * time.Hour:
		return c.T("duration.d")
	case time.Hour:
		return c.T("duration.h")
	case time.Minute:
		return c.T("duration.min")
	}
	return c.T("duration.s")
}

// Ago writes how long ago something was: "for 12 sek. siden", "12 s ago".
func (c *Catalogue) Ago(d time.Duration) string { return c.T("ago", "duration", c.Duration(d)) }

// Ahead writes how long until something comes: "om 3 t. 20 min.", "in 3 h 20 min".
func (c *Catalogue) Ahead(d time.Duration) string { return c.T("ahead", "duration", c.Duration(d)) }

// Slip writes how far a date has moved, in whole days: "+3 dage", "−1 day", "uændret".
func (c *Catalogue) Slip(days int) string {
	switch {
	case days == 0:
		return c.T("trend.same")
	case days < 0:
		return "−" + c.N("days", -days)
	}
	return "+" + c.N("days", days)
}

// Late writes by how many whole days something is late; what should have been today is late by less than one.
func (c *Catalogue) Late(days int) string {
	if days == 0 {
		return c.T("days.less")
	}
	return c.N("days", days)
}

// Number writes a whole number with the language's thousands separator: "12.345", "12,345".
func (c *Catalogue) Number(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "−", digits[1:]
	}
	sep := ","
	if c.lang == Da {
		sep = "."
	}
	var b strings.Builder
	b.WriteString(sign)
	for i, r := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString(sep)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Percent writes part of whole with one decimal, rounded down: 199 of 200 is "99,5 %" and 9,999 of 10,000 is never
// shown as all of them. Nothing of nothing is "–".
func (c *Catalogue) Percent(part, whole int) string {
	if whole <= 0 {
		return "–"
	}
	tenths := int64(part) * 1000 / int64(whole)
	text := c.Number(tenths / 10)
	if rest := tenths % 10; rest != 0 {
		point := "."
		if c.lang == Da {
			point = ","
		}
		text += point + strconv.FormatInt(rest, 10)
	}
	if c.lang == Da {
		return text + " %"
	}
	return text + "%"
}

// List joins names as a sentence does: "a, b og c", "a, b and c".
func (c *Catalogue) List(items []string) string {
	switch len(items) {
	case 0:
		return ""
	case 1:
		return items[0]
	}
	last := len(items) - 1
	return strings.Join(items[:last], ", ") + " " + c.T("and") + " " + items[last]
}

func (c *Catalogue) dayNumber(t time.Time) string {
	if c.lang == Da {
		return strconv.Itoa(t.Day()) + "."
	}
	return strconv.Itoa(t.Day())
}

func (c *Catalogue) dayMonth(t time.Time) string {
	return c.dayNumber(t) + " " + c.monthName(t.Month())
}

func (c *Catalogue) monthName(m time.Month) string {
	if c.lang == Da {
		return danishMonths[m-1]
	}
	return m.String()
}

var (
	danishDays        = [7]string{"søndag", "mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag"}
	danishMonths      = [12]string{"januar", "februar", "marts", "april", "maj", "juni", "juli", "august", "september", "oktober", "november", "december"}
	danishMonthsShort = [12]string{"jan.", "feb.", "mar.", "apr.", "maj", "jun.", "jul.", "aug.", "sep.", "okt.", "nov.", "dec."}
)

// danishShort is the number of bytes of a Danish weekday's three-letter form: ø takes two.
func danishShort(d time.Weekday) int {
	if d == time.Saturday || d == time.Sunday {
		return 4
	}
	return 3
}
