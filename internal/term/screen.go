package term

import (
	"os"
	"strconv"

	"golang.org/x/term"
)

// Screen says what an output can show. The zero Screen is a plain file: no
// colour, no width limit.
type Screen struct {
	Colour bool
	Width  int // columns; 0 means lines are never broken
}

// Detect looks at where f goes. Colour needs a terminal that is not "dumb" and
// is off when NO_COLOR is set to anything; the width is the terminal's, or
// that of COLUMNS when f is no terminal.
func Detect(f *os.File) Screen { return detect(f, os.Getenv) }

func detect(f *os.File, env func(string) string) Screen {
	var s Screen
	if v, err := strconv.Atoi(env("COLUMNS")); err == nil && v > 0 {
		s.Width = v
	}
	fd := int(f.Fd())
	if !term.IsTerminal(fd) {
		return s
	}
	if w, _, err := term.GetSize(fd); err == nil && w > 0 {
		s.Width = w
	}
	s.Colour = env("NO_COLOR") == "" && env("TERM") != "dumb"
	return s
}

// State is one of the states that every screen, mail and report shows in the
// same shape, word and colour. The zero State is none: plain text.
type State uint8

// The states. None of them is told by colour alone.
const (
	Plain   State = iota
	OK            // ● as it should be
	Risk          // ▲ works, but somebody should look
	Fail          // ■ does not work
	Running       // ▶ under way
	Unknown       // ? not looked at, or too long ago
	Gate          // ◆ waits for a decision
)

var looks = [...]struct{ shape, da, en, colour string }{
	Plain:   {},
	OK:      {"●", "OK", "OK", "\x1b[32m"},
	Risk:    {"▲", "risiko", "at risk", "\x1b[33m"},
	Fail:    {"■", "fejl", "failed", "\x1b[31m"},
	Running: {"▶", "i gang", "running", "\x1b[36m"},
	Unknown: {"?", "ukendt", "unknown", "\x1b[90m"},
	Gate:    {"◆", "beslutning", "gate", "\x1b[35m"},
}

// Shape is the state's sign, one column wide; "" for Plain.
func (s State) Shape() string { return looks[s].shape }

// Word is the state's name in lang, "da" or else English; "" for Plain.
func (s State) Word(lang string) string {
	if lang == "da" {
		return looks[s].da
	}
	return looks[s].en
}

// Paint colours text as the state, if the screen has colour.
func (s Screen) Paint(state State, text string) string {
	return s.wrap(looks[state].colour, text)
}

// Badge is the state's shape and word: "● OK".
func (s Screen) Badge(state State, lang string) string {
	if state == Plain {
		return ""
	}
	return s.Paint(state, state.Shape()+" "+state.Word(lang))
}

// Bold makes text stand out, if the screen can.
func (s Screen) Bold(text string) string { return s.wrap("\x1b[1m", text) }

// Dim puts text in the background, if the screen can.
func (s Screen) Dim(text string) string { return s.wrap("\x1b[2m", text) }

func (s Screen) wrap(code, text string) string {
	if !s.Colour || code == "" || text == "" {
		return text
	}
	return code + text + "\x1b[0m"
}
