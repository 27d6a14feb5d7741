package app_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// soakEvent is a line of an exported journal as somebody reads it who knows its description and no code of ours.
type soakEvent struct {
	Seq     int64  `json:"seq"`
	Kind    string `json:"kind"`
	Run     string `json:"run"`
	Subject string `json:"subject"`
	Leaf    string `json:"leaf"`
	Body    string `json:"body"`
	Actor   struct {
		Seat string `json:"seat"`
		Via  string `json:"via"`
	} `json:"actor"`
	body struct {
		State    string   `json:"state"`
		Attempt  int      `json:"attempt"`
		Decision string   `json:"decision"`
		Services []string `json:"services"`
		Phase    string   `json:"phase"`
	}
}

// soakStep is what was said of a step so far.
type soakStep struct {
	state   string
	starts  int
	retried bool // a person asked for another attempt since the last start
}

// soakReader reads a journal from its first line to its last.
type soakReader struct {
	problems []string
	leaves   map[string]bool
	steps    map[string]*soakStep // RUN/STEP
	ended    map[string]bool      // runs
	decision map[string]string    // gates
	phase    map[string]string    // services
	last     int64
}

// soakProblems lists what must not be in a journal and is: a start before its needs or its gate, a second start of what may not be done twice
// without a person who asked for it, a change with no line or with two. begun is how often the world saw each step begin.
func soakProblems(exported string, begun map[string]int) []string {
	r := &soakReader{leaves: map[string]bool{}, steps: map[string]*soakStep{}, ended: map[string]bool{}, decision: map[string]string{}, phase: map[string]string{}}
	for i, line := range strings.Split(strings.TrimSpace(exported), "\n") {
		if i == 0 {
			continue // the head
		}
		var e soakEvent
		err := json.Unmarshal([]byte(line), &e)
		if err == nil && e.Body != "" {
			err = json.Unmarshal([]byte(e.Body), &e.body)
		}
		if err != nil {
			r.bad(e, "it cannot be read: %v", err)
		}
		r.read(e)
	}
	starts := map[string]int{}
	for name, s := range r.steps {
		if s.state != "done" {
			r.bad(soakEvent{Subject: name}, "it ended %s", s.state)
		}
		_, step, _ := strings.Cut(name, "/")
		starts[step] += s.starts
	}
	for step, n := range begun {
		if n > starts[step] {
			r.bad(soakEvent{Subject: step}, "the world saw it begin %d times, the journal %d", n, starts[step])
		}
	}
	for _, run := range []string{"every-1", "inner-1"} {
		if !r.ended[run] {
			r.bad(soakEvent{Run: run}, "it has no end")
		}
	}
	return r.problems
}

func (r *soakReader) bad(e soakEvent, format string, a ...any) {
	r.problems = append(r.problems, fmt.Sprintf("event %d %s %s/%s: ", e.Seq, e.Kind, e.Run, e.Subject)+fmt.Sprintf(format, a...))
}

func (r *soakReader) read(e soakEvent) {
	if e.Seq != r.last+1 {
		r.bad(e, "it follows event %d", r.last)
	}
	r.last = e.Seq
	if r.leaves[e.Leaf] {
		r.bad(e, "a second leaf like an earlier one")
	}
	r.leaves[e.Leaf] = true
	if r.ended[e.Run] {
		r.bad(e, "after the end of its run")
	}
	switch {
	case e.Kind == "gate.decided":
		r.decision[e.Subject] = e.body.Decision
	case e.Kind == "phase.moved":
		for _, service := range e.body.Services {
			if r.phase[service] == e.body.Phase {
				r.bad(e, "%s was %s before", service, e.body.Phase)
			}
			r.phase[service] = e.body.Phase
		}
	case e.Kind == "run.ended":
		r.ended[e.Run] = true
	case strings.HasPrefix(e.Kind, "step."):
		r.step(e)
	}
}

func (r *soakReader) of(run, step string) *soakStep {
	name := run + "/" + step
	if r.steps[name] == nil {
		r.steps[name] = &soakStep{}
	}
	return r.steps[name]
}

