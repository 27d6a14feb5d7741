package checks

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"skift/internal/diag"
	"skift/internal/secret"
	"skift/internal/yamldoc"
)

// read parses `c: {…}`.
func read(t testing.TB, text string) (*Spec, *diag.List) {
	t.Helper()
	var problems diag.List
	root, ok := yamldoc.Parse("plan.yaml", []byte(text), &problems)
	if !ok {
		t.Fatalf("%q is no YAML: %v", text, problems.Sorted())
	}
	n, ok := root.Map().OptNode("c")
	if !ok {
		t.Fatalf("%q has no c", text)
	}
	return ParseSpec("c", n), &problems
}

const pin = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

func TestParseSpec(t *testing.T) {
	t.Parallel()
	key, err := secret.ParseRef("file:keys/id_ed25519")
	if err != nil {
		t.Fatal(err)
	}
	all := func(w Want) map[Phase]Want { return map[Phase]Want{Before: w, Switching: w, Fallback: w, Closed: w} }
	cases := []struct {
		text string
		want Spec
	}{
		{"c: {kind: tls, service: gateway, valid_at: [cutover.end, hypercare.end], min_days: 30, trusted_by: [pki/oces.pem], critical: true, area: certificates}",
			Spec{Kind: TLS, Service: "gateway", Critical: true, Area: "certificates", MaxAge: DefaultMaxAge, Timeout: DefaultTimeout,
				Options: TLSOptions{ValidAt: []string{"cutover.end", "hypercare.end"}, MinDays: 30, TrustedBy: []string{"pki/oces.pem"}}}},
		{"c: {kind: reach, service: gateway, for_each: flows, proof: tls, max_age: 2h, timeout: 5s, expect: {new: allow, old: {closed: deny, else: allow}}}",
			Spec{Kind: Reach, Service: "gateway", ForEach: "flows", MaxAge: 2 * time.Hour, Timeout: 5 * time.Second, Options: ReachOptions{Proof: ProofTLS},
				Expect: Expect{New: all(Allow), Old: {Before: Allow, Switching: Allow, Fallback: Allow, Closed: Deny}}}},
		{"c: {kind: reach, service: gateway, vantage: k101, proof: https, expect: deny}",
			Spec{Kind: Reach, Service: "gateway", Vantage: "k101", MaxAge: DefaultMaxAge, Timeout: DefaultTimeout, Options: ReachOptions{Proof: ProofHTTPS},
				Expect: Expect{Old: all(Deny), New: all(Deny)}}},
		{"c: {kind: reach, service: gateway, proof: ssh, expect: {old: {closed: deny}}}",
			Spec{Kind: Reach, Service: "gateway", MaxAge: DefaultMaxAge, Timeout: DefaultTimeout, Options: ReachOptions{Proof: ProofSSH},
				Expect: Expect{Old: {Closed: Deny}}}},
		{"c: {kind: sftp, service: sftp, user: skift, key: file:keys/id_ed25519, host_key: {old: [\"" + pin + "\"], new: [\"" + pin + "\", \"ssh-rsa " + pin + "\"]}}",
			Spec{Kind: SFTP, Service: "sftp", MaxAge: DefaultMaxAge, Timeout: DefaultTimeout,
				Options: SFTPOptions{Level: LevelList, User: "skift", Key: key, Dir: ".", HostKey: map[Side][]string{Old: {pin}, New: {pin, "ssh-rsa " + pin}}}}},
		{"c: {kind: sftp, service: sftp, level: banner}",
			Spec{Kind: SFTP, Service: "sftp", MaxAge: DefaultMaxAge, Timeout: DefaultTimeout, Options: SFTPOptions{Level: LevelBanner}}},
	}
	for _, c := range cases {
		got, problems := read(t, c.text)
		if problems.Len() > 0 {
			t.Errorf("%s\n%v", c.text, problems.Sorted())
			continue
		}
		c.want.ID = "c"
		if diff := cmp.Diff(c.want, *got, cmpopts.IgnoreFields(Spec{}, "Pos", "Refs"), cmp.Comparer(func(a, b secret.Ref) bool { return a == b })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.text, diff)
		}
	}
}

