package probefile_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"skift/checks"
	"skift/internal/probefile"
)

var now = time.Date(2019, 11, 8, 12, 0, 0, 0, time.UTC)

// export is a file with two questions, and what is kept of it.
func export(t testing.TB, seed byte) (probefile.Export, probefile.Terms) {
	t.Helper()
	e := probefile.Export{ID: "ask-1", Plan: "move", Language: "da", Party: "k101", Environment: "prod", MadeAt: now, ExpiresAt: now.Add(24 * time.Hour)}
	for _, side := range checks.Sides() {
		a := checks.Ask{
			Unit: checks.Unit{Check: "cert", Side: side, Addr: "203.0.113.10:443", Vantage: "192.0.2.10", Flow: "f1"},
			Spec: &checks.Spec{ID: "cert", Kind: checks.TLS, Service: "gateway", Timeout: 5 * time.Second, MaxAge: time.Hour,
				Options: checks.TLSOptions{ValidAt: []string{"cutover.end"}, TrustedBy: []string{"pki/oces.pem"}}},
			ServerName: "prod.example", Source: netip.MustParseAddr("192.0.2.10"), Control: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:443")},
			ValidAt: []checks.Moment{{Name: "cutover.end", At: now.Add(time.Hour)}}, Trust: map[string][]byte{"pki/oces.pem": []byte("PEM")},
			Reflector: netip.MustParseAddrPort("192.0.2.200:8080"), Egress: netip.MustParseAddr("192.0.2.99"), Want: checks.Allow,
		}
		if err := e.Add(a); err != nil {
			t.Fatal(err)
		}
		got, err := e.Asks()
		if err != nil {
			t.Fatal(err)
		}
		if got[len(got)-1].Hash() != a.Hash() {
			t.Fatal("another question came out than went in")
		}
	}
	public, err := e.NewKey(rand.NewChaCha8([32]byte{seed}))
	if err != nil {
		t.Fatal(err)
	}
	return e, probefile.Terms{Public: public, Party: e.Party, Seal: probefile.Seal(e.Asked()), MadeAt: e.MadeAt, ExpiresAt: e.ExpiresAt}
}

// results answers both questions.
func results(e probefile.Export) probefile.Results {
	r := probefile.Results{Export: e.ID, StartedAt: now, EndedAt: now, Asked: e.Asked()}
	for _, a := range e.Asked() {
		r.Answers = append(r.Answers, checks.Result{Unit: a.Unit, Outcome: checks.Pass, Verdict: checks.Pass, Code: checks.OK, ConfigHash: a.ConfigHash,
			Facts: map[string]string{"leaf": "ab"}, CheckerVersion: "tls/1", StartedAt: now.Add(time.Minute)})
	}
	return r
}

