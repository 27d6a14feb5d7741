package runbooks

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"skift/internal/diag"
	"skift/internal/secret"
	"skift/internal/yamldoc"
)

func ref(t testing.TB, text string) secret.Ref {
	t.Helper()
	r, err := secret.ParseRef(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mustRead(t testing.TB, src string) *Runbook {
	t.Helper()
	problems := &diag.List{}
	r, ok := Read("test.yaml", []byte(src), problems)
	if !ok || problems.Len() > 0 {
		t.Fatal(problems.Sorted())
	}
	return r
}

func TestReadEveryKind(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("testdata/every-kind.yaml")
	if err != nil {
		t.Fatal(err)
	}
	r := mustRead(t, string(src))
	pinOld := "SHA256:" + strings.Repeat("A", 43)
	pinNew := "SHA256:" + strings.Repeat("B", 43)
	text := func(s string) yamldoc.Text { return yamldoc.Text{Da: s, En: s} }
	want := map[string]Step{
		"stop-in": {Kind: Manual, AfterGate: "cutover-go", Owner: "sse/operator", Stream: "data", Takes: 20 * time.Minute,
			Verify: []string{"files", "readiness"}, Change: "transition", Instruction: text("Stop SFTP intake on old")},
		"copy": {Kind: SFTPCopy, Needs: []string{"stop-in"}, Owner: "old-supplier/operator", Area: "sftp", Takes: 3 * time.Hour,
			Timeout: 6 * time.Hour, Change: "transition", Repeatable: true, CopyBody: CopyBody{Files: "*.xml", Parallel: 2,
				From: CopyEnd{"sftp", "old", "skift", ref(t, "env:OLD_KEY"), []string{pinOld}, "OUT"},
				To:   CopyEnd{"sftp", "new", "skift", ref(t, "cred:new-key"), []string{pinNew}, "IN"}}},
		"switch": {Kind: Command, Needs: []string{"copy"}, Owner: "ibm/operator", Takes: 5 * time.Minute, Change: "transition",
			Argv: []string{"./switch-dns", ""}, ArgvFrom: map[int]string{1: "target"}, Dir: "tools", Env: map[string]string{"ZONE": "sp.example"},
			SecretEnv: map[string]secret.Ref{"API_TOKEN": ref(t, "env:DNS_TOKEN")},
			Switches:  []string{"*"}, NotBefore: "cutover.start + 1h", NotAfter: "cutover.end - 4h", Happened: []string{"dns-*"}},
		"settle": {Kind: Wait, Needs: []string{"switch"}, Repeatable: true, WaitBody: WaitBody{For: 10 * time.Minute}},
		"prove": {Kind: Check, Title: text("Prove the new side"), Needs: []string{"settle"}, Takes: 30 * time.Minute, Repeatable: true,
			OnFailure: Retry, Retries: 2, Backoff: Backoff{10 * time.Second, 5 * time.Minute}, CheckBody: CheckBody{Suite: "readiness", Side: "new", Pairs: true}},
		"look":       {Kind: Check, Needs: []string{"switch"}, Repeatable: true, RehearseRun: true, CheckBody: CheckBody{Checks: []string{"gateway-cert"}}},
		"look-again": {Kind: Check, Needs: []string{"look"}, Repeatable: true, CheckBody: CheckBody{Checks: []string{"gateway-*", "files"}}},
		"open": {Kind: Manual, Needs: []string{"prove"}, AfterGate: "open-go", PointOfNoReturn: true, Owner: "ibm/operator", Change: "transition",
			Instruction: text("Open intake for users"), Verify: []string{"files"}, VerifyOn: "new"},
		"flip": {Kind: HTTP, Needs: []string{"open"}, Owner: "ibm/operator", Closes: []string{"sftp"}, HTTPBody: HTTPBody{Method: "POST",
			URL: "https://api.example/flip", Headers: map[string]string{"X-Request": "flip"},
			SecretHeaders: map[string]secret.Ref{"X-Api-Key": ref(t, "cred:flip-key")}, Body: "{}", Expect: []int{200, 202},
			CA: "pki/oces.pem", Token: ref(t, "env:API_TOKEN")}},
		"evening": {Kind: Wait, Needs: []string{"open"}, Repeatable: true, WaitBody: WaitBody{Until: "cutover.start + 30h"}},
		"nested":  {Kind: Nested, Needs: []string{"open"}, Runbook: "another", With: map[string]Value{"host": {Parameter: "zone"}, "times": {Text: "3"}}},
		"undo": {Kind: Manual, Owner: "ibm/operator", Undoes: "switch", OnFailure: Continue,
			Instruction: yamldoc.Text{Da: "Tilbage", En: "Back"}},
		"pause": {Kind: Wait, Repeatable: true, WaitBody: WaitBody{For: time.Minute}},
		"agree": {Kind: Wait, Repeatable: true, WaitBody: WaitBody{Check: []string{"gateway-*", "readiness"}, Side: "new", Every: 30 * time.Second, Timeout: 2 * time.Hour}},
		"here":  {Kind: Wait, Repeatable: true, WaitBody: WaitBody{File: "inbox/list.csv", Every: 5 * time.Second, Timeout: 24 * time.Hour}},
		"there": {Kind: Wait, Repeatable: true, WaitBody: WaitBody{File: "list.csv.trigger", Every: 2 * time.Minute, Timeout: 24 * time.Hour,
			On: &CopyEnd{"sftp", "new", "skift", ref(t, "env:K"), []string{pinOld}, "IN"}}},
		"tell": {Kind: Message, Needs: []string{"open"}, MessageBody: MessageBody{Audience: "steering", Report: "cutover-done"}},
	}
	got := map[string]Step{}
	for _, s := range r.Steps {
		got[s.ID] = *s
	}
	for id, s := range want {
		s.ID = id
		if s.OnFailure == "" {
			s.OnFailure = Hold
		}
		want[id] = s
	}
	if d := cmp.Diff(want, got, cmpopts.IgnoreFields(Step{}, "Pos"), cmpopts.IgnoreFields(Value{}, "Word"), cmp.Comparer(func(a, b secret.Ref) bool { return a == b })); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if r.Window != "cutover" || r.BackOut != "back-out" || r.Step("copy").Name("en") != "copy" || r.Step("undo").Name("da") != "Tilbage" ||
		r.Step("prove").Name("da") != "Prove the new side" || r.Step("nobody") != nil {
		t.Error("the runbook's own keys or the names of its steps are wrong")
	}
}

// What may be done twice without being asked is said here and nowhere else.
func TestRepeatable(t *testing.T) {
	t.Parallel()
	bodies := map[Kind]string{
		Manual: "manual: x, owner: a/b", Command: "command: [x], owner: a/b", Check: "check: x", Wait: "wait: 1s", Message: "message: {audience: x, report: y}",
		HTTP: `http: {url: "https://x.example/"}`, Nested: "runbook: x",
		SFTPCopy: "owner: a/b, sftp_copy: {from: {service: x, side: old, user: u, key: env:K, host_key: [" + pin + "]}, to: {service: x, side: new, user: u, key: env:K, host_key: [" + pin + "]}}",
	}
	for _, kind := range Kinds() {
		r := mustRead(t, fmt.Sprintf("runbook: r\nsteps: {a: {%s}, b: {%[1]s, repeatable: true}, c: {%[1]s, repeatable: false}}\n", bodies[kind]))
		want := kind == Check || kind == Wait || kind == SFTPCopy // a copy converges
		if a, b, c := r.Step("a").Repeatable, r.Step("b").Repeatable, r.Step("c").Repeatable; a != want || !b || c {
			t.Errorf("%s: %v by default, %v when true, %v when false", kind, a, b, c)
		}
		effect := kind == Command || kind == SFTPCopy || kind == Message
		if r.Step("a").Kind != kind || r.Step("a").Effect() != effect {
			t.Errorf("%s: read as %s, effect %v", kind, r.Step("a").Kind, r.Step("a").Effect())
		}
	}
}

var pin = `"SHA256:` + strings.Repeat("A", 43) + `"`

func TestEffectOfHTTP(t *testing.T) {
	t.Parallel()
	for method, want := range map[string]bool{"": false, "GET": false, "HEAD": false, "POST": true, "PUT": true, "PATCH": true, "DELETE": true} {
		s := Step{Kind: HTTP, HTTPBody: HTTPBody{Method: method}}
		if s.Effect() != want {
			t.Errorf("%s: effect %v", method, s.Effect())
		}
	}
}

// Every circle is named with all its steps, once, from its first step on.
func TestCycles(t *testing.T) {
	t.Parallel()
	problems := &diag.List{}
	Read("r.yaml", []byte(`runbook: r
steps:
  start: {wait: 1s}
  a: {needs: [start, c], wait: 1s}
  b: {needs: [a], wait: 1s}
  c: {needs: [b, start], wait: 1s}
  after: {needs: [c], wait: 1s}
  x: {needs: [y, after], wait: 1s}
  y: {needs: [x], wait: 1s}
`), problems)
	var got []string
	for _, p := range problems.Sorted() {
		line := p.Pos.String() + " " + p.Message
		for _, n := range p.Related {
			line += "; " + n.Pos.String() + " " + n.Message
		}
		got = append(got, line)
	}
	want := []string{
		"r.yaml:4:22 steps need each other in a circle: a → c → b → a; r.yaml:6:3 c needs b; r.yaml:5:3 b needs a",
		"r.yaml:8:15 steps need each other in a circle: x → y → x; r.yaml:9:3 y needs x",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// A circle as long as the file is neither a stack overflow nor a page of names.
func TestLongCycle(t *testing.T) {
	t.Parallel()
	const n = 20000
	var src strings.Builder
	src.WriteString("runbook: r\nsteps:\n")
	for i := range n {
		fmt.Fprintf(&src, "  s%d: {needs: [s%d], wait: 1s}\n", i, (i+1)%n)
	}
	problems := &diag.List{}
	Read("r.yaml", []byte(src.String()), problems)
	if problems.Len() != 1 {
		t.Fatalf("%d problems", problems.Len())
	}
	p := problems.Sorted()[0]
	if p.Code != CodeCycle || len(p.Message) > 200 || len(p.Related) > maxCycleNotes {
		t.Errorf("%s with %d notes", p.Message, len(p.Related))
	}
}

// What an author wrote in place of a secret is never repeated, neither in the message nor in the hint.
func TestSecretsAreNotRepeated(t *testing.T) {
	t.Parallel()
	const canary = "Kanariefugl-17"
	for name, step := range map[string]string{
		"flag":           `owner: a/b, command: [x, --password=` + canary + `]`,
		"flag and value": `owner: a/b, command: [x, --api-key, ` + canary + `]`,
		"openssl":        `owner: a/b, command: [openssl, -passin, "pass:` + canary + `"]`,
		"bearer in argv": `owner: a/b, command: [curl, -H, "Authorization: Bearer ` + canary + `"]`,
		"header in argv": `owner: a/b, command: [curl, -H, "X-Api-Key: ` + canary + `"]`,
		"url argument":   `owner: a/b, command: [x, "https://me:` + canary + `@x.example/"]`,
		"environment":    `owner: a/b, command: [x], env: {DB_PASSWORD: ` + canary + `}`,
		"url in env":     `owner: a/b, command: [x], env: {DB: "postgres://me:` + canary + `@x.example/"}`,
		"url":            `http: {url: "https://me:` + canary + `@x.example/"}`,
		"header":         `http: {url: "https://x.example/", headers: {X-Auth-Token: ` + canary + `}}`,
		"authorization":  `http: {url: "https://x.example/", headers: {authorization: Bearer ` + canary + `}}`,
		"query":          `http: {url: "https://x.example/?api_key=` + canary + `"}`,
		"json body":      `owner: a/b, http: {method: POST, url: "https://x.example/", body: '{"user": "u", "password": "` + canary + `"}'}`,
		"form body":      `owner: a/b, http: {method: POST, url: "https://x.example/", body: "user=u&client_secret=` + canary + `"}`,
		"xml body":       `owner: a/b, http: {method: POST, url: "https://x.example/", body: "<s:Password kind='x'>` + canary + `</s:Password>"}`,
		"token":          `http: {url: "https://x.example/", token: ` + canary + `}`,
		"key":            `owner: a/b, sftp_copy: {from: {service: x, side: old, user: u, key: ` + canary + `, host_key: [` + pin + `]}, to: {service: x, side: new, user: u, key: env:K, host_key: [` + pin + `]}}`,
	} {
		problems := &diag.List{}
		src := []byte("runbook: r\nsteps: {a: {" + step + "}}\n")
		Read("r.yaml", src, problems)
		all := problems.Sorted()
		if len(all) != 1 || all[0].Code != CodeSecretInClear {
			t.Errorf("%s: %v", name, all)
			continue
		}
		var shown strings.Builder
		if err := diag.Render(&shown, all, func(string) []byte { return src }, false); err != nil {
			t.Fatal(err)
		}
		if text := all[0].String() + all[0].Hint + shown.String(); strings.Contains(text, canary) {
			t.Errorf("%s: the secret is repeated: %s", name, text)
		}
	}
}

func TestNotSecrets(t *testing.T) {
	t.Parallel()
	mustRead(t, `runbook: r
steps:
  a:
    owner: a/b
    command: [x, --token-file=t, --password-env, PW, -passin, "env:PW", --token=env:T, "", "https://x.example/a:b@c", --secret]
    env: {TOKEN_FILE: t, PASSWORD_PATH: p, TOKEN: env:T, DB_PASSWORD: file:keys/db, NAME: x}
  b:
    owner: a/b
    http: {method: POST, url: "https://x.example/?token_name=a&page=2", body: '{"token_url": "x", "password": "", "note": "no password here"}'}
`)
}

// Arguments reach the program exactly as they were written.
func TestArgvIsExact(t *testing.T) {
	t.Parallel()
	argv := []string{"./x", "", " ", "a b", `"`, "'", "$(id)", "`id`", "; rm -rf /", "&&", "|", "*", "%2F", "-", "--", "{{.}}", "line\nbreak", "tab\t", "æøå", `\`}
	var quoted []string
	for _, a := range argv {
		quoted = append(quoted, fmt.Sprintf("%q", a))
	}
	r := mustRead(t, "runbook: r\nsteps: {a: {owner: a/b, command: ["+strings.Join(quoted, ", ")+"]}}\n")
	if d := cmp.Diff(argv, r.Step("a").Argv); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	problems := &diag.List{}
	Read("r.yaml", []byte(`{runbook: r, steps: {a: {owner: a/b, command: [x, "a\0b"]}}}`), problems)
	if problems.Errors() != 1 {
		t.Errorf("NUL: %v", problems.Sorted())
	}
}

func TestStandard(t *testing.T) {
	t.Parallel()
	if len(StandardNames()) == 0 {
		t.Fatal("no runbook is embedded")
	}
	for _, id := range StandardNames() {
		src, ok := Standard(id)
		if !ok {
			t.Fatalf("%s cannot be had", id)
		}
		if r := mustRead(t, string(src)); r.ID != id {
			t.Errorf("%s.yaml calls itself %s", id, r.ID)
		}
	}
	if _, ok := Standard("../runbook"); ok {
		t.Error("a path is taken for a name")
	}
}

func FuzzRead(f *testing.F) {
	src, err := os.ReadFile("testdata/every-kind.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(src))
	for _, id := range StandardNames() {
		src, _ := Standard(id)
		f.Add(string(src))
	}
	f.Fuzz(func(t *testing.T, src string) {
		problems := &diag.List{}
		r, ok := Read("r.yaml", []byte(src), problems)
		if ok != (r != nil) || !ok && problems.Errors() == 0 {
			t.Fatalf("ok %v, runbook %v, %d errors", ok, r, problems.Errors())
		}
		body := strings.TrimPrefix(src, "\ufeff")
		for _, p := range problems.Sorted() {
			if at := diag.Inside([]byte(body), p.Pos); p.Line > 0 && at != p.Pos {
				t.Errorf("%s lies outside the file", p)
			}
		}
		if ok && problems.Errors() == 0 {
			if q := NewReady(r); len(q.Steps()) == 0 {
				t.Error("no step of a sound runbook can ever start")
			}
		}
	})
}
