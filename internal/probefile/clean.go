package probefile

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"skift/checks"
	"skift/internal/secret"
)

// How much of an answer is kept.
const (
	maxText    = 512
	maxFacts   = 200
	maxTimings = 12
	maxTiming  = 24 * time.Hour
)

var (
	name    = regexp.MustCompile(`^[a-z0-9][a-z0-9_.:/ -]{0,79}$`)
	version = regexp.MustCompile(`^[a-z0-9_]{1,40}/[0-9]{1,6}$`)
)

// clean makes an answer that a stranger wrote safe to keep: only codes there are, no better an outcome than the code gives, and texts
// without control characters or civil registration numbers.
func clean(r *checks.Result) error {
	known := slices.ContainsFunc(checks.Codes(), func(i checks.CodeInfo) bool { return i.Code == r.Code })
	switch {
	case !known:
		return fmt.Errorf("it gives a code that there is none of: %.60q", r.Code)
	case !claims(r.Code, r.Outcome):
		return fmt.Errorf("it calls %s a %.20q", r.Code, r.Outcome)
	case len(r.Facts) > maxFacts || len(r.Timings) > maxTimings:
		return fmt.Errorf("it tells too much about %.120q", r.Unit.String())
	}
	facts := make(map[string]string, len(r.Facts))
	for _, k := range slices.Sorted(maps.Keys(r.Facts)) {
		if name.MatchString(k) {
			facts[k] = text(r.Facts[k])
		}
	}
	r.Facts = facts
	maps.DeleteFunc(r.Timings, func(phase string, d time.Duration) bool { return !name.MatchString(phase) || d < 0 || d > maxTiming })
	r.Reached, r.LocalAddr = text(r.Reached), text(r.LocalAddr)
	r.Evidence = checks.Evidence{FirstBytes: text(r.Evidence.FirstBytes), Alert: text(r.Evidence.Alert), Errno: text(r.Evidence.Errno),
		Err: text(r.Evidence.Err), Banner: text(r.Evidence.Banner)}
	if !version.MatchString(r.CheckerVersion) {
		r.CheckerVersion = "unknown/0"
	}
	r.Brought = checks.Brought{}
	return nil
}

// claims reports whether an outcome is one that the code gives: its own, milder as a warning, or worse.
func claims(code checks.Code, outcome checks.Verdict) bool {
	own := slices.Index(checks.Verdicts(), code.Info().Verdict)
	got := slices.Index(checks.Verdicts(), outcome)
	return got >= own || outcome == checks.Warn && code.Info().Verdict == checks.Fail
}

// text is a stranger's text made printable and short.
func text(s string) string {
	var out strings.Builder
	for _, r := range secret.MaskCivil(s) {
		q := string(r)
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			q = strings.Trim(strconv.QuoteRuneToASCII(r), "'")
		}
		if out.Len()+len(q) > maxText {
			break
		}
		out.WriteString(q)
	}
	return out.String()
}
