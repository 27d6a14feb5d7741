// Package term is what skift knows about terminals: it makes untrusted text
// harmless, measures how wide text is drawn, and lays out tables and states in
// colour, shape and word.
//
// Text that somebody else wrote (a server's banner, a command's output, a
// person's remark) passes through [Strip] or a [Stripper] before it is kept or
// shown; after that it cannot move the cursor, change the clipboard or turn
// the reading direction around.
//
// The package reads the environment only in [Detect]; everything else is a
// function of its arguments and may be used by many goroutines at once, except
// a [Stripper], which belongs to one stream.
package term
