package probe

import (
	"context"
	"slices"
	"sync"
	"time"
)

// keptSweeps is how many sweeps are remembered at once: one, and those that overlap it.
const keptSweeps = 4

// memo finds something once per sweep, also when many ask for it at the same time: a hundred units that fail alike must not make
// a hundred more connections to learn why. A sweep is known by its instant. The zero value is ready.
type memo[K comparable, V any] struct {
	mu     sync.Mutex
	sweeps []*sweepMemo[K, V] // oldest first
}

type sweepMemo[K comparable, V any] struct {
	at    time.Time
	found map[K]*sought[V]
}

// sought is one thing that is being looked for, or was found.
type sought[V any] struct {
	done  chan struct{} // closed when value and err are there
	value V
	err   error
}

// once gives what find finds, which runs on the goroutine of the first who asks. When that one is cancelled the next tries again. Without an
// instant nothing is remembered.
func (m *memo[K, V]) once(ctx context.Context, at time.Time, key K, find func() (V, error)) (V, error) {
	if at.IsZero() {
		return find()
	}
	for {
		f, first := m.claim(at, key)
		if first {
			f.value, f.err = find()
			if f.err != nil {
				m.forget(at, key)
			}
			close(f.done)
			return f.value, f.err
		}
		select {
		case <-f.done:
			if f.err == nil {
				return f.value, nil
			}
		case <-ctx.Done():
			var none V
			return none, context.Cause(ctx)
		}
	}
}

// claim finds what somebody looks for already, or makes it ours to find.
func (m *memo[K, V]) claim(at time.Time, key K) (f *sought[V], first bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.sweep(at)
	if f = s.found[key]; f != nil {
		return f, false
	}
	f = &sought[V]{done: make(chan struct{})}
	s.found[key] = f
	return f, true
}

func (m *memo[K, V]) sweep(at time.Time) *sweepMemo[K, V] {
	if i := slices.IndexFunc(m.sweeps, func(s *sweepMemo[K, V]) bool { return s.at.Equal(at) }); i >= 0 {
		return m.sweeps[i]
	}
	s := &sweepMemo[K, V]{at: at, found: map[K]*sought[V]{}}
	if m.sweeps = append(m.sweeps, s); len(m.sweeps) > keptSweeps {
		m.sweeps = slices.Delete(m.sweeps, 0, 1)
	}
	return s
}

func (m *memo[K, V]) forget(at time.Time, key K) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.sweep(at).found, key)
}
