package probe

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"skift/checks"
	"skift/internal/secret"
)

// manifest judges the list of its side, and on the new side compares it with the old one as well. Lists are read row by row and more
// than once; of each file only a digest of its name, its size and a part of its sum are held.
func (p *Prober) manifest(ctx context.Context, t target) sighting {
	s := sighting{facts: map[string]string{}, code: checks.OK}
	o, _ := t.Spec.Options.(checks.ManifestOptions)
	m := &manifest{p: p, ctx: ctx, t: t, o: o, s: &s, seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}, own: map[nameKey]struct{}{}}
	m.judge()
	return s
}

// manifest is one comparison under way.
type manifest struct {
	p     *Prober
	ctx   context.Context
	t     target
	o     checks.ManifestOptions
	s     *sighting
	seeds [2]maphash.Seed

	old map[nameKey]oldFile  // nil = nothing to compare with
	own map[nameKey]struct{} // names of this side's list that are not in old

	// Counts and samples per kind.
	tallies [kinds]tally
}

type nameKey [2]uint64

type oldFile struct {
	size int64
	sum  uint64
	seen bool // in the new list too
}

// What is counted.
const (
	onlyOld = iota
	onlyNew
	sizeDiffers
	sumDiffers
	noTrigger
	noMetadata
	noReceipt
	noFile
	kinds
)

var tallyFacts = [kinds]string{"only_old", "only_new", "size_differs", "sha256_differs", "trigger_missing", "metadata_missing", "receipt_missing", "file_missing"}

// tally is how many names there are and the first of them in order, so that the same lists give the same answer.
type tally struct {
	n     int
	first []string // sorted, at most shownNames
	all   []string // at most foldedNames, kept for names that are nearly the same
}

const (
	shownNames  = 5
	foldedNames = 10_000
)

func (f *tally) add(name string, keep bool) {
	f.n++
	if keep && len(f.all) < foldedNames {
		f.all = append(f.all, name)
	}
	if i, _ := slices.BinarySearch(f.first, name); i < shownNames {
		f.first = slices.Insert(f.first, i, name)
		f.first = f.first[:min(len(f.first), shownNames)]
	}
}

func (m *manifest) judge() {
	side := m.t.Unit.Side
	compared := side == checks.New && !m.o.Lists[checks.Old].IsZero()
	var old, own listHead
	if compared {
		m.old = map[nameKey]oldFile{}
		if head, ok := m.each(checks.Old, m.keepOld); !ok {
			return
		} else {
			old = head
		}
	}
	own, ok := m.each(side, func(l listRow) error { return m.meet(l, old) })
	if !ok {
		return
	}
	if compared && !(old.sizes && own.sizes) && !(old.sums && own.sums) {
		m.s.opFailed(checks.ListUnreadable, errors.New("the lists have neither sizes nor sums in common"))
		return
	}
	if compared && !m.missingFromNew() {
		return
	}
	if len(m.o.Pairs) > 0 {
		if _, ok := m.each(side, m.pair); !ok {
			return
		}
	}
	m.tell()
}

// each reads one side's list; when that cannot be done the sighting is complete.
func (m *manifest) each(side checks.Side, row func(listRow) error) (listHead, bool) {
	name := m.o.ListName(side, m.t.In, m.t.Flow)
	n := 0
	head, modified, err := m.read(name, func(l listRow) error {
		if n++; n%4096 == 0 && m.ctx.Err() != nil {
			return context.Cause(m.ctx)
		}
		return row(l)
	})
	if err != nil {
		m.s.facts["list"] = string(side)
		m.s.opFailed(checks.ListUnreadable, fmt.Errorf("the %s list: %w", side, err))
		return head, false
	}
	m.s.facts["files_"+string(side)] = strconv.Itoa(n)
	taken := head.takenAt
	if taken.IsZero() {
		taken = modified
	}
	now := m.t.At
	if now.IsZero() {
		now = time.Now()
	}
	if m.o.MaxListAge > 0 && now.Sub(taken).Abs() > m.o.MaxListAge { // a list from the future is no newer than one from the past
		m.s.facts["list"] = string(side)
		m.s.opFailed(checks.Stale, fmt.Errorf("the %s list was taken at %s", side, taken.UTC().Format(time.RFC3339)))
		return head, false
	}
	return head, true
}

func (m *manifest) read(name string, row func(listRow) error) (head listHead, modified time.Time, err error) {
	if m.p.files == nil {
		return head, modified, errors.New("no plan directory is given to this prober")
	}
	info, err := fs.Stat(m.p.files, name)
	if err != nil {
		return head, modified, reason(err)
	}
	if !info.Mode().IsRegular() {
		return head, modified, errors.New("not a file")
	}
	f, err := m.p.files.Open(name)
	if err != nil {
		return head, modified, reason(err)
	}
	defer f.Close()
	head, err = readList(f, row)
	return head, info.ModTime(), err
}

// reason takes the path out of an error: the plan names it.
func reason(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}

func (m *manifest) key(name string) nameKey {
	return nameKey{maphash.String(m.seeds[0], name), maphash.String(m.seeds[1], name)}
}

func sumKey(sum []byte) uint64 {
	if len(sum) < 8 {
		return 0
	}
	return binary.BigEndian.Uint64(sum)
}

