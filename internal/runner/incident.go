package runner

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"skift/checks"
	"skift/internal/journal"
	"skift/internal/plan"
	"skift/internal/register"
)

// incident keeps what is known of incidents. They are the service desk's, and have its numbers; here they are what gates ask.
func (r *Runner) incident(ctx context.Context, c Command) (Reply, error) {
	if c.As == "" {
		return Reply{}, refuse(Usage, "add --as SEAT", "say which seat reports it")
	}
	switch c.Answer {
	case "open":
		return r.openIncident(ctx, c)
	case "close", "reclass", "reopen":
		return r.changeIncident(ctx, c)
	case "list", "confirm":
		return r.listIncidents(ctx, c)
	}
	return Reply{}, refuse(Usage, "", "an incident is opened, closed, reclassed or reopened, and a list is imported or confirmed, not %q", c.Answer)
}

// mayReport: the customer reports on both platforms, a supplier on its own.
func (r *Runner) mayReport(seat string, side checks.Side) error {
	p := r.plan.Platforms[side]
	if r.customer(seat) || p != nil && p.Party == plan.SeatParty(seat) {
		return nil
	}
	return refuse(Forbidden, "use --as with a seat of the customer, or of the supplier whose platform it is", "%s does not report incidents of the %s platform", seat, side)
}

// soundIncident refuses what cannot be meant, and gives it back with its texts masked.
func (r *Runner) soundIncident(row register.IncidentRow, now time.Time) (register.IncidentRow, error) {
	row.Title = r.clean(row.Title)
	switch why := register.BadIncidentID(row.ID); {
	case why != "":
		return row, refuse(Usage, "", "%s", why)
	case r.clean(row.ID) != row.ID:
		return row, refuse(Usage, "name it otherwise", "the number of the incident looks like a civil registration number")
	case !slices.Contains(register.IncidentClasses(), row.Class):
		return row, refuse(Usage, "write --class A, B or C", "%s: there is no class of incident %q", row.ID, row.Class)
	case !slices.Contains(checks.Sides(), row.Platform):
		return row, refuse(Usage, "write --platform old or new", "%s: a platform is old or new, not %q", row.ID, row.Platform)
	case row.Service != "" && r.plan.Services[row.Service] == nil:
		return row, refuse(NotFound, suggest("service", row.Service, r.plan.ServiceIDs), "%s: the plan has no service %q", row.ID, row.Service)
	case row.OpenedAt.IsZero() || row.OpenedAt.After(now.Add(ahead)) || row.ClosedAt.After(now.Add(ahead)):
		return row, refuse(Usage, "times are of the plan's time zone", "%s: it is opened and closed at a time that has come", row.ID)
	case !row.ClosedAt.IsZero() && row.ClosedAt.Before(row.OpenedAt):
		return row, refuse(Usage, "", "%s is closed before it is opened", row.ID)
	}
	return row, nil
}

// ahead is by how much another clock may be ahead of ours.
const ahead = 2 * time.Minute

func (r *Runner) openIncident(ctx context.Context, c Command) (Reply, error) {
	if c.Incident == nil {
		return Reply{}, refuse(Usage, "", "say which incident")
	}
	return r.record(ctx, c, func(d *decision, who journal.Actor) (int64, string, error) {
		row := *c.Incident
		if row.OpenedAt.IsZero() {
			row.OpenedAt = d.Now
		}
		row, err := r.soundIncident(row, d.Now)
		if err == nil {
			err = r.mayReport(c.As, row.Platform)
		}
		if err == nil && d.Facts.Register.Incidents[row.ID] != nil {
			err = refuse(Conflict, "skift incident reclass, close or reopen changes it", "%s is known already", row.ID)
		}
		if err != nil {
			return 0, "", err
		}
		row.Reason = c.Reason
		seq, err := d.Emit(register.IncidentOpened, "", row.ID, who, register.Body(row.Incident))
		return seq, fmt.Sprintf("incident %s of class %s on the %s platform is open", row.ID, register.Letter(row.Class), row.Platform), err
	})
}

