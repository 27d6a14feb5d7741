package queue_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"skift/internal/figure"
	"skift/internal/register"
	"skift/internal/storetest"
)

// BenchmarkQueue claims slots and has their work done, which here is nothing but the end of the slot: all at once, and one after the other. It
// reports how many times as long River takes as the queue in memory; rounds of both are interleaved.
func BenchmarkQueue(b *testing.B) {
	const slots = 100
	for name, together := range map[string]bool{"together": true, "one after the other": false} {
		b.Run(name, func(b *testing.B) {
			took := map[string]time.Duration{}
			ps := map[string]*process{}
			for kind := range makers {
				p := open(b, kind, b.TempDir())
				p.first = func(_ context.Context, j register.Job) {
					if j.Schedule == "up" {
						return
					}
					storetest.Must(b, p.store, register.Batch{SlotMoves: []register.SlotMove{{Schedule: j.Schedule, At: j.At,
						From: register.SlotClaimed, To: register.SlotDone, FinishedAt: time.Now()}}})
				}
				p.run()
				p.put("up")
				p.done("up")
				ps[kind] = p
			}
			rounds := 0
			for b.Loop() {
				for kind, p := range ps {
					began := time.Now()
					for i := range slots {
						storetest.Must(b, p.store, register.Batch{Slots: []register.Slot{claimed(fmt.Sprintf("%d-%d", rounds, i))}})
						if !together {
							p.until("the slot", func(did []string) bool { return len(did) >= 1+rounds*slots+i+1 })
						}
					}
					p.until("the slots", func(did []string) bool { return len(did) >= 1+(rounds+1)*slots })
					took[kind] += time.Since(began)
				}
				rounds++
			}
			figure.Told(b, "x-inline", float64(took["river"])/float64(took["inline"]), fmt.Sprintf("%d slots claimed and worked by River, %s, beside the queue in memory", slots, name))
			b.ReportMetric(float64(rounds*slots)/took["river"].Seconds(), "slots/s")
		})
	}
}
