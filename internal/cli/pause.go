package cli

import (
	"github.com/spf13/cobra"

	"skift/internal/runner"
)

// pauseCommand stops new starts in a run, or all probing of a party.
func (s *session) pauseCommand() *cobra.Command {
	return s.pausing(runner.DoPause, "pause RUN [--stream S | --step S] --as SEAT --reason … | pause --party PARTY", "Stop new starts in a run, or all probing of a party",
		"A run, a stream of it or a step: nothing new of it is started until `skift resume`; what is in flight goes on, and so does everything\n"+
			"else. A seat of the customer may, and the owner of a step. A step that has not begun is held, as by skift step RUN STEP hold; one in\n"+
			"flight goes on, and no other attempt of it begins.\n\n"+
			"A party: what is being asked of its platform, for its flows or from its addresses is broken off, and nothing more is asked by anybody,\n"+
			"until `skift resume`. What would have been asked is recorded as not observed: it is never green. Steps that copy files or call services\n"+
			"are no probing and go on. Both last over a restart.")
}

// resumeCommand lets it go on.
func (s *session) resumeCommand() *cobra.Command {
	return s.pausing(runner.DoResume, "resume RUN [--stream S | --step S] --as SEAT --reason … | resume --party PARTY", "Let a paused run go on, or a paused party be asked again",
		"What can start in the run starts at once. Of a party nothing is asked at once: schedules, gates, steps and `skift check` do so again\n"+
			"from now on.")
}

func (s *session) pausing(do, use, short, long string) *cobra.Command {
	var a act
	c := acting(&cobra.Command{Use: use, Short: short, Long: long, Args: between(0, "RUN"), RunE: func(c *cobra.Command, got []string) error {
		a.Do, a.Run = do, ""
		switch {
		case len(got) == 1:
			a.Run = got[0]
		case a.Stream+a.Step != "":
			return usage("RUN is missing", "usage: "+c.UseLine())
		}
		return s.send(c, a)
	}}, &a)
	c.Flags().StringVar(&a.Stream, "stream", "", "one `STREAM` of the run")
	c.Flags().StringVar(&a.Step, "step", "", "one `STEP` of the run")
	c.Flags().StringVar(&a.Party, "party", "", "`PARTY` of the plan, or a member of one")
	return c
}

// holdCommand keeps a run from going on.
func (s *session) holdCommand() *cobra.Command {
	return s.holding(runner.DoHold, "hold RUN --as SEAT --reason …", "Hold a run: it goes on only when somebody releases it",
		"A seat of the customer may. Nothing new is started in it, what is in flight goes on, and it can be backed out. A run that a failed step\n"+
			"or a gate holds is then held by you besides: it does not go on by itself once that is settled.")
}

// releaseCommand takes the hold away.
func (s *session) releaseCommand() *cobra.Command {
	return s.holding(runner.DoRelease, "release RUN --as SEAT --reason …", "Let a held run go on",
		"Refused while a failed or uncertain step, a gate or a back-out still holds it; the hold of a person is taken away in any case.")
}

func (s *session) holding(do, use, short, long string) *cobra.Command {
	var a act
	return acting(&cobra.Command{Use: use, Short: short, Long: long, Args: args("RUN"), RunE: func(c *cobra.Command, got []string) error {
		a.Do, a.Run = do, got[0]
		return s.send(c, a)
	}}, &a)
}
