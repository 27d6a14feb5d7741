package api

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skift/internal/runner"
)

// counting is a desk whose checks tell how far they are.
type counting struct {
	desk
	late chan func(done, total int) // the word a sweep could still give after it has ended
}

func (d *counting) Check(_ context.Context, q CheckRequest) (CheckReply, error) {
	if q.Progress != nil {
		q.Progress(1, 2)
		q.Progress(2, 2)
		d.late <- q.Progress
	}
	return CheckReply{Environment: q.Environment}, d.err
}

// Whoever follows a check is told how far it is, and gets the same answer, or the same refusal, as whoever waits.
func TestCheckIsFollowed(t *testing.T) {
	t.Parallel()
	d := &counting{late: make(chan func(int, int), 1)}
	c, _ := serve(t, d)
	var got [][2]int
	follow := func(done, total int) { got = append(got, [2]int{done, total}) }
	r, err := c.Check(t.Context(), CheckRequest{Environment: "prod", Progress: follow})
	if err != nil || r.Environment != "prod" {
		t.Fatalf("%+v, %v", r, err)
	}
	if diff := cmp.Diff([][2]int{{1, 2}, {2, 2}}, got); diff != "" {
		t.Error(diff)
	}
	(<-d.late)(2, 2) // falls on deaf ears: the answer is out
	if r, err := c.Check(t.Context(), CheckRequest{Environment: "test"}); err != nil || r.Environment != "test" {
		t.Errorf("not followed: %+v, %v", r, err)
	}
	d.err = &runner.Refusal{Kind: runner.NotFound, Message: "no"}
	var refusal *runner.Refusal
	if _, err := c.Check(t.Context(), CheckRequest{Progress: follow}); !errors.As(err, &refusal) || refusal.Message != "no" {
		t.Errorf("refused: %v", err)
	}
	<-d.late
	d.err = context.Canceled
	if _, err := c.Check(t.Context(), CheckRequest{Progress: follow}); !errors.Is(err, ErrLost) {
		t.Errorf("stopping: %v", err)
	}
	<-d.late
}
