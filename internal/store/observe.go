package store

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"skift/checks"
	"skift/internal/register"
)

// observationColumns are the columns that [scanInterval] reads.
const observationColumns = `unit, since, until, outcome, verdict, code, want, reached, facts, evidence,
	local_addr, checker_version, config_hash, valid_until, answers, timings, brought`

// observing is one batch of answers on its way into the database.
type observing struct {
	s    *Store
	tx   Tx
	last map[string]*register.Interval // the newest intervals of units that were read beforehand
	seen lately                        // what is stored of units from now on, if the transaction succeeds
	done map[string]bool               // units that had an answer in this batch already
}

// observe merges answers into the intervals of their units, and says what is then stored of them.
func (s *Store) observe(tx Tx, results []checks.Result) (lately, error) {
	if len(results) == 0 {
		return nil, nil
	}
	facts, saids, err := written(results)
	if err != nil {
		return nil, err
	}
	var unknown []int // of which nothing is remembered, or something else
	for i, r := range results {
		if _, ok := s.lately.goesOn(r.Unit.Key(), r, saids[i]); !ok {
			unknown = append(unknown, i)
		}
	}
	o := &observing{s: s, tx: tx, seen: make(lately, len(results)), done: make(map[string]bool, len(results))}
	if o.last, err = s.lasts(tx, results, facts, unknown); err != nil {
		return nil, fmt.Errorf("read the last observations: %w", err)
	}
	for i, r := range results {
		if err := o.one(r, facts[i], saids[i]); err != nil {
			return nil, fmt.Errorf("store observation of %s: %w", r.Unit, err)
		}
	}
	return o.seen, nil
}

// one merges one answer.
func (o *observing) one(r checks.Result, facts string, said [sha256.Size]byte) error {
	key := r.Unit.Key()
	again := o.done[key]
	o.done[key] = true
	remembered := o.s.lately
	if _, ok := o.seen[key]; ok {
		remembered = o.seen
	}
	if last, ok := remembered.goesOn(key, r, said); ok {
		now := last.Extend(r)
		if went, err := o.s.goOn(o.tx, key, last, now); went || err != nil {
			o.seen.of(key, now, said)
			return err
		}
	}
	before, known := o.last[key]
	if !known || again { // what was read beforehand is no longer so
		var err error
		if before, err = o.s.last(o.tx, key, r, facts); err != nil {
			return fmt.Errorf("read the last one: %w", err)
		}
	}
	now, err := o.s.observeOne(o.tx, r, facts, before)
	if now != nil {
		o.seen.of(key, *now, said)
	}
	return err
}

// written is the facts of each result as they are stored, and the hash of what it says. It is most of the work beside the database's own,
// and is shared out.
func written(results []checks.Result) (facts []string, saids [][sha256.Size]byte, err error) {
	facts, saids = make([]string, len(results)), make([][sha256.Size]byte, len(results))
	var g errgroup.Group
	n := runtime.GOMAXPROCS(0)
	for w := range n {
		g.Go(func() error {
			for i := w; i < len(results); i += n {
				text, err := json.Marshal(results[i].Facts)
				if err != nil {
					return fmt.Errorf("store observation of %s: %w", results[i].Unit, err)
				}
				facts[i] = string(text)
				saids[i] = said(results[i], facts[i])
			}
			return nil
		})
	}
	return facts, saids, g.Wait()
}

// observeOne merges an answer into last, the newest interval of its unit; nil = there is none. It gives the newest interval from now on; nil
// when that is as it was.
func (s *Store) observeOne(tx Tx, r checks.Result, facts string, last *register.Interval) (*register.Interval, error) {
	key, at := r.Unit.Key(), r.StartedAt.UTC().Truncate(time.Microsecond)
	now := register.Begin(r)
	switch {
	case last == nil:
		return &now, s.insertInterval(tx, key, now, facts, true)
	case at.After(last.Until) && last.Continues(r):
		now = last.Extend(r)
		return &now, s.extendInterval(tx, key, now)
	case at.After(last.Until):
		if _, err := tx.Exec("UPDATE observation SET latest = $1 WHERE plan = $2 AND unit = $3 AND latest", false, s.plan, key); err != nil {
			return nil, err
		}
		return &now, s.insertInterval(tx, key, now, facts, true)
	case !at.Before(last.Since) && last.Continues(r):
		return nil, nil // within what is known already: an answer that arrived twice, or late
	}
	// A late answer that differs is history; it changes nothing about now.
	return nil, s.insertInterval(tx, key, now, facts, false)
}

