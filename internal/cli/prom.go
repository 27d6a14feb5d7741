package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"skift/checks"
	"skift/internal/api"
	"skift/internal/snapshot"
	"skift/internal/term"
)

// writeProm writes what is known of the checks for a metrics collector. The file is whole or as it was.
func (s *session) writeProm(ctx context.Context, d api.Desk, r api.CheckReply, q checking) error {
	e, err := d.Explain(ctx, q.explained())
	if err != nil {
		return err
	}
	return replaceFile(q.prom, []byte(promText(r, e)))
}

// promText is the text form that Prometheus collects.
func promText(r api.CheckReply, e api.ExplainReply) string {
	verdicts := family{name: "skift_check_verdict", help: "1 for the verdict that the last answer has now."}
	age := family{name: "skift_check_age_seconds", help: "How old the last answer is. Absent while there is none."}
	ends := family{name: "skift_cert_not_after_seconds", help: "When a presented certificate ends, in seconds since 1970."}
	pairs := family{name: "skift_pairs", help: "How many comparisons of both platforms stand so."}
	made := family{name: "skift_check_timestamp_seconds", help: "When this file was made, in seconds since 1970."}
	for _, x := range e.Explanations {
		for _, a := range x.Answers {
			of := labels{"check", x.Check, "environment", e.Environment, "service", x.Service, "side", string(a.Side), "addr", placeOf(a), "set_from", x.Vantage, "flow", x.Flow, "party", x.Party}
			verdicts.add(append(slices.Clone(of), "verdict", string(a.Verdict), "code", string(a.Code), "owner", a.Owner), 1)
			if !a.LastAt.IsZero() {
				age.add(of, e.At.Sub(a.LastAt).Seconds())
			}
			for pos, c := range snapshot.Chain(a.Facts) {
				if !c.NotAfter.IsZero() {
					ends.add(append(slices.Clone(of), "position", strconv.Itoa(pos), "subject", c.Subject), seconds(c.NotAfter))
				}
			}
		}
	}
	counts := map[checks.Word]int{}
	for _, p := range r.Pairs {
		counts[p.Verdict.Word]++
	}
	for _, w := range checks.Words() {
		pairs.add(labels{"environment", r.Environment, "word", string(w)}, float64(counts[w]))
	}
	made.add(nil, seconds(r.At))
	return verdicts.String() + age.String() + ends.String() + pairs.String() + made.String()
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// labels are names and values in turn. A value may have been written by anybody.
type labels []string

// family is one metric with its samples.
type family struct {
	name, help string
	lines      []string
}

func (f *family) add(l labels, value float64) {
	var parts []string
	for i := 0; i+1 < len(l); i += 2 {
		if l[i+1] != "" { // an empty label is none
			parts = append(parts, l[i]+`="`+promEscape.Replace(term.Line(l[i+1]))+`"`)
		}
	}
	f.lines = append(f.lines, fmt.Sprintf("%s{%s} %s\n", f.name, strings.Join(parts, ","), strconv.FormatFloat(value, 'f', -1, 64)))
}

var promEscape = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// String is the family as it stands in the file. One without samples is left out.
func (f *family) String() string {
	if len(f.lines) == 0 {
		return ""
	}
	return fmt.Sprintf("# HELP %s %s\n# TYPE %s gauge\n%s", f.name, f.help, f.name, strings.Join(f.lines, ""))
}
