package app

import (
	"os"
	"strconv"
	"strings"
)

// crashVariable makes a process kill itself around its nth write, "before:7" or "after:7", or panic in it, "panic:7": what the crash tests set.
const crashVariable = "SKIFT_CRASH_AT_WRITE"

// crashPoints are the hooks the variable asks for; nil without it.
func crashPoints() (before, after func(n int64)) {
	where, number, ok := strings.Cut(os.Getenv(crashVariable), ":")
	at, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil {
		return nil, nil
	}
	die := func(n int64) {
		if n == at {
			if self, err := os.FindProcess(os.Getpid()); err == nil {
				_ = self.Kill()
			}
			select {} // the signal is on its way; nothing more happens here
		}
	}
	switch where {
	case "before":
		return die, nil
	case "panic":
		return func(n int64) {
			if n == at {
				panic("asked for by " + crashVariable)
			}
		}, nil
	}
	return nil, die
}