func (s *Store) insertInterval(tx Tx, key string, i register.Interval, facts string, latest bool) error {
	evidence, err := json.Marshal(i.Evidence)
	if err != nil {
		return err
	}
	timings, err := json.Marshal(i.Timings)
	if err != nil {
		return err
	}
	brought, err := json.Marshal(i.Brought)
	if err != nil {
		return err
	}
	// One unit is asked once at one instant: a second row for it is the same
	// late answer again.
	_, err = tx.Exec(`INSERT INTO observation (plan, check_id, latest, `+observationColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
		ON CONFLICT DO NOTHING`,
		s.plan, i.Unit.Check, latest, key, micros(i.Since), micros(i.Until),
		string(i.Outcome), string(i.Verdict), string(i.Code), string(i.Want), i.Reached, facts, string(evidence),
		i.LocalAddr, i.CheckerVersion, i.ConfigHash, micros(i.ValidUntil), i.Count, string(timings), string(brought))
	return err
}

func (s *Store) extendInterval(tx Tx, key string, i register.Interval) error {
	timings, err := json.Marshal(i.Timings)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`UPDATE observation SET until = $1, local_addr = $2, valid_until = $3, answers = $4, timings = $5
		WHERE plan = $6 AND unit = $7 AND since = $8`,
		micros(i.Until), i.LocalAddr, micros(i.ValidUntil), i.Count, string(timings), s.plan, key, micros(i.Since))
	return err
}

// storedInterval is a row as it is stored.
type storedInterval struct {
	register.Interval // what needs no decoding

	unit, facts, evidence, timings, brought string
}

func (i *storedInterval) scan(row Row) error {
	var (
		since, until, valid          int64
		outcome, verdict, code, want string
	)
	err := row.Scan(&i.unit, &since, &until, &outcome, &verdict, &code, &want, &i.Reached, &i.facts, &i.evidence,
		&i.LocalAddr, &i.CheckerVersion, &i.ConfigHash, &valid, &i.Count, &i.timings, &i.brought)
	i.Outcome, i.Verdict, i.Code, i.Want = checks.Verdict(outcome), checks.Verdict(verdict), checks.Code(code), checks.Want(want)
	i.Since, i.Until, i.StartedAt, i.ValidUntil = moment(since), moment(until), moment(until), moment(valid)
	return err
}

func scanInterval(row Row) (register.Interval, error) {
	var i storedInterval
	err := i.scan(row)
	if err != nil {
		return i.Interval, err
	}
	if i.Unit, err = checks.ParseUnit(i.unit); err != nil {
		return i.Interval, err
	}
	return i.Interval, errors.Join(
		json.Unmarshal([]byte(i.facts), &i.Facts),
		json.Unmarshal([]byte(i.evidence), &i.Evidence),
		json.Unmarshal([]byte(i.timings), &i.Timings),
		json.Unmarshal([]byte(i.brought), &i.Brought))
}

// lastColumns are the columns that [storedInterval.last] reads: all but the evidence, which going on with an interval leaves as it is.
const lastColumns = `unit, since, until, outcome, verdict, code, want, reached, facts, '',
	local_addr, checker_version, config_hash, valid_until, answers, timings, brought`

// together is how many units of a check are worth one question for all of them.
const together = 16

// lasts reads the newest intervals of the unknown among results, many units at once: of each check that has many of them, one walk over its part of the index. A
// unit that was looked for and has none is there as nil; one that is not there was not looked for.
func (s *Store) lasts(tx Tx, results []checks.Result, facts []string, unknown []int) (map[string]*register.Interval, error) {
	of := map[string][]int{}
	for _, i := range unknown {
		check := results[i].Unit.Check
		of[check] = append(of[check], i)
	}
	last := map[string]*register.Interval{}
	for _, asked := range of {
		if len(asked) < together {
			continue
		}
		index := make(map[string]int, len(asked))
		for _, i := range asked {
			key := results[i].Unit.Key()
			last[key] = nil
			if _, twice := index[key]; !twice {
				index[key] = i
			}
		}
		keys := slices.Collect(maps.Keys(index))
		err := tx.Query(func(row Row) error {
			var stored storedInterval
			if err := stored.scan(row); err != nil {
				return err
			}
			i, wanted := index[stored.unit]
			if !wanted {
				return nil
			}
			known, err := stored.last(results[i], facts[i])
			last[stored.unit] = &known
			return err
		}, "SELECT "+lastColumns+" FROM observation WHERE plan = $1 AND unit >= $2 AND unit <= $3 AND latest", s.plan, slices.Min(keys), slices.Max(keys))
		if err != nil {
			return nil, err
		}
	}
	return last, nil
}

// last reads the newest interval of the unit of r; nil when there is none.
func (s *Store) last(tx Tx, key string, r checks.Result, facts string) (*register.Interval, error) {
	var stored storedInterval
	err := stored.scan(tx.QueryRow("SELECT "+lastColumns+" FROM observation WHERE plan = $1 AND unit = $2 AND latest", s.plan, key))
	if errors.Is(err, errNoRow) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	known, err := stored.last(r, facts)
	return &known, err
}

// last decodes the newest interval of the unit of r as far as going on with it takes. Nearly every answer says what the last one said: facts
// that are written alike are not decoded.
func (i *storedInterval) last(r checks.Result, facts string) (register.Interval, error) {
	i.Unit = r.Unit
	if i.facts == facts {
		i.Facts = r.Facts
	} else if err := json.Unmarshal([]byte(i.facts), &i.Facts); err != nil {
		return i.Interval, err
	}
	return i.Interval, errors.Join(
		json.Unmarshal([]byte(i.timings), &i.Timings),
		json.Unmarshal([]byte(i.brought), &i.Brought))
}
