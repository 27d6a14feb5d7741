package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The head says where the journal was last owned: HOST#FILE, or that this copy of it must not be owned, and why.
const (
	restoredMark = "restored:"
	givenUpMark  = "given up:"
)

// here is where this process owns the file.
func here(file os.FileInfo) string { return hostID() + "#" + fileID(file) }

// stranger says why a journal that was last owned before is not simply gone on with here; "" = it is ours. Where hosts or files
// have no names, copies are not noticed.
func stranger(before, here string) string {
	const never = "if that one will never act again, this one can take over"
	if text, ok := strings.CutPrefix(before, givenUpMark); ok {
		return "it was given up for a copy, which goes on instead: " + text
	}
	if strings.HasPrefix(before, restoredMark) {
		return "it was restored from a backup, and the one that was backed up may still act; " + never
	}
	host, file, _ := strings.Cut(before, "#")
	hereHost, hereFile, _ := strings.Cut(here, "#")
	switch {
	case host != "" && hereHost != "" && host != hereHost:
		return "it was last owned on another host; " + never
	case host == hereHost && file != "" && hereFile != "" && file != hereFile:
		return "it is a copy of the file that was last owned on this host; " + never
	}
	return ""
}

// Origin is where a backup was made.
type Origin struct {
	Dir   string `json:"dir"`   // the data directory, absolute
	Place string `json:"place"` // which file on which host
}

// Stands says how a journal that is open for reading stands to this host.
type Stands struct {
	Origin  Origin // of a restored one, where it was backed up
	Here    Origin // where it is now
	Foreign string // why it cannot simply be owned; "" = it can
}

// Stands reads how the journal stands to this host.
func (s *Store) Stands(ctx context.Context) (Stands, error) {
	file, err := os.Stat(s.path)
	if err != nil {
		return Stands{}, fmt.Errorf("look at journal: %w", err)
	}
	var before string
	err = s.db.Read(ctx, func(tx Tx) error {
		return tx.QueryRow("SELECT host FROM head WHERE plan = $1", s.plan).Scan(&before)
	})
	if err != nil {
		return Stands{}, fmt.Errorf("read head: %w", err)
	}
	st := Stands{Here: Origin{filepath.Dir(s.path), here(file)}, Foreign: stranger(before, here(file))}
	if text, ok := strings.CutPrefix(before, restoredMark); ok {
		if err := json.Unmarshal([]byte(text), &st.Origin); err != nil {
			return st, fmt.Errorf("read where the backup was made: %w", err)
		}
	}
	return st, nil
}

// MarkRestored makes a journal that nobody owns one that was restored: nobody owns it before somebody takes it over.
func MarkRestored(ctx context.Context, dir, plan string, from Origin) error {
	text, err := json.Marshal(from)
	if err != nil {
		return fmt.Errorf("mark as restored: %w", err)
	}
	return mark(ctx, Options{Dir: dir, Plan: plan, Moved: true}, restoredMark+string(text))
}

// GiveUp makes a journal that was last owned here one that is not owned again, because a copy goes on instead. It returns a
// [HeldError] while somebody owns it.
func GiveUp(ctx context.Context, dir, plan, why string) error {
	return mark(ctx, Options{Dir: dir, Plan: plan}, givenUpMark+why)
}

func mark(ctx context.Context, o Options, text string) error {
	s, err := Open(ctx, o)
	if err != nil {
		return err
	}
	err = s.db.Write(ctx, func(tx Tx) error {
		_, err := tx.Exec("UPDATE head SET host = $1 WHERE plan = $2", text, s.plan)
		return err
	})
	return errors.Join(err, s.Close())
}

// SameFile reports whether the journal in dir is the very file that was backed up.
func (o Origin) SameFile() bool {
	f, err := os.Stat(filepath.Join(o.Dir, FileName))
	return err == nil && o.Place != "" && here(f) == o.Place
}
