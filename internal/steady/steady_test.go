package steady_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"skift/internal/journal"
	"skift/internal/register"
	"skift/internal/sim"
	"skift/internal/store"
	"skift/internal/timeline"
)

// flows times two sides times four suites are the units.
const (
	flows  = 125
	suites = 4
)

// platforms makes this program the simulated platforms instead of the tests: with the race detector they would be too slow for what they are asked.
const platforms = "SKIFT_STEADY_PLATFORMS"

// places are where the platforms answer, and the sources they let in.
type places struct {
	Gateway, Files map[string]string // side → address
	Sources        []string
}

func TestMain(m *testing.M) {
	if os.Getenv(platforms) == "" {
		os.Exit(m.Run())
	}
	w, err := sim.Start(context.Background(), sim.Options{Flows: flows})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	p := places{Gateway: map[string]string{"old": w.Old.GatewayAddr().String(), "new": w.New.GatewayAddr().String()},
		Files: map[string]string{"old": w.Old.SFTPAddr().String(), "new": w.New.SFTPAddr().String()}}
	for i := range flows {
		p.Sources = append(p.Sources, w.FlowSource(i).String())
	}
	_ = json.NewEncoder(os.Stdout).Encode(p)
	_, _ = io.Copy(io.Discard, os.Stdin) // until whoever started us is gone
	w.Close()
}

// startPlatforms builds this program without the race detector and starts it as the platforms.
func startPlatforms(t *testing.T) (p places) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "platforms")
	if out, err := exec.Command("go", "test", "-c", "-o", program, "skift/internal/steady").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	c := exec.Command(program)
	c.Env, c.Stderr = append(os.Environ(), platforms+"=1"), os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = c.Wait()
	})
	if err := json.NewDecoder(out).Decode(&p); err != nil {
		t.Fatal("the platforms did not start: ", err)
	}
	return p
}

// pace is how long it is watched, and how often each suite comes. The shipped plan asks every half hour: 75 seconds is that 24 times.
type pace struct{ lasts, warm, every, jitter time.Duration }

// TestSteadyForAMinute: at 90 times the rate of the shipped plan.
func TestSteadyForAMinute(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a minute of real time")
	}
	t.Parallel()
	steady(t, pace{lasts: 64 * time.Second, warm: 24 * time.Second, every: 20 * time.Second, jitter: 6 * time.Second})
}

// TestSteadySoak: for as long as SKIFT_SERVE_SOAK says, at 24 times that rate.
func TestSteadySoak(t *testing.T) {
	text := os.Getenv("SKIFT_SERVE_SOAK")
	if text == "" {
		t.Skip("SKIFT_SERVE_SOAK says for how long: make soak")
	}
	lasts, err := time.ParseDuration(text)
	if err != nil || lasts < 10*time.Minute {
		t.Fatalf("SKIFT_SERVE_SOAK=%s is no length of time from 10m on", text)
	}
	t.Parallel()
	steady(t, pace{lasts: lasts, warm: max(lasts/6, 5*time.Minute), every: 75 * time.Second, jitter: 30 * time.Second})
}

// served is `skift serve` and the plan it serves.
type served struct {
	t         *testing.T
	places    places
	dir, addr string
	child     *exec.Cmd
	log       strings.Builder
}

