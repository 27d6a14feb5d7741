package plan

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"

	"skift/internal/diag"
)

// How something differs between two revisions of a plan.
const (
	Added   = "added"
	Removed = "removed"
	Changed = "changed"
	Moved   = "moved" // a milestone whose dates are written otherwise
)

// Change is one thing that is not the same in two revisions of a plan.
type Change struct {
	Section string   `json:"section"`      // as in plan.yaml: milestones, gates …; roster, trust and runbooks are files
	ID      string   `json:"id,omitempty"` // "" = the section has no ids
	How     string   `json:"how"`          // added, removed, changed or moved
	Keys    []string `json:"keys,omitempty"`
	Was     string   `json:"was,omitempty"` // moved: its dates as they were written
	Is      string   `json:"is,omitempty"`
	Reason  string   `json:"reason,omitempty"` // moved: why, where the plan says so
}

// Diff lists what two revisions of a plan do not have alike, section by section in the order of the plan reference. Where things stand in
// their files, and comments, are no difference.
func Diff(before, after *Plan) []Change {
	var out []Change
	whole := func(section string, a, b any) {
		if !alike(reflect.ValueOf(&a).Elem(), reflect.ValueOf(&b).Elem()) {
			out = append(out, Change{Section: section, How: Changed})
		}
	}
	whole("title", before.Title, after.Title)
	whole("timezone", before.Zone.String(), after.Zone.String())
	whole("holidays", before.Holidays, after.Holidays)
	whole("language", before.Language, after.Language)
	whole("thresholds", before.Thresholds, after.Thresholds)
	out = append(out, named("parties", before.Parties, after.Parties)...)
	out = append(out, named("seats", before.Seats, after.Seats)...)
	whole("roster", before.Roster.Shifts(), after.Roster.Shifts())
	whole("areas", before.Areas, after.Areas)
	out = append(out, named("environments", before.Environments, after.Environments)...)
	out = append(out, named("platforms", before.Platforms, after.Platforms)...)
	out = append(out, named("services", before.Services, after.Services)...)
	out = append(out, named("flows", flowsByID(before), flowsByID(after))...)
	out = append(out, named("vantages", before.Vantages, after.Vantages)...)
	out = append(out, named("checks", before.Checks, after.Checks)...)
	out = append(out, named("suites", before.Suites, after.Suites)...)
	out = append(out, named("waves", before.Waves, after.Waves)...)
	whole("meetings", before.Meetings, after.Meetings)
	milestones := named("milestones", before.Milestones, after.Milestones)
	for i := range milestones {
		milestones[i].move(before.Milestones[milestones[i].ID], after.Milestones[milestones[i].ID])
	}
	out = append(out, milestones...)
	out = append(out, named("gates", before.Gates, after.Gates)...)
	out = append(out, named("audiences", before.Audiences, after.Audiences)...)
	out = append(out, named("runbooks", before.Runbooks, after.Runbooks)...)
	out = append(out, named("trust", pointers(before.Trust), pointers(after.Trust))...)
	whole("words", before.Words, after.Words)
	return out
}

