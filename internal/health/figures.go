package health

import (
	"context"
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Figures are what a collector is told. Labels are ids of the plan and words of ours: no names of people, no addresses, and nothing that
// there is one of for each unit or mail.
type Figures struct {
	Version, Plan, Hash string
	Troubles            []Trouble
	Size                int64 // of the journal, in events
	LastEventAt         time.Time

	Slots   map[KindState]int        // of the last 24 hours
	Lag     map[string]time.Duration // by kind: how long after its moment the newest slot was begun
	Overdue map[string]time.Duration // by kind: how long something is due that is not begun
	NextAt  map[string]time.Time     // by kind

	Sweeps   []SweepSum
	InFlight int // sweeps under way
	Unasked  int // units of theirs without an answer

	Pairs []PairCount
	Certs []CertEnd

	Messages map[string]int // by state
	QueuedAt time.Time      // of the mail that waits longest; zero = none does
	Gates    map[string]time.Time
	Runs     map[string]int // that have not ended, by state
	Steps    map[string]int // of those, by state: failed held uncertain
	Denied   int            // of those, steps that are done and contradicted
	Paused   int            // parties

	DiskFree, Database int64 // bytes; negative = not known
}

// KindState is a kind of schedule (suite, report, milestone) and a state of its slots.
type KindState struct{ Kind, State string }

// SweepSum is what one suite's sweeps of this process come to. Suite "" are checks asked by name.
type SweepSum struct {
	Suite        string
	Done, Failed int
	Took, Last   time.Duration
	Units        int // of the last one
}

// PairCount counts comparisons of one service.
type PairCount struct {
	Environment, Service, Phase, Word string
	N                                 int
}

// CertEnd is when the first certificate ends that one side of a service presents.
type CertEnd struct {
	Environment, Service, Side string
	End                        time.Time
}

// Metric is one line of the table in docs/operations.md.
type Metric struct {
	Name   string
	Labels []string
	Help   string
	count  bool // a counter; else a gauge
}

// Metrics lists the figures of ours. Those of the process and of the runtime (process_, go_) come from the library.
func Metrics() []Metric {
	return []Metric{
		{"skift_build_info", []string{"version", "go"}, "1.", false},
		{"skift_plan_info", []string{"plan", "hash"}, "1; the revision in use.", false},
		{"skift_healthy", nil, "1 while /healthz answers 200.", false},
		{"skift_trouble", []string{"code"}, "1 for what /healthz names, else 0.", false},
		{"skift_journal_events", nil, "Size of the journal.", false},
		{"skift_journal_last_event_seconds", nil, "When the newest event was written, in seconds since 1970.", false},
		{"skift_slots", []string{"kind", "state"}, "Slots of the last 24 hours.", false},
		{"skift_slot_lag_seconds", []string{"kind"}, "How long after its moment the newest slot was begun.", false},
		{"skift_slot_overdue_seconds", []string{"kind"}, "How long something is due that is not begun; 0 when nothing is.", false},
		{"skift_slot_next_seconds", []string{"kind"}, "When something comes next, in seconds since 1970; absent when nothing does.", false},
		{"skift_sweeps_total", []string{"suite", "outcome"}, "Sweeps of this process that are done or failed.", true},
		{"skift_sweep_seconds_total", []string{"suite"}, "How long they took together.", true},
		{"skift_sweep_last_seconds", []string{"suite"}, "How long the last one took.", false},
		{"skift_sweep_units", []string{"suite"}, "How many units the last one asked.", false},
		{"skift_sweeps_in_flight", nil, "Sweeps under way.", false},
		{"skift_sweep_units_unanswered", nil, "Units of sweeps under way that have no answer yet.", false},
		{"skift_service_pairs", []string{"environment", "service", "phase", "word"}, "Comparisons of both sides that stand so.", false},
		{"skift_service_cert_not_after_seconds", []string{"environment", "service", "side"}, "When the first certificate ends that is presented, in seconds since 1970.", false},
		{"skift_messages", []string{"state"}, "Mails by state.", false},
		{"skift_message_queued_seconds", nil, "How long the oldest mail waits that is queued; 0 when none is.", false},
		{"skift_gate_decide_by_seconds", []string{"gate"}, "Deadline of a gate that is not decided, in seconds since 1970.", false},
		{"skift_runs", []string{"state"}, "Runs that have not ended.", false},
		{"skift_steps", []string{"state"}, "Steps of those runs that wait for a person's word.", false},
		{"skift_steps_contradicted", nil, "Steps of those runs that are done, and whose checks say otherwise now.", false},
		{"skift_parties_paused", nil, "Parties of which nothing is asked at present.", false},
		{"skift_disk_free_bytes", nil, "Room where the data directory is.", false},
		{"skift_database_bytes", nil, "Size of the database with its log.", false},
	}
}

// collector makes metrics of the figures as they are when somebody asks.
type collector struct {
	source Source
	descs  map[string]*prometheus.Desc
	counts map[string]bool
}

func newCollector(s Source) *collector {
	c := &collector{source: s, descs: map[string]*prometheus.Desc{}, counts: map[string]bool{}}
	for _, m := range Metrics() {
		c.descs[m.Name] = prometheus.NewDesc(m.Name, m.Help, m.Labels, nil)
		c.counts[m.Name] = m.count
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, m := range Metrics() {
		out <- c.descs[m.Name]
	}
}

// Collect implements prometheus.Collector. When the figures cannot be made the answer is an error, never a part of them.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	f, err := c.source.Figures(context.Background())
	if err != nil {
		out <- prometheus.NewInvalidMetric(c.descs["skift_healthy"], err)
		return
	}
	put := func(name string, value float64, labels ...string) {
		kind := prometheus.GaugeValue
		if c.counts[name] {
			kind = prometheus.CounterValue
		}
		out <- prometheus.MustNewConstMetric(c.descs[name], kind, value, labels...)
	}
	f.process(put)
	f.schedules(put)
	f.sweeps(put)
	f.transition(put)
}

// putter puts one value.
type putter func(name string, value float64, labels ...string)

func (f *Figures) process(put putter) {
	put("skift_build_info", 1, f.Version, runtime.Version())
	put("skift_plan_info", 1, f.Plan, f.Hash)
	put("skift_healthy", truth(len(f.Troubles) == 0))
	met := map[Cause]bool{}
	for _, t := range f.Troubles {
		met[t.Code] = true
	}
	for _, code := range Causes() {
		put("skift_trouble", truth(met[code]), string(code))
	}
	put("skift_journal_events", float64(f.Size))
	instant(put, f.LastEventAt, "skift_journal_last_event_seconds")
	if f.DiskFree >= 0 {
		put("skift_disk_free_bytes", float64(f.DiskFree))
	}
	put("skift_database_bytes", float64(f.Database))
}

func (f *Figures) schedules(put putter) {
	for k, n := range f.Slots {
		put("skift_slots", float64(n), k.Kind, k.State)
	}
	for kind, d := range f.Lag {
		put("skift_slot_lag_seconds", d.Seconds(), kind)
	}
	for kind, d := range f.Overdue {
		put("skift_slot_overdue_seconds", d.Seconds(), kind)
	}
	for kind, at := range f.NextAt {
		instant(put, at, "skift_slot_next_seconds", kind)
	}
}

func (f *Figures) sweeps(put putter) {
	for _, s := range f.Sweeps {
		put("skift_sweeps_total", float64(s.Done), s.Suite, "done")
		put("skift_sweeps_total", float64(s.Failed), s.Suite, "failed")
		put("skift_sweep_seconds_total", s.Took.Seconds(), s.Suite)
		put("skift_sweep_last_seconds", s.Last.Seconds(), s.Suite)
		put("skift_sweep_units", float64(s.Units), s.Suite)
	}
	put("skift_sweeps_in_flight", float64(f.InFlight))
	put("skift_sweep_units_unanswered", float64(f.Unasked))
	for _, p := range f.Pairs {
		put("skift_service_pairs", float64(p.N), p.Environment, p.Service, p.Phase, p.Word)
	}
	for _, c := range f.Certs {
		instant(put, c.End, "skift_service_cert_not_after_seconds", c.Environment, c.Service, c.Side)
	}
}

func (f *Figures) transition(put putter) {
	for state, n := range f.Messages {
		put("skift_messages", float64(n), state)
	}
	waits := 0.0
	if !f.QueuedAt.IsZero() {
		waits = max(0, time.Since(f.QueuedAt).Seconds())
	}
	put("skift_message_queued_seconds", waits)
	for gate, by := range f.Gates {
		instant(put, by, "skift_gate_decide_by_seconds", gate)
	}
	for state, n := range f.Runs {
		put("skift_runs", float64(n), state)
	}
	for state, n := range f.Steps {
		put("skift_steps", float64(n), state)
	}
	put("skift_steps_contradicted", float64(f.Denied))
	put("skift_parties_paused", float64(f.Paused))
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func instant(put putter, t time.Time, name string, labels ...string) {
	if !t.IsZero() {
		put(name, float64(t.UnixMilli())/1000, labels...)
	}
}

// metricsHandler serves the figures, from a registry of its own.
func metricsHandler(s Source) http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(newCollector(s), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 8 * time.Second})
}