// write writes the plan: each flow is asked at both services of both sides, each in two suites.
func (s *served) write(p pace) {
	s.t.Helper()
	w, plan, table := s.places, &strings.Builder{}, &strings.Builder{}
	table.WriteString("id,party,service,source_ip\n")
	fmt.Fprintf(plan, "plan: steady\ntitle: Steady\ntimezone: Europe/Copenhagen\nlanguage: en\nparties:\n  customer: {role: customer}\n  olde: {role: old-supplier}\n  newe: {role: new-supplier}\n")
	for i := range flows {
		fmt.Fprintf(plan, "  k%d: {role: user}\n", i)
	}
	fmt.Fprintf(plan, "seats: {customer/manager: {}}\nenvironments: {prod: {production: true}}\nplatforms: {old: {party: olde, networks: [127.0.0.0/8]}, new: {party: newe, networks: [127.0.0.0/8]}}\nservices:\n")
	fmt.Fprintf(plan, "  gateway: {in: {prod: {old: {addr: %q}, new: {addr: %q}}}}\n", w.Gateway["old"], w.Gateway["new"])
	fmt.Fprintf(plan, "  files: {in: {prod: {old: {addr: %q}, new: {addr: %q}}}}\n", w.Files["old"], w.Files["new"])
	plan.WriteString("flows: flows.csv\nvantages:\n")
	for i := range flows {
		fmt.Fprintf(plan, "  v%d: {source_ip: %s}\n", i, w.Sources[i])
		fmt.Fprintf(table, "g%d,k%d,gateway,%s\nf%d,k%d,files,%s\n", i, i, w.Sources[i], i, i, w.Sources[i])
	}
	plan.WriteString("checks:\n")
	for i := range suites {
		service, proof := "gateway", "tls"
		if i%2 == 1 {
			service, proof = "files", "ssh"
		}
		fmt.Fprintf(plan, "  in%d: {kind: reach, service: %s, proof: %s, for_each: flows}\n", i, service, proof)
	}
	plan.WriteString("suites:\n")
	for i := range suites {
		jitter := ""
		if i >= suites/2 {
			jitter = fmt.Sprintf(", jitter: %s", p.jitter)
		}
		fmt.Fprintf(plan, "  s%d: {checks: [in%d], every: %s%s}\n", i, i, p.every, jitter)
	}
	plan.WriteString("milestones: {cutover: {kind: point, date: 2099-01-01 12:00}}\n")
	for name, text := range map[string]string{"plan.yaml": plan.String(), "flows.csv": table.String(),
		"skift.yaml": "listen: " + s.addr + "\nbudget: {ssh_gap: 1ms, rate: 0, parallel: 16}\n"} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *served) start() {
	s.t.Helper()
	program, tmp := filepath.Join(s.t.TempDir(), "skift"), ""
	// Not with the race detector, under which SQLite is 13 times as slow.
	if out, err := exec.Command("go", "build", "-o", program, "skift/cmd/skift").CombinedOutput(); err != nil {
		s.t.Fatalf("build: %v\n%s", err, out)
	}
	tmp, err := os.MkdirTemp("", "skift-s") // for the socket, whose path has at most 107 bytes
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { os.RemoveAll(tmp) })
	s.child = exec.Command(program, "-C", s.dir, "serve")
	s.child.Env = []string{"TMPDIR=" + tmp, "XDG_RUNTIME_DIR=" + tmp, "HOME=" + tmp, "LANG=C.UTF-8", "NO_COLOR=1"}
	s.child.Stdout, s.child.Stderr = &s.log, &s.log
	if err := s.child.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if s.child.ProcessState == nil {
			_ = s.child.Process.Kill()
			_ = s.child.Wait()
		}
		if s.t.Failed() {
			s.t.Logf("skift serve said:\n%s", s.log.String())
		}
	})
}

// sample is what the process exports at a moment.
type sample struct {
	resident, heap, cpu, inFlight, healthy float64
}

// ask reads the figures; false = nobody answers.
func (s *served) ask() (out sample, ok bool) {
	c := http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := c.Get("http://" + s.addr + "/metrics")
	if err != nil {
		return out, false
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	p := expfmt.NewTextParser(model.UTF8Validation)
	f, perr := p.TextToMetricFamilies(strings.NewReader(string(text)))
	if err != nil || perr != nil || r.StatusCode != 200 {
		s.t.Fatalf("figures: %v %v %s\n%s", err, perr, r.Status, text)
	}
	of := func(name string) float64 {
		if f[name] == nil {
			s.t.Fatalf("no %s in\n%s", name, text)
		}
		m := f[name].Metric[0]
		return m.Gauge.GetValue() + m.Counter.GetValue()
	}
	return sample{of("process_resident_memory_bytes"), of("go_memstats_heap_alloc_bytes"), of("process_cpu_seconds_total"),
		of("skift_sweeps_in_flight"), of("skift_healthy")}, true
}

// pages is how large the database is: in bytes, and in rows of what units answered.
func (s *served) pages() (bytes, rows int64) {
	s.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.dir, ".skift", store.FileName)+"?mode=ro")
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	var size, count int64
	for q, to := range map[string]*int64{"PRAGMA page_count": &count, "PRAGMA page_size": &size, "SELECT count(*) FROM observation": &rows} {
		if err := db.QueryRow(q).Scan(to); err != nil {
			s.t.Fatal(q, ": ", err)
		}
	}
	return size * count, rows
}

// flat is the least and the most of a stretch.
type flat struct{ leastHeap, mostResident float64 }

func (f *flat) add(s sample) {
	if f.leastHeap == 0 || s.heap < f.leastHeap {
		f.leastHeap = s.heap
	}
	f.mostResident = max(f.mostResident, s.resident)
}

// watch samples until a moment.
func (s *served) watch(until time.Time) (f flat, last sample) {
	s.t.Helper()
	for time.Now().Before(until) {
		x, ok := s.ask()
		if !ok {
			s.t.Fatal("it answers no more")
		}
		if x.healthy != 1 {
			s.t.Errorf("%s: it is not well", time.Now().Format(time.TimeOnly))
		}
		f.add(x)
		last = x
		<-time.After(min(time.Until(until), 500*time.Millisecond))
	}
	return f, last
}

const mib = 1 << 20

