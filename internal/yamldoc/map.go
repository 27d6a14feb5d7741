package yamldoc

import (
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"skift/internal/diag"
)

// smallMap is up to how many keys a map is searched from the front; larger
// ones get an index.
const smallMap = 16

// Map reads a map key by key. Getters without "Opt" report a key that is not
// there. A void Map (see OK) has no keys and reports nothing.
type Map struct {
	node  Node
	here  *where
	asked []string // keys somebody asked for, in that order
	all   bool     // every key was read
	index map[string]int
}

// Map gives n as a map, never nil. When n is something else that is reported
// and the Map is void.
func (n Node) Map() *Map {
	switch n.Kind() {
	case KindMap:
		return &Map{node: n, here: n.where()}
	case KindNone:
	case KindNull:
		n.KeyProblemf(CodeEmptyValue, "has no value; it must be a map of keys and values").
			Hintf("write {} for a map without keys")
	default:
		if n.y.Kind != yaml.AliasNode {
			n.Problemf(CodeWrongKind, "must be a map of keys and values, not %s", n.Kind())
		}
	}
	return &Map{}
}

// OK is false for a void Map: one that stands for a value that is missing or
// is not a map.
func (m *Map) OK() bool { return m.node.y != nil }

// Node is the map as a node.
func (m *Map) Node() Node { return m.node }

// Pos is where the map begins.
func (m *Map) Pos() diag.Pos { return m.node.Pos() }

// Path is the way from the root, "" for the root itself.
func (m *Map) Path() string { return m.node.Path() }

// Problemf reports an error of the map as a whole, at its key if it has one.
func (m *Map) Problemf(code diag.Code, format string, args ...any) *diag.Problem {
	return m.node.KeyProblemf(code, format, args...)
}

// Len is the number of keys.
func (m *Map) Len() int {
	if !m.OK() {
		return 0
	}
	return len(m.node.y.Content) / 2
}

// Keys gives the keys in the order of the file. It does not count as reading them.
func (m *Map) Keys() []string {
	keys := make([]string, 0, m.Len())
	for i := range m.Len() {
		keys = append(keys, m.node.y.Content[2*i].Value)
	}
	return keys
}

// at gives the i-th value.
func (m *Map) at(i int) Node {
	return Node{y: m.node.y.Content[2*i+1], key: m.node.y.Content[2*i], doc: m.node.doc, up: m.here}
}

// find looks a key up without marking it as read. Of duplicates the first counts.
func (m *Map) find(key string) (Node, bool) {
	if m.Len() > smallMap && m.index == nil {
		m.index = make(map[string]int, m.Len())
		for i := m.Len() - 1; i >= 0; i-- {
			m.index[m.node.y.Content[2*i].Value] = i
		}
	}
	if m.index != nil {
		if i, ok := m.index[key]; ok {
			return m.at(i), true
		}
		return Node{}, false
	}
	for i := range m.Len() {
		if k := m.node.y.Content[2*i]; k.Value == key && k.Kind == yaml.ScalarNode {
			return m.at(i), true
		}
	}
	return Node{}, false
}

// Has tells whether the key is there. The key counts as known from then on.
func (m *Map) Has(key string) bool {
	_, ok := m.OptNode(key)
	return ok
}

// OptNode gives a key's value whatever its kind; false when it is not there.
func (m *Map) OptNode(key string) (Node, bool) {
	if !slices.Contains(m.asked, key) {
		m.asked = append(m.asked, key)
	}
	return m.find(key)
}

// Need gives a key's value whatever its kind. A missing key is reported and
// gives the zero Node.
func (m *Map) Need(key string) Node {
	n, ok := m.OptNode(key)
	if !ok && m.OK() {
		m.Problemf(CodeMissingKey, "%q is missing", key)
	}
	return n
}

// KeyPos is where a key stands, the zero Pos when it is not there.
func (m *Map) KeyPos(key string) diag.Pos {
	if n, ok := m.find(key); ok {
		return n.KeyPos()
	}
	return diag.Pos{}
}

// ValuePos is where a key's value begins, the zero Pos when it is not there.
func (m *Map) ValuePos(key string) diag.Pos {
	if n, ok := m.find(key); ok {
		return n.Pos()
	}
	return diag.Pos{}
}

