package app_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"skift/internal/api"
	"skift/internal/app"
	"skift/internal/health"
	"skift/internal/systemd"
)

// freeAddr is a loopback address that nobody listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// get asks an address by a name.
func get(t *testing.T, addr, host, path string) (code int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = host
	c := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(b)
}

// figures reads what a collector is told.
func figures(t *testing.T, text string) map[string]*dto.MetricFamily {
	t.Helper()
	p := expfmt.NewTextParser(model.UTF8Validation)
	f, err := p.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return f
}

// serviceManager is the other end of what a service tells.
type serviceManager struct {
	t    *testing.T
	name string
	told chan string
}

func newServiceManager(t *testing.T) *serviceManager {
	t.Helper()
	dir, err := os.MkdirTemp("", "sd")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &serviceManager{t: t, name: filepath.Join(dir, "notify"), told: make(chan string, 100_000)}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: s.name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	// Read as it comes, as a service manager does: the kernel keeps but a few.
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := conn.Read(b)
			if err != nil {
				return
			}
			s.told <- string(b[:n])
		}
	}()
	return s
}

// next is what is told within a while; "" = nothing.
func (s *serviceManager) next(within time.Duration) string {
	select {
	case text := <-s.told:
		return text
	case <-time.After(within):
		return ""
	}
}

// hears waits until something is told that begins so, and gives what was told before.
func (s *serviceManager) hears(prefix string) (before []string) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		text := s.next(time.Until(deadline))
		if strings.HasPrefix(text, prefix) {
			return before
		}
		before = append(before, text)
	}
	s.t.Fatalf("%q was not told; before: %q", prefix, before)
	return nil
}

// watchedApp is an app that serves, whom it tells, and where it answers.
type watchedApp struct {
	*small
	manager *serviceManager
	addr    string
	stop    func()
}

func newWatched(t *testing.T, hold chan struct{}) *watchedApp {
	t.Helper()
	w := &watchedApp{manager: newServiceManager(t), addr: freeAddr(t)}
	w.small = newSmall(t, hold, "listen: "+w.addr+"\n")
	m, err := systemd.FromEnv(func(k string) string {
		return map[string]string{"NOTIFY_SOCKET": w.manager.name, "WATCHDOG_USEC": "200000"}[k]
	}, os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx, app.Mode{Scheduler: true, Manager: m}) }()
	stopped := false
	w.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(w.stop)
	return w
}

// red holds that the process says it cannot do its work, and why.
func (w *watchedApp) red(t *testing.T, code health.Cause) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		status, body := get(t, w.addr, "localhost", "/healthz")
		if status == http.StatusServiceUnavailable && strings.HasPrefix(body, string(code)+": ") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not red for %s: %d %s", code, status, body)
		}
	}
}

// unwatched holds that the service manager gets no sign of life while a trouble lasts.
func (w *watchedApp) unwatched(code health.Cause) {
	w.manager.t.Helper()
	w.manager.hears("STATUS=" + string(code) + ": ")
	for end := time.Now().Add(time.Second); time.Now().Before(end); {
		if text := w.manager.next(time.Until(end)); text != "" && !strings.HasPrefix(text, "STATUS="+string(code)) {
			w.manager.t.Errorf("with the trouble %s it is told %q", code, text)
		}
	}
}

// TestHealth is a process that serves: well, with its decisions hanging, with loops that are not heard of any more, and stopping.
func TestHealth(t *testing.T) {
	t.Parallel()
	w := newWatched(t, nil)
	if before := w.manager.hears("READY=1"); slices.Contains(before, "STOPPING=1") {
		t.Errorf("told before it was ready: %q", before)
	}
	w.manager.hears("WATCHDOG=1")
	w.manager.hears("WATCHDOG=1")
	for _, path := range []string{"/healthz", "/readyz"} {
		if code, body := get(t, w.addr, w.addr, path); code != 200 || body != "ok\n" {
			t.Errorf("%s: %d %q", path, code, body)
		}
	}
	var r health.Report
	if code, body := get(t, w.addr, "localhost:8620", "/healthz?format=json"); code != 200 || json.Unmarshal([]byte(body), &r) != nil || !r.OK || r.State != health.Serving || r.Head != w.Head().String() {
		t.Errorf("%d %s", code, body)
	}
	for _, host := range []string{"attacker.example", "attacker.example:8620", "192.0.2.1", "localhost.attacker.example", ""} {
		if code, body := get(t, w.addr, host, "/metrics"); host != "" && (code != http.StatusMisdirectedRequest || strings.Contains(body, "skift_")) {
			t.Errorf("asked as %q it answers %d", host, code)
		}
	}

	hang := make(chan struct{})
	release := sync.OnceFunc(func() { close(hang) })
	t.Cleanup(release)
	go w.Hang(hang)
	w.red(t, health.Stuck)
	w.unwatched(health.Stuck)
	code, body := get(t, w.addr, "localhost", "/metrics")
	if f := figures(t, body); code != 200 || f["skift_healthy"].Metric[0].Gauge.GetValue() != 0 {
		t.Errorf("while it hangs: %d\n%s", code, body)
	}
	release()
	w.manager.hears("WATCHDOG=1")

	w.Age("scheduler", 2*time.Minute) // until it looks again, which is within 30 seconds
	w.red(t, health.Scheduler)
	w.Age("scheduler", 2*time.Minute)
	w.unwatched(health.Scheduler)
	w.stop()
	w.manager.hears("STOPPING=1")
}

