package plan

import (
	"time"

	"skift/internal/yamldoc"
)

// pace reads how closely the slots of a schedule are kept to. every and cron are the schedule, or empty where they could not be
// read.
func (l *loader) pace(m *yamldoc.Map, scheduled bool, every time.Duration, cron string) Pace {
	p := Pace{Jitter: m.OptDuration("jitter", 0), OnMissed: OnMissed(m.OptOneOf("on_missed", string(RunOnce), string(RunOnce), string(SkipMissed)))}
	if !scheduled {
		for _, key := range []string{"jitter", "on_missed"} {
			if m.Has(key) {
				n, _ := m.OptNode(key)
				n.Problemf(CodeUselessKey, "without a schedule nothing comes by itself").Hintf("leave %s out, or say when it comes", key)
			}
		}
		return p
	}
	n, ok := m.OptNode("jitter")
	if gap := shortestGap(every, cron); ok && gap > 0 && p.Jitter >= gap {
		n.Problemf(CodeLongJitter, "the work of a slot would begin when the next one comes").
			Hintf("less than %s lies between two slots; write less than that", yamldoc.FormatDuration(gap))
	}
	return p
}

// shortestGap is the least time between two slots, 0 when that is not known. A clock change may bring two slots of a fixed hour nearer; who
// begins them keeps them apart then.
func shortestGap(every time.Duration, cron string) time.Duration {
	if every != 0 || cron == "" {
		return every
	}
	schedule, err := parseCron(cron)
	if err != nil {
		return 0
	}
	// Two years, or as many slots as show every distance within some days.
	least, at := time.Duration(0), schedule.Next(time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC))
	for range 800 {
		next := schedule.Next(at)
		if next.IsZero() {
			break
		}
		if gap := next.Sub(at); least == 0 || gap < least {
			least = gap
		}
		at = next
	}
	return least
}
