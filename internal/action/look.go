package action

import (
	"context"
	"fmt"
	"os"
	"path"
	"strconv"
	"time"
)

// LookTimeout is how long one look at a file may take.
const LookTimeout = time.Minute

// look looks once at the file a step waits for, and tells its size. Nothing is opened: some servers take that for having read it.
func (a *Actions) look(ctx context.Context, req Request) (Outcome, error) {
	b := req.Step.WaitBody
	name := a.text(b.File)
	var fi os.FileInfo
	var err error
	if b.On == nil {
		fi, err = a.lookHere(b.File)
	} else {
		name += " on " + a.text(copyEnd(*b.On).label())
		fi, err = a.lookThere(ctx, req)
	}
	switch {
	case err != nil && interrupted(ctx) != nil:
		return failed("%s could not be looked at", name), interrupted(ctx)
	case err != nil:
		return failed("%s could not be looked at: %s", name, a.text(explain(ctx, err))), nil
	case fi == nil:
		return failed("%s is not there", name), nil
	case !fi.Mode().IsRegular():
		return failed("%s is there and is no file", name), nil
	}
	return Outcome{OK: true, ExitCode: -1, Summary: fmt.Sprintf("%s is there, with %d bytes", name, fi.Size()), Facts: map[string]string{
		"size": strconv.FormatInt(fi.Size(), 10), "modified": fi.ModTime().UTC().Format(time.RFC3339),
	}}, nil
}

// lookHere looks into the plan directory; no link leads out of it.
func (a *Actions) lookHere(name string) (os.FileInfo, error) {
	root, err := os.OpenRoot(a.cfg.PlanDir)
	if err != nil {
		return nil, fmt.Errorf("the plan directory cannot be opened: %w", reason(err))
	}
	defer root.Close()
	fi, err := root.Stat(name)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, reason(err)
	}
	return fi, nil
}

func (a *Actions) lookThere(ctx context.Context, req Request) (os.FileInfo, error) {
	on, err := a.open(ctx, req.Addr, copyEnd(*req.Step.WaitBody.On))
	if err != nil {
		return nil, err
	}
	defer on.close()
	return on.stat(ctx, path.Join(on.dir, req.Step.WaitBody.File))
}
