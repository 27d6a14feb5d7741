package cli

import (
	"skift/internal/run"
	"skift/internal/term"
)

func runState(s run.State) term.State {
	switch s {
	case run.RunRunning:
		return term.Running
	case run.RunHeld:
		return term.Risk
	case run.RunDone:
		return term.OK
	case run.RunBacked, run.RunAborted:
		return term.Risk
	}
	return term.Fail
}

func stepState(s run.StepState) term.State {
	switch s {
	case run.Done:
		return term.OK
	case run.Failed:
		return term.Fail
	case run.Running, run.Verifying:
		return term.Running
	case run.WaitingForPerson:
		return term.Gate
	case run.Uncertain:
		return term.Unknown
	case run.Held:
		return term.Risk
	}
	return term.Plain
}
