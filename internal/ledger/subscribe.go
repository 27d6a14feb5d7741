package ledger

import (
	"context"
	"sync"

	"skift/internal/journal"
)

// subscription is an unbounded queue: a slow listener must never hold up a decision, and events are small and few.
type subscription struct {
	mu     sync.Mutex
	queue  []journal.Event
	signal chan struct{}
}

func (s *subscription) put(events []journal.Event) {
	s.mu.Lock()
	s.queue = append(s.queue, events...)
	s.mu.Unlock()
	select {
	case s.signal <- struct{}{}:
	default:
	}
}

// Subscription hands out committed events in order, each once.
type Subscription struct {
	l  *Ledger
	id int
	s  *subscription
}

// Subscribe listens to events committed from now on. Close it when done.
func (l *Ledger) Subscribe() *Subscription {
	l.subMu.Lock()
	defer l.subMu.Unlock()
	l.next++
	s := &subscription{signal: make(chan struct{}, 1)}
	l.subs[l.next] = s
	return &Subscription{l, l.next, s}
}

// Next waits for further events and returns them, oldest first. It returns ctx's error when ctx ends first.
func (s *Subscription) Next(ctx context.Context) ([]journal.Event, error) {
	for {
		s.s.mu.Lock()
		events := s.s.queue
		s.s.queue = nil
		s.s.mu.Unlock()
		if len(events) > 0 {
			return events, nil
		}
		select {
		case <-s.s.signal:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// C is signalled when events may be waiting; Take then returns them.
func (s *Subscription) C() <-chan struct{} { return s.s.signal }

// Take returns the events waiting, possibly none.
func (s *Subscription) Take() []journal.Event {
	s.s.mu.Lock()
	defer s.s.mu.Unlock()
	events := s.s.queue
	s.s.queue = nil
	return events
}

// Close stops listening.
func (s *Subscription) Close() {
	s.l.subMu.Lock()
	defer s.l.subMu.Unlock()
	delete(s.l.subs, s.id)
}

func (l *Ledger) publish(events []journal.Event) {
	if len(events) == 0 {
		return
	}
	l.subMu.Lock()
	defer l.subMu.Unlock()
	for _, s := range l.subs {
		s.put(events)
	}
}
