package cli

import (
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"skift/checks"
	"skift/internal/api"
	"skift/internal/csvdoc"
	"skift/internal/diag"
	"skift/internal/plan"
	"skift/internal/snapshot"
	"skift/internal/term"
)

// flowsCommand shows the register of flows.
func (s *session) flowsCommand() *cobra.Command {
	var party string
	var asCSV bool
	c := &cobra.Command{
		Use: "flows [--party P] [--csv]", Short: "Show how far each connection is: informed · allowed · tested · switched",
		Long: "Every flow of the plan in the production environment, what is furthest from well first, with the totals of each party and of all. What is\n" +
			"stored is shown, nothing is asked. P is a party, a member of one, or a group, which means its members.",
		Args: args(),
		RunE: func(c *cobra.Command, _ []string) error {
			if asCSV && s.json {
				return usage("--csv and --json exclude each other", "choose one")
			}
			return s.readDesk(c.Context(), func(d api.Desk, p *plan.Plan) error {
				if err := knownParty(p, party); err != nil {
					return err
				}
				snap, err := d.Snapshot(c.Context())
				if err != nil {
					return err
				}
				r := snapshot.FlowsOf(snap, p, party)
				switch {
				case s.json:
					return s.printJSON(r)
				case asCSV:
					return s.flowsCSV(r)
				}
				s.stalePlan(snap, p)
				return s.showFlows(r, p)
			})
		},
	}
	c.Flags().StringVar(&party, "party", "", "only the flows of the party `P`")
	c.Flags().BoolVar(&asCSV, "csv", false, "print a table for a spreadsheet")
	return s.asJSON(c)
}

func knownParty(p *plan.Plan, party string) error {
	if _, ok := p.Member(party); ok || party == "" || p.Parties[party] != nil {
		return nil
	}
	var ids []string
	for _, id := range p.PartyIDs {
		ids = append(ids, id)
		for _, m := range p.Parties[id].Members {
			ids = append(ids, m.ID)
		}
	}
	hint := "parties: " + strings.Join(p.PartyIDs, ", ")
	if near := diag.Suggest(party, ids); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return usage(fmt.Sprintf("the plan has no party %q", party), hint)
}

func (s *session) showFlows(r snapshot.FlowRegister, p *plan.Plan) error {
	v := s.sheet(p)
	if len(r.Flows) == 0 {
		v.text(0, v.c.T("flows.none"))
		s.print(v)
		return nil
	}
	t := term.NewTable("", v.c.T("flows.col.flow"), v.c.T("flows.col.informed"), v.c.T("flows.col.allowed"), v.c.T("flows.col.tested"), v.c.T("flows.col.switched"))
	for _, f := range r.Flows {
		state := v.flowState(f)
		name := f.ID
		if f.Direction == plan.Outbound {
			name += " (" + v.c.T("flows.outbound") + ")"
		}
		t.Cells(term.Cell{Text: state.Shape(), State: state}, term.Cell{Text: name}, v.informed(f), v.verdictCell(f.Allowed.New), v.verdictCell(f.Tested.New), v.switched(f))
		t.Under(v.flowAbout(f))
	}
	_ = t.Write(&v.b, v.screen)
	v.space()
	v.partyTotals(r)
	total := r.Totals
	v.text(0, v.c.T("flows.total", "informed", total.Informed, "allowed", total.Allowed, "tested", total.Tested, "switched", total.Switched, "n", total.Flows))
	v.text(0, v.c.T("flows.sides")+" · "+localTime(p, r.At))
	s.print(v)
	s.printf("head %s\n", r.Head)
	return nil
}

// flowState is the state a flow is shown in: how it is on the new platform.
func (v *sheet) flowState(f snapshot.Flow) term.State {
	if f.New == "" {
		return term.Plain
	}
	return verdictState(f.New)
}

