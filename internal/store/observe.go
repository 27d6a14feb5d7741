package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"skift/checks"
	"skift/internal/register"
)

// observationColumns are the columns that [scanInterval] reads.
const observationColumns = `unit, since, until, outcome, verdict, code, want, reached, facts, evidence,
	local_addr, checker_version, config_hash, valid_until, answers, timings`

// observe merges answers into the intervals of their units.
func (s *Store) observe(tx Tx, results []checks.Result) error {
	for _, r := range results {
		if err := s.observeOne(tx, r); err != nil {
			return fmt.Errorf("store observation of %s: %w", r.Unit, err)
		}
	}
	return nil
}

func (s *Store) observeOne(tx Tx, r checks.Result) error {
	key, at := r.Unit.Key(), r.StartedAt.UTC().Truncate(time.Microsecond)
	last, err := scanInterval(tx.QueryRow("SELECT "+observationColumns+" FROM observation WHERE plan = $1 AND unit = $2 AND latest", s.plan, key))
	switch {
	case errors.Is(err, errNoRow):
		return s.insertInterval(tx, key, register.Begin(r), true)
	case err != nil:
		return err
	case at.After(last.Until) && last.Continues(r):
		return s.extendInterval(tx, key, last.Extend(r))
	case at.After(last.Until):
		if _, err := tx.Exec("UPDATE observation SET latest = $1 WHERE plan = $2 AND unit = $3 AND latest", false, s.plan, key); err != nil {
			return err
		}
		return s.insertInterval(tx, key, register.Begin(r), true)
	case !at.Before(last.Since) && last.Continues(r):
		return nil // within what is known already: an answer that arrived twice, or late
	}
	// A late answer that differs is history; it changes nothing about now.
	return s.insertInterval(tx, key, register.Begin(r), false)
}

func (s *Store) insertInterval(tx Tx, key string, i register.Interval, latest bool) error {
	facts, err := json.Marshal(i.Facts)
	if err != nil {
		return err
	}
	evidence, err := json.Marshal(i.Evidence)
	if err != nil {
		return err
	}
	timings, err := json.Marshal(i.Timings)
	if err != nil {
		return err
	}
	// One unit is asked once at one instant: a second row for it is the same
	// late answer again.
	_, err = tx.Exec(`INSERT INTO observation (plan, check_id, latest, `+observationColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
		ON CONFLICT DO NOTHING`,
		s.plan, i.Unit.Check, latest, key, micros(i.Since), micros(i.Until),
		string(i.Outcome), string(i.Verdict), string(i.Code), string(i.Want), i.Reached, string(facts), string(evidence),
		i.LocalAddr, i.CheckerVersion, i.ConfigHash, micros(i.ValidUntil), i.Count, string(timings))
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

func scanInterval(row Row) (register.Interval, error) {
	var (
		i                            register.Interval
		unit                         string
		since, until, valid          int64
		outcome, verdict, code, want string
		facts, evidence, timings     string
	)
	err := row.Scan(&unit, &since, &until, &outcome, &verdict, &code, &want, &i.Reached, &facts, &evidence,
		&i.LocalAddr, &i.CheckerVersion, &i.ConfigHash, &valid, &i.Count, &timings)
	if err != nil {
		return i, err
	}
	if i.Unit, err = checks.ParseUnit(unit); err != nil {
		return i, err
	}
	i.Outcome, i.Verdict, i.Code, i.Want = checks.Verdict(outcome), checks.Verdict(verdict), checks.Code(code), checks.Want(want)
	i.Since, i.Until, i.StartedAt, i.ValidUntil = moment(since), moment(until), moment(until), moment(valid)
	return i, errors.Join(
		json.Unmarshal([]byte(facts), &i.Facts),
		json.Unmarshal([]byte(evidence), &i.Evidence),
		json.Unmarshal([]byte(timings), &i.Timings))
}