// changeIncident closes, reclasses or reopens one that is known.
func (r *Runner) changeIncident(ctx context.Context, c Command) (Reply, error) {
	if c.Incident == nil {
		return Reply{}, refuse(Usage, "", "say which incident")
	}
	if c.Answer != "close" && strings.TrimSpace(c.Reason) == "" {
		return Reply{}, refuse(Usage, `add --reason "…"`, "to %s an incident needs a reason: a gate may hang on it", c.Answer)
	}
	return r.record(ctx, c, func(d *decision, who journal.Actor) (int64, string, error) {
		known := d.Facts.Register.Incidents[c.Incident.ID]
		if known == nil {
			return 0, "", refuse(NotFound, "skift incident list shows those that are", "there is no incident %q", c.Incident.ID)
		}
		if err := r.mayReport(c.As, known.Platform); err != nil {
			return 0, "", err
		}
		was := known.Incident
		is, said := was, ""
		switch c.Answer {
		case "close":
			if is.ClosedAt = c.Incident.ClosedAt; is.ClosedAt.IsZero() {
				is.ClosedAt = d.Now
			}
			said = "is closed"
		case "reclass":
			is.Class, said = c.Incident.Class, "is of class "+register.Letter(c.Incident.Class)+" now"
		case "reopen":
			is.ClosedAt, said = time.Time{}, "is open again"
		}
		switch {
		case c.Answer == "close" && !was.ClosedAt.IsZero(), c.Answer == "reopen" && was.ClosedAt.IsZero(), is.Class == was.Class && c.Answer == "reclass":
			return 0, "", refuse(Conflict, "", "%s %s already", known.ID, strings.TrimSuffix(said, " again"))
		}
		if _, err := r.soundIncident(register.IncidentRow{ID: known.ID, Incident: is}, d.Now); err != nil {
			return 0, "", err
		}
		is.Reason = c.Reason
		kind, body := register.IncidentChanged, register.Body(is)
		if c.Answer == "close" {
			kind, body = register.IncidentClosed, register.Body(register.Closing{ClosedAt: is.ClosedAt, Reason: c.Reason})
		}
		seq, err := d.Emit(kind, "", known.ID, who, body)
		return seq, "incident " + known.ID + " " + said, err
	})
}

// speaksFor are the platforms that a list of a seat is about: the one that is named, else all that it may report on.
func (r *Runner) speaksFor(seat string, only checks.Side) (out []checks.Side, err error) {
	for _, side := range checks.Sides() {
		if only != "" && only != side {
			continue
		}
		if err = r.mayReport(seat, side); err == nil {
			out = append(out, side)
		}
	}
	if len(out) == 0 {
		if err == nil {
			err = refuse(Usage, "leave --platform out to mean all that the seat reports on", "a platform is old or new, not %q", only)
		}
		return nil, err
	}
	return out, nil
}