func (m *manifest) keepOld(l listRow) error {
	k := m.key(l.name)
	if _, twice := m.old[k]; twice {
		return fmt.Errorf("line %d: a name that was there before", l.line)
	}
	m.old[k] = oldFile{size: l.size, sum: sumKey(l.sum)}
	return nil
}

// meet takes a file of this side's list against the old one.
func (m *manifest) meet(l listRow, old listHead) error {
	k := m.key(l.name)
	if was, ok := m.old[k]; ok {
		if was.seen {
			return fmt.Errorf("line %d: a name that was there before", l.line)
		}
		was.seen = true
		m.old[k] = was
		switch {
		case old.sizes && l.size >= 0 && was.size != l.size:
			m.tallies[sizeDiffers].add(l.name, false)
		case old.sums && l.sum != nil && was.sum != sumKey(l.sum):
			m.tallies[sumDiffers].add(l.name, false)
		}
		return nil
	}
	if _, twice := m.own[k]; twice {
		return fmt.Errorf("line %d: a name that was there before", l.line)
	}
	m.own[k] = struct{}{}
	if m.old != nil {
		m.tallies[onlyNew].add(l.name, true)
	}
	return nil
}

// has reports whether this side's list has the name.
func (m *manifest) has(name string) bool {
	k := m.key(name)
	_, ok := m.own[k]
	return ok || m.old[k].seen
}

// missingFromNew reads the old list again for the names nobody met.
func (m *manifest) missingFromNew() bool {
	if len(m.old) == m.met() {
		return true
	}
	_, ok := m.each(checks.Old, func(l listRow) error {
		if !m.old[m.key(l.name)].seen {
			m.tallies[onlyOld].add(l.name, true)
		}
		return nil
	})
	return ok
}

func (m *manifest) met() (n int) {
	for _, f := range m.old {
		if f.seen {
			n++
		}
	}
	return n
}

// pair looks for the companions of a file, and for the file of a companion.
func (m *manifest) pair(l listRow) error {
	for _, k := range checks.PairKinds() {
		if file, ok := strings.CutSuffix(l.name, k.Suffix()); ok {
			if k != checks.PairReceipt && m.demands(k, file) && !m.has(file) { // what was taken may be gone, its receipt stays
				m.tallies[noFile].add(l.name, false)
			}
			return nil
		}
	}
	for k, found := range map[checks.PairKind]int{checks.PairTrigger: noTrigger, checks.PairMetadata: noMetadata, checks.PairReceipt: noReceipt} {
		if m.demands(k, l.name) && !m.has(l.name+k.Suffix()) {
			m.tallies[found].add(l.name, false)
		}
	}
	return nil
}

func (m *manifest) demands(k checks.PairKind, name string) bool {
	return slices.ContainsFunc(m.o.Pairs, func(r checks.PairRule) bool {
		return r.Kind == k && (r.Folder == "." || path.Dir(name) == path.Clean(r.Folder))
	})
}

// tell says what was found, the gravest first.
func (m *manifest) tell() {
	for i, f := range m.tallies {
		if f.n == 0 {
			continue
		}
		m.s.facts[tallyFacts[i]] = strconv.Itoa(f.n)
		m.s.facts["names "+tallyFacts[i]] = firstNames(f)
	}
	m.nearly()
	for _, c := range []struct {
		code  checks.Code
		kinds []int
	}{
		{checks.ListDiffers, []int{onlyOld, onlyNew, sizeDiffers, sumDiffers}}, {checks.TriggerMissing, []int{noTrigger, noMetadata}},
		{checks.ReceiptMissing, []int{noReceipt}}, {checks.FileMissing, []int{noFile}},
	} {
		var said []string
		for _, k := range c.kinds {
			if f := m.tallies[k]; f.n > m.o.InFlight {
				said = append(said, fmt.Sprintf("%s %d: %s", tallyFacts[k], f.n, firstNames(f)))
			}
		}
		if len(said) > 0 && m.s.code == checks.OK {
			m.s.opFailed(c.code, errors.New(strings.Join(said, "; ")))
		}
	}
}

// firstNames are the first names, made safe; they are compared as they are and masked only here.
func firstNames(f tally) string {
	var names []string
	for _, n := range f.first {
		names = append(names, fact(secret.MaskCivil(n)))
	}
	if f.n > len(names) {
		names = append(names, "…")
	}
	return strings.Join(names, ", ")
}

// nearly counts names that differ only in case or in how Unicode writes a letter: one file to a person, two to a program.
func (m *manifest) nearly() {
	composed, lower := map[string]bool{}, map[string]bool{}
	for _, name := range m.tallies[onlyOld].all {
		c := norm.NFC.String(name)
		composed[c], lower[strings.ToLower(c)] = true, true
	}
	unicodeForm, letterCase := 0, 0
	for _, name := range m.tallies[onlyNew].all {
		switch c := norm.NFC.String(name); {
		case composed[c]:
			unicodeForm++
		case lower[strings.ToLower(c)]:
			letterCase++
		}
	}
	for name, n := range map[string]int{"same_but_for_unicode_form": unicodeForm, "same_but_for_case": letterCase} {
		if n > 0 {
			m.s.facts[name] = strconv.Itoa(n)
		}
	}
}
