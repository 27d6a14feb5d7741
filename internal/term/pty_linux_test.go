package term

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// A real terminal gets colour and its own width, unless its user said no.
func TestDetectOnATerminal(t *testing.T) {
	t.Parallel()
	pty, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo terminals here: ", err)
	}
	defer pty.Close()
	if err := unix.IoctlSetWinsize(int(pty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 97}); err != nil {
		t.Skip("no window size here: ", err)
	}
	for _, tt := range []struct {
		name, value string
		want        Screen
	}{
		{"TERM", "xterm", Screen{Colour: true, Width: 97}},
		{"TERM", "dumb", Screen{Width: 97}},
		{"NO_COLOR", "1", Screen{Width: 97}},
		{"NO_COLOR", "", Screen{Colour: true, Width: 97}},
		{"COLUMNS", "20", Screen{Colour: true, Width: 97}},
	} {
		got := detect(pty, func(name string) string {
			if name == tt.name {
				return tt.value
			}
			return ""
		})
		if got != tt.want {
			t.Errorf("%s=%q: %+v, want %+v", tt.name, tt.value, got, tt.want)
		}
	}
}
