package app

import (
	"log/slog"

	"skift/internal/secret"
)

// Logger is the log of the loops.
func (a *App) Logger() *slog.Logger { return a.log }

// NewBugLog is a log that hands bugs on.
func NewBugLog(to *slog.Logger, masker *secret.Masker) (log *slog.Logger, met <-chan string) {
	h := newBugLog(to, masker)
	return slog.New(h), h.met
}
