package report_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"skift/internal/journal"
	"skift/internal/report"
	"skift/internal/snapshot"
	"skift/internal/words"
	"skift/internal/yamldoc"
)

// payloads are texts that must stay text.
var payloads = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `'><svg onload=alert(1)>`, `</td></tr></table><a href="javascript:alert(1)">x</a>`,
	`{{.}}{{template "badge" .}}`, `{{define "cell"}}x{{end}}`, `[x](javascript:alert(1))`, `<!--`, `]]>`, `<style>*{display:none}</style>`,
	`&lt;script&gt;`, "line\r\nBcc: everybody@other.example", "nul\x00bell\x07esc\x1b[2J", "\u202Egnp.exe\u2066", "=HYPERLINK(\"https://other.example\")",
	`<base href="https://other.example">`, "\xff\xfe not text", `{n} {gate} {milestone}`,
}

// poison puts a text into every free text of a value; ids, states and the like stay as they are.
func poison(v reflect.Value, name, payload string) {
	free := map[string]bool{"Because": true, "Note": true, "Remark": true, "Reason": true, "Text": true, "PartyName": true, "UserSystem": true,
		"Da": true, "En": true, "Extension": true, "By": true, "Person": true, "Subject": true, "Check": true, "Flow": true, "Source": true,
		"Timezone": true, "Contact": true, "Seat": true, "Owner": true, "Environment": true, "EnteredBy": true}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				poison(v.Field(i), f.Name, payload)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			poison(v.Index(i), name, payload)
		}
	case reflect.Pointer:
		if !v.IsNil() && v.Type().String() != "*time.Location" {
			poison(v.Elem(), name, payload)
		}
	case reflect.Map:
		if v.Type().Elem() == reflect.TypeFor[yamldoc.Text]() {
			for _, k := range v.MapKeys() {
				v.SetMapIndex(k, reflect.ValueOf(yamldoc.Text{Da: payload, En: payload}))
			}
		}
	case reflect.String:
		if name == "Note" { // whose lines are meant to be paragraphs
			payload = strings.ReplaceAll(payload, "\n", "")
		}
		if free[name] && v.CanSet() {
			v.SetString(payload)
		}
	}
}

func poisoned(t testing.TB, payload string) snapshot.Snapshot {
	t.Helper()
	s := rich(t)
	poison(reflect.ValueOf(&s), "", payload)
	return s
}

// poisonedWords gives a programme's own word for everything that may have one.
func poisonedWords(payload string) map[string]string {
	out := map[string]string{}
	for _, key := range words.Keys() {
		if words.Known(key) {
			out[key] = payload
		}
	}
	return out
}

func TestUserTextStaysText(t *testing.T) {
	t.Parallel()
	plain := map[string][]string{}
	o := report.Options{BaseURL: "https://skift.example", Audience: "steering", Words: poisonedWords("harmless")}
	each(t, poisoned(t, "harmless"), o, func(name string, r report.Rendered) { plain[name] = dom(t, r.HTML).shape() })
	for _, payload := range payloads {
		s := poisoned(t, payload)
		o.AudienceTitle, o.Words = payload, poisonedWords(payload)
		each(t, s, o, func(name string, r report.Rendered) {
			top := dom(t, r.HTML)
			if d := cmp.Diff(plain[name], top.shape()); d != "" {
				t.Errorf("%s: %q changed the document:\n%s", name, payload, d)
			}
			top.walk(func(n *node) {
				if href, ok := n.attrs["href"]; ok && href != "https://skift.example" {
					t.Errorf("%s: %q made a link to %s", name, payload, href)
				}
			})
			if strings.ContainsFunc(r.Subject, unicode.IsControl) {
				t.Errorf("%s: the subject has a control character: %q", name, r.Subject)
			}
			for _, text := range []string{r.HTML, r.Text} {
				if strings.ContainsFunc(text, func(c rune) bool { return c != '\n' && (unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c)) }) {
					t.Errorf("%s: %q left a control character", name, payload)
				}
			}
			if payload == payloads[4] && !strings.Contains(r.Text, "{{.}}") {
				t.Errorf("%s: a template was not shown as it was written", name)
			}
		})
	}
}

func TestLinksComeFromTheSettingsOnly(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]int{"": 0, "javascript:alert(1)": 0, "//other.example": 0, "https://skift.example/x": 1} {
		r := render(t, "weekly", rich(t), report.Options{Lang: words.En, BaseURL: base})
		if got := strings.Count(r.HTML, "href="); got != want {
			t.Errorf("base %q: %d links, want %d", base, got, want)
		}
	}
}

