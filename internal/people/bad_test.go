package people

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"skift/internal/diag"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func copenhagen(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

const goodContacts = "person,name\np-1,The operator\np-2,The other operator\n"

// Every tiny bad file raises exactly the problem it is named after, with the words and the place in its golden file.
func TestBadFiles(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/bad/*.csv")
	if err != nil || len(files) == 0 {
		t.Fatalf("no bad files: %v", err)
	}
	for _, path := range files {
		name := strings.TrimSuffix(filepath.Base(path), ".csv")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var problems diag.List
			if strings.HasPrefix(string(src), "seat") {
				known := RosterContext{Zone: copenhagen(t), Seats: []string{"ibm/operator"}, Contacts: ReadContacts("contacts.csv", []byte(goodContacts), &problems)}
				ReadRoster("shifts.csv", src, known, &problems)
			} else {
				ReadContacts("contacts.csv", src, &problems)
			}
			got := problems.Sorted()
			if len(got) != 1 || !strings.HasPrefix(name, string(got[0].Code)) {
				t.Fatalf("got %v", got)
			}
			if got[0].Line < 2 || got[0].Col < 1 || got[0].Hint == "" && len(got[0].Related) == 0 {
				t.Errorf("the problem says not where it is or what to do: %+v", got[0])
			}
			text := got[0].String() + "\nhint: " + got[0].Hint + "\n"
			for _, n := range got[0].Related {
				text += n.Pos.String() + ": " + n.Message + "\n"
			}
			golden(t, strings.TrimSuffix(path, ".csv")+".golden", text)
		})
	}
}

func TestEveryCodeHasABadFile(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("codes.go")
	if err != nil {
		t.Fatal(err)
	}
	codes := regexp.MustCompile(`diag\.Code = "([^"]+)"`).FindAllStringSubmatch(string(src), -1)
	if len(codes) < 10 {
		t.Fatalf("found only %d codes", len(codes))
	}
	for _, c := range codes {
		if _, err := os.Stat("testdata/bad/" + c[1] + ".csv"); err != nil {
			t.Errorf("no tiny bad file for %s", c[1])
		}
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
