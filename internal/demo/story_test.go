package demo_test

import (
	"bytes"
	"database/sql"
	"io"
	"math/rand/v2"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	_ "modernc.org/sqlite"

	"skift/internal/cli"
)

// skift runs one command in this process.
func skift(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = cli.Main(args, strings.NewReader(""), &out, &err)
	return code, out.String(), err.String()
}

// tale is one story: what is broken, whether it stays so, and what must be told.
type tale struct {
	fault string
	noFix bool
	code  int
	found string   // what is named at the no-go; "" = there is none
	has   []string // in this order
	lacks []string
}

// prepared is what every story tells before the weekend, in this order.
var prepared = []string{
	"milestone begins, as scheduled: Frozen zone 1", "milestone begins, as scheduled: Frozen zone 2",
	"milestone begins, as scheduled: Acceptance test", "run acceptance-test-1 starts in exttest", "run cutover-weekend-1 starts in exttest",
	"practised: GO at cutover-go", "run cutover-weekend-1 is done", "● GO at acceptance-passed",
}

// whole is what every story that reaches its end tells of the weekend, in this order.
var whole = []string{
	"● GO at cutover-go, decided by kombit/chair", "3 of 3 answers, entered by 3 persons",
	"the intake is stopped", "24 files copied, both lists handed over", "Would a changed byte be found?", "changed-copy.csv has ",
	"24 files, every name, size and SHA-256 equal", "gateway, sftp, sts-admin: now switching", "the name leads to the new platform",
	"is answered by the demo service of the new platform", "now fallback", "Prove that the new platform works: 138 of 138",
	"gate open-go: Open the new platform", "● GO at open-go, decided by kombit/chair", "from here there is no way back",
	"a back-out is asked for and refused", "report cutover-done for steering: 2 mails",
	"milestone passed: Cut-over weekend", "The new platform carries its users", "Kept in ", "verify --head skift1:",
}

// stopped is what every story tells of the weekend in which the fault stays.
var stopped = []string{
	"■ NO-GO at cutover-go, decided by kombit/chair", "run cutover-weekend-2 ends no-go",
	"No-go, because the fault was left there: ", "the old platform carries its users on", "verify --head skift1:",
}

// anywhere is told in every story, sooner or later.
var anywhere = []string{"scheduled sweep readiness in prod: ",
	"gate cutover-go: Start the cut-over?", "\nThe weekend\n", "run cutover-weekend-2 starts in prod"}

const (
	foundAllowList = "gateway-allow for municipality-esbjerg-gateway-1: whitelist_missing on the new platform, owner ibm"
	foundHostKey   = "sftp-host-key: hostkey_changed on the new platform, owner ibm"
	foundExpiry    = "gateway-cert: srv_expires on the new platform, owner ibm"
)

// mendedLines is what comes between a no-go and the go that follows it.
func mendedLines(found, mended string) []string {
	return []string{"not ready, " + found, "NO-GO at cutover-go, decided by kombit/chair", found, mended,
		"gate cutover-go is asked again", "GO at cutover-go, decided by kombit/chair", "3 of 3 answers, entered by 3 persons"}
}

var tales = []tale{
	{fault: "none", has: whole, lacks: []string{"NO-GO at cutover-go", "not ready", "are not as they must be"}},
	{fault: "", found: foundAllowList, has: whole},
	{fault: "host-key", found: foundHostKey, has: whole},
	{fault: "expiry", found: foundExpiry, has: whole},
	{fault: "allow-list", noFix: true, code: 3, found: foundAllowList, has: stopped, lacks: []string{"now switching", "gate cutover-go is asked again"}},
	{fault: "host-key", noFix: true, code: 3, found: foundHostKey, has: stopped, lacks: []string{"now switching", "gate cutover-go is asked again"}},
	{fault: "expiry", noFix: true, code: 3, found: foundExpiry, has: stopped, lacks: []string{"now switching", "gate cutover-go is asked again"}},
}

var mendedBy = map[string]string{foundAllowList: "on the allow-list", foundHostKey: "installs the announced host key", foundExpiry: "a certificate that lasts"}

// Every story, two at a time and in another order each time.
func TestStories(t *testing.T) {
	if testing.Short() {
		t.Skip("each story takes half a minute of real time")
	}
	seats := make(chan struct{}, 2)
	for _, i := range rand.Perm(len(tales)) {
		tt := tales[i]
		name := tt.fault
		if tt.noFix {
			name += " unfixed"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seats <- struct{}{}
			defer func() { <-seats }()
			tt.tell(t)
		})
	}
}

func (tt tale) tell(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	args := []string{"demo", "--dir", dir}
	if tt.fault != "" {
		args = append(args, "--fault", tt.fault)
	}
	if tt.noFix {
		args = append(args, "--no-fix")
	}
	code, out, stderr := skift(t, args...)
	if code != tt.code || stderr != "" {
		t.Fatalf("exit %d, want %d; stderr:\n%s\nstdout:\n%s", code, tt.code, stderr, out)
	}
	inOrder(t, out, prepared)
	inOrder(t, out, tt.has)
	for _, text := range anywhere {
		inOrder(t, out, []string{text})
	}
	switch {
	case tt.found != "" && tt.noFix:
		inOrder(t, out, []string{"not ready, " + tt.found, "NO-GO at cutover-go", tt.found, "left there: " + tt.found})
	case tt.found != "":
		inOrder(t, out, mendedLines(tt.found, mendedBy[tt.found]))
	}
	for _, text := range tt.lacks {
		if strings.Contains(out, text) {
			t.Errorf("the story tells %q:\n%s", text, out)
		}
	}
	tt.kept(t, dir, out)
}

