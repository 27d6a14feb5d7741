package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"skift/internal/secret"
)

// A file that somebody else wrote may name secrets below its own folder, and no other file of the host that answers it.
func TestSecretsOfAStrangersFile(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "asked")
	if err := os.MkdirAll(filepath.Join(dir, "keys"), 0o700); err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(filepath.Dir(dir), "outside")
	for _, name := range []string{filepath.Join(dir, "keys", "id"), outside} {
		if err := os.WriteFile(name, []byte("CANARY"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b := below{secret.NewResolver(dir, func(string) (string, bool) { return "", false }, nil)}
	for text, want := range map[string]string{
		"file:keys/id":                "",
		"file:keys/../keys/id":        "",
		"file:../outside":             "outside the folder",
		"file:keys/../../outside":     "outside the folder",
		"file:./../outside":           "outside the folder",
		"file:" + outside:             "outside the folder",
		"file:" + dir + "/../outside": "outside the folder",
		"file:..":                     "outside the folder",
	} {
		ref, err := secret.ParseRef(text)
		if err != nil {
			if want == "" {
				t.Errorf("%s: %v", text, err)
			}
			continue
		}
		_, err = b.Resolve(ref)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
