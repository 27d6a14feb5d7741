package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"skift/checks"
	"skift/internal/accesslog"
	"skift/internal/api"
	"skift/internal/plan"
	"skift/internal/term"
)

func (s *session) observeCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "observe import FILE", Short: "Read in a platform's own log who was let in",
		RunE: func(c *cobra.Command, a []string) error {
			if len(a) > 0 {
				return unknownCommand(c, a[0])
			}
			return usage("say what is to be done", "skift observe import FILE --format … --side … --service …")
		},
	}
	c.AddCommand(s.observeImportCommand())
	return c
}

// logFlags say how a log is to be read.
type logFlags struct{ format, side, zone string }

func (s *session) observeImportCommand() *cobra.Command {
	var q api.ObserveRequest
	var f logFlags
	o := accesslog.Options{}
	c := &cobra.Command{
		Use: "import FILE --format FORMAT --side old|new --service SERVICE", Short: "Store what a log says about the sources of a service's flows",
		DisableFlagsInUseLine: true,
		Long: "The old platform's log says who must be let in, the new one's who got in. FORMAT is csv (source,at,outcome[,service,count]), auth.log\n" +
			"(OpenSSH), nginx (combined) or haproxy (httplog, tcplog); FILE may be compressed with gzip. Per source address the times and counts\n" +
			"are kept, never a line. A source that no flow knows is a gap in the register of flows; a flow that the log lacks did not come.",
		Args: args("FILE"),
		RunE: func(c *cobra.Command, a []string) error {
			o.Format, q.Side, o.Service = accesslog.Format(f.format), checks.Side(f.side), q.Service
			return s.withDesk(c.Context(), func(d api.Desk, p *plan.Plan) (err error) {
				if o.Zone = p.Zone; f.zone != "" {
					if o.Zone, err = time.LoadLocation(f.zone); err != nil {
						return usage(fmt.Sprintf("there is no time zone %q", f.zone), "such as Europe/Copenhagen")
					}
				}
				if q.Summary, err = s.readLog(a[0], o); err != nil {
					return err
				}
				r, err := d.Observe(c.Context(), q)
				if err != nil {
					return err
				}
				return s.showObserved(r, p, a[0])
			})
		},
	}
	c.Flags().SortFlags = false
	c.Flags().StringVar(&f.format, "format", "", "`FORMAT` is csv, auth.log, nginx or haproxy")
	c.Flags().StringVar(&f.side, "side", "", "`SIDE` whose log it is, old or new")
	c.Flags().StringVar(&q.Service, "service", "", "`SERVICE` of the plan that wrote it")
	c.Flags().StringVar(&q.Addr, "addr", "", "`ADDR:PORT` of the service, where the side has several")
	c.Flags().StringVar(&q.Environment, "environment", "", "`ENV`, an environment of the plan (default: the production one)")
	c.Flags().IntVar(&o.Year, "year", 0, "`YEAR` of a log whose lines have none (default: the latest that lies not in the future)")
	c.Flags().StringVar(&f.zone, "timezone", "", "`ZONE` of a log whose lines have none (default: the plan's)")
	c.Flags().StringVar(&q.As, "as", "", "`SEAT` that acts, such as ibm/operator")
	return s.asJSON(c)
}

// readLog reads a log here, as a stream: only sums are handed in.
func (s *session) readLog(name string, o accesslog.Options) (accesslog.Summary, error) {
	f, err := os.Open(name)
	if err != nil {
		return accesslog.Summary{}, fmt.Errorf("read %s: %w", name, errors.Unwrap(err))
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && !st.Mode().IsRegular() {
		return accesslog.Summary{}, usage(name+" is not a file", "name a log")
	}
	o.Now = time.Now()
	sum, err := accesslog.Read(f, o)
	if err != nil {
		return sum, usage(name+" is not imported: "+err.Error(), "--format is csv, auth.log, nginx or haproxy")
	}
	if sum.Rejected > 0 {
		s.note("%s of %d in %s are not in the format %s:", numbered(int(sum.Rejected), "line"), sum.Lines, filepath.Base(name), o.Format)
		for _, b := range sum.Bad {
			s.note("  %s:%d: the line %s", filepath.Base(name), b.Line, b.Why)
		}
	}
	if len(sum.Sources) == 0 {
		return sum, usage(fmt.Sprintf("%s is not imported: none of its %s says that anybody came", name, numbered(int(sum.Lines), "line")), "is it "+string(o.Format)+"?")
	}
	return sum, nil
}

func (s *session) showObserved(r api.ObserveReply, p *plan.Plan, name string) error {
	if s.json {
		return s.printJSON(r)
	}
	c := speak(p)
	t := term.NewTable("", c.T("observe.col.source"), c.T("observe.col.flows"), c.T("observe.col.let-in"), c.T("observe.col.turned-away"), c.T("observe.col.first"), c.T("observe.col.last"), "").Fold(5)
	gaps := 0
	for _, src := range r.Sources {
		st, flows, word := verdictState(src.Code.Info().Verdict), strings.Join(src.Flows, ", "), string(src.Code)
		if len(src.Flows) == 0 {
			gaps++
			st, flows = term.Risk, c.T("observe.unknown")
		}
		t.Cells(term.Cell{Text: st.Shape(), State: st}, term.Cell{Text: src.Addr.String()}, term.Cell{Text: flows},
			term.Cell{Text: strconv.FormatInt(src.Allowed, 10)}, term.Cell{Text: strconv.FormatInt(src.Denied, 10)},
			term.Cell{Text: localTime(p, src.FirstAt)}, term.Cell{Text: localTime(p, src.LastAt)}, term.Cell{Text: word})
	}
	if err := t.Write(s.out, s.screen); err != nil {
		return err
	}
	if gaps > 0 {
		s.wrapped(c.N("observe.gaps."+string(r.Side), gaps, "service", r.Service))
	}
	if len(r.Unseen) > 0 {
		s.wrapped(c.T("observe.unseen", "flows", strings.Join(r.Unseen, ", ")))
	}
	switch {
	case r.Already:
		s.wrapped(c.T("probe.already", "file", filepath.Base(name), "event", r.Event))
	default:
		s.wrapped(c.T("observe.stored", "file", filepath.Base(name), "lines", c.Number(r.Lines), "what", c.N("count.observations", r.Stored), "where", place(c.T("side.short."+string(r.Side)), r.Addr), "event", r.Event))
	}
	s.printf("head %s\n", r.Head)
	return nil
}
