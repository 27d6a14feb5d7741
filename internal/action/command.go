package action

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"skift/runbooks"
)

// command runs the step's program and waits for it and for everything it started in its process group.
func (a *Actions) command(ctx context.Context, req Request) (Outcome, error) {
	path, dir, err := a.locate(req.Step)
	if err != nil {
		return failed("%s was not started: %v", programName(req.Step), err), nil
	}
	env, err := a.environ(req)
	if err != nil {
		return Outcome{}, err
	}
	var secrets []string
	for name, ref := range req.Step.SecretEnv {
		value, err := a.fetch(ref)
		if err != nil {
			return failed("%s was not started: %v", programName(req.Step), err), nil
		}
		secrets = append(secrets, name+"="+value)
	}
	env = append(secrets, env...) // the last of a name counts: what skift says of itself cannot be replaced
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	p := &process{name: programName(req.Step), grace: a.cfg.Grace}
	p.cmd = exec.CommandContext(ctx, path)
	p.cmd.Args, p.cmd.Dir, p.cmd.Env = req.Step.Argv, dir, env
	p.cmd.Cancel, p.cmd.WaitDelay = p.stop, a.cfg.Grace
	p.cmd.SysProcAttr = ownSession()
	out := a.newCleaner(a.cfg.OutputCap)
	if err := p.start(out); err != nil {
		return failed("%s was not started: %v", p.name, startReason(err)), nil
	}
	waited := false
	defer func() {
		if !waited { // by a bug of ours: what was started does not outlive it
			cancel(nil)
			p.wait()
		}
	}()
	if req.Started != nil {
		pid := p.cmd.Process.Pid
		if err := req.Started(pid, startedAt(pid)); err != nil {
			// After a crash of ours nobody would know that it runs.
			cancel(fmt.Errorf("record process %d: %w", pid, err))
		}
	}
	p.wait()
	waited = true
	o := p.outcome(ctx)
	out.finish(&o)
	if cause := interrupted(ctx); cause != nil && p.stopped.Load() {
		return o, cause
	}
	return o, nil
}

// locate gives the program's absolute path and its working directory. The errors are sentences for the plan's author.
func (a *Actions) locate(s *runbooks.Step) (path, dir string, err error) {
	if len(s.Argv) == 0 || s.Argv[0] == "" {
		return "", "", errors.New("the step names no program")
	}
	for i, arg := range s.Argv {
		if strings.ContainsRune(arg, 0) {
			return "", "", fmt.Errorf("argument %d holds a NUL byte, which no program can be given", i)
		}
	}
	program := s.Argv[0]
	if s.Dir == "" && !strings.ContainsRune(program, '/') { // nothing of it is looked for in the plan directory
		path, err = lookPath(program, a.cfg.Path)
		return path, a.cfg.PlanDir, err
	}
	root, err := os.OpenRoot(a.cfg.PlanDir)
	if err != nil {
		return "", "", fmt.Errorf("the plan directory cannot be opened: %w", reason(err))
	}
	defer func() { _ = root.Close() }()
	dir = a.cfg.PlanDir
	if s.Dir != "" {
		if dir, err = a.inside(root, s.Dir); err != nil {
			return "", "", fmt.Errorf("its working directory %w", err)
		}
		if st, err := os.Stat(dir); err != nil || !st.IsDir() {
			return "", "", fmt.Errorf("its working directory %s is not a directory", s.Dir)
		}
	}
	switch {
	case filepath.IsAbs(program):
		path = program
	case strings.ContainsRune(program, '/'):
		if path, err = a.inside(root, program); err != nil {
			return "", "", fmt.Errorf("the program %w", err)
		}
	default:
		path, err = lookPath(program, a.cfg.Path)
		return path, dir, err
	}
	return path, dir, executable(path)
}

// inside gives the absolute path of a name in the plan directory. Neither ".." nor a symbolic link leads out of it.
func (a *Actions) inside(root *os.Root, name string) (string, error) {
	clean := filepath.Clean(name)
	if !filepath.IsLocal(clean) {
		return "", fmt.Errorf("%q lies outside the plan directory", name)
	}
	if _, err := root.Stat(clean); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("%q is not in the plan directory", name)
		}
		return "", fmt.Errorf("%q cannot be used: %w (a link may not lead out of the plan directory)", name, reason(err))
	}
	return filepath.Join(a.cfg.PlanDir, clean), nil
}

// lookPath finds a bare name in path, the one the command itself gets.
func lookPath(name, path string) (string, error) {
	for _, dir := range filepath.SplitList(path) {
		if full := filepath.Join(dir, name); filepath.IsAbs(full) && executable(full) == nil {
			return full, nil
		}
	}
	return "", fmt.Errorf("no program of that name is in %s; one in the plan directory is written ./%s", path, name)
}

func executable(path string) error {
	st, err := os.Stat(path)
	switch {
	case err != nil:
		return reason(err)
	case st.IsDir():
		return fmt.Errorf("%s is a directory", filepath.Base(path))
	case st.Mode()&0o111 == 0:
		return fmt.Errorf("%s is not executable; chmod +x makes it so", filepath.Base(path))
	}
	return nil
}

// ownPath is this process's PATH without entries that mean another directory for every working directory.
func ownPath() string {
	dirs := slices.DeleteFunc(filepath.SplitList(os.Getenv("PATH")), func(d string) bool { return !filepath.IsAbs(d) })
	if len(dirs) == 0 {
		return "/usr/local/bin:/usr/bin:/bin"
	}
	return strings.Join(dirs, string(filepath.ListSeparator))
}

// environ is all a command gets to know: PATH, LANG, what its step says, and SKIFT_*. Nothing of our own environment,
// which may hold secrets, is passed on.
func (a *Actions) environ(req Request) ([]string, error) {
	env := map[string]string{"PATH": a.cfg.Path, "LANG": a.cfg.Lang}
	maps.Copy(env, req.Step.Env)
	for name, value := range req.Env {
		if !strings.HasPrefix(name, "SKIFT_") {
			return nil, fmt.Errorf("environment of a command: %q does not begin with SKIFT_", name)
		}
		env[name] = value
	}
	env["SKIFT_RUN"], env["SKIFT_STEP"], env["SKIFT_ATTEMPT"] = req.Run, req.Step.ID, strconv.Itoa(req.Attempt)
	list := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		list = append(list, name+"="+env[name])
	}
	return list, nil
}

func programName(s *runbooks.Step) string {
	if len(s.Argv) == 0 {
		return "the command"
	}
	return s.Argv[0]
}

// startReason says why the system did not start a program that is there.
func startReason(err error) error {
	switch {
	case errors.Is(err, syscall.ENOENT):
		return errors.New("the program, or the interpreter in its first line, does not exist")
	case errors.Is(err, syscall.ENOEXEC):
		return errors.New("it is neither a program for this machine nor a script with #! at its beginning")
	}
	return reason(err)
}
