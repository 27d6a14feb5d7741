// Package demo tells one transition from its first frozen zone to the point of no return in under a minute.
//
// Nothing in it is acted but the people: two platforms per environment run on loopback sockets, the shipped plan is moved into the
// seconds from now, and the real process with its scheduler, engine, checks and mail drives it. People are scripts that answer through
// the same desk as everybody else, each for one seat; suppliers' people also work on their platforms. One thing can be broken on the
// new platform beforehand; what is found, decided, mended and proved is told line by line and kept on disk.
//
// The package knows the ids of the shipped plan. It decides nothing that skift decides.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"skift/internal/app"
	"skift/internal/journal"
	"skift/internal/plan"
	"skift/internal/sim"
	"skift/internal/term"
)

// Fault is what is broken on the new platform when the demo begins.
type Fault string

// The faults a demo can be told with.
const (
	NoFault   Fault = "none"
	AllowList Fault = "allow-list" // one flow's address is not let in
	HostKey   Fault = "host-key"   // the SFTP server shows another key than announced
	Expiry    Fault = "expiry"     // the gateway's certificate ends before hypercare does
)

// Faults lists the faults, the one without first.
func Faults() []Fault { return []Fault{NoFault, AllowList, HostKey, Expiry} }

// Options say which story is told, and where.
type Options struct {
	Fault  Fault  // "" = AllowList
	NoFix  bool   // the fault stays: the cut-over ends at its gate
	Dir    string // empty or not there yet; "" = a fresh one in the temp folder
	Out    io.Writer
	Screen term.Screen
	Log    *slog.Logger // what the loops have to say; nil = nothing

	breaks  []breakage // what breaks on the new platform in the middle of a weekend
	backOut bool       // the weekend in production is then backed out instead of mended

	told  func() (fs.FS, *plan.Plan, error) // the plan that is told of; nil = the shipped one
	dates []anchor                          // nil = those of the shipped plan
	first []string                          // the services that switch in the first of two weekends, the rest in the second; nil = there is one
	watch func(journal.Event, *app.App)     // is told every event as it is read; nil = nobody

	backstage func(*theatre) // lets a test look behind the scenes; nil = nobody does

	pace float64 // how much further apart the dates lie than on an idle machine
}

// Ending is how the story ended.
type Ending struct {
	Dir  string
	Head string // of the journal, at the very end
	NoGo bool   // the cut-over was stopped at its gate
	Back bool   // the cut-over was backed out
	Why  string // with NoGo: the check, its outcome code, the side and the owner
}

// breakage is a fault that strikes the new platform of an environment once a step of its weekend is done, and shows at another.
type breakage struct {
	env          string
	fault        Fault
	after, shows string
}

// UsageError is a demo that cannot be told as asked.
type UsageError struct{ Message, Hint string }

func (e *UsageError) Error() string { return e.Message }

// patience is how long a demo may take before it gives up. It ends long before on any machine that is not overloaded.
const patience = 4 * time.Minute

// Run tells the story. The error is a *UsageError, the context's, or that the story could not be told to its end.
func Run(ctx context.Context, o Options) (Ending, error) {
	if err := o.settle(); err != nil {
		return Ending{}, err
	}
	patience := patience
	if o.first != nil {
		patience *= 3
	}
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("the demo did not come to its end within %v", patience))
	defer cancel()
	began := time.Now()
	shipped, p, err := o.told()
	if err != nil {
		return Ending{}, err
	}
	// The certificate ends between the weekend and the end of hypercare, wherever exactly the demo begins.
	theatre, err := raise(ctx, p, time.Now().Add(certificateLeft))
	if err != nil {
		return Ending{}, err
	}
	defer theatre.down()
	if o.backstage != nil {
		o.backstage(theatre)
	}
	if err := tryOut(ctx, o, shipped, p, theatre); err != nil {
		return Ending{}, err
	}
	now := time.Now()
	o.pace = pace(now.Sub(began))
	c, err := newClock(p, now, o.pace, o.dates)
	if err != nil {
		return Ending{}, err
	}
	dir := filepath.Join(o.Dir, "plan")
	if err := newStager(dir, shipped, p, theatre, c).write(); err != nil {
		return Ending{}, err
	}
	if err := theatre.damage(production, o.Fault); err != nil {
		return Ending{}, err
	}
	a, err := app.Open(ctx, app.Options{PlanDir: dir, Log: o.Log})
	if err != nil {
		return Ending{}, fmt.Errorf("open the demo's plan: %w", err)
	}
	defer a.Close()
	return perform(ctx, o, a, theatre)
}