func write(t testing.TB, r probefile.Results, e probefile.Export) []byte {
	t.Helper()
	data, err := r.Write(e)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestAccept(t *testing.T) {
	t.Parallel()
	e, terms := export(t, 1)
	known := func(id string) (probefile.Terms, bool) { return terms, id == "ask-1" }
	data := write(t, results(e), e)
	_, _, digest, err := probefile.Accept(data, known, now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, data); err != nil {
		t.Fatal(err)
	}
	if _, _, again, err := probefile.Accept(compact.Bytes(), known, now.Add(time.Hour)); err != nil || again != digest {
		t.Errorf("indented otherwise it is another file: %v", err)
	}
	other, _ := export(t, 2)
	cases := []struct {
		name   string
		change func(*probefile.Results)
		key    probefile.Export
		terms  func(*probefile.Terms)
		at     time.Time
		want   string
	}{
		{"another key", nil, other, nil, now, "its signature is not that"},
		{"an unknown export", func(r *probefile.Results) { r.Export = "ask-2" }, e, nil, now, "never made"},
		{"expired", nil, e, nil, now.Add(24 * time.Hour), "expired"},
		{"revoked", nil, e, func(t *probefile.Terms) { t.Revoked = true }, now, "revoked"},
		{"more was asked", func(r *probefile.Results) { r.Asked = append(r.Asked, r.Asked[0]) }, e, nil, now, "is not what was exported"},
		{"another unit", func(r *probefile.Results) { r.Answers[0].Unit.Addr = "203.0.113.11:443" }, e, nil, now, "was not asked"},
		{"the same twice", func(r *probefile.Results) { r.Answers[1] = r.Answers[0] }, e, nil, now, "answers twice"},
		{"another question", func(r *probefile.Results) { r.Answers[0].ConfigHash = "00" }, e, nil, now, "another question"},
		{"the future", func(r *probefile.Results) { r.Answers[0].StartedAt = now.Add(probefile.Skew + time.Second) }, e, nil, now, "yet to come"},
		{"before it was exported", func(r *probefile.Results) { r.Answers[0].StartedAt = now.Add(-probefile.Skew - time.Second) }, e, nil, now, "before it was exported"},
		{"an invented code", func(r *probefile.Results) { r.Answers[0].Code = "fine" }, e, nil, now, "a code that there is none of"},
		{"a failure called pass", func(r *probefile.Results) { r.Answers[0].Code = checks.SrvExpired }, e, nil, now, "calls srv_expired"},
		{"blindness called a warning", func(r *probefile.Results) { r.Answers[0].Code, r.Answers[0].Outcome = checks.TCPOnly, checks.Warn }, e, nil, now, "calls tcp_only"},
		{"no outcome", func(r *probefile.Results) { r.Answers[0].Outcome = "" }, e, nil, now, "calls ok"},
		{"a flood of facts", func(r *probefile.Results) {
			for i := range 300 {
				r.Answers[0].Facts[strings.Repeat("a", i%70+1)+string(rune('a'+i/70))] = "x"
			}
		}, e, nil, now, "too much"},
	}
	for _, c := range cases {
		r := results(e)
		if c.change != nil {
			c.change(&r)
		}
		held := terms
		if c.terms != nil {
			c.terms(&held)
		}
		_, _, _, err := probefile.Accept(write(t, r, c.key), func(id string) (probefile.Terms, bool) { return held, id == "ask-1" }, c.at)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want …%s…", c.name, err, c.want)
		}
	}
}

// TestForged: no byte of the file can be changed, and nothing of it be left out.
func TestForged(t *testing.T) {
	t.Parallel()
	e, terms := export(t, 1)
	known := func(string) (probefile.Terms, bool) { return terms, true }
	var data bytes.Buffer
	if err := json.Compact(&data, write(t, results(e), e)); err != nil {
		t.Fatal(err)
	}
	for i := range data.Len() {
		bad := bytes.Clone(data.Bytes())
		bad[i] ^= 1
		if _, _, _, err := probefile.Accept(bad, known, now.Add(time.Hour)); err == nil && !sameFile(bad, data.Bytes()) {
			t.Fatalf("byte %d can be changed: %s", i, bad[max(0, i-20):min(len(bad), i+20)])
		}
		if _, _, _, err := probefile.Accept(data.Bytes()[:i], known, now.Add(time.Hour)); err == nil {
			t.Fatalf("it may end at byte %d", i)
		}
	}
	if _, _, _, err := probefile.Accept(append(data.Bytes(), "{}"...), known, now); err == nil || !strings.Contains(err.Error(), "behind its end") {
		t.Errorf("more stands behind it: %v", err)
	}
	if _, _, _, err := probefile.Accept(make([]byte, probefile.MaxBytes+1), known, now); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("too large: %v", err)
	}
}

// sameFile reports whether two files say the same: names of JSON fields are read whatever their case, unused bits of base64 are none.
func sameFile(a, b []byte) bool {
	var x, y struct {
		Skift     string
		Body      json.RawMessage
		Signature []byte
	}
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && x.Skift == y.Skift && bytes.Equal(x.Body, y.Body) && bytes.Equal(x.Signature, y.Signature)
}

