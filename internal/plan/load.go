package plan

import (
	"errors"
	"io/fs"
	"strings"
	"time"

	"skift/internal/diag"
	"skift/internal/words"
	"skift/internal/yamldoc"
	"skift/runbooks"
)

// File is the name of the plan's own file in a plan directory.
const File = "plan.yaml"

// Load reads a plan directory: plan.yaml, the CSV tables and certificate bundles it names, runbooks/*.yaml, and the standard
// runbooks it uses and has none of its own for. All problems are found in one reading, each with its place; when the list holds an
// error the plan is not to be used, except for its Sources. It is never nil.
//
// Plan.Hash covers every file that was read but the contacts, and the standard runbooks. Give it the file system of an os.Root, so that
// no symbolic link leads out of the directory.
func Load(fsys fs.FS) (*Plan, diag.List) {
	p, problems := load(fsys, nil)
	return p, *problems
}

func load(fsys fs.FS, trace func(place string, keys []string)) (*Plan, *diag.List) {
	problems := &diag.List{}
	l := &loader{
		Plan:     newPlan(),
		problems: problems,
		files:    &files{fsys: fsys, read: map[string][]byte{}, private: map[string]bool{}, problems: problems},
		trace:    trace,
		unread:   map[runbooks.RefKind]bool{},
	}
	l.load()
	l.files.secrets()
	l.Sources = l.files.read
	l.Hash = l.files.hash()
	return l.Plan, problems
}

// loader reads one plan directory.
type loader struct {
	*Plan
	problems *diag.List
	files    *files
	trace    func(place string, keys []string) // told which keys are known where; nil except in tests
	refs     []ref
	flowFile diag.Word
	// flowHeader are the columns that the table of flows has; nil when there is none or it cannot be read.
	flowHeader []string
	wave       *waveScope                // the wave that is being read; nil = none
	unread     map[runbooks.RefKind]bool // kinds whose table could not be read: that is told once, not at every name
}

// ref is a name to be found when everything is read.
type ref struct {
	kind runbooks.RefKind
	word diag.Word
}

// What a plan names besides what a runbook does.
const (
	partyRef       runbooks.RefKind = "party"
	groupRef       runbooks.RefKind = "party with members"
	environmentRef runbooks.RefKind = "environment"
	vantageRef     runbooks.RefKind = "vantage"
	personRef      runbooks.RefKind = "person"
)

func (l *loader) load() {
	src, err := readFile(l.files.fsys, File)
	if err != nil {
		l.noPlan(err)
		return
	}
	l.files.read[File] = src
	root, ok := yamldoc.Parse(File, src, l.problems)
	if !ok {
		return
	}
	m := root.Map()
	if !m.OK() {
		return
	}
	l.header(m)
	l.people(m)
	l.platformSections(m)
	l.checkSections(m)
	l.milestones(m)
	l.decisions(m)
	l.waves(m)
	l.meetings(m)
	l.done(m, "")
	l.readRunbooks()
	l.resolve()
	l.parameters()
	l.dateCycles()
	l.master = compile(l.Plan, l.problems) // milestones that wait for each other are told here
	l.gateCircles()
	l.emptyColumns()
}

func (l *loader) noPlan(err error) {
	if errors.Is(err, fs.ErrNotExist) {
		l.problems.Addf(diag.Pos{File: File}, CodeNoPlan, "there is no such file").
			Hintf("skift init DIR writes a plan directory to begin with")
		return
	}
	l.files.report(diag.Word{Pos: diag.Pos{File: File}, Text: File}, err)
}

// done ends the reading of a map.
func (l *loader) done(m *yamldoc.Map, place string) {
	if l.trace != nil && m.OK() {
		l.trace(place, m.Asked())
	}
	m.Done()
}

// ref notes a name and gives it.
func (l *loader) ref(kind runbooks.RefKind, w diag.Word) string {
	if w = l.waved(kind, w); w.Text != "" {
		l.refs = append(l.refs, ref{kind, w})
	}
	return w.Text
}

