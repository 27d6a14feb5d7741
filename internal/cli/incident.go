package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"skift/checks"
	"skift/internal/diag"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/runner"
)

// incidentCommand keeps the incidents that gates ask about.
func (s *session) incidentCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "incident list|add|close|reclass|reopen|import|confirm", Short: "Keep the incidents that gates ask about",
		Long: "Incidents are kept by a service desk; here are those of its list, in its numbers. A gate asks how many of each class are open, and is\n" +
			"not met before somebody has said lately that all of them are known: by a list (import) or in words (confirm). The customer's seats\n" +
			"report on both platforms, a supplier's on its own.",
		RunE: func(c *cobra.Command, a []string) error {
			if len(a) > 0 {
				return unknownCommand(c, a[0])
			}
			return usage("say what is to be done", "skift incident list, add, close, reclass, reopen, import or confirm")
		},
	}
	c.AddCommand(s.incidentListCommand(), s.incidentAddCommand(), s.incidentChangeCommand("close"), s.incidentChangeCommand("reclass"),
		s.incidentChangeCommand("reopen"), s.incidentImportCommand(), s.incidentConfirmCommand())
	return c
}

// reported is an incident as the command line has it.
type reported struct {
	act
	row                    register.IncidentRow
	class, platform, clock string
}

// hand reads what only the plan can read, and hands the command in.
func (s *session) hand(c *cobra.Command, r *reported, at *time.Time) error {
	if r.clock != "" {
		n, err := s.inUse(c.Context(), time.Now())
		if err != nil {
			return err
		}
		if *at, err = parseTime(n.plan, r.clock, time.Now()); err != nil {
			return err
		}
	}
	r.Do, r.Incident = runner.DoIncident, &r.row
	return s.send(c, r.act)
}

// classed reads --class.
func (r *reported) classed() error {
	if r.row.Class = register.IncidentClass(r.class); r.row.Class == "" {
		return usage(fmt.Sprintf("there is no class of incident %q", r.class), "write --class A, B or C")
	}
	return nil
}

func (s *session) incidentAddCommand() *cobra.Command {
	var r reported
	c := acting(&cobra.Command{
		Use: "add ID --class A|B|C --platform old|new --title … --as SEAT", Short: "Report an incident",
		Args: args("ID"),
		RunE: func(c *cobra.Command, got []string) error {
			r.Answer, r.row.ID, r.row.Platform = "open", got[0], checks.Side(r.platform)
			if err := r.classed(); err != nil {
				return err
			}
			return s.hand(c, &r, &r.row.OpenedAt)
		},
	}, &r.act)
	c.Flags().StringVar(&r.class, "class", "", "`CLASS` A, B or C; required")
	c.Flags().StringVar(&r.platform, "platform", "", "`SIDE` on which it is, old or new; required")
	c.Flags().StringVar(&r.row.Service, "service", "", "`SERVICE` of the plan that it is about")
	c.Flags().StringVar(&r.row.Title, "title", "", "`TEXT` that says what is wrong; civil registration numbers in it are masked")
	c.Flags().StringVar(&r.clock, "opened", "", "`TIME` at which it began, \"2019-11-12 08:15\" in the plan's time zone (default now)")
	return c
}

func (s *session) incidentChangeCommand(do string) *cobra.Command {
	var r reported
	use, short := do+" ID --as SEAT", "Say that an incident is over"
	switch do {
	case "reclass":
		use, short = "reclass ID --class A|B|C --reason … --as SEAT", "Give an incident another class"
	case "reopen":
		use, short = "reopen ID --reason … --as SEAT", "Say that an incident is not over"
	}
	c := acting(&cobra.Command{
		Use: use, Short: short, Args: args("ID"),
		RunE: func(c *cobra.Command, got []string) error {
			r.Answer, r.row.ID = do, got[0]
			if do == "reclass" {
				if err := r.classed(); err != nil {
					return err
				}
			}
			return s.hand(c, &r, &r.row.ClosedAt)
		},
	}, &r.act)
	switch do {
	case "close":
		c.Flags().StringVar(&r.clock, "closed", "", "`TIME` at which it was over, \"2019-11-12 08:15\" in the plan's time zone (default now)")
	case "reclass":
		c.Flags().StringVar(&r.class, "class", "", "`CLASS` A, B or C; required")
	}
	return c
}

