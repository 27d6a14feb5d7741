package words

// DuplicateKeys lists the keys that stand in the lists more than once.
func DuplicateKeys() []string {
	seen, double := map[string]bool{}, []string(nil)
	take := func(key string) {
		if seen[key] {
			double = append(double, key)
		}
		seen[key] = true
	}
	for _, list := range lists() {
		for _, e := range list {
			take(e.key)
		}
	}
	for _, o := range outcomeList() {
		take(causeKey(o.code))
		take(nextKey(o.code))
	}
	return double
}
