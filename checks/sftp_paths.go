package checks

import (
	"regexp"

	"skift/internal/yamldoc"
)

// SFTPPlaces are the demands on what an account sees.
type SFTPPlaces struct {
	Dirs       []ExpectedDir `json:"dirs,omitempty"`
	NotVisible []string      `json:"not_visible,omitempty"`
}

// ExpectedDir is a directory that must be there.
type ExpectedDir struct {
	Path string `json:"path"`
	Mode string `json:"mode,omitempty"` // four octal digits; "" = not asked
}

// SFTPWriting says where and when an inert file may be written.
type SFTPWriting struct {
	// Allowed says per side and phase whether it may; what is not there is denied.
	Allowed map[Side]map[Phase]bool `json:"allowed,omitempty"`
	Dir     Text                    `json:"dir,omitzero"`
	Prefix  string                  `json:"prefix,omitempty"`
}

// In reports whether a side may be written to in a phase. In a phase that is not known it may only be if it may in all.
func (w SFTPWriting) In(side Side, phase Phase) bool {
	if phase != "" {
		return w.Allowed[side][phase]
	}
	for _, p := range Phases() {
		if !w.Allowed[side][p] {
			return false
		}
	}
	return true
}

func (o SFTPOptions) writes(side Side) bool {
	for _, p := range Phases() {
		if o.Level.AtLeast(LevelWrite) && o.Writing.In(side, p) {
			return true
		}
	}
	return false
}

var (
	octalMode   = regexp.MustCompile(`^0?[0-7]{3}$`)
	writePrefix = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$`)
)

const defaultWritePrefix = "skift-probe-"

func (r *reader) places(level Level) (p SFTPPlaces) {
	if !level.AtLeast(LevelPerm) {
		r.unused("expect_dirs", level)
		r.unused("not_visible", level)
		return p
	}
	for _, n := range r.m.OptItems("expect_dirs") {
		if n.Kind() != yamldoc.KindMap {
			if path, ok := n.Str(); ok {
				p.Dirs = append(p.Dirs, ExpectedDir{Path: path})
			}
			continue
		}
		m := n.Map()
		d, mode := ExpectedDir{Path: m.Str("path")}, m.OptWord("mode")
		switch {
		case mode.Text == "":
		case octalMode.MatchString(mode.Text):
			d.Mode = "0" + mode.Text[len(mode.Text)-3:]
		default:
			mode.Problemf(r.problems, CodeBadMode, "%q is not a mode", mode.Text).Hintf(`write the permissions as chmod takes them, in quotes: "0770"`)
		}
		m.Done()
		p.Dirs = append(p.Dirs, d)
	}
	p.NotVisible = r.m.OptStrings("not_visible")
	return p
}

func (r *reader) writing(level Level) (w SFTPWriting) {
	if !level.AtLeast(LevelWrite) {
		r.unused("write", level)
		r.unused("write_dir", level)
		r.unused("write_prefix", level)
		return w
	}
	w.Allowed = r.writeAllowed()
	r.m.Need("write_dir")
	w.Dir = r.text("write_dir")
	w.Prefix = defaultWritePrefix
	if p := r.m.OptWord("write_prefix"); p.Text != "" {
		if w.Prefix = p.Text; !writePrefix.MatchString(p.Text) {
			p.Problemf(r.problems, CodeBadWritePrefix, "%q cannot begin a file name", p.Text).Hintf("letters, digits, dots, dashes and underscores, at most 40")
		}
	}
	return w
}

const (
	wordAllowed = "allowed"
	wordDenied  = "denied"
)

// writeAllowed reads {old: denied, new: allowed} or {new: {before: allowed, else: denied}}. There is no word for both sides:
// that somebody's production is written to is said about it by name.
func (r *reader) writeAllowed() map[Side]map[Phase]bool {
	m := r.m.Map("write")
	defer m.Done()
	all, some := map[Side]map[Phase]bool{}, false
	for _, side := range Sides() {
		n, ok := m.OptNode(string(side))
		if !ok {
			continue
		}
		all[side] = writePhases(n)
		for _, may := range all[side] {
			some = some || may
		}
	}
	if m.OK() && !some {
		m.Problemf(CodeNeverWrites, "nothing may ever be written").Hintf("write allowed for a side, or lower the level to %s", LevelPerm)
	}
	return all
}

func writePhases(n yamldoc.Node) map[Phase]bool {
	phases := map[Phase]bool{}
	word := func(n yamldoc.Node) bool {
		w, ok := n.OneOf(wordAllowed, wordDenied)
		return !ok || w == wordAllowed // a misspelled word is one problem, not two
	}
	if n.Kind() == yamldoc.KindScalar {
		may := word(n)
		for _, p := range Phases() {
			phases[p] = may
		}
		return phases
	}
	m := n.Map()
	defer m.Done()
	if v, ok := m.OptNode("else"); ok {
		may := word(v)
		for _, p := range Phases() {
			phases[p] = may
		}
	}
	for _, p := range Phases() {
		if v, ok := m.OptNode(string(p)); ok {
			phases[p] = word(v)
		}
	}
	return phases
}
