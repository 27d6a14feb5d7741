package report_test

import (
	"html"
	"strings"
	"testing"

	"skift/internal/report"
)

// What the manager writes stands above what is computed, whole and in paragraphs, and says whose it is.
func TestTheManagersNote(t *testing.T) {
	t.Parallel()
	s := rich(t)
	second := strings.TrimSpace(strings.Repeat("The second one is long. ", 100))
	s.Status.Note.Note = "The first paragraph.\n\n" + second + "\nÆblegrød til sidst.\n"
	s.Status.Note.Actor.Seat, s.Status.Note.Actor.Person, s.Status.Note.Actor.EnteredBy = "", "p-1", "uid-0"
	each(t, s, report.Options{}, func(name string, r report.Rendered) {
		if !strings.HasPrefix(name, "weekly") {
			return
		}
		computed := map[bool]string{true: "Beregnet:", false: "Computed:"}[strings.Contains(name, ".da")]
		for part, text := range map[string]string{"text": strings.Join(strings.Fields(r.Text), " "), "HTML": html.UnescapeString(r.HTML)} {
			at := 0
			for _, want := range []string{" p-1:", "The first paragraph.", second, "Æblegrød til sidst.", computed} {
				i := strings.Index(text[at:], want)
				if i < 0 {
					t.Fatalf("%s: the %s has no %.40q where it belongs", name, part, want)
				}
				at += i
			}
		}
		if !strings.Contains(r.Text, "\nÆblegrød til sidst.\n") {
			t.Errorf("%s: paragraphs are run together", name)
		}
	})
}
