package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"skift/internal/bug"
)

// checkLine is one line of a check that is followed: how far it is, or how it ended.
type checkLine struct {
	Done   int         `json:"done,omitempty"`
	Total  int         `json:"total,omitempty"`
	Answer *CheckReply `json:"answer,omitempty"`
	Status int         `json:"status,omitempty"` // of the failure
	Failed *failure    `json:"failed,omitempty"`
}

// tellEvery is how often a follower is told at most: a sweep of thousands must not spend its time on telling.
const tellEvery = 100 * time.Millisecond

// check answers with one value, or to a follower with a line for each step on the way and the answer last.
func (s *Server) check(w http.ResponseWriter, r *http.Request) {
	var q CheckRequest
	if !read(w, r, &q) {
		return
	}
	if r.URL.Query().Get("progress") == "" {
		a, err := s.desk.Check(r.Context(), q)
		reply(w, a, err)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	var mu sync.Mutex // a late word about progress must not fall into the answer
	over, told := false, time.Time{}
	tell := func(l checkLine) {
		_ = json.NewEncoder(w).Encode(l) // the caller went away: nobody to tell
		_ = http.NewResponseController(w).Flush()
	}
	q.Progress = func(done, total int) {
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now(); !over && (done == total || now.Sub(told) >= tellEvery) {
			told = now
			tell(checkLine{Done: done, Total: total})
		}
	}
	var a CheckReply
	err := bug.Caught(func() (err error) {
		a, err = s.desk.Check(r.Context(), q)
		return err
	})
	if b := (*bug.Error)(nil); errors.As(err, &b) {
		s.log.Error("answer a check", "err", err)
	}
	mu.Lock()
	defer mu.Unlock()
	over = true
	if err != nil {
		f, status := failed(err)
		tell(checkLine{Failed: &f, Status: status})
		return
	}
	tell(checkLine{Answer: &a})
}

// followCheck reads the lines of a check until it has ended.
func followCheck(ctx context.Context, res *http.Response, progress func(done, total int), into *CheckReply) error {
	dec := json.NewDecoder(res.Body)
	if res.StatusCode != http.StatusOK {
		return readFailure(ctx, res.StatusCode, dec)
	}
	for {
		var l checkLine
		if err := readAnswer(ctx, dec, &l); err != nil {
			return err
		}
		switch {
		case l.Failed != nil && l.Status == http.StatusServiceUnavailable:
			return ErrLost
		case l.Failed != nil:
			return l.Failed.err()
		case l.Answer != nil:
			*into = *l.Answer
			return nil
		}
		progress(l.Done, l.Total)
	}
}
