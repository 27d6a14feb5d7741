package snapshot_test

import (
	"encoding/json"
	"strings"
	"testing"

	"skift/internal/snapshot"
)

func jsonOf(t testing.TB, s snapshot.Snapshot) []byte {
	t.Helper()
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

// What each viewer gets is in the golden files; the reports' tests read them too.
func TestWhatEachViewerGets(t *testing.T) {
	t.Parallel()
	for _, viewer := range []string{"customer", "newco", "oldco", "t1", "t2", "towns"} {
		golden(t, "testdata/"+viewer+".json", jsonOf(t, build(t, viewer)))
	}
}

func TestASnapshotReadsBackFromJSON(t *testing.T) {
	t.Parallel()
	want := build(t, "")
	var got snapshot.Snapshot
	if err := json.Unmarshal(jsonOf(t, want), &got); err != nil {
		t.Fatal(err)
	}
	if string(jsonOf(t, got)) != string(jsonOf(t, want)) {
		t.Error("a client reads something else than the server wrote")
	}
}

func TestNobodySeesAnotherPartysText(t *testing.T) {
	t.Parallel()
	parties := []string{"customer", "oldco", "newco", "t1", "t2"}
	all := string(jsonOf(t, build(t, "")))
	for _, p := range parties {
		if !strings.Contains(all, "CANARY-"+p+"-") {
			t.Fatalf("the story has no text of %s: the test proves nothing", p)
		}
	}
	for _, viewer := range []string{"oldco", "newco", "t1", "t2", "towns"} {
		got := string(jsonOf(t, build(t, viewer)))
		for _, p := range parties {
			if p == viewer || viewer == "towns" && strings.HasPrefix(p, "t") {
				continue
			}
			for rest := got; ; {
				_, after, found := strings.Cut(rest, "CANARY-"+p+"-")
				if !found {
					break
				}
				t.Errorf("%s sees of %s: %.60s", viewer, p, after)
				rest = after
			}
		}
	}
}
