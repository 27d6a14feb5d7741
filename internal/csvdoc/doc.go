// Package csvdoc reads CSV tables the strict way: every cell knows its line
// and column, and all problems come at once.
//
// A table has a header line that names its columns; the reader says which
// columns it must and may have. Separators are commas or semicolons (what
// spreadsheets write differs by country), found in the header. Quoting is that
// of RFC 4180. A byte order mark and CRLF line ends are accepted, spaces around
// cells that are not quoted are dropped, blank lines are skipped.
//
//	t, ok := csvdoc.Parse(file, src, csvdoc.Columns{Required: []string{"seat", "person"}}, problems)
//	t.Each(func(r csvdoc.Row) { seat := r.Word("seat"); … })
//
// Getters report what is wrong and return the zero value, as those of package
// yamldoc do. A row with the wrong number of cells is reported and left out.
//
// The package knows nothing about plans. A table belongs to one goroutine.
package csvdoc
