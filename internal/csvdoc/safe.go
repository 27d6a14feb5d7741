package csvdoc

import "strings"

// formulas are what a spreadsheet takes for the beginning of a formula, in the usual and in the full width, and what it skips before one.
const formulas = "=+-@\t\r\n＝＋－＠"

// Safe makes a cell that somebody else wrote harmless for whoever opens the table in a spreadsheet: what would be read as a formula
// begins with an apostrophe, which shows it as text.
func Safe(cell string) string {
	if cell != "" && strings.ContainsRune(formulas, []rune(cell)[0]) {
		return "'" + cell
	}
	return cell
}