func steady(t *testing.T, p pace) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	s := &served{t: t, places: startPlatforms(t), dir: t.TempDir(), addr: ln.Addr().String()}
	s.write(p)
	s.start()
	began := time.Now()
	for _, ok := s.ask(); !ok; _, ok = s.ask() {
		if time.Since(began) > time.Minute {
			t.Fatal("it does not serve")
		}
		<-time.After(50 * time.Millisecond)
	}
	// Each suite has come once by then, so that every unit has its row.
	s.watch(began.Add(max(p.warm, p.every+p.jitter)))
	bytesBefore, rowsBefore := s.pages()
	for ; rowsBefore < 2*flows*suites && time.Since(began) < p.warm+2*time.Minute; bytesBefore, rowsBefore = s.pages() { // a busy machine
		s.watch(time.Now().Add(time.Second))
	}
	third := (p.lasts - p.warm) / 3
	first, from := s.watch(time.Now().Add(third))
	s.watch(time.Now().Add(third))
	last, to := s.watch(time.Now().Add(third))
	s.quiet(p)
	bytesAfter, rowsAfter := s.pages()
	stopped := time.Now()
	s.stop()

	slots := s.slots(p, stopped)
	grown := bytesAfter - bytesBefore
	t.Logf("%d slots, each once; resident %.1f → %.1f MiB, heap %.1f → %.1f MiB; database %d → %d KiB, %d rows of answers; %.1f %% of a processor",
		slots, first.mostResident/mib, last.mostResident/mib, first.leastHeap/mib, last.leastHeap/mib, bytesBefore>>10, bytesAfter>>10, rowsAfter,
		100*(to.cpu-from.cpu)/(2*third).Seconds())
	if rowsBefore != 2*flows*suites || rowsAfter != rowsBefore {
		t.Errorf("%d rows of answers at the beginning and %d at the end, want %d: nothing changed", rowsBefore, rowsAfter, 2*flows*suites)
	}
	if grown > int64(slots)*3<<10+256<<10 { // an event and a slot's row each, and what SQLite rounds up
		t.Errorf("the database grew by %d KiB in %d slots", grown>>10, slots)
	}
	if last.leastHeap > 1.05*first.leastHeap+2.5*mib {
		t.Errorf("the heap grew from %.1f to %.1f MiB", first.leastHeap/mib, last.leastHeap/mib)
	}
	if last.mostResident > 1.15*first.mostResident+8*mib || last.mostResident > 200*mib {
		t.Errorf("memory grew from %.1f to %.1f MiB", first.mostResident/mib, last.mostResident/mib)
	}
}

// quiet waits for a moment in which nothing is asked and no slot is near, so that a stop cuts nothing short.
func (s *served) quiet(p pace) {
	s.t.Helper()
	for began := time.Now(); time.Since(began) < 2*p.every+time.Minute; <-time.After(100 * time.Millisecond) {
		now := time.Now()
		sinceSlot := now.Sub(now.Truncate(p.every)) // from midnight of 1970, as the slots are
		if x, ok := s.ask(); ok && x.inFlight == 0 && sinceSlot > p.jitter+time.Second && sinceSlot < p.every-3*time.Second {
			return
		}
	}
	s.t.Fatal("it is always at work")
}

// stop ends it as an operator does.
func (s *served) stop() {
	s.t.Helper()
	if err := s.child.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	if err := s.child.Wait(); err != nil {
		s.t.Errorf("it ended with %v", err)
	}
}

// slots holds that each slot from when the plan came into use until the stop has its row, was worked once and is done. It returns how many.
func (s *served) slots(p pace, until time.Time) int {
	t := s.t
	t.Helper()
	ctx := context.Background()
	st, err := store.Open(ctx, store.Options{Dir: filepath.Join(s.dir, ".skift"), Plan: "steady", ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	var adopted time.Time
	swept := map[string]int{} // suite and slot → sweeps
	err = st.Events(ctx, 0, func(e journal.Event) error {
		switch e.Kind {
		case register.PlanAdopted:
			adopted = e.At
		case register.SweepDone:
			var b register.Swept
			if err := json.Unmarshal(e.Body, &b); err != nil {
				return err
			}
			if b.Units != 2*flows || b.Verdicts["pass"] != 2*flows {
				t.Errorf("a sweep of %d units: %v", b.Units, b.Verdicts)
			}
			swept[b.Suite+" "+b.Cause]++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	schedule, err := timeline.Every(p.every)
	if err != nil {
		t.Fatal(err)
	}
	want := timeline.Due(schedule, adopted, until)
	for i := range suites {
		suite := fmt.Sprint("s", i)
		rows, err := st.Slots(ctx, timeline.SuiteKey+suite, time.Time{}, until.Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) != len(want) {
			t.Errorf("%s has %d slots, want %d", suite, len(rows), len(want))
			continue
		}
		for j, row := range rows {
			n := swept[suite+" schedule "+row.At.UTC().Format(time.RFC3339)]
			if !row.At.Equal(want[j]) || row.State != register.SlotDone || n != 1 {
				t.Errorf("%s: slot %v is %s (%s) and was worked %d times; want %v", suite, row.At, row.State, row.Note, n, want[j])
			}
		}
	}
	if len(swept) != suites*len(want) {
		t.Errorf("%d sweeps for %d slots", len(swept), suites*len(want))
	}
	return suites * len(want)
}