// Whatever a check names outside itself is listed with its place, so that a plan can resolve it without knowing the kinds.
func TestReferences(t *testing.T) {
	t.Parallel()
	s, problems := read(t, "c:\n  kind: tls\n  service: gateway\n  area: certificates\n  valid_at: [cutover.end, hypercare.end]\n  trusted_by: pki/a.pem\n")
	if problems.Len() > 0 {
		t.Fatal(problems.Sorted())
	}
	var got []string
	for _, r := range s.Refs {
		got = append(got, string(r.To)+" "+r.Word.Text+" "+r.Word.Pos.String())
	}
	want := []string{"service gateway plan.yaml:3:12", "area certificates plan.yaml:4:9",
		"moment cutover.end plan.yaml:5:14", "moment hypercare.end plan.yaml:5:27", "file pki/a.pem plan.yaml:6:15"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// badChecks are tiny bad files, each with the one problem it has.
func badChecks() []badCheck {
	login := "user: u, key: file:k, host_key: {new: [\"" + pin + "\"]}"
	return []badCheck{
		{"c: {kind: tsl, service: s}", yamldoc.CodeUnknownWord, "tls"},
		{"c: {service: s, proof: tls}", yamldoc.CodeMissingKey, "kind"},
		{"c: {kind: tls}", yamldoc.CodeMissingKey, "service"},
		{"c: {kind: tls, service: s, proof: tls}", yamldoc.CodeUnknownKey, "proof"},
		{"c: {kind: reach, service: s}", yamldoc.CodeMissingKey, "proof"},
		{"c: {kind: reach, service: s, proof: ftp}", yamldoc.CodeUnknownWord, "https"},
		{"c: {kind: reach, service: s, proof: tls, for_each: flow}", yamldoc.CodeUnknownWord, "flows"},
		{"c: {kind: reach, service: s, proof: tls, for_each: flows, vantage: k1}", yamldoc.CodeChooseOne, "for_each and vantage"},
		{"c: {kind: reach, service: s, proof: tls, expect: alow}", yamldoc.CodeUnknownWord, "allow"},
		{"c: {kind: reach, service: s, proof: tls, expect: {left: allow}}", yamldoc.CodeUnknownKey, "left"},
		{"c: {kind: reach, service: s, proof: tls, expect: {old: {close: deny}}}", yamldoc.CodeUnknownKey, "closed"},
		{"c: {kind: tls, service: s, timeout: 10m}", CodeBadTimeout, "5m"},
		{"c: {kind: tls, service: s, timeout: 2s}", CodeShortTimeout, "4s"},
		{"c: {kind: tls, service: s, max_age: 0s}", CodeBadMaxAge, "1s"},
		{"c: {kind: tls, service: s, min_days: 0}", yamldoc.CodeBadNumber, ""},
		{"c: {kind: tls, service: s, names: [\"https://a.example\"]}", CodeBadName, "scheme"},
		{"c: {kind: sftp, service: s, level: write, " + login + "}", yamldoc.CodeUnknownWord, "banner, hostkey, auth, subsystem, list"},
		{"c: {kind: sftp, service: s, level: banner, user: u}", CodeUnusedKey, "user"},
		{"c: {kind: sftp, service: s, level: auth, dir: x, " + login + "}", CodeUnusedKey, "dir"},
		{"c: {kind: sftp, service: s, key: file:k, host_key: {new: [\"" + pin + "\"]}}", yamldoc.CodeMissingKey, "user"},
		{"c: {kind: sftp, service: s, user: u, key: file:k}", yamldoc.CodeMissingKey, "host_key"},
		{"c: {kind: sftp, service: s, user: u, key: file:k, host_key: {}}", CodeBadFingerprint, "old: and new:"},
		{"c: {kind: sftp, service: s, user: u, key: file:k, host_key: {new: [\"MD5:00:11\"]}}", CodeBadFingerprint, "ssh-keygen"},
		{"c: {kind: sftp, service: s, user: u, key: hunter2, host_key: {new: [\"" + pin + "\"]}}", CodeSecretInClear, "env:NAME"},
		{"c: {kind: sftp, service: s, user: u, key: \"env:\", host_key: {new: [\"" + pin + "\"]}}", CodeBadSecretRef, "env:"},
	}
}

type badCheck struct {
	text string
	code diag.Code
	says string
}

// Every problem this package can raise has its tiny bad file.
func TestEveryProblemHasItsBadFile(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("kinds.go")
	if err != nil {
		t.Fatal(err)
	}
	codes := regexp.MustCompile(`diag\.Code = "([a-z-]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(codes) == 0 {
		t.Fatal("no codes found in kinds.go")
	}
	for _, c := range codes {
		if !slices.ContainsFunc(badChecks(), func(b badCheck) bool { return string(b.code) == c[1] }) {
			t.Errorf("no bad file raises %q", c[1])
		}
	}
}

func TestParseSpecProblems(t *testing.T) {
	t.Parallel()
	for _, c := range badChecks() {
		_, problems := read(t, c.text)
		list := problems.Sorted()
		if len(list) != 1 {
			t.Errorf("%s\nwant one problem, got %v", c.text, list)
			continue
		}
		p := list[0]
		if p.Code != c.code || !strings.Contains(p.String()+" "+p.Hint, c.says) {
			t.Errorf("%s\ngot %s %q, hint %q; want %s saying %q", c.text, p.Code, p, p.Hint, c.code, c.says)
		}
		if p.Line != 1 || p.Col < 1 || p.Col > len(c.text) {
			t.Errorf("%s\nplaced at %s", c.text, p.Pos)
		}
		if strings.Contains(p.String()+p.Hint, "hunter2") {
			t.Errorf("the secret is repeated: %s", p)
		}
	}
}

// Each kind reads exactly the keys it documents.
func TestDocumentedKeysAreTheKeysRead(t *testing.T) {
	t.Parallel()
	for _, k := range Kinds() {
		documented := map[string]bool{}
		for _, key := range append(CommonKeys(), k.Keys...) {
			if documented[key.Name] || key.Doc == "" || !strings.HasSuffix(key.Doc, ".") {
				t.Errorf("%s.%s: listed twice or without a sentence", k.Kind, key.Name)
			}
			documented[key.Name] = true
			_, problems := read(t, "c: {kind: "+string(k.Kind)+", service: s, "+key.Name+"x: 1}")
			for _, p := range problems.Sorted() {
				if p.Code == yamldoc.CodeUnknownKey && !strings.Contains(p.Hint, key.Name) && key.Name != "kind" && key.Name != "service" {
					t.Errorf("%s does not read %s: %s", k.Kind, key.Name, p.Hint)
				}
			}
		}
		_, problems := read(t, "c: {kind: "+string(k.Kind)+", service: s, zzz: 1}")
		for _, p := range problems.Sorted() {
			for _, word := range strings.FieldsFunc(strings.TrimPrefix(p.Hint, "known here: "), func(r rune) bool { return r == ',' || r == ' ' }) {
				if p.Code == yamldoc.CodeUnknownKey && !documented[word] {
					t.Errorf("%s reads %q, which is not documented", k.Kind, word)
				}
			}
		}
	}
}

func FuzzParseSpec(f *testing.F) {
	f.Add("c: {kind: tls, service: s, valid_at: [a.end]}")
	f.Add("c: {kind: sftp, service: s, user: u, key: env:K, host_key: {old: " + pin + "}}")
	f.Add("c: {kind: reach, service: s, proof: tls, expect: {old: {closed: deny, else: allow}}}")
	f.Fuzz(func(t *testing.T, text string) {
		var problems diag.List
		root, ok := yamldoc.Parse("plan.yaml", []byte(text), &problems)
		if !ok {
			return
		}
		n, ok := root.Map().OptNode("c")
		if !ok {
			return
		}
		s := ParseSpec("c", n)
		if problems.Errors() == 0 {
			if s.Options == nil || s.Service == "" {
				t.Errorf("%q was accepted as %+v", text, s)
			}
			(Ask{Spec: s}).Hash()
		}
		lines := strings.Count(text, "\n") + 1
		for _, p := range problems.Sorted() {
			if p.Line < 1 || p.Line > lines+1 {
				t.Errorf("%q: %s is outside the file", text, p)
			}
		}
	})
}
