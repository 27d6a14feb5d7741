package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"skift/checks"
	"skift/internal/api"
	"skift/internal/plan"
	"skift/internal/runner"
	"skift/internal/term"
	"skift/internal/words"
	"skift/internal/yamldoc"
)

// probeCommand is seeing from where it matters without installing anything there.
func (s *session) probeCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "probe export|run|import|revoke", Short: "Let a party look for us, from its own host",
		Long: "export writes one small file with what a party is to ask; run answers it on the party's host, with the same program and nothing else\n" +
			"(also on Windows); import stores what was seen as that party's observations, with their own age. Whoever has the file may answer\n" +
			"for it until it expires or is revoked: send it as you would send a key.",
		RunE: func(c *cobra.Command, a []string) error {
			if len(a) > 0 {
				return unknownCommand(c, a[0])
			}
			return usage("say what is to be done", "skift probe export, run, import or revoke")
		},
	}
	c.AddCommand(s.probeExportCommand(), s.probeRunCommand(), s.probeImportCommand(), s.probeRevokeCommand())
	for _, sub := range c.Commands() {
		sub.Flags().SortFlags = false
		sub.DisableFlagsInUseLine = true
	}
	return c
}

func (s *session) probeExportCommand() *cobra.Command {
	var q api.ExportRequest
	var out, expires string
	c := &cobra.Command{
		Use: "export ID|SUITE|GLOB … --for PARTY [--out FILE] [--expires 14d]", Short: "Write the file that a party answers",
		Long: "What is exported is what belongs to the party: its flows, and what is asked from its vantages. No secret is in the file, only where\n" +
			"the party's host finds its own. What lacks the consent of who is asked is left out, and said.",
		RunE: func(c *cobra.Command, a []string) error {
			if len(a) == 0 || q.For == "" {
				return usage("say what, and for whom", "usage: "+c.UseLine())
			}
			d, err := yamldoc.ParseDuration(expires)
			if err != nil {
				return usage(fmt.Sprintf("--expires %q is no length of time", expires), "14d, 48h or 30m")
			}
			q.Patterns, q.Expires = a, d
			if out == "" {
				out = "skift-probe-" + q.For + ".json"
			}
			return s.withDesk(c.Context(), func(d api.Desk, p *plan.Plan) error { return s.export(c, d, q, out) })
		},
	}
	c.Flags().StringVar(&q.For, "for", "", "`PARTY` or member whose host is to look")
	c.Flags().StringVar(&out, "out", "", "`FILE` to write (default skift-probe-PARTY.json); nothing is overwritten")
	c.Flags().StringVar(&expires, "expires", "14d", "how `LONG` it can be answered")
	c.Flags().StringVar(&q.Environment, "environment", "", "`ENV`, an environment of the plan (default: the production one)")
	c.Flags().StringVar(&q.As, "as", "", "`SEAT` that acts, such as ibm/operator")
	return c
}

// export reserves the file first: an export whose key nobody has is of use to nobody.
func (s *session) export(cmd *cobra.Command, d api.Desk, q api.ExportRequest, out string) error {
	f, err := create(out)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := d.Export(cmd.Context(), q)
	if err == nil {
		_, err = f.Write(r.File)
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		os.Remove(out)
		return err
	}
	c := speak(s.plan)
	s.wrapped(c.T("probe.exported", "file", out, "what", c.N("count.observations", r.Units), "party", r.Party, "at", localTime(s.plan, r.ExpiresAt)))
	for _, l := range r.LeftOut {
		s.note("%s", c.T("probe.left-out", "what", unitText(c, l.Unit), "why", c.T("probe.left-out."+l.Why)))
	}
	s.printf("%s\n", term.Line(c.T("probe.export", "id", r.ID, "event", r.Event, "command", "skift probe run "+out)))
	s.printf("head %s\n", r.Head)
	return nil
}

// create makes a new file that only we can read. One that is there is never overwritten.
func create(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil, usage(name+" is there already, and is not overwritten", "name another with --out, or remove it")
	case err != nil:
		return nil, fmt.Errorf("write %s: %w", name, errors.Unwrap(err))
	}
	return f, nil
}

func (s *session) probeRevokeCommand() *cobra.Command {
	var a act
	return acting(&cobra.Command{
		Use: "revoke EXPORT --as SEAT --reason …", Short: "Take no more answers to an export",
		Args: args("EXPORT"),
		RunE: func(c *cobra.Command, got []string) error {
			a.Do, a.Export = runner.DoRevoke, got[0]
			return s.send(c, a)
		},
	}, &a)
}

