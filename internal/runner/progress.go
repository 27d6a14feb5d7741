package runner

import (
	"sync"
	"time"

	"skift/internal/run"
)

// progress is how far the steps in flight have come.
type progress struct {
	mu    sync.Mutex
	steps map[string]*paced // run/step
}

// paced is the progress of one step, and since when it is measured.
type paced struct {
	since time.Time
	from  int64
	now   run.Progress
}

// of gives what a step's effect tells its progress to, and what ends that.
func (p *progress) of(runID, step string) (tell func(run.Progress), end func()) {
	key, mine := runID+"/"+step, &paced{}
	tell = func(now run.Progress) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if mine.since.IsZero() {
			mine.since, mine.from = time.Now(), now.BytesDone
			if p.steps == nil {
				p.steps = map[string]*paced{}
			}
			p.steps[key] = mine
		}
		mine.now = now
	}
	end = func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.steps[key] == mine {
			delete(p.steps, key)
		}
	}
	return tell, end
}

// Progress is how far the steps in flight have come, by run/step.
func (r *Runner) Progress(now time.Time) map[string]run.Progress {
	r.progress.mu.Lock()
	defer r.progress.mu.Unlock()
	out := make(map[string]run.Progress, len(r.progress.steps))
	for key, s := range r.progress.steps {
		out[key] = s.at(now)
	}
	return out
}

// at estimates when the step ends, at the pace since it began.
func (s *paced) at(now time.Time) run.Progress {
	out := s.now
	took, did := now.Sub(s.since), out.BytesDone-s.from
	if took >= time.Second && did > 0 && out.Bytes > out.BytesDone {
		left := time.Duration(float64(took) * float64(out.Bytes-out.BytesDone) / float64(did))
		out.EndsAt = now.Add(left).Truncate(time.Second)
	}
	return out
}
