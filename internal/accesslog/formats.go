package accesslog

import (
	"encoding/csv"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (o Options) parser() (func([]byte) (entry, error), error) {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	switch o.Format {
	case AuthLog:
		return o.authLog, nil
	case Nginx:
		return nginx, nil
	case HAProxy:
		return o.haproxy, nil
	case CSV:
		t := &table{options: o}
		return t.row, nil
	}
	return nil, fmt.Errorf("%.40q is no format", string(o.Format))
}

// address reads a source. What is no single address of a host is none.
func address(text string) (netip.Addr, error) {
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" || a.IsUnspecified() {
		return a, errors.New("has no source address")
	}
	return a.Unmap(), nil
}

var (
	syslogOld = regexp.MustCompile(`^([A-Z][a-z]{2}) +(\d{1,2}) (\d\d:\d\d:\d\d) \S+ (.*)$`)
	syslogNew = regexp.MustCompile(`^(\d{4}-\d\d-\d\dT\S+) \S+ (.*)$`)
	program   = regexp.MustCompile(`^([A-Za-z0-9_./-]+)(?:\[\d+\])?: (.*)$`)
)

// syslog takes the head off a line: when, which program, and what it says.
func (o Options) syslog(line string) (at time.Time, name, text string, err error) {
	rest := ""
	if m := syslogNew.FindStringSubmatch(line); m != nil {
		at, err = o.instant(m[1])
		rest = m[2]
	} else if m := syslogOld.FindStringSubmatch(line); m != nil {
		at, err = o.yearless(m[1] + " " + m[2] + " " + m[3])
		rest = m[4]
	} else {
		err = errors.New("does not begin as syslog writes")
	}
	if err != nil {
		return at, "", "", err
	}
	m := program.FindStringSubmatch(rest)
	if m == nil {
		return at, "", "", errOther
	}
	return at, m[1], m[2], nil
}

// instant reads a time with its zone, or in the log's.
func (o Options) instant(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999-0700"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	for _, layout := range []string{"2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02 15:04"} {
		if t, err := time.ParseInLocation(layout, text, o.Zone); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, errors.New("has no time that can be read")
}

// yearless reads a time that says no year: it is the one given, else the latest that lies not in the future. What is ahead of us by no
// more than time zones differ is read in the wrong one: it is not a year old.
func (o Options) yearless(text string) (time.Time, error) {
	year := o.Year
	if year == 0 {
		year = o.Now.In(o.Zone).Year() + 1 // on New Year's Eve it is next year already somewhere
	}
	for {
		t, err := time.ParseInLocation("2006 Jan 2 15:04:05", strconv.Itoa(year)+" "+text, o.Zone)
		if err != nil {
			if strings.HasPrefix(text, "Feb 29") && o.Year == 0 && year > o.Now.Year()-8 {
				year--
				continue
			}
			return t, errors.New("has no time that can be read")
		}
		if o.Year == 0 && t.After(o.Now.Add(maxZones)) {
			year--
			continue
		}
		return t.UTC(), nil
	}
}

// maxZones is how far apart the clocks of two time zones are.
const maxZones = 26 * time.Hour

// What sshd says about a source. A failed login tells that the address was let in and the person was not. "drop connection" is sshd's
// own load or penalty, for any address that comes too often; "refused connect" is a list that the address is not on.
var (
	sshRepeated = regexp.MustCompile(`^message repeated (\d{1,9}) times: \[ ?(.*)\]$`)
	sshAccepted = regexp.MustCompile(`^Accepted \S+ for .{0,256} from (\S+) port \d+`)
	sshFailed   = regexp.MustCompile(`^(?:Failed \S+ for |Invalid user ).{0,256} from (\S+)(?: port \d+)?`)
	sshRefused  = regexp.MustCompile(`^refused connect from (?:\S+ \()?([0-9A-Fa-f:.]+)`)
	sshDropped  = regexp.MustCompile(`^drop connection #\d+ from \[?([0-9A-Fa-f:.]+?)\]?:\d+ `)
	sshSeen     = regexp.MustCompile(`^(?:(?:fatal|error|banner exchange|ssh_dispatch_run_fatal): )?(?:` +
		`(?:Connection (?:closed|reset) by|Received disconnect from|Disconnected from|Connection from)(?: (?:authenticating|invalid) user .{0,256})?|` +
		`Unable to negotiate with|Did not receive identification string from|Bad protocol version identification .{0,512} from|` +
		`Timeout before authentication for(?: connection from)?|[Mm]aximum authentication attempts exceeded for .{0,256} from` +
		`) ([0-9A-Fa-f]*[.:][0-9A-Fa-f:.]*[0-9A-Fa-f])(?:[ :,]|$)`)
)

