package register

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"skift/checks"
	"skift/internal/csvdoc"
	"skift/internal/diag"
	"skift/internal/plan"
)

// IncidentRow is one line of a list of incidents.
type IncidentRow struct {
	ID string `json:"id"`
	Incident
}

// IncidentColumns are the columns of a list of incidents.
func IncidentColumns() csvdoc.Columns {
	return csvdoc.Columns{Required: []string{"id", "class", "platform", "opened", "closed"}, Optional: []string{"title", "service"}}
}

// Bounds of what is kept of an incident.
const (
	longestIncidentID    = 64
	longestIncidentTitle = 300
)

// ReadIncidents reads a list of incidents as a service desk exports it: every problem at once, each with its place. Times are of the plan's
// zone where they name none; none lies after now.
func ReadIncidents(file string, src []byte, p *plan.Plan, now time.Time, problems *diag.List) []IncidentRow {
	t, ok := csvdoc.Parse(file, src, IncidentColumns(), problems)
	if !ok {
		return nil
	}
	var out []IncidentRow
	seen := map[string]diag.Pos{}
	t.Each(func(r csvdoc.Row) {
		row := IncidentRow{ID: r.Str("id")}
		if first, twice := seen[row.ID]; twice && row.ID != "" {
			r.Problemf("id", csvdoc.CodeBadCell, "%s is there twice", row.ID).See(first, "it is first here")
		}
		seen[row.ID] = r.Pos("id")
		if why := BadIncidentID(row.ID); why != "" && row.ID != "" {
			r.Problemf("id", csvdoc.CodeBadCell, "%s", why)
		}
		if text := r.Str("class"); text != "" {
			if row.Class = IncidentClass(text); row.Class == "" {
				r.Problemf("class", csvdoc.CodeBadCell, "%q is not one of A, B, C", text)
			}
		}
		row.Platform = platform(r, p)
		if row.Service = r.OptStr("service", ""); row.Service != "" && p.Services[row.Service] == nil {
			r.Problemf("service", csvdoc.CodeBadCell, "the plan has no service %q", row.Service).DidYouMean(row.Service, p.ServiceIDs)
		}
		if row.Title = r.OptStr("title", ""); utf8.RuneCountInString(row.Title) > longestIncidentTitle {
			r.Problemf("title", csvdoc.CodeBadCell, "has more than %d characters", longestIncidentTitle).Wide(1)
		}
		if r.Str("opened") != "" {
			row.OpenedAt = moment(r, "opened", p.Zone, now)
		}
		row.ClosedAt = moment(r, "closed", p.Zone, now)
		if !row.ClosedAt.IsZero() && row.ClosedAt.Before(row.OpenedAt) {
			r.Problemf("closed", csvdoc.CodeBadCell, "lies before it was opened")
		}
		out = append(out, row)
	})
	return out
}

// BadIncidentID says why a text cannot name an incident; "" = it can.
func BadIncidentID(id string) string {
	switch {
	case id == "":
		return "an incident has a number or a name"
	case len(id) > longestIncidentID:
		return "the number of an incident has at most 64 letters"
	case strings.ContainsFunc(id, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }):
		return "the number of an incident has no spaces"
	}
	return ""
}

// platform reads old, new, or what the plan calls a platform.
func platform(r csvdoc.Row, p *plan.Plan) checks.Side {
	text := r.Str("platform")
	for _, side := range checks.Sides() {
		if strings.EqualFold(text, string(side)) || p.Platforms[side] != nil && strings.EqualFold(text, p.Platforms[side].Name) {
			return side
		}
	}
	if text != "" {
		r.Problemf("platform", csvdoc.CodeBadCell, "%q is neither old nor new", text)
	}
	return ""
}

// layouts are how service desks write a time: ISO 8601, and as in Denmark.
var layouts = []string{time.RFC3339, "2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02T15:04:05", time.DateOnly,
	"2-1-2006 15:04", "2-1-2006 15:04:05", "2-1-2006 15.04", "2.1.2006 15:04", "2.1.2006 15:04:05", "2/1/2006 15:04", "2-1-2006", "2.1.2006"}

// soon is by how much the clock of who writes a list may be ahead of ours.
const soon = 2 * time.Minute

func moment(r csvdoc.Row, column string, zone *time.Location, now time.Time) time.Time {
	text := r.OptStr(column, "")
	if text == "" {
		return time.Time{}
	}
	at, ok := readMoment(text, zone)
	switch {
	case !ok:
		r.Problemf(column, csvdoc.CodeBadCell, "%q is no time", text).Hintf("write 2019-11-12 08:15, or 12-11-2019 08:15, in the plan's time zone")
	case at.After(now.Add(soon)):
		r.Problemf(column, csvdoc.CodeBadCell, "%s lies ahead", text).Hintf("is the time zone right? Times are of %s", zone)
	}
	return at
}

// readMoment reads a time as a list has it; one that clocks show twice is the first.
func readMoment(text string, zone *time.Location) (time.Time, bool) {
	for _, l := range layouts {
		if at, err := time.ParseInLocation(l, text, zone); err == nil {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

// IncidentNews is what a list says that was not known.
type IncidentNews struct {
	Opened, Changed []IncidentRow
	Closed          []IncidentRow
	Missing         []string // open here, of the platforms listed, and not in the list
}

// Compare tells what of a list is news. platforms are those that the list speaks for.
func (f *Facts) Compare(rows []IncidentRow, platforms []checks.Side, now time.Time) (n IncidentNews) {
	in := map[string]bool{}
	for _, r := range rows {
		in[r.ID] = true
		known := f.Incidents[r.ID]
		if known != nil { // an empty cell says nothing
			r.Title, r.Service = cmp.Or(r.Title, known.Title), cmp.Or(r.Service, known.Service)
		}
		switch {
		case known == nil:
			n.Opened = append(n.Opened, r)
		case same(known.Incident, r.Incident):
		case known.ClosedAt.IsZero() && !r.ClosedAt.IsZero() && same(known.Incident, open(r.Incident)):
			n.Closed = append(n.Closed, r)
		default:
			n.Changed = append(n.Changed, r)
		}
	}
	for _, i := range f.IncidentsBy(func(i *IncidentFacts) bool {
		return i.OpenAt(now) && slices.Contains(platforms, i.Platform) && !in[i.ID]
	}) {
		n.Missing = append(n.Missing, i.ID)
	}
	return n
}

// None reports whether a list says nothing that was not known.
func (n IncidentNews) None() bool { return len(n.Opened)+len(n.Changed)+len(n.Closed) == 0 }

// Taken reports whether a list with this digest was taken before, for each of these platforms.
func (f *Facts) Taken(digest string, platforms []checks.Side) bool {
	for _, side := range platforms {
		if !f.IncidentLists[side].Digests[digest] {
			return false
		}
	}
	return true
}

func open(i Incident) Incident {
	i.ClosedAt = time.Time{}
	return i
}

// same leaves out why something was changed: lists do not say.
func same(a, b Incident) bool {
	return a.Class == b.Class && a.Platform == b.Platform && a.Service == b.Service && a.Title == b.Title && a.OpenedAt.Equal(b.OpenedAt) && a.ClosedAt.Equal(b.ClosedAt)
}
