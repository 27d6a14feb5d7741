// Package words is the Danish and English catalogue: the words of the domain, the names of states, the sentences that
// explain an outcome, and the way each language writes dates, lengths of time and numbers.
//
// It answers "how is this said to a person", never what is true: it knows no plan, run or clock. A state's key is its
// category and the very string used in YAML, Go, SQL and JSON ("step.uncertain"), so nothing maps names in between.
// Both languages of an entry stand side by side, so one cannot exist without the other. A Catalogue is immutable and
// safe for concurrent use.
package words

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Lang is a language of the catalogue. The zero value is read as English.
type Lang string

// The languages.
const (
	Da Lang = "da"
	En Lang = "en"
)

// Langs lists the languages, the programme's own first.
func Langs() []Lang { return []Lang{Da, En} }

// ParseLang reads a language as plans, contacts and flags write it; "" and anything else is refused.
func ParseLang(s string) (Lang, bool) {
	l := Lang(s)
	return l, slices.Contains(Langs(), l)
}

// entry is one key in both languages. Placeholders are {name}; texts that count have two entries, key.one and key.other.
type entry struct{ key, da, en string }

// In returns the catalogue of a language; what is not a language of the catalogue is read as English.
func In(lang Lang) *Catalogue {
	if lang == Da {
		return catalogues().da
	}
	return catalogues().en
}

var catalogues = sync.OnceValue(func() (c struct{ da, en *Catalogue }) {
	c.da = &Catalogue{lang: Da, texts: map[string]string{}}
	c.en = &Catalogue{lang: En, texts: map[string]string{}}
	for _, list := range lists() {
		for _, e := range list {
			c.da.texts[e.key] = e.da
			c.en.texts[e.key] = e.en
		}
	}
	for _, o := range outcomeList() {
		c.da.texts[causeKey(o.code)], c.en.texts[causeKey(o.code)] = o.causeDa, o.causeEn
		c.da.texts[nextKey(o.code)], c.en.texts[nextKey(o.code)] = o.nextDa, o.nextEn
	}
	return c
})

func lists() [][]entry {
	return [][]entry{nouns, states, reasons, pairWords, reportTexts, reportParts, mailTexts, screenTexts, screenParts, tellings, nexts, timeTexts, forecastTexts, runTexts, moveTexts}
}

// Catalogue speaks one language.
type Catalogue struct {
	lang  Lang
	texts map[string]string
}

// Lang returns the language spoken.
func (c *Catalogue) Lang() Lang { return c.lang }

// With returns a catalogue in which the programme's own words stand in place of the shipped ones: catalogue key → text.
// Keys that the catalogue does not know are ignored here; a plan that names one is refused when it is read (see Known).
func (c *Catalogue) With(own map[string]string) *Catalogue {
	if len(own) == 0 {
		return c
	}
	texts := maps.Clone(c.texts)
	for key, text := range own {
		if _, ok := texts[key]; ok {
			texts[key] = text
		}
	}
	return &Catalogue{lang: c.lang, texts: texts}
}

// Has reports whether the key has a text.
func (c *Catalogue) Has(key string) bool {
	_, ok := c.texts[key]
	return ok
}

// T returns the key's text with its {name} placeholders filled from args, which are pairs of name and value:
//
//	T("gate.closes", "gate", "cutover-go", "at", "18.00")
//
// A key without a text is returned as it is, and a placeholder without a value stays: wrong, but readable in the
// middle of a night.
func (c *Catalogue) T(key string, args ...any) string {
	text, ok := c.texts[key]
	if !ok {
		return key
	}
	return fill(text, args)
}

// N is T for texts that count: it takes the singular for 1 and the plural for every other number, and fills {n}.
func (c *Catalogue) N(key string, n int, args ...any) string {
	form := key + ".other"
	if n == 1 {
		form = key + ".one"
	}
	return c.T(form, append([]any{"n", c.Number(int64(n))}, args...)...)
}

// Known reports whether a plan may give its own word for the key: the key exists and its text has no placeholders,
// because a word that forgets one would silently drop what it stands for.
func Known(key string) bool {
	text, ok := In(En).texts[key]
	return ok && len(placeholders(text)) == 0
}

// Keys lists every key, sorted.
func Keys() []string { return slices.Sorted(maps.Keys(In(En).texts)) }

func fill(text string, args []any) string {
	if len(args) < 2 || !strings.Contains(text, "{") {
		return text
	}
	pairs := make([]string, 0, len(args))
	for i := 0; i+1 < len(args); i += 2 {
		pairs = append(pairs, "{"+fmt.Sprint(args[i])+"}", fmt.Sprint(args[i+1]))
	}
	// One pass: a value that happens to look like a placeholder stays as it is.
	return strings.NewReplacer(pairs...).Replace(text)
}

// placeholders lists the names in braces, sorted, each once.
func placeholders(text string) []string {
	var names []string
	for rest := text; ; {
		_, after, ok := strings.Cut(rest, "{")
		if !ok {
			break
		}
		name, tail, ok := strings.Cut(after, "}")
		if !ok {
			break
		}
		names = append(names, name)
		rest = tail
	}
	slices.Sort(names)
	return slices.Compact(names)
}
