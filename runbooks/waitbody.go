package runbooks

import (
	"io/fs"
	"strings"
	"time"

	"skift/internal/yamldoc"
)

// WaitBody is `wait: 10m` or `wait: {until: "cutover.start + 2h"}` or `wait: {check: ID}` or `wait: {file: PATH}`.
type WaitBody struct {
	For   time.Duration
	Until string // a time expression of the plan, resolved by the timeline

	Check []string // ids, globs or suites: until they agree
	Side  string   // of Check; "" = both
	File  string   // until it is there and grows no more: a path in the plan directory, or a name in On.Dir
	On    *CopyEnd // the SFTP server that has File; nil = the plan directory

	Every   time.Duration // how often Check or File is looked at
	Timeout time.Duration // how long it is looked for before the step has failed
}

// Looks reports whether the wait ends by what is found and not by the clock.
func (b WaitBody) Looks() bool { return len(b.Check) > 0 || b.File != "" }

// Awaits says what is looked for, such as "inbox/list.csv"; "" where the clock ends the wait.
func (b WaitBody) Awaits() string {
	switch {
	case b.On != nil && b.File != "":
		return b.File + " on " + b.On.Side + " " + b.On.Service
	case b.File != "":
		return b.File
	}
	return strings.Join(b.Check, ", ")
}

// How a wait looks when it does not say.
const (
	lookEvery   = time.Minute
	glanceEvery = 5 * time.Second // at a file that lies here
	lookTimeout = 24 * time.Hour
)

func (rd *reader) wait(s *Step, n yamldoc.Node) {
	b := &s.WaitBody
	if n.Kind() != yamldoc.KindMap {
		b.For, _ = n.Duration()
		return
	}
	m := n.Map()
	switch m.ExactlyOne("for", "until", "check", "file") {
	case "for":
		b.For = m.OptDuration("for", 0)
	case "until":
		b.Until = rd.ref(MomentRef, m.Word("until"))
	case "check":
		m.Filled("check", false)
		b.Check = rd.globs(VerifyRef, m.OptWords("check"))
		b.Side = m.OptOneOf("side", "", "old", "new")
		rd.looking(b, m, lookEvery)
	case "file":
		rd.file(b, m)
	}
	rd.seen(m, "steps.ID.wait")
}

func (rd *reader) file(b *WaitBody, m *yamldoc.Map) {
	w := m.Word("file")
	b.File = w.Text
	if !m.Has("on") {
		if b.File != "" && (!fs.ValidPath(b.File) || b.File == ".") {
			badPath(w, rd.problems)
		}
		rd.looking(b, m, glanceEvery)
		return
	}
	if strings.Contains(b.File, "/") {
		w.Problemf(rd.problems, CodeBadPath, "%q is not the name of a file", w.Text).Hintf("its folder belongs in on: {dir: …}")
	}
	on := rd.copyEnd(m.Map("on"), "steps.ID.wait.on")
	b.On = &on
	rd.looking(b, m, lookEvery)
}

func (rd *reader) looking(b *WaitBody, m *yamldoc.Map, every time.Duration) {
	b.Every, b.Timeout = m.OptDuration("every", every), rd.timeout(m, lookTimeout)
	if b.Every < time.Second && m.Has("every") {
		rd.problems.Addf(m.ValuePos("every"), CodeTooOften, "every %s is too often", yamldoc.FormatDuration(b.Every)).
			At(m.Path() + ".every").Hintf("look at most once a second")
		b.Every = every
	}
}