// Along lists the milestones of the later revision that no change moves or adds, and that have other dates all the same: an edge of theirs
// hangs on one that is another. What hangs on the beginning of something stays where it was when only the end of that is moved. In the plan's order.
func Along(before, after *Plan, changes []Change) []string {
	edges, named := map[Ref]bool{}, map[string]bool{}
	move := func(id, point string) {
		edges[Ref{id, point}] = true
		if point == End {
			edges[Ref{id, Passed}] = true
		}
	}
	for _, c := range changes {
		is := after.Milestones[c.ID]
		if c.Section != "milestones" || c.How != Moved && c.How != Added || is == nil {
			continue
		}
		named[c.ID] = true
		was := before.Milestones[c.ID]
		for point, on := range is.edges() {
			if was == nil || !alike(reflect.ValueOf(was.edges()[point]), reflect.ValueOf(on)) {
				move(c.ID, point)
			}
		}
	}
	hang := map[string]bool{}
	for found := true; found; {
		found = false
		for _, id := range after.MilestoneIDs {
			for point, on := range after.Milestones[id].edges() {
				if edges[on.Ref] && !edges[Ref{id, point}] {
					move(id, point)
					hang[id], found = !named[id], true
				}
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(after.MilestoneIDs), func(id string) bool { return !hang[id] })
}

// edges are the dates at which a milestone begins and ends, by the points of a reference.
func (m *Milestone) edges() map[string]When {
	end := m.Until
	if end.IsZero() {
		end = m.From
	}
	from := m.From
	from.Assumed, end.Assumed = false, false // who says so is no date
	return map[string]When{Start: from, End: end}
}

func flowsByID(p *Plan) map[string]*Flow {
	out := map[string]*Flow{}
	for _, f := range p.Flows {
		out[f.ID] = f
	}
	return out
}

func pointers(m map[string][]byte) map[string]*[]byte {
	out := map[string]*[]byte{}
	for id, b := range m {
		out[id] = &b
	}
	return out
}

// move says where a milestone was and is when that is written otherwise.
func (c *Change) move(was, is *Milestone) {
	dates := func(key string) bool { return key == "from" || key == "until" || key == "was" }
	if c.How != Changed || !slices.ContainsFunc(c.Keys, dates) {
		return
	}
	if was.dates() == is.dates() {
		return
	}
	c.How, c.Was, c.Is = Moved, was.dates(), is.dates()
	c.Keys = slices.DeleteFunc(c.Keys, dates)
	if n := len(is.Was); n > len(was.Was) {
		c.Reason = is.Was[n-1].Reason
	}
}

// dates is when a milestone is, as it is written.
func (m *Milestone) dates() string {
	if m.Until == m.From || m.Until.IsZero() {
		return m.From.Text
	}
	return m.From.Text + " – " + m.Until.Text
}

// named compares what two revisions have by name.
func named[K ~string, T any](section string, before, after map[K]*T) []Change {
	ids := slices.Sorted(maps.Keys(before))
	for id := range after {
		if before[id] == nil {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, cmp.Compare[K])
	var out []Change
	for _, id := range ids {
		c := Change{Section: section, ID: string(id)}
		switch a, b := before[id], after[id]; {
		case a == nil:
			c.How = Added
		case b == nil:
			c.How = Removed
		default:
			keys, same := differing(reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem())
			if same {
				continue
			}
			c.How, c.Keys = Changed, keys
		}
		out = append(out, c)
	}
	return out
}

// differing names the fields in which two values are not alike, about as the plan writes them.
func differing(a, b reflect.Value) (keys []string, same bool) {
	if a.Kind() != reflect.Struct {
		return nil, alike(a, b)
	}
	for i := range a.NumField() {
		if f := a.Type().Field(i); !alike(a.Field(i), b.Field(i)) && f.IsExported() && f.Name != "File" {
			keys = append(keys, key(f.Name))
		}
	}
	return keys, len(keys) == 0
}

// key writes DecideBy as decide_by, and ServerName as server_name.
func key(field string) string {
	var b strings.Builder
	for i, r := range field {
		if unicode.IsUpper(r) && i > 0 && !unicode.IsUpper(rune(field[i-1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

var (
	posType  = reflect.TypeFor[diag.Pos]()
	zoneType = reflect.TypeFor[*time.Location]()
)

// alike reports whether two values mean the same: places in files do not count, nor does an empty list differ from none.
func alike(a, b reflect.Value) bool {
	switch {
	case a.IsValid() != b.IsValid():
		return false
	case !a.IsValid(), a.Type() == posType, a.Type() == zoneType:
		return true
	case a.Type() != b.Type():
		return false
	}
	switch a.Kind() {
	case reflect.Pointer, reflect.Interface:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() == b.IsNil()
		}
		return a.Kind() == reflect.Pointer && a.Pointer() == b.Pointer() || alike(a.Elem(), b.Elem())
	case reflect.Struct:
		for i := range a.NumField() {
			if !alike(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Slice, reflect.Array:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !alike(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Map:
		if a.Len() != b.Len() {
			return false
		}
		for it := a.MapRange(); it.Next(); {
			if other := b.MapIndex(it.Key()); !other.IsValid() || !alike(it.Value(), other) {
				return false
			}
		}
		return true
	case reflect.Func:
		return a.IsNil() == b.IsNil()
	}
	return a.Equal(b)
}
