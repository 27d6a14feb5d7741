package term

import (
	"os"

	"golang.org/x/term"
)

// ClearScreen puts the cursor in the upper left corner of an empty screen. Only an interactive terminal is sent it.
const ClearScreen = "\x1b[H\x1b[2J"

// Interactive reports whether f is a terminal that may be drawn on: bars that move, pages that are shown again. env is os.Getenv.
func Interactive(f *os.File, env func(string) string) bool {
	return term.IsTerminal(int(f.Fd())) && env("TERM") != "dumb"
}

// Rows is how many lines a terminal shows; 0 = f is none, or it does not say.
func Rows(f *os.File) int {
	_, rows, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return rows
}