func (r *soakReader) step(e soakEvent) {
	s := r.of(e.Run, e.Subject)
	if s.state == "done" {
		r.bad(e, "after it was done")
	}
	switch e.Kind {
	case "step.started":
		for _, need := range soakNeeds[e.Subject] {
			if before := r.of(e.Run, need).state; before != "done" {
				r.bad(e, "%s, which it needs, is %q", need, before)
			}
		}
		if gate := soakGated[e.Subject]; gate != "" && r.decision[gate] != "go" {
			r.bad(e, "its gate said %q", r.decision[gate])
		}
		if s.starts > 0 && !s.retried && !slices.Contains(soakDouble, e.Subject) {
			r.bad(e, "a second start that nobody asked for")
		}
		if s.starts++; e.body.Attempt != s.starts {
			r.bad(e, "it is called attempt %d and is the %dth", e.body.Attempt, s.starts)
		}
		s.state, s.retried = "started", false
	case "step.finished", "step.uncertain":
		if s.state != "started" && s.state != "verifying" && s.state != "uncertain" && s.state != "failed" {
			r.bad(e, "it ends, and is %q", s.state)
		}
		before := s.state
		if s.state = e.body.State; e.Kind == "step.uncertain" {
			s.state = "uncertain"
		}
		if s.state == before {
			r.bad(e, "the same change a second time")
		}
	case "step.verifying":
		s.state = "verifying"
	case "step.retried":
		s.state, s.retried = "waiting", e.Actor.Seat != "" && e.Actor.Via != "engine"
	}
}

// The reader finds what it is there to find: each made-up fault of a journal is told, and the sound one is not.
func TestSoakReader(t *testing.T) {
	t.Parallel()
	sound := []string{
		`{"seq":1,"kind":"step.started","run":"every-1","subject":"stop","leaf":"1","body":{"attempt":1}}`,
		`{"seq":2,"kind":"step.finished","run":"every-1","subject":"stop","leaf":"2","body":{"attempt":1,"state":"done"}}`,
		`{"seq":3,"kind":"gate.decided","subject":"go","leaf":"3","body":{"decision":"go"}}`,
		`{"seq":4,"kind":"step.started","run":"every-1","subject":"turn","leaf":"4","body":{"attempt":1}}`,
		`{"seq":5,"kind":"step.uncertain","run":"every-1","subject":"turn","leaf":"5","body":{"attempt":1}}`,
		`{"seq":6,"kind":"step.retried","run":"every-1","subject":"turn","leaf":"6","actor":{"seat":"newe/operator","via":"console"},"body":{"attempt":1}}`,
		`{"seq":7,"kind":"step.started","run":"every-1","subject":"turn","leaf":"7","body":{"attempt":2}}`,
		`{"seq":8,"kind":"step.finished","run":"every-1","subject":"turn","leaf":"8","body":{"attempt":2,"state":"done"}}`,
		`{"seq":9,"kind":"run.ended","run":"every-1","leaf":"9","body":{"state":"done"}}`,
		`{"seq":10,"kind":"run.ended","run":"inner-1","leaf":"10","body":{"state":"done"}}`,
	}
	write := func(lines []string) string {
		out := []string{"head"}
		for _, line := range lines {
			before, body, ok := strings.Cut(line, `"body":`)
			if !ok {
				t.Fatal(line)
			}
			out = append(out, before+`"body":`+strconv.Quote(strings.TrimSuffix(body, "}"))+`}`)
		}
		return strings.Join(out, "\n")
	}
	edit := func(at int, from, to string) []string {
		lines := slices.Clone(sound)
		if !strings.Contains(lines[at], from) {
			t.Fatalf("%s has no %s", lines[at], from)
		}
		lines[at] = strings.Replace(lines[at], from, to, 1)
		return lines
	}
	for _, c := range []struct {
		name  string
		lines []string
		says  string
	}{
		{"sound", sound, ""},
		{"a start before its need", edit(1, `"done"`, `"failed"`), "which it needs"},
		{"a start without its gate", edit(2, `"go"}`, `"no-go"}`), "its gate said"},
		{"a second start nobody asked for", edit(5, `"seat":"newe/operator",`, ``), "nobody asked for"},
		{"a second start the engine asked for", edit(5, `"console"`, `"engine"`), "nobody asked for"},
		{"a leaf twice", edit(7, `"leaf":"8"`, `"leaf":"7"`), "second leaf"},
		{"a line that is gone", slices.Delete(slices.Clone(sound), 4, 5), "it follows event"},
		{"a step that has not ended", edit(7, `"done"`, `"failed"`), "it ended failed"},
		{"a run that has not ended", sound[:9], "it has no end"},
	} {
		problems := strings.Join(soakProblems(write(c.lines), map[string]int{"turn": 2}), "\n")
		if (problems == "") != (c.says == "") || !strings.Contains(problems, c.says) {
			t.Errorf("%s: %q", c.name, problems)
		}
	}
	if problems := soakProblems(write(sound), map[string]int{"turn": 3}); len(problems) != 1 {
		t.Errorf("an effect without its intent: %v", problems)
	}
}