// listIncidents takes a list of all incidents there are, or a person's word that what is known is all. All of a list is taken or nothing.
func (r *Runner) listIncidents(ctx context.Context, c Command) (Reply, error) {
	sides, err := r.speaksFor(c.As, checks.Side(c.Side))
	if err != nil {
		return Reply{}, err
	}
	imported := c.Answer == "list"
	return r.record(ctx, c, func(d *decision, who journal.Actor) (int64, string, error) {
		f := &d.Facts.Register
		b := register.Listed{AsOf: d.Now, Platforms: sides, Reason: c.Reason}
		if c.At != nil {
			b.AsOf = c.At.UTC()
		}
		if b.AsOf.After(d.Now.Add(ahead)) {
			return 0, "", refuse(Usage, "", "the list is of a time that has not come")
		}
		for _, side := range sides {
			if l, ok := f.IncidentLists[side]; ok && b.AsOf.Before(l.AsOf) {
				return 0, "", refuse(Conflict, "take the newest list", "a list of the %s platform of %s is known: this one is older", side, l.AsOf.In(r.plan.Zone).Format(timeFormat))
			}
		}
		what := strings.Join(words(sides), " and ")
		if !imported {
			seq, err := d.Emit(register.IncidentsListed, "", "", who, register.Body(b))
			return seq, fmt.Sprintf("%s confirms that all incidents of %s are known", c.As, what), err
		}
		rows, err := d.soundIncidents(c.Incidents, sides)
		if err != nil {
			return 0, "", err
		}
		news := f.Compare(rows, sides, d.Now)
		if c.At == nil && f.Taken(c.Digest, sides) && news.None() { // whoever finds the file of yesterday has not said that it is today's
			seq := f.Brought[c.Digest]
			return seq, fmt.Sprintf("nothing is changed: event %d is about this very list; that it still holds says skift incident confirm", seq), nil
		}
		b.File, b.Digest, b.Rows = r.clean(c.FileName), c.Digest, len(c.Incidents)
		b.Opened, b.Changed, b.Closed, b.Missing = len(news.Opened), len(news.Changed), len(news.Closed), news.Missing
		if err := d.emitIncidents(news, who); err != nil {
			return 0, "", err
		}
		seq, err := d.Emit(register.IncidentsListed, "", "", who, register.Body(b))
		msg := fmt.Sprintf("%s of %s, as of %s: %d of %d are new, %d changed, %d closed", c.FileName, what, b.AsOf.In(r.plan.Zone).Format(timeFormat), b.Opened, b.Rows, b.Changed, b.Closed)
		if len(b.Missing) > 0 {
			msg += "; not in it, and still open here: " + strings.Join(b.Missing, ", ")
		}
		return seq, msg, err
	})
}

// soundIncidents looks through a list before anything of it is taken: one wrong line refuses it whole.
func (d *decision) soundIncidents(list []register.IncidentRow, sides []checks.Side) ([]register.IncidentRow, error) {
	rows, seen := make([]register.IncidentRow, 0, len(list)), map[string]bool{}
	for _, row := range list {
		row, err := d.r.soundIncident(row, d.Now)
		switch known := d.Facts.Register.Incidents[row.ID]; {
		case err != nil:
			return nil, err
		case seen[row.ID]:
			return nil, refuse(Usage, "", "%s is in the list twice", row.ID)
		case !slices.Contains(sides, row.Platform):
			return nil, refuse(Forbidden, "leave out what is another's to report", "%s is of the %s platform, of which this list does not speak", row.ID, row.Platform)
		case known != nil && !slices.Contains(sides, known.Platform):
			return nil, refuse(Conflict, "numbers must differ between the platforms", "%s is an incident of the %s platform", row.ID, known.Platform)
		}
		seen[row.ID] = true
		rows = append(rows, row)
	}
	return rows, nil
}

// emitIncidents says what a list tells that was not known.
func (d *decision) emitIncidents(n register.IncidentNews, who journal.Actor) error {
	for _, row := range n.Opened {
		if _, err := d.Emit(register.IncidentOpened, "", row.ID, who, register.Body(row.Incident)); err != nil {
			return err
		}
	}
	for _, row := range n.Changed {
		if _, err := d.Emit(register.IncidentChanged, "", row.ID, who, register.Body(row.Incident)); err != nil {
			return err
		}
	}
	for _, row := range n.Closed {
		if _, err := d.Emit(register.IncidentClosed, "", row.ID, who, register.Body(register.Closing{ClosedAt: row.ClosedAt})); err != nil {
			return err
		}
	}
	return nil
}

func words(sides []checks.Side) (out []string) {
	for _, s := range sides {
		out = append(out, "the "+string(s)+" platform")
	}
	return out
}
