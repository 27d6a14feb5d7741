package queue

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivertype"

	"skift/internal/register"
	"skift/internal/store"
)

const (
	// pollEvery is how late a job may be that was put off, and one whose wake-up was lost. A job of this process is begun at once.
	pollEvery = time.Second
	// together is how many jobs are done at once. Sweeps have budgets of their own, so that nothing hangs on it.
	together = 500
)

// River keeps jobs in the database of a store, in the transactions of the rows they point at. Make it with NewRiver, before the store
// hands jobs on. It is safe for concurrent use.
//
// It leads nothing: there is one process, and what River's leader would do is done by our rows. A job has one attempt; what is to be
// tried again is decided where its row is, and comes as a new job. Nothing is written while there is nothing to do.
type River struct {
	client *river.Client[*sql.Tx]
	driver *driver
}

// NewRiver makes the queue of the process that owns the store. The store has forgotten whatever an earlier process left.
func NewRiver(s *store.Store, handle Handler, log *slog.Logger) (*River, error) {
	d := newDriver(s.Guest())
	workers := river.NewWorkers()
	river.AddWorker(workers, &worker{handle: handle, log: log})
	client, err := river.NewClient(d, &river.Config{
		ID:                     "skift",
		Queues:                 map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: together}},
		Workers:                workers,
		Logger:                 slog.New(&riverLog{log.Handler()}),
		MaxAttempts:            1,
		JobTimeout:             -1, // a sweep knows how long it may take
		FetchCooldown:          5 * time.Millisecond,
		FetchPollInterval:      pollEvery,
		LeaderElectionDisabled: true,
	})
	if err != nil {
		return nil, fmt.Errorf("prepare the queue of jobs: %v", err)
	}
	return &River{client: client, driver: d}, nil
}

// Put implements store.Carrier. With the first new job those that are finished leave.
func (q *River) Put(tx store.Tx, jobs []register.Job) error {
	if err := store.RemoveFinished(tx); err != nil {
		return err
	}
	params := make([]*riverdriver.JobInsertFastParams, 0, len(jobs))
	for _, job := range jobs {
		args := hint{Schedule: job.Schedule, Message: job.Message, At: job.At.UnixMicro()}
		encoded, err := json.Marshal(args)
		if err != nil {
			return err
		}
		p := &riverdriver.JobInsertFastParams{Args: args, EncodedArgs: encoded, Kind: args.Kind(), MaxAttempts: 1, Metadata: []byte("{}"),
			Priority: river.PriorityDefault, Queue: river.QueueDefault, State: rivertype.JobStateAvailable, Tags: []string{}}
		// It is available from then on: the state "scheduled" is for a leader to end. What is due at once is so by any clock.
		due := time.Unix(0, 0).UTC()
		if at := job.DueAt(); at.After(due) {
			due = at.UTC()
		}
		p.ScheduledAt = &due
		params = append(params, p)
	}
	_, err := q.driver.UnwrapExecutor(tx.Raw()).JobInsertFastManyNoReturning(context.Background(), &riverdriver.JobInsertFastManyParams{Jobs: params})
	return err
}

// Stored implements store.Carrier.
func (q *River) Stored([]register.Job) { q.driver.wake() }

// Run implements Queue.
func (q *River) Run(ctx context.Context) error {
	if err := q.client.Start(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("start the queue of jobs: %w", err)
	}
	<-q.client.Stopped()
	return nil
}

// hint is a job as it is stored.
type hint struct {
	Schedule string `json:"schedule,omitempty"`
	Message  string `json:"message,omitempty"`
	At       int64  `json:"at"` // microseconds
}

// Kind implements river.JobArgs.
func (hint) Kind() string { return "row" }

// worker gives the jobs to the handler.
type worker struct {
	river.WorkerDefaults[hint]
	handle Handler
	log    *slog.Logger
}

// Work implements river.Worker. What became of the job stands in its row; River hears that it is over.
func (w *worker) Work(ctx context.Context, job *river.Job[hint]) error {
	if ctx.Err() != nil {
		return nil // fetched while it was being stopped: the next process finds the row
	}
	h := job.Args
	w.handle.do(ctx, register.Job{Schedule: h.Schedule, Message: h.Message, At: time.UnixMicro(h.At).UTC()}, w.log)
	return nil
}

// driver is River's for SQLite, with a listener that hears of jobs in this process without asking the database.
type driver struct {
	*riversqlite.Driver
	woken chan struct{}
}

func newDriver(pool *sql.DB) *driver {
	return &driver{riversqlite.New(pool), make(chan struct{}, 1)}
}

// wake never waits: whoever wakes up looks for all there is.
func (d *driver) wake() {
	select {
	case d.woken <- struct{}{}:
	default:
	}
}

// SupportsListenNotify implements riverdriver.Driver: no notification is written to the database.
func (*driver) SupportsListenNotify() bool { return false }

// GetListener implements riverdriver.Driver.
func (d *driver) GetListener(*riverdriver.GetListenenerParams) riverdriver.Listener {
	return &listener{woken: d.woken}
}

// listener implements riverdriver.Listener.
type listener struct{ woken <-chan struct{} }

func (*listener) Close(context.Context) error            { return nil }
func (*listener) Connect(context.Context) error          { return nil }
func (*listener) Listen(context.Context, string) error   { return nil }
func (*listener) Ping(context.Context) error             { return nil }
func (*listener) Schema() string                         { return "" }
func (*listener) SetAfterConnectExec(string)             {}
func (*listener) Unlisten(context.Context, string) error { return nil }

// WaitForNotification implements riverdriver.Listener.
func (l *listener) WaitForNotification(ctx context.Context) (*riverdriver.Notification, error) {
	select {
	case <-l.woken:
		return &riverdriver.Notification{Topic: "river_insert", Payload: `{"queue":"` + river.QueueDefault + `"}`}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// riverLog passes on what River warns of, as a word from the queue; the rest is its own affair.
type riverLog struct{ slog.Handler }

// Enabled implements slog.Handler.
func (h *riverLog) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h *riverLog) Handle(ctx context.Context, r slog.Record) error {
	r = r.Clone()
	r.Message = "the queue of jobs: " + r.Message
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h *riverLog) WithAttrs(a []slog.Attr) slog.Handler { return &riverLog{h.Handler.WithAttrs(a)} }

// WithGroup implements slog.Handler.
func (h *riverLog) WithGroup(name string) slog.Handler { return &riverLog{h.Handler.WithGroup(name)} }