func (s *session) incidentImportCommand() *cobra.Command {
	var r reported
	c := acting(&cobra.Command{
		Use: "import FILE.csv --as SEAT", Short: "Take in the list of all incidents",
		Long: "Columns: id, class (A, B, C), platform (old, new, or what the plan calls it), opened, closed, and if you like title and service; commas or\n" +
			"semicolons. Times are of the plan's time zone. All of the list is taken or nothing: every problem is told with its place. What is new\n" +
			"or has changed is journalled; the same file once more changes nothing. An incident that is open here and not in the list stays open\n" +
			"and is named. The list speaks for every platform that the seat reports on, or for --platform alone.",
		Args: args("FILE.csv"),
		RunE: func(c *cobra.Command, got []string) error {
			n, err := s.inUse(c.Context(), time.Now())
			if err != nil {
				return err
			}
			p := n.plan
			data, err := readCapped(got[0])
			if err != nil {
				return err
			}
			if r.Incidents, err = s.incidentRows(got[0], data, p); err != nil {
				return err
			}
			sum := sha256.Sum256(data)
			r.Answer, r.FileName, r.Digest = "list", filepath.Base(got[0]), hex.EncodeToString(sum[:])
			return s.listed(c, r, p)
		},
	}, &r.act)
	c.Flags().StringVar(&r.platform, "platform", "", "the list speaks for this `SIDE` alone, old or new")
	c.Flags().StringVar(&r.clock, "as-of", "", "`TIME` at which the list was made (default now)")
	return c
}

func (s *session) incidentConfirmCommand() *cobra.Command {
	var r reported
	c := acting(&cobra.Command{
		Use: "confirm --as SEAT", Short: "Say that all incidents there are to know are known here",
		Args: args(),
		RunE: func(c *cobra.Command, _ []string) error {
			r.Answer = "confirm"
			return s.listed(c, r, nil)
		},
	}, &r.act)
	c.Flags().StringVar(&r.platform, "platform", "", "of this `SIDE` alone, old or new")
	return c
}

// listed hands in what speaks for all incidents.
func (s *session) listed(c *cobra.Command, r reported, p *plan.Plan) error {
	if r.clock != "" {
		at, err := parseTime(p, r.clock, time.Now())
		if err != nil {
			return err
		}
		r.At = &at
	}
	r.Do, r.Side = runner.DoIncident, r.platform
	return s.send(c, r.act)
}

// incidentRows reads a list, and tells everything that is wrong with it.
func (s *session) incidentRows(name string, data []byte, p *plan.Plan) ([]register.IncidentRow, error) {
	var problems diag.List
	file := filepath.Base(name)
	rows := register.ReadIncidents(file, data, p, time.Now(), &problems)
	if problems.Len() > 0 {
		_ = diag.Render(s.err, problems.Sorted(), func(string) []byte { return data }, s.screen.Colour)
	}
	if n := problems.Errors(); n > 0 {
		return nil, usage(fmt.Sprintf("%s is not imported: it has %s", file, numbered(n, "problem")), "nothing was changed; correct the list and import it again")
	}
	return rows, nil
}

func (s *session) incidentListCommand() *cobra.Command {
	var open bool
	var class, platform string
	c := s.asJSON(&cobra.Command{
		Use: "list", Short: "Show the incidents that are known, gravest first",
		Args: args(),
		RunE: func(c *cobra.Command, _ []string) error {
			only := register.IncidentClass(class)
			switch {
			case class != "" && only == "":
				return usage(fmt.Sprintf("there is no class of incident %q", class), "write --class A, B or C")
			case platform != "" && platform != string(checks.Old) && platform != string(checks.New):
				return usage(fmt.Sprintf("a platform is old or new, not %q", platform), "leave --platform out to mean both")
			}
			now := time.Now()
			return s.showIncidents(c.Context(), now, func(i *register.IncidentFacts) bool {
				return (!open || i.OpenAt(now)) && (only == "" || i.Class == only) && (platform == "" || i.Platform == checks.Side(platform))
			})
		},
	})
	c.Flags().BoolVar(&open, "open", false, "only those that are open")
	c.Flags().StringVar(&class, "class", "", "only those of this `CLASS`, A, B or C")
	c.Flags().StringVar(&platform, "platform", "", "only those of this `SIDE`, old or new")
	return c
}

// incidents is `skift incident list --json`.
type incidents struct {
	At        time.Time                             `json:"at"`
	Incidents []*register.IncidentFacts             `json:"incidents"` // gravest class first, then the oldest
	Lists     map[checks.Side]register.IncidentList `json:"lists"`     // platform → when all of its incidents were known last
	Head      string                                `json:"head,omitempty"`
}

func (s *session) showIncidents(ctx context.Context, now time.Time, keep func(*register.IncidentFacts) bool) error {
	n, err := s.inUse(ctx, now)
	if err != nil {
		return err
	}
	p, h := n.plan, n.history
	out := incidents{At: now.UTC(), Incidents: h.Facts.IncidentsBy(keep), Lists: h.Facts.IncidentLists}
	if out.Incidents == nil {
		out.Incidents = []*register.IncidentFacts{}
	}
	if out.Lists == nil {
		out.Lists = map[checks.Side]register.IncidentList{}
	}
	if h.Used {
		out.Head = h.Head.String()
	}
	if s.json {
		return s.printJSON(out)
	}
	return s.tellIncidents(out, p)
}