// TestSweepThatIsStuck: a sweep whose questions get no answer any more is told; one that goes on is not.
func TestSweepThatIsStuck(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	w := newWatched(t, hold)
	w.manager.hears("READY=1")
	asked := make(chan error, 1)
	go func() {
		_, err := w.Check(context.Background(), api.CheckRequest{Cause: "test"})
		asked <- err
	}()
	for w.old.asked.Load()+w.new.asked.Load() == 0 {
		<-time.After(time.Millisecond)
	}
	if code, _ := get(t, w.addr, "localhost", "/healthz"); code != 200 {
		t.Errorf("a sweep under way: %d", code)
	}
	w.Age("sweep", time.Hour)
	w.red(t, health.Sweep)
	close(hold)
	if err := <-asked; err != nil {
		t.Fatal(err)
	}
	if code, _ := get(t, w.addr, "localhost", "/healthz"); code != 200 {
		t.Errorf("after it: %d", code)
	}
	if f := figureOf(t, w, "skift_sweeps_total"); f != 1 {
		t.Errorf("%v sweeps", f)
	}
}

func figureOf(t *testing.T, w *watchedApp, name string) float64 {
	t.Helper()
	_, body := get(t, w.addr, "localhost", "/metrics")
	m := figures(t, body)[name]
	if m == nil {
		t.Fatalf("no %s in\n%s", name, body)
	}
	if c := m.Metric[0].Counter; c != nil {
		return c.GetValue()
	}
	return m.Metric[0].Gauge.GetValue()
}

// TestFigures: what a process with work behind it exports is what is documented, with the labels that are, and nothing that there is one of
// for each unit, person or address.
func TestFigures(t *testing.T) {
	t.Parallel()
	w := newWatched(t, nil)
	w.manager.hears("READY=1")
	if _, err := w.Check(context.Background(), api.CheckRequest{Cause: "test"}); err != nil {
		t.Fatal(err)
	}
	_, body := get(t, w.addr, "localhost", "/metrics")
	documented := map[string][]string{}
	for _, m := range health.Metrics() {
		documented[m.Name] = slices.Sorted(slices.Values(m.Labels))
	}
	for name, f := range figures(t, body) {
		if strings.HasPrefix(name, "go_") || strings.HasPrefix(name, "process_") {
			continue
		}
		labels, ok := documented[name]
		if !ok || f.GetHelp() == "" {
			t.Errorf("%s is not documented", name)
		}
		for _, m := range f.Metric {
			var got []string
			for _, l := range m.Label {
				got = append(got, l.GetName())
			}
			if !slices.Equal(labels, slices.Sorted(slices.Values(got))) {
				t.Errorf("%s has labels %v, documented %v", name, got, labels)
			}
		}
	}
	for _, must := range []string{`skift_service_pairs{environment="prod",phase="before",service="web",word="ready"} 3`, `skift_plan_info{hash="` + w.Plan().Hash,
		"skift_journal_events ", "skift_healthy 1", `skift_trouble{code="journal"} 0`, "skift_disk_free_bytes ", "process_resident_memory_bytes ",
		`skift_sweep_units{suite="other"} 6`, `skift_messages{state="uncertain"} 0`, `skift_runs{state="held"} 0`} {
		if !strings.Contains(body, must) {
			t.Errorf("no %s in\n%s", must, body)
		}
	}
	for _, never := range []string{"127.0.0.", "@", "k101"} {
		if strings.Contains(body, never) {
			t.Errorf("%s is told", never)
		}
	}
	if lines := strings.Count(body, "\nskift_"); lines > 90 {
		t.Errorf("%d lines for a plan with six units", lines)
	}
}