func (v *sheet) informed(f snapshot.Flow) term.Cell {
	if f.InformedAt.IsZero() {
		return term.Cell{Text: term.Unknown.Shape() + " " + v.c.T("flows.not-yet"), State: term.Unknown}
	}
	return term.Cell{Text: term.OK.Shape() + " " + v.c.ShortDay(f.InformedAt.In(v.p.Zone)), State: term.OK}
}

// verdictCell is a verdict with its shape; "" says that nothing asks.
func (v *sheet) verdictCell(verdict checks.Verdict) term.Cell {
	if verdict == "" {
		return term.Cell{Text: "– " + v.c.T("flows.not-asked")}
	}
	state := verdictState(verdict)
	return term.Cell{Text: state.Shape() + " " + v.c.T("screen.verdict."+string(verdict)), State: state}
}

func (v *sheet) switched(f snapshot.Flow) term.Cell {
	state := term.Unknown
	switch {
	case f.Switched():
		state = term.OK
	case f.Phase == checks.Switching:
		state = term.Running
	}
	return term.Cell{Text: state.Shape() + " " + v.c.T("flows.phase."+string(f.Phase)), State: state}
}

// flowAbout is whose flow it is, and what stands in its way.
func (v *sheet) flowAbout(f snapshot.Flow) string {
	parts := []string{f.PartyName + " (" + f.Party + ")", strings.TrimPrefix(f.UserSystem+" → ", " → ") + f.Service}
	if f.Source != "" {
		parts = append(parts, f.Source)
	}
	if f.Code != "" {
		code := string(f.Code)
		if f.Owner != "" {
			code += " → " + partyName(v.p, f.Owner)
		}
		parts = append(parts, code)
	}
	return strings.Join(parts, " · ")
}

// partyTotals lists how far each party is, when there are several.
func (v *sheet) partyTotals(r snapshot.FlowRegister) {
	if len(r.Parties) < 2 {
		return
	}
	t := term.NewTable(v.c.T("party"), v.c.T("flows.col.informed"), v.c.T("flows.col.allowed"), v.c.T("flows.col.tested"), v.c.T("flows.col.switched")).Right(1, 2, 3, 4)
	for _, pt := range slices.SortedStableFunc(slices.Values(r.Parties), func(a, b snapshot.PartyFlows) int {
		return (a.Allowed+a.Tested)*b.Flows - (b.Allowed+b.Tested)*a.Flows
	}) {
		part := func(n int) string { return fmt.Sprintf("%d/%d", n, pt.Flows) }
		t.Row(pt.Name+" ("+pt.Party+")", part(pt.Informed), part(pt.Allowed), part(pt.Tested), part(pt.Switched))
	}
	_ = t.Write(&v.b, v.screen)
	v.space()
}

// flowsCSV prints the register for a spreadsheet. What others wrote cannot become a formula in it.
func (s *session) flowsCSV(r snapshot.FlowRegister) error {
	w := csv.NewWriter(s.out)
	rows := [][]string{{"id", "party", "party_name", "user_system", "service", "direction", "source_ip", "phase", "informed_at",
		"allowed_old", "allowed_new", "tested_old", "tested_new", "code", "owner"}}
	for _, f := range r.Flows {
		informed := ""
		if !f.InformedAt.IsZero() {
			informed = f.InformedAt.UTC().Format(time.RFC3339)
		}
		rows = append(rows, []string{f.ID, f.Party, f.PartyName, f.UserSystem, f.Service, f.Direction, f.Source, string(f.Phase), informed,
			string(f.Allowed.Old), string(f.Allowed.New), string(f.Tested.Old), string(f.Tested.New), string(f.Code), f.Owner})
	}
	for _, row := range rows {
		for i := range row {
			row[i] = csvdoc.Safe(term.Line(row[i]))
		}
		if err := w.Write(row); err != nil {
			return fmt.Errorf("print table: %w", err)
		}
	}
	w.Flush()
	return w.Error()
}