func (l *loader) refList(kind runbooks.RefKind, words []diag.Word) []string {
	l.twice(words)
	var names []string
	for _, w := range words {
		names = append(names, l.ref(kind, w))
	}
	return names
}

// twice reports words that stand in a list more than once.
func (l *loader) twice(words []diag.Word) {
	if len(words) < 2 {
		return
	}
	first := make(map[string]diag.Pos, len(words))
	for _, w := range words {
		if pos, ok := first[w.Text]; ok {
			w.Problemf(l.problems, CodeListedTwice, "%q is listed twice", w.Text).See(pos, "%q is first here", w.Text)
			continue
		}
		first[w.Text] = w.Pos
	}
}

// header reads what the plan is and in which time and words it speaks. The zone comes first: every date needs it.
func (l *loader) header(m *yamldoc.Map) {
	l.ID = m.ID("plan")
	l.Title = m.Text("title")
	l.zone(m.Word("timezone"))
	l.Language = m.OptOneOf("language", string(words.En), string(words.Da), string(words.En))
	l.Holidays = m.OptOneOf("holidays", "", "dk", "none")
	if l.Holidays == "none" {
		l.Holidays = ""
	}
	var areas []diag.Word
	for _, n := range m.OptItems("areas") {
		if area, ok := n.ID(); ok {
			w, _ := n.Word()
			areas = append(areas, w)
			l.Areas = append(l.Areas, area)
		}
	}
	l.twice(areas)
	l.thresholds(m.OptMap("thresholds"))
	l.words(m.OptMap("words"))
}

func (l *loader) zone(w diag.Word) {
	l.Zone = time.UTC
	if w.Text == "" {
		return
	}
	zone, err := time.LoadLocation(w.Text)
	if err != nil || w.Text == "Local" {
		w.Problemf(l.problems, CodeBadTimezone, "unknown time zone %q", w.Text).
			Hintf("write a name of the IANA list, such as Europe/Copenhagen or UTC")
		return
	}
	l.Zone = zone
}

// Where the light changes when the plan does not say.
const (
	defaultYellow = 5 * 24 * time.Hour
	defaultRed    = 10 * 24 * time.Hour
)

func (l *loader) thresholds(m *yamldoc.Map) {
	l.Thresholds = Thresholds{
		YellowSlip: m.OptDuration("yellow", defaultYellow),
		RedSlip:    m.OptDuration("red", defaultRed),
	}
	if l.Thresholds.RedSlip < l.Thresholds.YellowSlip {
		m.Problemf(CodeThresholds, "red (%s) comes before yellow (%s)",
			yamldoc.FormatDuration(l.Thresholds.RedSlip), yamldoc.FormatDuration(l.Thresholds.YellowSlip))
	}
	l.done(m, "thresholds")
}

// words reads the programme's own words for things.
func (l *loader) words(m *yamldoc.Map) {
	m.Each(func(key string, n yamldoc.Node) {
		text, ok := n.Str()
		if !words.Known(key) {
			n.KeyProblemf(CodeUnknownKeyOf, "%q is no word that can be replaced", key).
				Hintf("the words are listed in the plan reference").DidYouMean(key, words.Keys())
			return
		}
		if !ok {
			return
		}
		if l.Words == nil {
			l.Words = map[string]string{}
		}
		l.Words[key] = text
	})
}

// ids reads a map whose keys are names, in file order.
func ids[T any](m *yamldoc.Map, into *map[string]*T, order *[]string, read func(id string, n yamldoc.Node) *T) {
	m.EachID(func(id string, n yamldoc.Node) {
		(*into)[id] = read(id, n)
		*order = append(*order, id)
	})
}

// seatName tells whether s is written like a seat, and gives its parts.
func seatName(s string) (party, role string, ok bool) {
	party, role, ok = strings.Cut(s, "/")
	return party, role, ok && yamldoc.IsID(party) && yamldoc.IsID(role)
}
