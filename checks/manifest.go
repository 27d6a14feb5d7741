package checks

import (
	"strings"
	"time"

	"skift/internal/yamldoc"
)

// Manifest is the kind that compares lists of files that each side handed over. Nobody is asked and no file is read.
const Manifest Kind = "manifest"

// ManifestOptions are the demands on the lists.
type ManifestOptions struct {
	Lists      map[Side]Text `json:"lists"`           // files in the plan directory, looked for when the check is asked
	Pairs      []PairRule    `json:"pairs,omitempty"` // in the order of PairKinds
	InFlight   int           `json:"in_flight"`       // how many differences of one kind are files on their way
	MaxListAge time.Duration `json:"max_list_age"`    // an older list proves nothing; 0 = not asked
}

// PairRule says that each file of a folder must have a companion.
type PairRule struct {
	Kind   PairKind `json:"kind"`
	Folder string   `json:"folder"` // "." = every folder
}

// PairKind is a kind of companion; its file has the name of the file it belongs to and Suffix.
type PairKind string

// The kinds of companion.
const (
	PairTrigger  PairKind = "trigger"  // sent after the file; without it the file is inert
	PairMetadata PairKind = "metadata" // received with the file
	PairReceipt  PairKind = "receipt"  // comes back when the file was taken
)

// PairKinds lists the kinds.
func PairKinds() []PairKind { return []PairKind{PairTrigger, PairMetadata, PairReceipt} }

// Suffix is what the companion's name ends in.
func (k PairKind) Suffix() string {
	if k == PairReceipt {
		return ".sftpreceipt"
	}
	return "." + string(k)
}

func (ManifestOptions) kind() Kind { return Manifest }

func (o ManifestOptions) sides() []Side {
	var out []Side
	for _, s := range Sides() {
		if !o.Lists[s].IsZero() {
			out = append(out, s)
		}
	}
	return out
}

// EnvironmentMark stands in the name of a list for the environment in which it is looked for.
const EnvironmentMark = "{environment}"

// ListName is the file that holds a side's list, in an environment and for a flow.
func (o ManifestOptions) ListName(side Side, env string, flow map[string]string) string {
	name, _ := o.Lists[side].In(flow)
	return strings.ReplaceAll(name, EnvironmentMark, env)
}

func (o ManifestOptions) perEnvironment() bool {
	return strings.Contains(o.Lists[Old].Literal+"/"+o.Lists[New].Literal, EnvironmentMark)
}

func (o ManifestOptions) columns() []string { return columnsOf(o.Lists[Old], o.Lists[New]) }

func manifestDef() KindDef {
	return KindDef{Manifest, "Lists of files that each side handed over, compared; triggers and receipts paired.", manifestKeys(), (*reader).manifest}
}

func manifestKeys() []Key {
	return []Key{
		{"lists", true, "Per side the file in the plan directory that holds its list, as CSV with name, size and sha256, or as sha256sum prints it; {environment} in its name is replaced."},
		{"pairs", false, "Which files must have a companion: trigger, metadata or receipt, each with the folder it holds for; . is every folder."},
		{"in_flight", false, "How many differences of one kind are files on their way and no failure; default 0."},
		{"max_list_age", false, "A list taken longer ago proves nothing; by its line # taken_at:, else by the file's time."},
	}
}

func (r *reader) manifest() Options {
	o := ManifestOptions{Lists: map[Side]Text{}}
	lists := r.m.Map("lists")
	for _, side := range Sides() {
		if t := r.path(lists, string(side)); !t.IsZero() {
			o.Lists[side] = t
		}
	}
	if lists.OK() && lists.Len() == 0 {
		lists.Problemf(yamldoc.CodeMissingKey, "neither old: nor new: is given").Hintf("write the file of each list under its side")
	}
	lists.Done()
	if m := r.m.OptMap("pairs"); m.OK() {
		for _, k := range PairKinds() {
			if w := m.OptWord(string(k)); w.Text != "" {
				o.Pairs = append(o.Pairs, PairRule{k, w.Text})
			}
		}
		m.Done()
	}
	o.InFlight = r.m.OptInt("in_flight", 0, 0, 1_000_000)
	o.MaxListAge = r.m.OptDuration("max_list_age", 0)
	return o
}
