package queue

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"skift/internal/register"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Every job put before or while the queue runs is done once; Run waits for the last; what is put afterwards is dropped.
func TestInline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		done := map[string]int{}
		q := NewInline(func(_ context.Context, job register.Job) {
			time.Sleep(time.Second)
			mu.Lock()
			defer mu.Unlock()
			done[job.Schedule]++
		})
		q.Put(register.Job{Schedule: "before"})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); q.Run(ctx) }()
		synctest.Wait()
		began := time.Now()
		q.Put(register.Job{Schedule: "while"})
		q.Put(register.Job{Schedule: "beside"})
		if time.Since(began) != 0 {
			t.Error("Put waits")
		}
		cancel()
		<-ended
		q.Put(register.Job{Schedule: "after"})
		synctest.Wait()
		for _, s := range []string{"before", "while", "beside"} {
			if done[s] != 1 {
				t.Errorf("job %q was done %d times", s, done[s])
			}
		}
		if done["after"] != 0 {
			t.Error("a job put after the end was done")
		}
	})
}
