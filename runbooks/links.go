package runbooks

// Links is a runbook by number: a step's number is its place in Steps. It is not to be changed.
type Links struct {
	Place map[string]int // step → its number
	Needs [][]int        // the steps each one needs; names of no step are left out
	Order []int          // all numbers, each after those it needs; those in a circle, which [Read] reports, come last and need nothing
}

// Links gives the steps by number. A runbook that was read has them ready.
func (r *Runbook) Links() *Links {
	if r.links != nil {
		return r.links
	}
	return link(r.Steps)
}

func link(steps []*Step) *Links {
	l := &Links{Place: make(map[string]int, len(steps)), Needs: make([][]int, len(steps)), Order: make([]int, 0, len(steps))}
	total := 0
	for i, s := range steps {
		l.Place[s.ID] = i
		total += len(s.Needs)
	}
	all := make([]int, 0, total)
	needed := make([][]int, len(steps))
	for i, s := range steps {
		from := len(all)
		for _, need := range s.Needs {
			if j, ok := l.Place[need]; ok {
				all = append(all, j)
				needed[j] = append(needed[j], i)
			}
		}
		l.Needs[i] = all[from:len(all):len(all)]
	}
	l.sort(needed)
	return l
}

// sort fills Order.
func (l *Links) sort(needed [][]int) {
	unmet := make([]int, len(l.Needs))
	for i, needs := range l.Needs {
		if unmet[i] = len(needs); unmet[i] == 0 {
			l.Order = append(l.Order, i)
		}
	}
	for at := 0; at < len(l.Order); at++ {
		for _, j := range needed[l.Order[at]] {
			if unmet[j]--; unmet[j] == 0 {
				l.Order = append(l.Order, j)
			}
		}
	}
	for i := range unmet {
		if unmet[i] > 0 {
			l.Needs[i] = nil
			l.Order = append(l.Order, i)
		}
	}
}
