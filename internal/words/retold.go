package words

import (
	"regexp"
	"strings"
	"sync"
)

// retelling is a sentence that the engine writes into the journal, in English, and its Danish. What stands in braces is taken over; a
// part called more is told again itself. What people wrote is never touched, unless they wrote one of these.
type retelling struct{ en, da string }

var retellings = []retelling{
	{"{part}; its last words: {words}", "{part}; dets sidste ord: {words}"},
	{"{part}; processes it left behind were stopped", "{part}; processer, det efterlod, blev stoppet"},
	{"{part}; a process it left behind runs on in a session of its own", "{part}; en proces, det efterlod, kører videre for sig selv"},
	{"{part}; part of its work may be done", "{part}; noget af arbejdet kan være gjort"},
	{"verified", "efterprøvet"},
	{"waited", "ventet"},
	{"tried again by itself", "prøvet igen af sig selv"},
	{"its time has come", "tiden er inde"},
	{"it lay in the past when the plan came into use", "den lå i fortiden, da planen blev taget i brug"},
	{"its time was over before it was entered", "dens tid var gået, før den begyndte"},
	{"its time has come again", "tiden er inde igen"},
	{"its time was moved and has come", "dets tid blev flyttet og er inde"},
	{"reached by a run", "nået af en kørsel"},
	{"reached by a run after its deadline", "nået af en kørsel efter fristen"},
	{"voted again after a no-go", "der stemmes igen efter et No-go"},
	{"voted again: {more}", "der stemmes igen: {more}"},
	{"asked again by {run}: {more}", "spurgt igen af {run}: {more}"},
	{"its go was for {run}", "dets Go gjaldt {run}"},
	{"it was decided on another revision of the plan", "det blev besluttet på en anden udgave af planen"},
	{"no-go at {gate}: back out, or vote again", "No-go ved {gate}: rul tilbage, eller stem igen"},
	{"no-go at {gate}", "No-go ved {gate}"},
	{"backed out by {run}", "rullet tilbage af {run}"},
	{"{run} is done", "{run} er gennemført"},
	{"{run} ended {state}: {more}", "{run} sluttede {state}: {more}"},
	{"{n} mails queued", "{n} mails i kø"},
	{"{passed} of {total} measurements are as they must be", "{passed} af {total} målinger er, som de skal være"},
	{"{passed} of {total} measurements are as they must be; worst: {check} on the old side: {code}", "{passed} af {total} målinger er, som de skal være; værst: {check} på den gamle side: {code}"},
	{"{passed} of {total} measurements are as they must be; worst: {check} on the new side: {code}", "{passed} af {total} målinger er, som de skal være; værst: {check} på den nye side: {code}"},
	{"it was interrupted, and its checks say that it happened: {more}", "det blev afbrudt, og kontrollerne siger, at det skete: {more}"},
	{"it was interrupted, and its checks cannot tell whether it happened: {more}", "det blev afbrudt, og kontrollerne kan ikke sige, om det skete: {more}"},
	{"it was interrupted, and its checks say that it did not happen; it can be tried again: {more}", "det blev afbrudt, og kontrollerne siger, at det ikke skete; det kan prøves igen: {more}"},
	{"it was interrupted, and its checks say that it did not happen: {more}", "det blev afbrudt, og kontrollerne siger, at det ikke skete: {more}"},
	{"{step} was interrupted: whether it happened is unknown", "{step} blev afbrudt: om det skete, vides ikke"},
	{"nobody said within {time} that it is done", "ingen sagde inden for {time}, at det er udført"},
	{"not found within {time}; at last: {more}", "ikke fundet inden for {time}; til sidst: {more}"},
	{"{file} is not there", "{file} er der ikke"},
	{"{program} ended with exit code {n}", "{program} sluttede med kode {n}"},
	{"{program} was stopped: {more}", "{program} blev stoppet: {more}"},
	{"{program} was not started: {why}", "{program} blev ikke startet: {why}"},
	{"what is in flight is stopped, to end it: {more}", "det, der er i gang, stoppes for at afslutte den: {more}"},
	{"{step} is a change of class {class}, which a frozen zone in force does not allow: {zones}", "{step} er en ændring af klassen {class}, som en Frozen zone i kraft ikke tillader: {zones}"},
	{"{step} failed: {more}", "{step} fejlede: {more}"},
}

// pattern reads one of them back.
type pattern struct {
	*regexp.Regexp
	da string
}

var patterns = sync.OnceValue(func() []pattern {
	out := make([]pattern, 0, len(retellings))
	for _, r := range retellings {
		expr := braced.ReplaceAllStringFunc(regexp.QuoteMeta(strings.NewReplacer("{", "<", "}", ">").Replace(r.en)), func(name string) string {
			switch name {
			case "<more>", "<part>", "<words>", "<why>", "<zones>", "<file>":
				return "(?P" + name + ".+)"
			}
			return "(?P" + name + `\S+)` // a name or a number
		})
		out = append(out, pattern{regexp.MustCompile("^(?s:" + expr + ")$"), r.da})
	}
	return out
})

// braced is a name in angle brackets, which quoting for an expression leaves alone.
var braced = regexp.MustCompile(`<[a-z]+>`)

// Retold is a sentence of the engine's as this language says it; anything else comes back as it is.
func (c *Catalogue) Retold(text string) string {
	const longest = 4000 // what is longer was not written by the engine
	if c.lang != Da || len(text) > longest {
		return text
	}
	for _, p := range patterns() {
		m := p.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		var args []any
		for i, name := range p.SubexpNames()[1:] {
			part := m[i+1]
			if name == "more" || name == "part" {
				part = c.Retold(part)
			}
			args = append(args, name, part)
		}
		return fill(p.da, args)
	}
	return text
}
