package store

import (
	"crypto/sha256"
	"encoding/json"
	"strings"
	"time"

	"skift/checks"
	"skift/internal/register"
)

// lately is what units answered last, by their keys, as far as this process has stored it. Nearly every answer says the same again: then
// nothing has to be read to go on with the interval. It may be behind the database and is never believed: the statement that goes on from
// it asks whether the row is still so.
type lately map[string]latest

// latest is the newest interval of a unit, as far as going on with it takes.
type latest struct {
	interval register.Interval // since when, until when, until when it holds, how often and how long; nothing else
	said     [sha256.Size]byte
}

// keptUnits bounds how many units are remembered. A plan has ten thousand at most; names and addresses change with its revisions.
const keptUnits = 50_000

// remember keeps what a commit stored, now that it is durable.
func (s *Store) remember(seen lately) {
	if len(s.lately)+len(seen) > keptUnits {
		s.lately = nil
	}
	if s.lately == nil {
		s.lately = make(lately, len(seen))
	}
	for key, l := range seen {
		s.lately[key] = l
	}
}

// said is the hash of all in which two answers of a unit can differ, but for what [register.Interval.Continues] leaves out. facts is how
// they are written.
func said(r checks.Result, facts string) [sha256.Size]byte {
	var text strings.Builder
	for _, part := range []string{string(r.Outcome), string(r.Verdict), string(r.Code), string(r.Want), r.Reached, r.CheckerVersion, r.ConfigHash,
		string(r.Brought.By), r.Brought.From, r.Brought.Party} {
		text.WriteString(part)
		text.WriteByte(0)
	}
	text.WriteString(facts)
	return sha256.Sum256([]byte(text.String()))
}

// of keeps what is stored of a unit from now on.
func (l lately) of(key string, i register.Interval, said [sha256.Size]byte) {
	l[key] = latest{register.Interval{Result: checks.Result{ValidUntil: i.ValidUntil}, Since: i.Since, Until: i.Until, Count: i.Count, Timings: i.Timings}, said}
}

// goesOn finds the interval that an answer goes on with as far as is remembered.
func (l lately) goesOn(key string, r checks.Result, said [sha256.Size]byte) (last register.Interval, ok bool) {
	known, ok := l[key]
	return known.interval, ok && known.said == said && !known.interval.Lapsed(r.StartedAt) && r.StartedAt.UTC().Truncate(time.Microsecond).After(known.interval.Until)
}

// goOn moves on the end of a remembered interval. It reports whether the row was still so; else nothing was changed.
func (s *Store) goOn(tx Tx, key string, last, now register.Interval) (bool, error) {
	timings, err := json.Marshal(now.Timings)
	if err != nil {
		return false, err
	}
	n, err := tx.Exec(`UPDATE observation SET until = $1, local_addr = $2, valid_until = $3, answers = $4, timings = $5
		WHERE plan = $6 AND unit = $7 AND since = $8 AND until = $9 AND answers = $10 AND latest`,
		micros(now.Until), now.LocalAddr, micros(now.ValidUntil), now.Count, string(timings), s.plan, key, micros(last.Since), micros(last.Until), last.Count)
	return n == 1, err
}