// Each calls fn for every key in the order of the file; all keys then count
// as read. Keys that are duplicates or not text are left out: Parse reported
// them.
func (m *Map) Each(fn func(key string, value Node)) {
	m.all = true
	for i := range m.Len() {
		n := m.at(i)
		if n.key.Kind != yaml.ScalarNode || n.key.Value == "" {
			continue
		}
		if first, _ := m.find(n.key.Value); first.key != n.key {
			continue
		}
		fn(n.key.Value, n)
	}
}

// EachID is [Map.Each] for maps whose keys are names; a key that cannot be a
// name (see [IsID]) is reported and left out.
func (m *Map) EachID(fn func(id string, value Node)) {
	m.Each(func(key string, n Node) {
		if !IsID(key) {
			n.badID(n.KeyProblemf(CodeBadID, "%s cannot be a name", quote(key)), key)
			return
		}
		fn(key, n)
	})
}

// ExactlyOne gives the one of keys that is there. None or several are reported
// and give "" (none) or the first (several).
func (m *Map) ExactlyOne(keys ...string) string {
	var found []string
	for _, k := range keys {
		if m.Has(k) {
			found = append(found, k)
		}
	}
	if len(found) == 1 || !m.OK() {
		return strings.Join(found, "")
	}
	if len(found) == 0 {
		p := m.Problemf(CodeChooseOne, "one of %s is needed", strings.Join(keys, ", "))
		for _, k := range m.Keys() {
			if slices.Contains(m.asked, k) {
				continue
			}
			if s := diag.Suggest(k, keys); s != "" {
				p.Hintf("did you mean %q instead of %q?", s, k)
				break
			}
		}
		return ""
	}
	n, _ := m.find(found[1])
	n.KeyProblemf(CodeChooseOne, "%s cannot stand together; choose one", strings.Join(found, " and ")).
		See(m.KeyPos(found[0]), "%q is here", found[0])
	return found[0]
}

// Ignore makes every key count as read, for a map whose keys cannot be judged
// because what decides about them is already wrong.
func (m *Map) Ignore() { m.all = true }

// Done reports every key that nobody asked for.
func (m *Map) Done() {
	if m.all {
		return
	}
	for i := range m.Len() {
		n := m.at(i)
		k := n.key
		if slices.Contains(m.asked, k.Value) || k.Kind != yaml.ScalarNode || k.Value == "" || k.Value == "<<" && k.Style&quoted == 0 {
			continue
		}
		p := m.node.doc.problems.Addf(n.KeyPos(), CodeUnknownKey, "unknown key %s", quote(k.Value)).
			At(m.Path()).Wide(width(k))
		if free := m.missing(); len(free) > 0 && len(free) <= 12 {
			p.Hintf("known here: %s", strings.Join(free, ", "))
		}
		p.DidYouMean(k.Value, m.missing())
	}
}

// missing are the keys that were asked for and are not there: what an unknown
// key may have been meant to be.
func (m *Map) missing() []string {
	var keys []string
	for _, k := range m.asked {
		if _, ok := m.find(k); !ok {
			keys = append(keys, k)
		}
	}
	return keys
}

// need reads a required key: missing is reported, wrong gives the zero value.
func need[T any](m *Map, key string, read func(Node) (T, bool)) T {
	v, _ := read(m.Need(key))
	return v
}

// opt reads an optional key: missing or wrong gives the default.
func opt[T any](m *Map, key string, def T, read func(Node) (T, bool)) T {
	n, ok := m.OptNode(key)
	if !ok {
		return def
	}
	if v, ok := read(n); ok {
		return v
	}
	return def
}

// Str reads a line of text; see [Node.Str].
func (m *Map) Str(key string) string { return need(m, key, Node.Str) }

// OptStr is Str with a default.
func (m *Map) OptStr(key, def string) string { return opt(m, key, def, Node.Str) }

// Raw reads text exactly as written, line breaks included.
func (m *Map) Raw(key string) string { return need(m, key, Node.Raw) }

