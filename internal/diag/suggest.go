package diag

import "strings"

// Suggest gives the candidate an author most likely meant by word, or "" when
// none is near. Nearness is the Damerau-Levenshtein distance (insert, delete,
// replace, swap two neighbours), ignoring case: one edit for words up to four
// characters, two up to eight, three beyond. Of equally near candidates the
// first wins; a candidate equal to word is never suggested.
func Suggest(word string, candidates []string) string {
	w := []rune(strings.ToLower(word))
	if len(w) == 0 || len(w) > 80 {
		return ""
	}
	limit := 3
	switch {
	case len(w) <= 4:
		limit = 1
	case len(w) <= 8:
		limit = 2
	}
	best, nearest := "", limit+1
	for _, c := range candidates {
		if c == word {
			continue
		}
		r := []rune(strings.ToLower(c))
		// An edit that replaces everything suggests nothing: "a" is not "b".
		if d := distance(w, r, nearest); d < nearest && d < max(len(w), len(r)) {
			best, nearest = c, d
		}
	}
	return best
}

// distance is the optimal string alignment distance of a and b, or limit when
// it is at least that.
func distance(a, b []rune, limit int) int {
	if d := len(a) - len(b); d >= limit || -d >= limit {
		return limit
	}
	before, last, this := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		this[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			this[j] = min(last[j]+1, this[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				this[j] = min(this[j], before[j-2]+1)
			}
			least = min(least, this[j])
		}
		if least >= limit {
			return limit
		}
		before, last, this = last, this, before
	}
	return min(last[len(b)], limit)
}