func (s *session) probeImportCommand() *cobra.Command {
	var as string
	c := &cobra.Command{
		Use: "import RESULT …", Short: "Store what a party saw",
		Long: "The signature must be that of the export, and every answer one to it. What is too old by now, or was asked by another plan, is\n" +
			"stored and counts as not observed. The same file twice changes nothing.",
		RunE: func(c *cobra.Command, files []string) error {
			if len(files) == 0 {
				return usage("RESULT is missing", "usage: "+c.UseLine())
			}
			return s.withDesk(c.Context(), func(d api.Desk, p *plan.Plan) error {
				code := ExitOK
				for _, name := range files {
					got, err := s.importOne(c, d, api.ImportRequest{Acting: api.Acting{As: as}}, name)
					if err != nil {
						return err
					}
					code = worseExit(code, got)
				}
				if code != ExitOK {
					return exit(code)
				}
				return nil
			})
		},
	}
	c.Flags().StringVar(&as, "as", "", "`SEAT` that acts, such as ibm/operator")
	return s.asJSON(c)
}

func (s *session) importOne(cmd *cobra.Command, d api.Desk, q api.ImportRequest, name string) (int, error) {
	data, err := readCapped(name)
	if err != nil {
		return 0, err
	}
	q.File = data
	r, err := d.Import(cmd.Context(), q)
	if err != nil {
		return 0, err
	}
	code := exitOf(r.Answers)
	if len(r.NotNow) > 0 || r.Unasked > 0 {
		code = worseExit(code, ExitNotKnown)
	}
	if s.json {
		return code, s.printJSON(r)
	}
	c := speak(s.plan)
	if r.Already {
		s.printf("%s\nhead %s\n", term.Line(c.T("probe.already", "file", name, "event", r.Event)), r.Head)
		return ExitOK, nil
	}
	s.printf("%s\n", term.Line(c.N("probe.answers", len(r.Answers), "file", name, "who", partyName(s.plan, r.Party))))
	if err := s.showAnswers(r.Answers, c); err != nil {
		return 0, err
	}
	for _, n := range r.NotNow {
		s.note("%s", c.T("probe.not-now", "what", unitText(c, n.Unit), "why", c.T("probe.not-now."+n.Why)))
	}
	if r.Unasked > 0 {
		s.note("%s", c.N("probe.unasked", r.Unasked))
	}
	for _, w := range r.Warnings {
		s.note("%s", w)
	}
	s.printf("%s\nhead %s\n", c.T("probe.stored", "id", r.Export, "event", r.Event), r.Head)
	return code, nil
}

// unitText is one question in the plan's language: "allow flow-1, new 203.0.113.10:443".
func unitText(c *words.Catalogue, u checks.Unit) string {
	text := u.Check
	if u.Flow != "" {
		text += " " + u.Flow
	}
	return text + ", " + place(c.T("side.short."+string(u.Side)), u.Addr)
}

// showAnswers prints single answers, in their order.
func (s *session) showAnswers(answers []checks.Result, c *words.Catalogue) error {
	t := term.NewTable("", c.T("check"), c.T("screen.col.side"), c.T("screen.col.answer"), c.T("address"), c.T("seen-from"), c.T("screen.col.why")).Fold(4)
	for _, r := range answers {
		st := verdictState(r.Verdict)
		name, text, why := r.Unit.Check, c.T("screen.verdict."+string(r.Verdict)), ""
		if r.Unit.Flow != "" {
			name += " " + r.Unit.Flow
		}
		if r.Code != checks.OK {
			text += " " + string(r.Code)
		}
		if r.Verdict != checks.Pass {
			why = c.Outcome(string(r.Code)).Cause
		}
		from := r.Unit.Vantage
		if r.LocalAddr != "" {
			from += " (" + r.LocalAddr + ")"
		}
		t.Cells(term.Cell{Text: st.Shape(), State: st}, term.Cell{Text: name}, term.Cell{Text: c.T("side.short." + string(r.Unit.Side))}, term.Cell{Text: text, State: st},
			term.Cell{Text: r.Unit.Addr}, term.Cell{Text: from}, term.Cell{Text: why})
	}
	return t.Write(s.out, s.screen)
}

// exitOf is the exit code of single answers: a failure wins over what could not be observed.
func exitOf(answers []checks.Result) int {
	code := ExitOK
	for _, r := range answers {
		switch r.Verdict {
		case checks.Fail:
			return ExitFailed
		case checks.Unverified, checks.Error:
			code = ExitNotKnown
		}
	}
	return code
}

func worseExit(a, b int) int {
	if a == ExitFailed || b == ExitFailed {
		return ExitFailed
	}
	return max(a, b)
}
