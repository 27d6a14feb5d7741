package yamldoc

import "slices"

// Asked lists the keys that were asked for so far, whether there or not: what
// the map may hold. Tests compare it with the documentation.
func (m *Map) Asked() []string { return slices.Clone(m.asked) }