func (o Options) authLog(line []byte) (entry, error) {
	at, name, text, err := o.syslog(string(line))
	if err != nil {
		return entry{}, err
	}
	if name = name[strings.LastIndexByte(name, '/')+1:]; name != "sshd" && name != "sshd-session" && name != "sshd-auth" {
		return entry{}, errOther
	}
	e := entry{at: at, count: 1}
	if m := sshRepeated.FindStringSubmatch(text); m != nil { // syslog writes what it has written already only once
		text = m[2]
		if e.count, err = strconv.ParseInt(m[1], 10, 64); err != nil || e.count < 1 {
			return e, errOther
		}
	}
	for _, p := range []struct {
		pattern *regexp.Regexp
		denied  Denied
		seen    bool
	}{{sshAccepted, "", false}, {sshFailed, ByLogin, false}, {sshRefused, ByClose, false}, {sshDropped, ByLoad, false}, {sshSeen, "", true}} {
		if m := p.pattern.FindStringSubmatch(text); m != nil {
			e.denied, e.seen = p.denied, p.seen
			e.source, err = address(m[1])
			return e, err
		}
	}
	return e, errOther
}

var combined = regexp.MustCompile(`^(\S+) \S+ .{0,512}?\[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "(?:[^"\\]|\\.)*" (\d{3}) `)

// nginx reads the format "combined" and what was appended to it.
func nginx(line []byte) (entry, error) {
	m := combined.FindStringSubmatch(string(line) + " ")
	if m == nil {
		return entry{}, errors.New("is not in the format combined")
	}
	at, err := time.Parse("02/Jan/2006:15:04:05 -0700", m[2])
	if err != nil {
		return entry{}, errors.New("has no time that can be read")
	}
	e := entry{at: at.UTC(), count: 1}
	switch m[3] {
	case "403":
		e.denied = ByStatus
	case "444": // closed by a rule, without an answer
		e.denied = ByClose
	case "000", "408", "499": // no answer was given: nothing was asked in time, or nobody waited
		e.seen = true
	}
	e.source, err = address(m[1])
	return e, err
}

// A line of HAProxy begins with the source, after the head that syslog writes, the old one or that of RFC 5424.
const proxiedFrom = `(?:^|: |^<\d{1,3}>1 (?:\S+ ){5}(?:-|\[.*?\]) )\[?([0-9A-Fa-f:.]+?)\]?:\d+ \[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d)(?:\.\d+)?\] `

var (
	proxied   = regexp.MustCompile(proxiedFrom + `\S+ \S+/\S+ ([0-9/+-]+) ([0-9+-]+) (\S+) (.*)$`)
	unproxied = regexp.MustCompile(proxiedFrom + `[^ /]+/[^ /]+: .+$`)
)

