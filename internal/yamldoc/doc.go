// Package yamldoc reads YAML the strict way: what an author wrote is either
// understood or reported with its line and column, and all problems come at
// once.
//
// [Parse] accepts a narrow YAML: one UTF-8 document of at most 8 MB, no
// duplicate keys, anchors, aliases, merge keys, tags or control characters, at
// most a million values, at most 50 levels. It gives a [Node]; Node.Map gives
// a [Map], whose getters both read and check:
//
//	m := root.Map()
//	defer m.Done()                       // reports the keys nobody asked for
//	title := m.Text("title")             // required
//	every := m.OptDuration("every", 0)   // optional, with its default
//	m.Map("checks").EachID(func(id string, n yamldoc.Node) { … })
//
// A getter that finds a problem reports it to the [diag.List] given to Parse
// and returns the zero value (an optional one its default), so a reader
// needs no error handling of its own: it reads on and looks at the list at the
// end. A value of the wrong kind is a "void" Map or an empty list whose getters
// are silent, so one mistake is reported once.
//
// Scalars follow YAML 1.2: only true and false are booleans, and every scalar
// can be read as text (2019-06-01, no, 1.10).
//
// The package knows nothing about plans. Nodes of one document belong to one
// goroutine.
package yamldoc
