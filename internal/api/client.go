package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"skift/internal/gate"
	"skift/internal/journal"
	"skift/internal/runner"
	"skift/internal/snapshot"
)

// ErrNobody is returned when no process listens on the socket.
var ErrNobody = errors.New("no skift process answers")

// ErrLost is returned when the process stops answering: whether it did what was asked is not known.
var ErrLost = errors.New("the running skift stopped answering")

// ErrSilent is returned when a process holds the socket and says nothing: it is stopped, or has no time.
var ErrSilent = errors.New("the skift process that owns the data directory does not answer")

// Client is a Desk behind a unix socket. It is safe for concurrent use.
type Client struct {
	http *http.Client
}

// answersWithin is how long the owner may take to say that it is there.
const answersWithin = 5 * time.Second

// Dial connects to the owner of a data directory. It returns ErrNobody when there is none, ErrSilent when it does not answer.
func Dial(path string) (*Client, error) {
	c, err := net.DialTimeout("unix", path, 2*time.Second)
	if err != nil {
		return nil, fmt.Errorf("%w on %s", ErrNobody, path)
	}
	c.Close()
	var d net.Dialer
	client := &Client{&http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return d.DialContext(ctx, "unix", path) },
	}}}
	if err := client.hello(path); err != nil {
		client.Close()
		return nil, err
	}
	return client, nil
}

// hello asks whether somebody is there before anything is asked of them.
func (c *Client) hello(path string) error {
	ctx, cancel := context.WithTimeout(context.Background(), answersWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", "http://skift/healthz", nil)
	if err != nil {
		return fmt.Errorf("write request: %w", err)
	}
	res, err := c.http.Do(req)
	switch {
	case err == nil:
		res.Body.Close()
		return nil
	case ctx.Err() != nil:
		return ErrSilent
	}
	return fmt.Errorf("%w on %s", ErrNobody, path) // it ended just now
}

// Close releases the connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

var _ Desk = (*Client)(nil)

// Do implements Desk.
func (c *Client) Do(ctx context.Context, cmd runner.Command) (r runner.Reply, err error) {
	return r, c.call(ctx, "POST", "/v1/do", cmd, &r)
}

// Snapshot implements Desk.
func (c *Client) Snapshot(ctx context.Context) (s snapshot.Snapshot, err error) {
	return s, c.call(ctx, "GET", "/v1/snapshot", nil, &s)
}

// Judge implements Desk.
func (c *Client) Judge(ctx context.Context, gateID, runID string) (j gate.Judgement, err error) {
	return j, c.call(ctx, "GET", "/v1/gates/"+url.PathEscape(gateID)+"?run="+url.QueryEscape(runID), nil, &j)
}

// Check implements Desk.
func (c *Client) Check(ctx context.Context, q CheckRequest) (r CheckReply, err error) {
	if q.Progress == nil {
		return r, c.call(ctx, "POST", "/v1/check", q, &r)
	}
	res, err := c.send(ctx, "POST", "/v1/check?progress=1", q)
	if err != nil {
		return r, err
	}
	defer res.Body.Close()
	return r, followCheck(ctx, res, q.Progress, &r)
}

// Explain implements Desk.
func (c *Client) Explain(ctx context.Context, q ExplainRequest) (r ExplainReply, err error) {
	return r, c.call(ctx, "POST", "/v1/explain", q, &r)
}

// History implements Desk.
func (c *Client) History(ctx context.Context, q HistoryRequest) (r HistoryReply, err error) {
	return r, c.call(ctx, "POST", "/v1/history", q, &r)
}

// Report implements Desk.
func (c *Client) Report(ctx context.Context, q ReportRequest) (r ReportReply, err error) {
	return r, c.call(ctx, "POST", "/v1/report", q, &r)
}

// Events implements Desk.
func (c *Client) Events(ctx context.Context, after int64, wait bool) ([]journal.Event, error) {
	path := "/v1/events?after=" + strconv.FormatInt(after, 10)
	if wait {
		path += "&wait=1"
	}
	for {
		var wire []wireEvent
		if err := c.call(ctx, "GET", path, nil, &wire); err != nil || len(wire) > 0 || !wait {
			return decodeEvents(wire), err
		}
	}
}

func (c *Client) call(ctx context.Context, method, path string, body, into any) error {
	res, err := c.send(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	dec := json.NewDecoder(res.Body)
	if res.StatusCode == http.StatusOK {
		return readAnswer(ctx, dec, into)
	}
	return readFailure(ctx, res.StatusCode, dec)
}

// send asks; the caller closes the answer's body.
func (c *Client) send(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var payload bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&payload).Encode(body); err != nil {
			return nil, fmt.Errorf("write request: %w", err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://skift"+path, &payload)
	if err != nil {
		return nil, fmt.Errorf("write request: %w", err)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, lost(ctx)
	}
	return res, nil
}

// readFailure reads why something was not done.
func readFailure(ctx context.Context, status int, dec *json.Decoder) error {
	if status == http.StatusServiceUnavailable { // it is stopping
		return ErrLost
	}
	var f failure
	if err := readAnswer(ctx, dec, &f); err != nil {
		return err
	}
	return f.err()
}

// readAnswer reads one JSON value. An answer that is cut off is no answer.
func readAnswer(ctx context.Context, dec *json.Decoder, into any) error {
	err := dec.Decode(into)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax), errors.As(err, &kind):
		return fmt.Errorf("read answer: %w", err)
	}
	return lost(ctx)
}

func lost(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return ErrLost
}

// wireEvent is an event in JSON: its body as the object it is.
type wireEvent struct {
	Seq     int64           `json:"seq"`
	At      time.Time       `json:"at"`
	Plan    string          `json:"plan"`
	Kind    string          `json:"kind"`
	Run     string          `json:"run,omitempty"`
	Subject string          `json:"subject,omitempty"`
	Actor   journal.Actor   `json:"actor"`
	Body    json.RawMessage `json:"body,omitempty"`
}

func encodeEvents(events []journal.Event) []wireEvent {
	out := make([]wireEvent, 0, len(events))
	for _, e := range events {
		out = append(out, wireEvent{e.Seq, e.At, e.Plan, e.Kind, e.Run, e.Subject, e.Actor, e.Body})
	}
	return out
}

func decodeEvents(wire []wireEvent) []journal.Event {
	var out []journal.Event
	for _, w := range wire {
		out = append(out, journal.Event{Plan: w.Plan, Seq: w.Seq, At: w.At, Kind: w.Kind, Run: w.Run, Subject: w.Subject, Actor: w.Actor, Body: w.Body})
	}
	return out
}
