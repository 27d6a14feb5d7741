package report_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"skift/internal/need"
	"skift/internal/plan"
	"skift/internal/report"
	"skift/internal/snapshot"
	"skift/internal/yamldoc"
	"skift/runbooks"
)

// browser is a real one that opens pages and prints them. Whatever it would fetch arrives at a proxy of the test's, and nowhere else.
type browser struct {
	program, proxy string

	mu    sync.Mutex
	asked []string
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	b := &browser{program: need.Program(t, "chromium")}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.asked = append(b.asked, r.Method+" "+r.Host+" "+r.URL.String())
		http.Error(w, "nothing is here", http.StatusNotFound)
	}))
	t.Cleanup(srv.Close)
	b.proxy = srv.Listener.Addr().(*net.TCPAddr).String()
	return b
}

// fetched is what was asked of anybody whose name ends in .example; a browser has its own errands beside.
func (b *browser) fetched() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for _, a := range b.asked {
		if strings.Contains(a, ".example") {
			out = append(out, a)
		}
	}
	return out
}

// open starts the browser with a page, does what the flags say, and returns what it printed. It is ended with all it started.
func (b *browser) open(t *testing.T, page string, flags ...string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "page")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir) // a browser that is ending may still write here: what it leaves is not the test's
	file := filepath.Join(dir, "page.html")
	if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"--headless", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--disable-extensions", "--user-data-dir=" + filepath.Join(dir, "profile"), "--proxy-server=" + b.proxy, "--proxy-bypass-list=<-loopback>"}, flags...)
	if os.Getuid() == 0 {
		args = append(args, "--no-sandbox") // which it refuses to have as root
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, b.program, append(args, "file://"+file)...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	c.WaitDelay = 5 * time.Second
	ownGroup(c)
	if err := c.Run(); err != nil {
		t.Fatalf("chromium %v: %v\n%s", flags, err, errs.String())
	}
	return out.String()
}

