package api

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// SocketPath is where the owner of a data directory listens: in the user's runtime directory, or a folder of the user's own
// in the temporary one, under a hash of the directory's real path. A socket's path has at most 107 bytes, a data directory's may have more.
func SocketPath(dataDir string) (string, error) {
	real, err := filepath.Abs(dataDir)
	if err != nil {
		return "", fmt.Errorf("find data directory: %w", err)
	}
	if r, err := filepath.EvalSymlinks(real); err == nil {
		real = r
	}
	sum := sha256.Sum256([]byte(real))
	name := "skift-" + hex.EncodeToString(sum[:8]) + ".sock"
	if run := os.Getenv("XDG_RUNTIME_DIR"); run != "" {
		if st, err := os.Stat(run); err == nil && st.IsDir() && len(run)+len(name)+len(askingEnds) < 104 {
			return filepath.Join(run, name), nil
		}
	}
	dir := filepath.Join(os.TempDir(), "skift-"+strconv.Itoa(os.Getuid()))
	if len(dir)+1+len(name)+len(askingEnds) > 107 { // a temporary folder deep below something
		dir = filepath.Join("/tmp", "skift-"+strconv.Itoa(os.Getuid()))
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !os.IsExist(err) {
		return "", fmt.Errorf("make folder for the socket: %w", err)
	}
	st, err := os.Lstat(dir)
	if err != nil {
		return "", fmt.Errorf("look at folder for the socket: %w", err)
	}
	if !st.IsDir() || !oursAlone(st) {
		return "", fmt.Errorf("%s is not a folder of ours alone: remove it, or set XDG_RUNTIME_DIR", dir)
	}
	return filepath.Join(dir, name), nil
}

// askingEnds is what the second socket's name has more.
const askingEnds = "-ask"

// AskingPath is where a process answers that has the data directory only to ask, beside [SocketPath], where one answers that drives runs:
// whoever finds the first open may hand in anything, and here a pause alone.
func AskingPath(dataDir string) (string, error) {
	path, err := SocketPath(dataDir)
	if err != nil {
		return "", err
	}
	end := filepath.Ext(path)
	return strings.TrimSuffix(path, end) + askingEnds + end, nil
}