// inOrder wants the texts one after the other.
func inOrder(t *testing.T, out string, texts []string) {
	t.Helper()
	rest := out
	for _, text := range texts {
		_, after, ok := strings.Cut(rest, text)
		if !ok {
			t.Fatalf("%q is not told, or not in its place:\n%s", text, out)
		}
		rest = after
	}
}

// kept looks at what the story left behind: every command it names works, the mails carry heads that hold, and tampering shows.
func (tt tale) kept(t *testing.T, dir, out string) {
	plan := filepath.Join(dir, "plan")
	_, list, _ := strings.Cut(out, "Try next\n")
	for _, line := range strings.Split(strings.TrimSpace(list), "\n") {
		args := strings.Fields(line)[1:]
		if args[1] != plan {
			t.Errorf("%s: it is not about %s", line, plan)
		}
		if code, _, stderr := skift(t, args...); code != 0 && !(code == 1 && strings.Contains(line, "check --dry") || code == 3 && strings.Contains(line, "gate ")) {
			t.Errorf("%s: exit %d\n%s", line, code, stderr)
		}
	}
	code, _, stderr := skift(t, "-C", plan, "validate")
	switch {
	case tt.fault == "expiry" && tt.noFix: // what was seen of the certificate is held against the plan's zones
		if code != 2 || !strings.Contains(stderr, "inside frozen-zone-1, which does not allow its renewal") {
			t.Errorf("validate: exit %d\n%s", code, stderr)
		}
	case code != 0:
		t.Errorf("validate: exit %d\n%s", code, stderr)
	}
	reports := filepath.Join(dir, "reports")
	if code, _, stderr := skift(t, "-C", plan, "report", "steering", "--out", reports); code != 0 {
		t.Errorf("report --out: exit %d\n%s", code, stderr)
	}
	head := mails(t, dir)
	if code, said, stderr := skift(t, "-C", plan, "verify", "--head", head); code != 0 {
		t.Fatalf("verify --head of a mail: exit %d\n%s%s", code, said, stderr)
	}
	flipDecision(t, filepath.Join(plan, ".skift", "skift.db"))
	if code, said, _ := skift(t, "-C", plan, "verify", "--head", head); code != 1 {
		t.Errorf("verify after a byte of a decision was flipped: exit %d, want 1\n%s", code, said)
	}
	if code, _, stderr := skift(t, "demo", "--dir", dir); code != 2 || !strings.Contains(stderr, "is not empty") {
		t.Errorf("a second demo in the same directory: exit %d, want 2\n%s", code, stderr)
	}
}

var headForm = regexp.MustCompile(`skift1:[^\s<&"]+`)

// mails parses every mail that was kept and returns the journal head that the last one carries in both its parts.
func mails(t *testing.T, dir string) (head string) {
	files, err := filepath.Glob(filepath.Join(dir, "mail", "*.eml"))
	if err != nil || len(files) < 4 {
		t.Fatalf("%d mails were kept (%v)", len(files), err)
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		m, err := netmail.ReadMessage(f)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		text, page := parts(t, name, m)
		f.Close()
		head = headForm.FindString(text)
		if head == "" || headForm.FindString(page) != head {
			t.Fatalf("%s: its parts carry the heads %q and %q", name, head, headForm.FindString(page))
		}
		kept, err := os.ReadFile(strings.TrimSuffix(name, ".eml") + ".html")
		if err != nil || strings.ReplaceAll(string(kept), "\r\n", "\n") != strings.ReplaceAll(page, "\r\n", "\n") {
			t.Errorf("%s: the page beside it is not its HTML part (%v)", name, err)
		}
	}
	return head
}

// parts are the text and the HTML of a mail that has both.
func parts(t *testing.T, name string, m *netmail.Message) (text, page string) {
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("%s: it is %s (%v)", name, kind, err)
	}
	found := map[string]string{}
	r := multipart.NewReader(m.Body, params["boundary"])
	for {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return found["text/plain"], found["text/html"]
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		kind, _, _ := mime.ParseMediaType(p.Header.Get("Content-Type"))
		data, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		found[kind] = string(data)
	}
}

// flipDecision changes one bit of one byte of the decision at the gate, behind skift's back.
func flipDecision(t *testing.T, file string) {
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var seq int64
	var body []byte
	if err := db.QueryRow("SELECT seq, body FROM event WHERE kind = 'gate.decided' AND subject = 'cutover-go' AND run = '' ORDER BY seq LIMIT 1").Scan(&seq, &body); err != nil {
		t.Fatal(err)
	}
	i := bytes.Index(body, []byte("plan_hash")) + len(`plan_hash":"`)
	body[i] ^= 1
	if _, err := db.Exec("UPDATE event SET body = $1 WHERE seq = $2", body, seq); err != nil {
		t.Fatal(err)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"unknown fault":       {[]string{"--fault", "rain"}, `there is no fault "rain"`},
		"nothing to leave":    {[]string{"--fault", "none", "--no-fix"}, "there is no fault that could stay unfixed"},
		"directory not empty": {[]string{"--dir", full}, "is not empty"},
		"a file":              {[]string{"--dir", filepath.Join(full, "mine")}, "not a directory"},
		"an argument":         {[]string{"now"}, `"now" is too much`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out, stderr := skift(t, append([]string{"demo"}, tt.args...)...)
			if code != 2 || out != "" || !strings.Contains(stderr, tt.want) || !strings.Contains(stderr, "hint: ") {
				t.Errorf("exit %d, stdout %q, stderr:\n%s\nwant exit 2 and %q with a hint", code, out, stderr, tt.want)
			}
		})
	}
	if entries, err := os.ReadDir(full); err != nil || len(entries) != 1 {
		t.Errorf("the refused directory holds %d entries (%v)", len(entries), err)
	}
}