// A report for 98 municipalities with many flows each must not be cut off by the reader's client.
func TestALargeReportStaysSmall(t *testing.T) {
	t.Parallel()
	s := rich(t)
	long := strings.Repeat("en meget lang bemærkning ", 400)
	pair, flow := s.Checks[1].Pairs[0], s.Flows[1]
	for i := range 98 * 50 {
		party := fmt.Sprintf("municipality-%d", 100+i/50)
		f, p := flow, pair
		f.ID, f.Party = fmt.Sprintf("%s-gateway-%d", party, i), party
		if i < 100 {
			f.UserSystem = long
		}
		p.Flow, p.Party = f.ID, party
		s.Flows, s.Checks[1].Pairs = append(s.Flows, f), append(s.Checks[1].Pairs, p)
		s.Phases = append(s.Phases, snapshot.Phase{Environment: "prod", Service: "gateway", Party: party, Phase: "fallback"})
		s.Needed = append(s.Needed, snapshot.Needed{Kind: snapshot.NeedVote, Gate: "hypercare-exit", Seat: party + "/spoc"})
	}
	s.Status.Set.Because, s.Status.Note.Note = long, strings.Repeat("<\n", 5000)
	each(t, s, report.Options{}, func(name string, r report.Rendered) {
		if len(r.HTML) >= report.MaxHTML || len(r.Text) >= report.MaxHTML {
			t.Errorf("%s: %d bytes of HTML, %d of text", name, len(r.HTML), len(r.Text))
		}
		if strings.HasPrefix(name, "own-flows.da") && !strings.Contains(r.Text, "til\n") {
			t.Errorf("%s: a list was cut without saying so", name)
		}
	})
}

func TestTheFooterCanBeVerified(t *testing.T) {
	t.Parallel()
	s := rich(t)
	s.Plan.ID = strings.Repeat("long-name-", 6) + "abc" // as long as an id may be
	s.Head = journal.Head{Plan: s.Plan.ID, Size: 1234567, Root: journal.Hash{1, 2, 3}}.String()
	each(t, s, report.Options{BaseURL: "https://skift.example"}, func(name string, r report.Rendered) {
		for _, form := range []string{r.Text, shown(dom(t, r.HTML))} {
			i := strings.Index(form, "skift1:")
			if i < 0 {
				t.Fatalf("%s: no head", name)
			}
			word := strings.Fields(form[i:])[0]
			head, err := journal.ParseHead(word)
			if err != nil || head.String() != s.Head {
				t.Errorf("%s: the head reads back as %v (%v)", name, head, err)
			}
			for _, want := range []string{s.Plan.Hash, "Europe/Copenhagen", "CET", "https://skift.example", "kombit/chair"} {
				if !strings.Contains(form, want) {
					t.Errorf("%s: the footer lacks %q", name, want)
				}
			}
		}
	})
}

func TestAnUnknownKindIsRefused(t *testing.T) {
	t.Parallel()
	_, err := report.Render("monthly", rich(t), report.Options{})
	if err == nil || !strings.Contains(err.Error(), "monthly") || !strings.Contains(err.Error(), "weekly") {
		t.Errorf("got %v", err)
	}
	if report.Known("monthly") || !report.Known("weekly") {
		t.Error("Known")
	}
}

func TestAnEmptySnapshotIsNoPanic(t *testing.T) {
	t.Parallel()
	each(t, snapshot.Build(snapshot.In{Now: now}), report.Options{}, func(name string, r report.Rendered) {
		if r.Subject == "" || r.Text == "" || r.HTML == "" {
			t.Errorf("%s is empty", name)
		}
	})
}

// Every text a report uses is in the catalogue: a missing key would be shown as it is.
func TestNoKeyIsShown(t *testing.T) {
	t.Parallel()
	for _, s := range []snapshot.Snapshot{rich(t), snapshot.Build(snapshot.In{Now: now})} {
		each(t, s, report.Options{Audience: "Styregruppe"}, func(name string, r report.Rendered) {
			for _, w := range strings.FieldsFunc(r.Text, func(c rune) bool { return unicode.IsSpace(c) || strings.ContainsRune(":;,()", c) }) {
				head, rest, dotted := strings.Cut(w, ".")
				if dotted && rest != "" && slices.Contains([]string{"report", "why", "step", "gate", "vote", "decision", "milestone", "pair", "phase", "light", "class", "criterion",
					"criterion-kind", "verdict", "run", "via", "count", "edge", "dimension", "deviation", "side", "whose", "trend", "date", "event", "direction"}, head) {
					t.Errorf("%s: the key %s is shown", name, w)
				}
				if strings.ContainsAny(w, "{}") {
					t.Errorf("%s: a placeholder is left: %s", name, w)
				}
			}
		})
	}
}

// What one party wrote is in nothing that another one gets. The snapshots are the golden ones of package snapshot.
func TestNobodyReadsAnotherPartysText(t *testing.T) {
	t.Parallel()
	parties := []string{"customer", "oldco", "newco", "t1", "t2"}
	seen := 0
	for _, viewer := range []string{"customer", "oldco", "newco", "t1", "t2", "towns"} {
		src, err := os.ReadFile(filepath.Join("../snapshot/testdata", viewer+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var s snapshot.Snapshot
		if err := json.Unmarshal(src, &s); err != nil {
			t.Fatal(err)
		}
		s.Plan.Zone = time.UTC
		each(t, s, report.Options{Party: s.Viewer}, func(name string, r report.Rendered) {
			all := r.Subject + r.HTML + r.Text
			for _, p := range parties {
				own := p == viewer || viewer == "customer" || viewer == "towns" && strings.HasPrefix(p, "t")
				if strings.Contains(all, "CANARY-"+p+"-") {
					seen++
					if !own {
						t.Errorf("%s for %s has a text of %s", name, viewer, p)
					}
				}
			}
		})
	}
	if seen < 10 {
		t.Errorf("only %d texts of anybody: the test proves nothing", seen)
	}
}