// TestHostileAnswer: what a stranger wrote is kept short, printable and without civil registration numbers, and nothing of it is believed.
func TestHostileAnswer(t *testing.T) {
	t.Parallel()
	e, terms := export(t, 1)
	r := results(e)
	a := &r.Answers[0]
	a.Evidence = checks.Evidence{Banner: "\x1b]52;c;x\a" + strings.Repeat("å", 1000), Err: "person 010203-4567 \u202e"}
	a.Facts = map[string]string{"name": "\x1b[2J\r010203-4567", "bad\x1bkey": "x"}
	a.LocalAddr, a.Reached, a.CheckerVersion = "\x1b[31m", "a\nb", "<script>"
	a.Timings = map[string]time.Duration{"connect": -1, "\x1b": 1, "tls": time.Second}
	a.Brought = checks.Brought{By: checks.ByLog, From: "me"}
	a.Code, a.Outcome, a.Verdict = checks.SrvExpired, checks.Fail, checks.Pass
	got, _, _, err := probefile.Accept(write(t, r, e), func(string) (probefile.Terms, bool) { return terms, true }, now)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(got.Answers[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"\\u001b", "010203-4567", "\u202e", "script", "bad", "\"by\":"} {
		if strings.Contains(string(text), bad) {
			t.Errorf("%q is still in %s", bad, text)
		}
	}
	if g := got.Answers[0]; len(g.Evidence.Banner) > 512 || len(g.Timings) != 1 {
		t.Errorf("kept: %+v", g)
	}
}

func TestReadExport(t *testing.T) {
	t.Parallel()
	e, _ := export(t, 1)
	data, err := e.Write()
	if err != nil {
		t.Fatal(err)
	}
	got, err := probefile.ReadExport(data)
	if err != nil {
		t.Fatal(err)
	}
	if probefile.Seal(got.Asked()) != probefile.Seal(e.Asked()) {
		t.Error("another file came back")
	}
	seed := base64.StdEncoding.EncodeToString(e.Key)
	for change, want := range map[[2]string]string{
		{`"k101"`, `"k102"`}:              "it was changed",
		{`"probe-export/1"`, `"other/1"`}: "it says that it is",
		{seed, "AAAA"}:                    "its key is none",
		{`"plan":`, `"plot":`}:            "cannot be read",
	} {
		bad := strings.Replace(string(data), change[0], change[1], 1)
		if _, err := probefile.ReadExport([]byte(bad)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want …%s…", change, err, want)
		}
	}
	// Whoever has the key may sign anything; what is asked must still be what its hash says, or its answers are worth nothing here.
	e.Questions[0].ServerName = "evil.example"
	if data, err = e.Write(); err != nil {
		t.Fatal(err)
	}
	if _, err := probefile.ReadExport(data); err == nil || !strings.Contains(err.Error(), "it was changed") {
		t.Errorf("another question under an old hash: %v", err)
	}
}

func FuzzReadExport(f *testing.F) {
	e, _ := export(f, 1)
	data, err := e.Write()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"skift":"probe-export/1","body":{},"signature":""}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := probefile.ReadExport(data)
		if err != nil {
			return
		}
		again, err := e.Write()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := probefile.ReadExport(again); err != nil {
			t.Errorf("read, written, and not read again: %v", err)
		}
	})
}

func FuzzAccept(f *testing.F) {
	e, terms := export(f, 1)
	f.Add(write(f, results(e), e))
	f.Add([]byte(`{"skift":"probe-results/1","body":{"export":"ask-1"},"signature":"AAAA"}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, _, _, err := probefile.Accept(data, func(id string) (probefile.Terms, bool) { return terms, id == "ask-1" }, now)
		if err == nil && probefile.Seal(r.Asked) != terms.Seal {
			t.Error("accepted without its seal")
		}
	})
}