// certificateLeft is how long the certificate of the expiry fault still holds: at any pace until after the weekend, and not until the
// end of hypercare.
const certificateLeft = 17 * time.Minute

// settle fills in what was left open and refuses what cannot be.
func (o *Options) settle() error {
	if o.Fault == "" {
		o.Fault = AllowList
	}
	if o.told == nil {
		o.told, o.dates = shippedPlan, anchors()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	switch {
	case !slices.Contains(Faults(), o.Fault):
		return &UsageError{fmt.Sprintf("there is no fault %q", o.Fault), "one of " + names(Faults())}
	case o.NoFix && o.Fault == NoFault:
		return &UsageError{"there is no fault that could stay unfixed", "name one with --fault, or leave out --no-fix"}
	case o.Dir == "":
		dir, err := os.MkdirTemp("", "skift-demo-*")
		if err != nil {
			return fmt.Errorf("make a directory for the demo: %w", err)
		}
		o.Dir = dir
		return nil
	}
	entries, err := os.ReadDir(o.Dir)
	switch {
	case err == nil && len(entries) > 0:
		return &UsageError{o.Dir + " is not empty", "a demo writes into a fresh directory: name another one, or leave out --dir"}
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return &UsageError{err.Error(), "name a directory that is empty or not there yet"}
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return fmt.Errorf("make a directory for the demo: %w", err)
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return fmt.Errorf("make a directory for the demo: %w", err)
	}
	return nil
}

func names(faults []Fault) string {
	var out []string
	for _, f := range faults {
		out = append(out, string(f))
	}
	return strings.Join(out, ", ")
}

// damage breaks the new platform of an environment.
func (t *theatre) damage(env string, f Fault) error {
	if f == NoFault {
		return nil
	}
	return t.stages[env].New.SetFault(sim.Fault(f))
}

// mend does what the new platform's supplier does about the fault.
func (t *theatre) mend(env string, f Fault) error {
	platform := t.stages[env].New
	if f == AllowList {
		platform.Allow(t.sources[t.missing.Source])
		return nil
	}
	return platform.Clear(sim.Fault(f))
}

// production is the environment of the shipped plan that counts.
const production = "prod"

// perform runs the process and the people beside each other until the story is over.
func perform(ctx context.Context, o Options, a *app.App, theatre *theatre) (Ending, error) {
	loops, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- a.Run(loops, app.Mode{Scheduler: true, Ready: func() { close(ready) }}) }()
	select {
	case <-ready:
	case err := <-ended:
		return Ending{}, fmt.Errorf("run the demo's plan: %w", err)
	}
	s := newStory(o, a, theatre)
	tale, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	told := make(chan error, 1)
	go func() { told <- s.tell(tale) }()
	var err error
	select {
	case err = <-told:
		stop()
		if rerr := <-ended; err == nil && rerr != nil {
			err = fmt.Errorf("run the demo's plan: %w", rerr)
		}
	case rerr := <-ended:
		cancel(fmt.Errorf("run the demo's plan: it ended too early: %w", rerr))
		err = <-told
	}
	if err == nil && s.noGo && s.why == "" {
		err = errors.New("the cut-over ended no-go before anybody had said so: was the machine too busy to answer in time?")
	}
	if err != nil {
		return Ending{Dir: o.Dir}, err
	}
	end := Ending{Dir: o.Dir, Head: a.Head().String(), NoGo: s.noGo, Back: s.back, Why: s.why}
	mails, err := keepMails(filepath.Join(o.Dir, "mail"), theatre.stages[production].Mail.Messages())
	if err != nil {
		return end, err
	}
	s.say.farewell(end, mails)
	return end, nil
}
