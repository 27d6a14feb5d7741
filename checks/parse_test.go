package checks

import (
	"net/netip"
	"os"
	"path/filepath"
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

// ab is a digest as it is kept.
var ab = strings.Repeat("ab", 32)

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
			Spec{Kind: Reach, Service: "gateway", Vantage: Vantages{Old: "k101", New: "k101"}, MaxAge: DefaultMaxAge, Timeout: DefaultTimeout, Options: ReachOptions{Proof: ProofHTTPS},
				Expect: Expect{Old: all(Deny), New: all(Deny)}}},
		{"c: {kind: reach, service: register, vantage: {old: old-egress, new: new-egress}, proof: tls}",
			Spec{Kind: Reach, Service: "register", Vantage: Vantages{Old: "old-egress", New: "new-egress"}, MaxAge: DefaultMaxAge, Timeout: DefaultTimeout, Options: ReachOptions{Proof: ProofTLS}}},
		{"c: {kind: reach, service: gateway, proof: ssh, expect: {old: {closed: deny}}}",
			Spec{Kind: Reach, Service: "gateway", MaxAge: DefaultMaxAge, Timeout: DefaultTimeout, Options: ReachOptions{Proof: ProofSSH},
				Expect: Expect{Old: {Closed: Deny}}}},
		{"c: {kind: sftp, service: sftp, user: skift, key: file:keys/id_ed25519, host_key: {old: [\"" + pin + "\"], new: [\"" + pin + "\", \"ssh-rsa " + pin + "\"]}}",
			Spec{Kind: SFTP, Service: "sftp", MaxAge: DefaultMaxAge, Timeout: DefaultTimeout,
				Options: SFTPOptions{Level: LevelList, User: Text{Literal: "skift"}, Key: key, Dir: Text{Literal: "."}, HostKey: map[Side][]string{Old: {pin}, New: {pin, "ssh-rsa " + pin}}}}},
		{"c: {kind: sftp, service: sftp, level: roundtrip, user: skift, key: file:keys/id_ed25519, host_key: {new: \"" + pin + "\"}, expect_dirs: [OUT, {path: IN, mode: \"770\"}], not_visible: /etc, write: {old: denied, new: {before: allowed, else: denied}}, write_dir: IN}",
			Spec{Kind: SFTP, Service: "sftp", MaxAge: DefaultMaxAge, Timeout: DefaultTimeout,
				Options: SFTPOptions{Level: LevelRoundtrip, User: Text{Literal: "skift"}, Key: key, Dir: Text{Literal: "."}, HostKey: map[Side][]string{New: {pin}},
					Places: SFTPPlaces{Dirs: []ExpectedDir{{Path: "OUT"}, {"IN", "0770"}}, NotVisible: []string{"/etc"}},
					Writing: SFTPWriting{Dir: Text{Literal: "IN"}, Prefix: "skift-probe-", Allowed: map[Side]map[Phase]bool{
						Old: {Before: false, Switching: false, Fallback: false, Closed: false}, New: {Before: true, Switching: false, Fallback: false, Closed: false}}}}}},
		{"c: {kind: revocation, service: g, require: [crl, stapled, crl], responders: 192.0.2.0/24, trusted_by: pki/a.pem}",
			Spec{Kind: Revocation, Service: "g", MaxAge: DefaultMaxAge, Timeout: DefaultTimeout,
				Options: RevocationOptions{Require: []StatusSource{CRL, Stapled}, Responders: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, TrustedBy: []string{"pki/a.pem"}}}},
		{"c: {kind: cert_file, service: g, file: {new: a.pem}, issued_by: [Example CA, pki/ca.pem], serial: 5a:0f, trusted_by: pki/r.pem}",
			Spec{Kind: CertFile, Service: "g", MaxAge: DefaultMaxAge, Timeout: DefaultTimeout, Expect: Expect{Old: {Closed: Allow}},
				Options: CertFileOptions{File: map[Side]Text{New: {Literal: "a.pem"}}, Usage: UsageClient, TrustedBy: []string{"pki/r.pem"},
					IssuedBy: []string{"Example CA"}, IssuedByFiles: []string{"pki/ca.pem"}, Serial: Text{Literal: "5a:0f"}}}},
		{"c: {kind: cert_file, service: g, for_each: flows, file: {column: cert_file}, serial: {column: cert_serial}, usage: server}",
			Spec{Kind: CertFile, Service: "g", ForEach: "flows", MaxAge: DefaultMaxAge, Timeout: DefaultTimeout, Expect: Expect{Old: {Closed: Allow}},
				Options: CertFileOptions{File: map[Side]Text{Old: {Column: "cert_file"}, New: {Column: "cert_file"}}, Usage: UsageServer, Serial: Text{Column: "cert_serial"}}}},
		{"c: {kind: cert_file, service: g, store: \"file:keys/id_ed25519\", alias: a}",
			Spec{Kind: CertFile, Service: "g", MaxAge: DefaultMaxAge, Timeout: DefaultTimeout, Expect: Expect{Old: {Closed: Allow}},
				Options: CertFileOptions{Store: map[Side]secret.Ref{Old: key, New: key}, Usage: UsageClient, Alias: "a"}}},
		{"c: {kind: tls, service: mail, starttls: smtp, spki: \"" + strings.Repeat("ab", 32) + "\", fingerprint: {new: [\"" + strings.Repeat("AB:", 31) + "AB\", \"q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=\"]}, compare: {spki: must_differ, leaf: same_as_old}}",
			Spec{Kind: TLS, Service: "mail", MaxAge: DefaultMaxAge, Timeout: DefaultTimeout,
				Options: TLSOptions{StartTLS: StartSMTP, SPKI: CertPins{Old: {ab}, New: {ab}}, Fingerprint: CertPins{New: {ab, ab}},
					Compare: []Comparison{{"leaf_sha256", MustEqual}, {"spki_sha256", MustDiffer}}}}},
		{"c: {kind: manifest, service: sftp, lists: {old: lists/o.csv, new: lists/n.csv}, pairs: {receipt: OUT, trigger: .}, in_flight: 3, max_list_age: 6h}",
			Spec{Kind: Manifest, Service: "sftp", MaxAge: DefaultMaxAge, Timeout: DefaultTimeout, Expect: Expect{Old: {Closed: Allow}},
				Options: ManifestOptions{Lists: map[Side]Text{Old: {Literal: "lists/o.csv"}, New: {Literal: "lists/n.csv"}}, InFlight: 3, MaxListAge: 6 * time.Hour,
					Pairs: []PairRule{{PairTrigger, "."}, {PairReceipt, "OUT"}}}}},
		{"c: {kind: ssh_facts, service: sftp, user: skift, host_key: {new: \"" + pin + "\"}, host_keys: first, clients: [jsch, old-winscp], weak: warn}",
			Spec{Kind: SSHFacts, Service: "sftp", MaxAge: DefaultMaxAge, Timeout: DefaultTimeout,
				Options: SSHFactsOptions{User: Text{Literal: "skift"}, HostKey: map[Side][]string{New: {pin}}, HostKeys: HostKeysFirst, Clients: []string{"jsch", "old-winscp"}, Weak: WeakWarn}}},
		{"c: {kind: mtls, service: s, cert: pki/c.pem, key: file:keys/id_ed25519, acceptable_cas: \"CN=a,O=b\", compare: {acceptable_cas: same_as_old}, renegotiation: once, send: \"GET / HTTP/1.0\"}",
			Spec{Kind: MTLS, Service: "s", MaxAge: DefaultMaxAge, Timeout: DefaultTimeout,
				Options: MTLSOptions{Present: PresentCert, CertFile: "pki/c.pem", Key: key, Send: "GET / HTTP/1.0", Renegotiation: RenegotiateOnce,
					AcceptableCAs: []string{"CN=a,O=b"}, Compare: []Comparison{{"acceptable_cas_sha256", MustEqual}}}}},
		{"c: {kind: mtls, service: s, cert: file:keys/id_ed25519, key: file:keys/id_ed25519}",
			Spec{Kind: MTLS, Service: "s", MaxAge: DefaultMaxAge, Timeout: DefaultTimeout, Options: MTLSOptions{Present: PresentCert, Cert: key, Key: key}}},
		{"c: {kind: mtls, service: s, present: wrong-ca}",
			Spec{Kind: MTLS, Service: "s", MaxAge: DefaultMaxAge, Timeout: DefaultTimeout, Options: MTLSOptions{Present: PresentWrongCA}}},
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
		if diff := cmp.Diff(c.want, *got, cmpopts.IgnoreFields(Spec{}, "Pos", "Refs"), cmp.Comparer(func(a, b secret.Ref) bool { return a == b }), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
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
		{"c: {kind: reach, service: s, proof: tls, warn_after: 60d}", CodeUnusedKey, "decays"},
		{"c: {kind: reach, service: s, proof: tls, decays: 60d, warn_after: 60d}", CodeWarnsLate, "two thirds"},
		{"c: {kind: reach, service: s, proof: raw}", yamldoc.CodeMissingKey, "steps"},
		{"c: {kind: reach, service: s, proof: raw, steps: [{send: x}]}", yamldoc.CodeMissingKey, "an open port proves nothing"},
		{"c: {kind: reach, service: s, proof: tls, steps: [{expect: x}]}", CodeUnusedKey, "proof: raw"},
		{"c: {kind: tcp, service: s, steps: [{expect: '220('}]}", CodeBadExpression, "missing closing )"},
		{"c: {kind: tcp, service: s, steps: [{expect: 'a{2000}'}]}", CodeBadExpression, "repeat count"},
		{"c: {kind: tcp, service: s, steps: [{send: 'a\\q'}]}", CodeBadSend, "escapes"},
		{"c: {kind: tcp, service: s, steps: [{send: x, expect: y}]}", yamldoc.CodeChooseOne, "expect and send"},
		{"c: {kind: tcp, service: s, steps: [{}]}", yamldoc.CodeChooseOne, "starttls"},
		{"c: {kind: tcp, service: s, steps: [{starttls: true}, {starttls: true}]}", CodeUnusedKey, "already"},
		{"c: {kind: tcp, service: s, steps: [{send: a},{send: a},{send: a},{send: a},{send: a},{send: a},{send: a},{send: a},{send: a},{send: a},{send: a},{send: a},{send: a},{send: a},{send: a},{send: a},{send: a},{send: a},{send: a},{send: a},{send: a}]}", CodeTooManySteps, "20"},
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
		{"c: {kind: sftp, service: s, level: wriet, " + login + "}", yamldoc.CodeUnknownWord, "banner, hostkey, auth, subsystem, list"},
		{"c: {kind: sftp, service: s, level: list, not_visible: [x], " + login + "}", CodeUnusedKey, "raise the level"},
		{"c: {kind: sftp, service: s, level: perm, write_dir: x, " + login + "}", CodeUnusedKey, "write_dir"},
		{"c: {kind: sftp, service: s, level: perm, expect_dirs: [{path: x, mode: rwx}], " + login + "}", CodeBadMode, "0770"},
		{"c: {kind: sftp, service: s, level: perm, expect_dirs: [{mode: \"0770\"}], " + login + "}", yamldoc.CodeMissingKey, "path"},
		{"c: {kind: sftp, service: s, level: write, write_dir: x, " + login + "}", yamldoc.CodeMissingKey, "write"},
		{"c: {kind: sftp, service: s, level: write, write: {new: allowed}, " + login + "}", yamldoc.CodeMissingKey, "write_dir"},
		{"c: {kind: sftp, service: s, level: write, write: {new: alowed}, write_dir: x, " + login + "}", yamldoc.CodeUnknownWord, "allowed"},
		{"c: {kind: sftp, service: s, level: write, write: {new: {closed: denied}}, write_dir: x, " + login + "}", CodeNeverWrites, "perm"},
		{"c: {kind: sftp, service: s, level: write, write: {new: allowed}, write_dir: x, write_prefix: ../x, " + login + "}", CodeBadWritePrefix, "letters"},
		{"c: {kind: tls, service: s, fingerprint: [\"00:11\"]}", CodeBadCertPin, "64 hex digits"},
		{"c: {kind: tls, service: s, spki: {new: [\"sha256//x\"]}}", CodeBadCertPin, "base64"},
		{"c: {kind: tls, service: s, spki: {}}", CodeBadCertPin, "old: and new:"},
		{"c: {kind: tls, service: s, spki: {left: [x]}}", yamldoc.CodeUnknownKey, "left"},
		{"c: {kind: mtls, service: s, key: file:k}", yamldoc.CodeMissingKey, "cert"},
		{"c: {kind: mtls, service: s, cert: a.pem}", yamldoc.CodeMissingKey, "key"},
		{"c: {kind: mtls, service: s, cert: a.pem, key: b.pem}", CodeSecretInClear, "file:PATH"},
		{"c: {kind: mtls, service: s, cert: \"env:no spaces\", key: file:k}", CodeBadSecretRef, "env"},
		{"c: {kind: mtls, service: s, present: none, cert: a.pem}", CodeUnusedKey, "present cert"},
		{"c: {kind: mtls, service: s, present: wrong-ca, key: file:k}", CodeUnusedKey, "present cert"},
		{"c: {kind: mtls, service: s, present: wrong, cert: a.pem, key: file:k}", yamldoc.CodeUnknownWord, "wrong-ca"},
		{"c: {kind: mtls, service: s, present: none, renegotiation: twice}", yamldoc.CodeUnknownWord, "once"},
		{"c: {kind: mtls, service: s, present: none, compare: {leaf: must_differ}}", yamldoc.CodeUnknownKey, "acceptable_cas"},
		{"c: {kind: tls, service: s, starttls: imap}", yamldoc.CodeUnknownWord, "smtp"},
		{"c: {kind: tls, service: s, compare: {leaf: same}}", yamldoc.CodeUnknownWord, "same_as_old"},
		{"c: {kind: tls, service: s, compare: {serial: must_differ}}", yamldoc.CodeUnknownKey, "serial"},
		{"c: {kind: sftp, service: s, level: banner, user: u}", CodeUnusedKey, "user"},
		{"c: {kind: sftp, service: s, level: auth, dir: x, " + login + "}", CodeUnusedKey, "dir"},
		{"c: {kind: manifest, service: s}", yamldoc.CodeMissingKey, "lists"},
		{"c: {kind: manifest, service: s, lists: {}}", yamldoc.CodeMissingKey, "old: nor new:"},
		{"c: {kind: manifest, service: s, lists: {new: ../a.csv}}", CodeBadPath, "plan directory"},
		{"c: {kind: manifest, service: s, lists: {new: a.csv}, pairs: {recept: OUT}}", yamldoc.CodeUnknownKey, "receipt"},
		{"c: {kind: manifest, service: s, lists: {new: a.csv}, in_flight: -1}", yamldoc.CodeBadNumber, ""},
		{"c: {kind: manifest, service: s, lists: {new: {column: list}}}", CodeColumnAlone, "for_each"},
		{"c: {kind: ssh_facts, service: s, clients: [jsh]}", yamldoc.CodeUnknownWord, "jsch"},
		{"c: {kind: ssh_facts, service: s, user: u}", yamldoc.CodeMissingKey, "host_key"},
		{"c: {kind: ssh_facts, service: s, host_keys: all}", yamldoc.CodeUnknownWord, "offered"},
		{"c: {kind: sftp, service: s, key: file:k, host_key: {new: [\"" + pin + "\"]}}", yamldoc.CodeMissingKey, "user"},
		{"c: {kind: sftp, service: s, user: u, key: file:k}", yamldoc.CodeMissingKey, "host_key"},
		{"c: {kind: sftp, service: s, user: u, key: file:k, host_key: {}}", CodeBadFingerprint, "old: and new:"},
		{"c: {kind: sftp, service: s, user: u, key: file:k, host_key: [\"" + pin + "\"]}", yamldoc.CodeWrongKind, "each supplier announces its own"},
		{"c: {kind: ssh_facts, service: s, host_key: \"" + pin + "\"}", yamldoc.CodeWrongKind, "{old: ["},
		{"c: {kind: sftp, service: s, user: u, key: file:k, host_key: {new: [\"MD5:00:11\"]}}", CodeBadFingerprint, "ssh-keygen"},
		{"c: {kind: sftp, service: s, user: u, key: hunter2, host_key: {new: [\"" + pin + "\"]}}", CodeSecretInClear, "env:NAME"},
		{"c: {kind: sftp, service: s, user: {column: sftp_user}, key: file:k, host_key: {new: [\"" + pin + "\"]}}", CodeColumnAlone, "for_each"},
		{"c: {kind: revocation, service: s, require: [stapeled]}", yamldoc.CodeUnknownWord, "stapled"},
		{"c: {kind: revocation, service: s, responders: [192.0.2.1]}", CodeBadResponders, "192.0.2.7/32"},
		{"c: {kind: revocation, service: s, responders: [0.0.0.0/0]}", CodeBadResponders, "every address"},
		{"c: {kind: tls, service: s, name_servers: [ns.example]}", CodeBadNameServer, "192.0.2.53"},
		{"c: {kind: tls, service: s, name_servers: [\"0.0.0.0\"]}", CodeBadNameServer, "192.0.2.53"},
		{"c: {kind: tls, service: s, name_servers: [\"192.0.2.53:0\"]}", CodeBadNameServer, "192.0.2.53"},
		{"c: {kind: cert_file, service: s}", yamldoc.CodeChooseOne, "file"},
		{"c: {kind: cert_file, service: s, file: a.pem, store: \"file:b.p12\"}", yamldoc.CodeChooseOne, "store"},
		{"c: {kind: cert_file, service: s, file: ../a.pem}", CodeBadPath, "plan directory"},
		{"c: {kind: cert_file, service: s, file: {old: a.pem, new: /a.pem}}", CodeBadPath, "plan directory"},
		{"c: {kind: cert_file, service: s, file: {}}", yamldoc.CodeMissingKey, "old:"},
		{"c: {kind: cert_file, service: s, file: {left: a.pem, old: a.pem}}", yamldoc.CodeUnknownKey, "left"},
		{"c: {kind: cert_file, service: s, file: {column: cert_file}}", CodeColumnAlone, "for_each"},
		{"c: {kind: cert_file, service: s, store: /etc/a.p12}", CodeSecretInClear, "env:NAME"},
		{"c: {kind: cert_file, service: s, file: a.p12, password: hunter2}", CodeSecretInClear, "env:NAME"},
		{"c: {kind: cert_file, service: s, file: a.pem, usage: mail}", yamldoc.CodeUnknownWord, "client"},
		{"c: {kind: cert_file, service: s, file: a.pem, serial: CN=x}", CodeBadSerial, "5a:0f"},
		{"c: {kind: cert_file, service: s, file: a.pem, thumbprint: \"5a:0f\"}", CodeBadThumbprint, "SHA-256"},
		{"c: {kind: cert_file, service: s, file: a.pem, vantage: k1}", CodeUnusedKey, "vantage"},
		{"c: {kind: cert_file, service: s, file: a.pem, expect: deny}", CodeUnusedKey, "expect"},
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
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var codes [][]string
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		codes = append(codes, regexp.MustCompile(`diag\.Code\s+= "([a-z-]+)"`).FindAllStringSubmatch(string(source), -1)...)
	}
	if len(codes) < 9 {
		t.Fatalf("only %d codes found", len(codes))
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
	f.Add("c: {kind: sftp, service: s, level: roundtrip, user: u, key: env:K, host_key: {old: " + pin + "}, write: {old: {closed: denied, else: allowed}}, write_dir: IN, expect_dirs: [{path: x, mode: \"0770\"}]}")
	f.Add("c: {kind: manifest, service: s, lists: {old: a, new: b}, pairs: {trigger: OUT}, in_flight: 3, max_list_age: 6h}")
	f.Add("c: {kind: ssh_facts, service: s, clients: [jsch], weak: warn, host_keys: first}")
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