// print makes a PDF.
func (b *browser) print(t *testing.T, page string) []byte {
	t.Helper()
	to := filepath.Join(t.TempDir(), "page.pdf")
	b.open(t, page, "--no-pdf-header-footer", "--print-to-pdf="+to)
	data, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// found is what measuring found on a page, in CSS pixels.
type found struct {
	Sheet  float64  // how wide the page is
	Wide   []string // what reaches beyond it, or beyond its own cell
	Colour []string // colours of text and ground that are no grey
	Faint  []string // text of too little contrast
	Pen    []float64
	Filled int // cells of the pen's columns with something in them
	Tables int
	Text   string
}

// measuring looks at every element of the page as it is laid out.
const measuring = `<script>
const f = {Sheet: document.documentElement.clientWidth, Wide: [], Colour: [], Faint: [], Pen: [], Filled: 0, Tables: document.querySelectorAll("table").length, Text: document.body.innerText};
const rgb = c => c.match(/[\d.]+/g).map(Number);
const light = c => { const [r, g, b] = rgb(c).map(v => { v /= 255; return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * r + .7152 * g + .0722 * b; };
for (const e of document.body.querySelectorAll("*")) {
  const box = e.getBoundingClientRect(), s = getComputedStyle(e), id = e.tagName + " " + e.textContent.slice(0, 60);
  if (box.right > f.Sheet + .5 || box.left < -.5 || e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0) f.Wide.push(id + " " + box.right + " " + e.scrollWidth + ">" + e.clientWidth);
  for (const c of [s.color, s.backgroundColor, s.borderTopColor]) { const [r, g, b, a] = rgb(c); if (a !== 0 && (r !== g || g !== b)) f.Colour.push(id + " " + c); }
  let ground = "rgb(255, 255, 255)";
  for (let p = e; p; p = p.parentElement) { const c = getComputedStyle(p).backgroundColor; if (rgb(c)[3] !== 0) { ground = c; break; } }
  const [x, y] = [light(s.color), light(ground)].sort((p, q) => q - p);
  if ((x + .05) / (y + .05) < 7) f.Faint.push(id);
}
for (const th of document.querySelectorAll("th.pen")) {
  f.Pen.push(th.getBoundingClientRect().width);
  for (const tr of th.closest("table").tBodies[0].rows) if (tr.cells[th.cellIndex].textContent !== "") f.Filled++;
}
const out = document.createElement("pre"); out.id = "found"; out.textContent = JSON.stringify(f); document.body.append(out);
</script>`

var policy = regexp.MustCompile(`<meta http-equiv="Content-Security-Policy"[^>]*>`)

// measure lays the page out as wide as the printer does, 297 less two times 12 mm, and looks at it. Its own policy would not let a script look.
func (b *browser) measure(t *testing.T, page string) (f found) {
	t.Helper()
	page = strings.Replace(policy.ReplaceAllString(page, ""), "</body>", measuring+"</body>", 1)
	dom := b.open(t, page, "--window-size=1032,800", "--hide-scrollbars", "--dump-dom")
	_, text, ok := strings.Cut(dom, `<pre id="found">`)
	if !ok {
		t.Fatalf("nothing was measured:\n%s", dom)
	}
	text, _, _ = strings.Cut(text, "</pre>")
	if err := json.Unmarshal([]byte(html.UnescapeString(text)), &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// long makes a night of forty steps with long names, long words and Danish letters.
func long(p *plan.Plan, s *snapshot.Snapshot) {
	name := "Sammenhold fortegnelserne over ændrede afgørelser på Ærø, Læsø og Bornholm – " + strings.Repeat("uafbrudtlangtord", 4)
	said := yamldoc.Text{Da: name, En: name}
	book := p.Runbooks["weekend"]
	for i := range 40 {
		id := fmt.Sprintf("reconcile-the-registers-of-every-municipality-once-more-%02d", i)
		book.Steps = append(book.Steps, &runbooks.Step{ID: id, Title: said, Kind: runbooks.Manual, Instruction: said, Owner: "data-sources-and-registers/coordinator-of-the-night", Takes: time.Minute})
		s.Runs[2].Steps = append(s.Runs[2].Steps, snapshot.Step{ID: id, Name: said, Owner: "data-sources-and-registers/coordinator-of-the-night", Needs: []string{id, id, id}, Takes: time.Minute})
	}
	s.Duty = append(s.Duty, snapshot.Duty{Seat: "data-sources-and-registers/coordinator-of-the-night", Person: "p-2", Next: "p-2", Deputy: "p-2"})
	for i := range s.Milestones {
		s.Milestones[i].ID = strings.Repeat("milestone-", 9)
	}
}

func paperOf(t *testing.T, p *plan.Plan, s snapshot.Snapshot) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.Paper(&b, p, s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestPaperInABrowser: laid out by a real browser the page keeps to its sheet, needs no colour, has room for a pen, and fetches nothing.
func TestPaperInABrowser(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	p, s := night("Stands «æøå» still", "da")
	p.Contacts = contacts("p-1,The Operator,+45 00 00 00 01", `p-2,"Datakildernes koordinator, natten mellem lørdag og søndag",+45 00 00 00 37`)
	short := paperOf(t, p, s)
	long(p, &s)
	for name, page := range map[string]string{"short": short, "forty steps": paperOf(t, p, s)} {
		f := b.measure(t, page)
		if f.Sheet != 1032 || f.Tables != 6 {
			t.Fatalf("%s: %v wide with %d tables: it was not laid out as it is printed", name, f.Sheet, f.Tables)
		}
		for what, list := range map[string][]string{"reaches beyond its place": f.Wide, "is told by colour": f.Colour, "can hardly be read": f.Faint} {
			if len(list) > 0 {
				t.Errorf("%s: %d things %s: %s", name, len(list), what, list[0])
			}
		}
		for _, width := range f.Pen {
			if width < 60 { // 16 mm
				t.Errorf("%s: a column for a pen is %v px wide", name, width)
			}
		}
		if len(f.Pen) != 10 || f.Filled > 0 {
			t.Errorf("%s: %d columns for a pen, %d of their cells with something in them", name, len(f.Pen), f.Filled)
		}
		for _, want := range []string{"Planen", "Telefonliste", "+45 00 00 00 01", "stop", "again", "herfra ingen vej tilbage", "Stands «æøå» still"} {
			if !strings.Contains(f.Text, want) {
				t.Errorf("%s: %q cannot be seen", name, want)
			}
		}
	}
}

var (
	sheets = regexp.MustCompile(`/Type /Page\b[^s]`)
	boxes  = regexp.MustCompile(`/MediaBox \[([^\]]*)\]`)
)

// TestPaperPrinted: every sheet is A4 across, and there are no more of them than the rows need.
func TestPaperPrinted(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	p, s := night("Stop it", "en")
	short := b.print(t, paperOf(t, p, s))
	if n := len(sheets.FindAll(short, -1)); n != 5 { // plan and gates, telephones, weekend, way back, what else happened
		t.Errorf("a short night takes %d sheets, want 5", n)
	}
	long(p, &s)
	pdf := b.print(t, paperOf(t, p, s))
	if n := len(sheets.FindAll(pdf, -1)); n < 12 || n > 30 {
		t.Errorf("forty long steps take %d sheets", n)
	}
	for _, m := range boxes.FindAllSubmatch(append(short, pdf...), -1) {
		var x, y, w, h float64
		if n, _ := fmt.Sscan(string(m[1]), &x, &y, &w, &h); n != 4 || w < 841 || w > 843 || h < 594 || h > 596 {
			t.Errorf("a sheet of %s points, which is not A4 across", m[1])
		}
	}
}

// TestPaperFetchesNothing: whatever anybody wrote, opening and printing the page asks nobody for anything. Without the page's policy a text
// that became an element would: that the test would see it is shown first.
func TestPaperFetchesNothing(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	bait := `</td></tr></table><img src="http://canary.example/a.png"><link rel="stylesheet" href="http://canary.example/b.css"><iframe src="http://canary.example/c"></iframe><script src="http://canary.example/d.js"></script>`
	b.print(t, "<!DOCTYPE html><title>x</title>"+bait)
	if len(b.fetched()) == 0 {
		t.Fatal("a page that fetches was not noticed")
	}
	b = newBrowser(t)
	p, s := night(bait+`<style>@import "http://canary.example/e.css"; body { background: url(http://canary.example/f.png) }</style>`, "en")
	page := paperOf(t, p, s)
	b.print(t, page)
	// Were the text not text, the policy would still hold.
	b.print(t, strings.Replace(page, "<body>", "<body>"+bait, 1))
	if got := b.fetched(); len(got) > 0 {
		t.Errorf("it asks for %v", got)
	}
}
