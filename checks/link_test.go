package checks

import "testing"

// FuzzParseLink: what was written is read back, and whatever is read can be written again.
func FuzzParseLink(f *testing.F) {
	f.Add("ab | cd | 2019-10-09T12:00:00Z | 2020-11-08T12:00:00Z | 7b | CN=gateway.example | CN=test issuer")
	f.Add("")
	f.Add(" |  |  |  |  |  | ")
	f.Add("a | b | c | d | e | f|g | h")
	f.Fuzz(func(t *testing.T, fact string) {
		l, ok := ParseLink(fact)
		if !ok {
			return
		}
		if again, ok := ParseLink(l.String()); !ok || again.String() != l.String() {
			t.Errorf("%q was read as %+v and then as %+v", fact, l, again)
		}
	})
}

// A name may hold the separator.
func TestLinks(t *testing.T) {
	t.Parallel()
	facts := map[string]string{
		LinkFact(1): Link{SHA256: "ab", Subject: "CN=a | b", Issuer: "CN=c"}.String(),
		LinkFact(2): Link{SHA256: "cd"}.String(),
		LinkFact(4): Link{SHA256: "ef"}.String(), // not in the chain: 3 is missing
	}
	got := Links(facts)
	if len(got) != 2 || got[0].SHA256 != "ab" || got[0].Subject != "CN=a ¦ b" || got[0].Issuer != "CN=c" || got[1].SHA256 != "cd" {
		t.Errorf("got %+v", got)
	}
}
