package words_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"skift/internal/words"
)

var placeholder = regexp.MustCompile(`\{[^}]*\}`)

func TestEveryTextExistsInBothLanguagesWithTheSamePlaceholders(t *testing.T) {
	t.Parallel()
	da, en := words.In(words.Da), words.In(words.En)
	keys := words.Keys()
	if len(keys) < 300 {
		t.Fatalf("only %d keys: a list was lost", len(keys))
	}
	for _, key := range keys {
		d, e := da.T(key), en.T(key)
		if strings.TrimSpace(d) == "" || strings.TrimSpace(e) == "" || d == key && e == key && strings.Contains(key, ".") {
			t.Errorf("%s: da %q, en %q: a text is missing", key, d, e)
		}
		pd, pe := placeholder.FindAllString(d, -1), placeholder.FindAllString(e, -1)
		slices.Sort(pd)
		slices.Sort(pe)
		if !slices.Equal(pd, pe) {
			t.Errorf("%s: placeholders differ: da %v, en %v", key, pd, pe)
		}
		for _, s := range []string{d, e} {
			if strings.Count(s, "{") != len(placeholder.FindAllString(s, -1)) || strings.Count(s, "{") != strings.Count(s, "}") {
				t.Errorf("%s: unbalanced braces in %q", key, s)
			}
			if s != strings.TrimSpace(s) || strings.Contains(s, "  ") {
				t.Errorf("%s: stray blanks in %q", key, s)
			}
		}
	}
}

func TestNoKeyIsGivenTwice(t *testing.T) {
	t.Parallel()
	for _, key := range words.DuplicateKeys() {
		t.Errorf("%s is given twice", key)
	}
}

// The words that DOMAIN.md forbids to show, as whole words.
var forbidden = regexp.MustCompile(`(?i)\b(units?|vantages?|parity|facts?|epochs?|master[ -]?runs?|pariteten|fakta)\b`)

func TestForbiddenWordsAreNeverShown(t *testing.T) {
	t.Parallel()
	for _, lang := range words.Langs() {
		c := words.In(lang)
		for _, key := range words.Keys() {
			if m := forbidden.FindString(c.T(key)); m != "" {
				t.Errorf("%s %s: %q must not be shown to people (in %q)", lang, key, m, c.T(key))
			}
		}
	}
}

func TestPluralsHaveBothForms(t *testing.T) {
	t.Parallel()
	for _, key := range words.Keys() {
		stem, isOne := strings.CutSuffix(key, ".one")
		if isOne && !words.In(words.Da).Has(stem+".other") {
			t.Errorf("%s has no plural", key)
		}
		if stem, isOther := strings.CutSuffix(key, ".other"); isOther && key != "role.other" && !words.In(words.Da).Has(stem+".one") {
			t.Errorf("%s has no singular", key)
		}
	}
}

func TestWordsPeopleMustNotMixUp(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"verdict.unverified": "ikke målt", "step.uncertain": "ukendt udfald", "message.uncertain": "ukendt udfald",
		"verdict.error": "fejl hos os", "milestone.unset": "dato mangler", "step.held": "tilbageholdt", "run.held": "tilbageholdt",
		"paused": "på pause", "vote.hold": "afvent", "decision.hold": "afvent",
		"rehearsal": "prøveovergang", "gate": "beslutningspunkt", "runbook": "drejebog", "step": "trin", "back-out": "tilbagerulning",
		"waiver": "dispensation", "check": "kontrol", "observation": "måling", "seat": "sæde", "roster": "vagtplan",
		"evidence-pack": "bevispakke", "zone": "Frozen zone", "decision.go": "Go", "decision.no-go": "No-go", "overall-plan": "samlet plan",
		"difference": "forskel", "access": "adgang", "seen-from": "set fra", "window": "Cut over weekend", "hypercare": "Hypercare",
	}
	for key, text := range want {
		if got := words.In(words.Da).T(key); got != text {
			t.Errorf("%s is %q, want %q", key, got, text)
		}
	}
}

func TestOutcomeSentencesAreSentences(t *testing.T) {
	t.Parallel()
	for _, lang := range words.Langs() {
		c := words.In(lang)
		seen := map[string]string{}
		for _, code := range words.OutcomeCodes() {
			o := c.Outcome(code)
			for _, s := range []string{o.Cause, o.Next} {
				if !strings.HasSuffix(s, ".") || strings.Contains(strings.TrimSuffix(s, "."), ". ") || len(s) > 240 {
					t.Errorf("%s %s: not one short sentence: %q", lang, code, s)
				}
			}
			if other, ok := seen[o.Cause]; ok {
				t.Errorf("%s: %s and %s have the same cause", lang, code, other)
			}
			seen[o.Cause] = code
			if !c.Has("owner." + string(o.Owner)) {
				t.Errorf("%s: owner %q has no word", code, o.Owner)
			}
		}
	}
}

func TestAnUnknownCodeProvesNothing(t *testing.T) {
	t.Parallel()
	o := words.In(words.En).Outcome("brand_new")
	if !strings.Contains(o.Cause, "brand_new") || !strings.Contains(o.Cause, "proves nothing") || o.Owner != words.Ours || o.Next == "" {
		t.Errorf("got %+v", o)
	}
}

func TestT(t *testing.T) {
	t.Parallel()
	en := words.In(words.En)
	for _, c := range []struct{ name, got, want string }{
		{"filled", en.T("of", "part", 3, "whole", 7), "3 of 7"},
		{"a value that looks like a placeholder stays", en.T("of", "part", "{whole}", "whole", "x"), "{whole} of x"},
		{"a missing value is visible", en.T("of", "part", 3), "3 of {whole}"},
		{"an odd argument is ignored", en.T("of", "part", 3, "whole"), "3 of {whole}"},
		{"an unknown key is visible", en.T("no.such.key"), "no.such.key"},
		{"a template stays text", en.T("mail.queued", "at", "{{.}}"), "The message is queued and is sent {{.}}."},
		{"singular", en.N("count.checks", 1), "1 check"},
		{"plural of none", en.N("count.checks", 0), "0 checks"},
		{"plural grouped", words.In(words.Da).N("count.observations", 12345), "12.345 målinger"},
		{"not a language", words.In("sv").T("step"), "step"},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, c.got, c.want)
		}
	}
}

func TestWithOwnWords(t *testing.T) {
	t.Parallel()
	da := words.In(words.Da)
	own := da.With(map[string]string{"gate": "go/no-go-møde", "unheard-of": "x"})
	if got := own.T("gate"); got != "go/no-go-møde" {
		t.Errorf("own word: %q", got)
	}
	if own.Has("unheard-of") {
		t.Error("an unknown key was taken in")
	}
	if got := da.T("gate"); got != "beslutningspunkt" {
		t.Errorf("the shipped catalogue changed: %q", got)
	}
	if got := own.T("step"); got != "trin" {
		t.Errorf("other words: %q", got)
	}
	if !words.Known("gate") || words.Known("unheard-of") || words.Known("of") {
		t.Error("Known: wants existing keys without placeholders")
	}
}

func TestParseLang(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{"da": true, "en": true, "": false, "DA": false, "sv": false} {
		if _, ok := words.ParseLang(s); ok != want {
			t.Errorf("ParseLang(%q) = %v", s, ok)
		}
	}
}