// OptRaw is Raw with a default.
func (m *Map) OptRaw(key, def string) string { return opt(m, key, def, Node.Raw) }

// Word reads a line of text with its place.
func (m *Map) Word(key string) diag.Word { return need(m, key, Node.Word) }

// OptWord is Word; the zero Word when the key is not there.
func (m *Map) OptWord(key string) diag.Word { return opt(m, key, diag.Word{}, Node.Word) }

// Text reads one line in Danish and English; see [Node.Text].
func (m *Map) Text(key string) Text { return need(m, key, Node.Text) }

// OptText is Text; the zero Text when the key is not there.
func (m *Map) OptText(key string) Text { return opt(m, key, Text{}, Node.Text) }

// Prose is Text with several lines allowed.
func (m *Map) Prose(key string) Text { return need(m, key, Node.Prose) }

// OptProse is Prose; the zero Text when the key is not there.
func (m *Map) OptProse(key string) Text { return opt(m, key, Text{}, Node.Prose) }

// ID reads a name; see [IsID].
func (m *Map) ID(key string) string { return need(m, key, Node.ID) }

// OptID is ID with a default.
func (m *Map) OptID(key, def string) string { return opt(m, key, def, Node.ID) }

// Bool reads true or false.
func (m *Map) Bool(key string) bool { return need(m, key, Node.Bool) }

// OptBool is Bool with a default.
func (m *Map) OptBool(key string, def bool) bool { return opt(m, key, def, Node.Bool) }

// Duration reads a length of time; see [ParseSpan].
func (m *Map) Duration(key string) time.Duration { return need(m, key, Node.Duration) }

// OptDuration is Duration with a default.
func (m *Map) OptDuration(key string, def time.Duration) time.Duration {
	return opt(m, key, def, Node.Duration)
}

// OptPercent reads a share from 0 to 100, with a default.
func (m *Map) OptPercent(key string, def float64) float64 { return opt(m, key, def, Node.Percent) }

// Int reads a whole number from least to most.
func (m *Map) Int(key string, least, most int) int {
	return need(m, key, func(n Node) (int, bool) { return n.Int(least, most) })
}

// OptInt is Int with a default, which need not lie between the bounds.
func (m *Map) OptInt(key string, def, least, most int) int {
	return opt(m, key, def, func(n Node) (int, bool) { return n.Int(least, most) })
}

// OneOf reads one of the allowed words.
func (m *Map) OneOf(key string, allowed ...string) string {
	return need(m, key, func(n Node) (string, bool) { return n.OneOf(allowed...) })
}

// OptOneOf is OneOf with a default.
func (m *Map) OptOneOf(key, def string, allowed ...string) string {
	return opt(m, key, def, func(n Node) (string, bool) { return n.OneOf(allowed...) })
}

// Map reads a map; void when it is missing or something else.
func (m *Map) Map(key string) *Map { return m.Need(key).Map() }

// OptMap is Map; void and silent when the key is not there.
func (m *Map) OptMap(key string) *Map {
	n, _ := m.OptNode(key)
	return n.Map()
}

// Seq reads a list; see [Node.Seq].
func (m *Map) Seq(key string) []Node { return need(m, key, Node.Seq) }

// OptSeq is Seq; nil when the key is not there.
func (m *Map) OptSeq(key string) []Node { return opt(m, key, nil, Node.Seq) }

// Items reads a list, or a single value as a list of one.
func (m *Map) Items(key string) []Node { return need(m, key, Node.Items) }

// OptItems is Items; nil when the key is not there.
func (m *Map) OptItems(key string) []Node { return opt(m, key, nil, Node.Items) }

// Strings reads a list of lines of text, or a single one as a list of one.
func (m *Map) Strings(key string) []string { return each(m.Items(key), Node.Str) }

// OptStrings is Strings; nil when the key is not there.
func (m *Map) OptStrings(key string) []string { return each(m.OptItems(key), Node.Str) }

// Words is Strings with places.
func (m *Map) Words(key string) []diag.Word { return each(m.Items(key), Node.Word) }

// OptWords is Words; nil when the key is not there.
func (m *Map) OptWords(key string) []diag.Word { return each(m.OptItems(key), Node.Word) }