// haproxy reads the formats httplog and tcplog, and of who failed before there was a request, with the head of syslog or without.
func (o Options) haproxy(line []byte) (entry, error) {
	m := proxied.FindStringSubmatch(string(line))
	early := m == nil
	if early {
		m = unproxied.FindStringSubmatch(string(line))
	}
	if m == nil {
		if _, name, _, err := o.syslog(string(line)); err == nil || errors.Is(err, errOther) {
			if name != "haproxy" || !strings.Contains(string(line), " [") {
				return entry{}, errOther
			}
		}
		return entry{}, errors.New("is neither in the format httplog nor tcplog")
	}
	at, err := time.ParseInLocation("02/Jan/2006:15:04:05", m[2], o.Zone)
	if err != nil {
		return entry{}, errors.New("has no time that can be read")
	}
	e := entry{at: at.UTC(), count: 1}
	switch {
	case early:
		e.seen = true
	case strings.Count(m[3], "/") >= 4: // httplog: a status, and how it ended three fields later
		answered := len(m[4]) == 3 && m[4][0] >= '1' && m[4][0] <= '5'
		ended := strings.Fields(m[6])
		switch {
		case m[4] == "403":
			e.denied = ByStatus
		case !answered && len(ended) > 2 && strings.HasPrefix(ended[2], "PR"): // closed by a rule, without an answer
			e.denied = ByClose
		case !answered: // -1
			e.seen = true
		}
	default:
		e.denied, e.seen = proxyEnded(m[5])
	}
	e.source, err = address(m[1])
	return e, err
}

// proxyEnded reads how a connection through the proxy ended: "PR" was refused by a rule, "SC" had no server behind it.
func proxyEnded(state string) (denied Denied, seen bool) {
	switch {
	case strings.HasPrefix(state, "PR"):
		return ByClose, false
	case len(state) >= 2 && state[1] == 'C' && state[0] != '-', len(state) < 2:
		return "", true
	}
	return "", false
}

// table reads source,at,outcome[,service,count]; the first row names the columns.
type table struct {
	options Options
	columns []string
	comma   rune
}

// Outcomes of a table.
var (
	letIn      = []string{"allow", "allowed", "accept", "accepted", "pass", "ok"}
	turnedAway = []string{"deny", "denied", "drop", "dropped", "reject", "rejected", "refused", "block", "blocked", "fail", "failed"}
)

func (t *table) row(line []byte) (entry, error) {
	if t.columns == nil {
		t.comma = ','
		if text := string(line); strings.Contains(text, ";") && !strings.Contains(text, ",") { // spreadsheets write so where the comma is for decimals
			t.comma = ';'
		}
	}
	r := csv.NewReader(strings.NewReader(string(line)))
	r.Comma, r.TrimLeadingSpace = t.comma, true
	cells, err := r.Read()
	if err != nil {
		return entry{}, errors.New("is no row of a table")
	}
	if t.columns == nil {
		for i, c := range cells {
			cells[i] = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(c, "\ufeff")))
		}
		for _, need := range []string{"source", "at", "outcome"} {
			if !slices.Contains(cells, need) {
				t.columns = []string{}
				return entry{}, errors.New("names no column " + need + "; the first row must name source, at and outcome")
			}
		}
		t.columns = cells
		return entry{}, errOther
	}
	if len(cells) != len(t.columns) || len(cells) == 0 {
		return entry{}, fmt.Errorf("has %d cells, the first row has %d", len(cells), len(t.columns))
	}
	row := map[string]string{}
	for i, c := range t.columns {
		row[c] = strings.TrimSpace(cells[i])
	}
	return t.entry(row)
}

func (t *table) entry(row map[string]string) (entry, error) {
	if s := row["service"]; s != "" && t.options.Service != "" && s != t.options.Service {
		return entry{}, errOther
	}
	e := entry{count: 1}
	var err error
	if e.source, err = address(row["source"]); err != nil {
		return e, err
	}
	if e.at, err = t.options.instant(row["at"]); err != nil {
		return e, err
	}
	switch outcome := strings.ToLower(row["outcome"]); {
	case slices.Contains(letIn, outcome):
	case slices.Contains(turnedAway, outcome):
		e.denied = ByWall
	default:
		return e, errors.New("has an outcome that is neither allow nor deny")
	}
	if c := row["count"]; c != "" {
		if e.count, err = strconv.ParseInt(c, 10, 64); err != nil || e.count < 1 || e.count > 1_000_000_000 {
			return e, errors.New("has a count that is no number of connections")
		}
	}
	return e, nil
}
