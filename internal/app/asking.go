package app

import (
	"context"
	"errors"

	"skift/internal/api"
	"skift/internal/runner"
)

// Asking answers for pauses while fn asks. A check of thousands of units takes minutes, and whoever wants all probing of a party to end
// need not find the process that does it.
func (a *App) Asking(fn func() error) error {
	path, err := api.AskingPath(a.data)
	if err != nil {
		return err
	}
	server, err := api.Listen(path, asking{a}, func(uid string) string { return Caller(a.Plan(), uid) }, a.log)
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve() }()
	err = fn()
	if cerr := errors.Join(server.Close(), <-served); err == nil {
		err = cerr
	}
	return err
}

// asking is the desk of a process that only asks: nobody would go on with what else is said to it.
type asking struct{ *App }

// Reload implements api.Desk.
func (d asking) Reload(context.Context, api.ReloadRequest) (api.ReloadReply, error) {
	return api.ReloadReply{}, &runner.Refusal{Kind: runner.Conflict, Message: "checks are being asked, and the plan is not changed meanwhile", Hints: []string{"wait until they are answered"}}
}

// Do implements api.Desk.
func (d asking) Do(ctx context.Context, c runner.Command) (runner.Reply, error) {
	if !c.AboutParty() {
		return runner.Reply{}, &runner.Refusal{Kind: runner.Conflict, Message: "checks are being asked, and meanwhile a party can be paused and nothing else be done", Hints: []string{"wait until they are answered"}}
	}
	return d.App.Do(ctx, c)
}
