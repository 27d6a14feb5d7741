package store

import (
	"os"
	"strings"
)

// hostID names this host, so that a data directory copied to another one is
// noticed before both act. It is empty where hosts have no such name.
func hostID() string {
	b, err := os.ReadFile("/etc/machine-id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
