package runbooks

// NothingToUndo reports whether a step of a back-out is passed over: what it undoes is a step of the run and was never begun. begun
// says of a step whether it was, and whether the run has it at all.
func (s *Step) NothingToUndo(begun func(step string) (was, known bool)) bool {
	if s.Undoes == "" {
		return false
	}
	was, known := begun(s.Undoes)
	return known && !was
}

// Changes reports whether a step changes something outside skift: by an effect of ours, or by what a person is asked to do.
func (s *Step) Changes() bool {
	return s.Effect() && s.Kind != Message || s.Change != "" || len(s.Switches)+len(s.Closes) > 0
}
