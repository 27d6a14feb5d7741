// Package app wires a running, stoppable skift: the plan, the store, the rules and the loops around one data directory.
//
// Open makes an App that owns its data directory; Run starts the loops and blocks until it is told to stop. An App is the
// [api.Desk] of its directory: commands ask it directly, or over the socket it serves. It holds no rules of its own.
package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"skift/checks/probe"
	"skift/config"
	"skift/internal/action"
	"skift/internal/api"
	"skift/internal/diag"
	"skift/internal/dial"
	"skift/internal/journal"
	"skift/internal/ledger"
	"skift/internal/outbox"
	"skift/internal/plan"
	"skift/internal/register"
	"skift/internal/runner"
	"skift/internal/scheduler"
	"skift/internal/secret"
	"skift/internal/snapshot"
	"skift/internal/store"
	"skift/internal/sweeper"
)

// Version is told to servers and stored with what they answered.
const Version = "0.1.0"

// Options say which transition to run.
type Options struct {
	PlanDir string
	DataDir string // "" = what skift.yaml says, below the plan directory
	Log     *slog.Logger
	// GoOn: with files that have errors, or that take from a zone in force, go on by the revision that was in use. Without one, those with errors
	// are refused all the same; without GoOn, so are those that take from a zone.
	GoOn bool

	withheld      string        // what the files would take from zones in force: they are not taken up for that
	copied        bool          // the data directory is what a simulated crash left, on purpose in another place
	before, after func(n int64) // instead of the crash points of the environment; nil = those
}

// PlanError is a plan or settings file with problems. Sources gives the text for snippets.
type PlanError struct {
	Problems []diag.Problem
	Sources  func(file string) []byte
}

func (e *PlanError) Error() string {
	return fmt.Sprintf("the plan has %d problems; skift validate shows them", len(e.Problems))
}

// App is one opened transition.
type App struct {
	dir, data string
	settings  config.Settings
	log       *slog.Logger
	bugs      *bugLog         // behind log
	keptBugs  map[string]bool // recorded by this process already
	store     *store.Store
	ledger    *ledger.Ledger
	runner    *runner.Runner
	sweeper   *sweeper.Sweeper
	outbox    *outbox.Outbox                      // nil without an SMTP server
	scheduler atomic.Pointer[scheduler.Scheduler] // nil unless it runs
	dialer    *dial.Dialer
	files     files
	launches  launches
	revisions *revisions
	pulse     pulse // of the loops
	socket    string
	beside    bool   // another process has the data directory; it is only read
	override  string // of the data directory; "" = as the settings say
	reloading sync.Mutex
	withheld  string                            // what the files would have taken from zones in force at the start
	rejected  atomic.Pointer[snapshot.Rejected] // the plan that could not be taken into use; nil = none
	based     sync.Map                          // zoneSince: what these zones found was read by this process
}

// Reading is a plan directory as it was read: the plan, the settings, and all there is to say about them.
type Reading struct {
	Plan     *plan.Plan // not to be used when Problems hold an error; never nil
	Settings config.Settings
	Problems diag.List
	Sources  func(file string) []byte // for snippets
}

// Read reads the plan and the settings of a directory. The error says that there is no such directory, or that the settings
// cannot be read; what is wrong with what they say is in Problems.
func Read(dir string) (Reading, error) {
	if st, err := os.Stat(dir); err == nil && !st.IsDir() {
		return Reading{}, &fs.PathError{Op: "read plan", Path: dir, Err: syscall.ENOTDIR}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Reading{}, fmt.Errorf("read plan: %w", err)
	}
	defer root.Close()
	return readFrom(root.FS()), nil
}

// Load reads a directory that is to be used. The error is a *PlanError when plan or settings have problems.
func Load(dir string) (*plan.Plan, config.Settings, error) {
	r, err := Read(dir)
	if err != nil {
		return nil, config.Settings{}, err
	}
	if r.Problems.Errors() > 0 {
		return nil, r.Settings, &PlanError{r.Problems.Sorted(), r.Sources}
	}
	return r.Plan, r.Settings, nil
}

func sources(p *plan.Plan, settings []byte) func(string) []byte {
	return func(file string) []byte {
		if file == config.File {
			return settings
		}
		if p == nil {
			return nil
		}
		return p.Sources[file]
	}
}

// DataDir is where a plan directory keeps its data.
func DataDir(dir, override string, s config.Settings) string {
	if override != "" {
		return override
	}
	if filepath.IsAbs(s.Data) {
		return s.Data
	}
	return filepath.Join(dir, s.Data)
}

// Open takes the data directory and folds its journal. Nothing runs before Run. The error is a *store.HeldError when
// another process has the directory.
func Open(ctx context.Context, o Options) (*App, error) { return open(ctx, o, false) }

// OpenBeside reads the data directory beside the process that has it: everything is told as of now, and nothing can be changed.
func OpenBeside(ctx context.Context, o Options) (*App, error) { return open(ctx, o, true) }

func open(ctx context.Context, o Options, beside bool) (*App, error) {
	r, err := Read(o.PlanDir)
	if err != nil {
		return nil, err
	}
	p, settings, wrong := r.Plan, r.Settings, r.Wrong("")
	if wrong != "" || o.withheld != "" {
		if p, err = r.standing(ctx, o); err != nil {
			return nil, err
		}
	}
	a := &App{dir: o.PlanDir, data: DataDir(o.PlanDir, o.DataDir, settings), settings: settings, beside: beside, override: o.DataDir,
		bugs: newBugLog(o.Log, &secret.Masker{}), keptBugs: map[string]bool{}}
	a.log = slog.New(a.bugs)
	if a.socket, err = api.SocketPath(a.data); err != nil {
		return nil, err
	}
	before, after := o.before, o.after
	if before == nil && after == nil {
		before, after = crashPoints()
	}
	a.store, err = store.Open(ctx, store.Options{Dir: a.data, Plan: p.ID, ReadOnly: beside, Socket: a.socket, Moved: o.copied, BeforeCommit: before, AfterCommit: after})
	if err != nil {
		return nil, err
	}
	if err := a.wire(ctx, p); err != nil {
		a.store.Close()
		return nil, err
	}
	switch {
	case wrong != "":
		a.reject(r)
	case o.withheld != "":
		a.withhold(o.withheld)
	case !beside:
		if lost := a.lost(); lost != "" {
			return a.instead(ctx, o, lost)
		}
	}
	return a, nil
}

func (a *App) wire(ctx context.Context, p *plan.Plan) error {
	head, err := a.store.Head(ctx)
	if err != nil {
		return err
	}
	if a.ledger, err = ledger.Open(ctx, p.ID, a.journal(head), head); err != nil {
		return err
	}
	a.files = files{a.data}
	a.launches.path = filepath.Join(a.data, "launched")
	a.revisions = &revisions{dir: filepath.Join(a.data, "revisions")}
	if !a.beside {
		if err := a.revisions.keep(p); err != nil {
			return err
		}
	}
	masker := a.bugs.masker
	resolver := secret.NewResolver(a.dir, os.LookupEnv, masker)
	a.dialer = &dial.Dialer{Allowed: networks(p), Own: own(a.settings)}
	actions, err := action.New(action.Config{PlanDir: a.dir, Dialer: a.dialer, Secrets: resolver, Masker: masker,
		Version: Version, Contact: a.settings.Contact, Log: a.log})
	if err != nil {
		return err
	}
	b := a.settings.Budget
	budget := sweeper.Budget{Parallel: b.Parallel, Total: b.Total, Rate: b.Rate, SSHGap: b.SSHGap, Patience: Patience}
	a.sweeper = sweeper.New(probe.New(probe.Config{Dialer: a.dialer, Secrets: resolver, Files: planDir(a.dir),
		Agent: action.UserAgent(Version, a.settings.Contact)}), budget, a.recordSweep)
	a.runner = runner.New(runner.Config{
		Plan: p, Ledger: a.ledger, Actions: doer{actions}, Sweeper: sweeps{a}, Calendar: calendar{},
		Reports: reports{a}, Mails: mails{a}, Files: a.files, Launches: &a.launches, Revisions: a.revisions, Log: a.log, Person: PersonIn,
		InFlight: a.settings.InFlight,
	})
	if a.settings.SMTP != nil {
		return a.wireMail(resolver)
	}
	return nil
}

// networks are where the plan's platforms and the services beside them are, what checks need besides, and the controls and reflectors of its vantages.
func networks(p *plan.Plan) []netip.Prefix {
	var out []netip.Prefix
	for _, pf := range p.Platforms {
		out = append(out, pf.Networks...)
	}
	for _, s := range p.Services {
		out = append(out, s.Networks...)
	}
	for _, c := range p.Checks {
		out = append(out, c.Networks()...)
	}
	for _, v := range p.Vantages {
		for _, a := range append(slices.Clip(v.Control), v.Reflector) {
			if a.IsValid() {
				out = append(out, netip.PrefixFrom(a.Addr(), a.Addr().BitLen()))
			}
		}
	}
	return out
}

// own are the addresses we listen on ourselves: never a target.
func own(s config.Settings) []netip.AddrPort {
	if ap, err := netip.ParseAddrPort(s.Listen); err == nil {
		return []netip.AddrPort{ap}
	}
	return nil
}

// PersonIn is who sits in a seat: on shift there, else a deputy on shift.
func PersonIn(p *plan.Plan, seat string, at time.Time) string {
	s := p.Seats[seat]
	if s == nil {
		return ""
	}
	d := p.Roster.At(seat, at, s.Deputies...)
	if who := d.Person(); who != "" || len(d.Deputies) == 0 {
		return who
	}
	return d.Deputies[0].Person
}

// Caller names a user of this host: the contact who logs in so, else "uid-1000".
func Caller(p *plan.Plan, uid string) string {
	n, err := strconv.Atoi(uid)
	if err != nil {
		return "unknown"
	}
	login := ""
	if u, err := user.LookupId(uid); err == nil {
		login = u.Username
	}
	return p.Contacts.IDOf(login, n)
}

// Plan is the revision in use.
func (a *App) Plan() *plan.Plan { return a.runner.Plan() }

// Data is the data directory.
func (a *App) Data() string { return a.data }

// Head is the journal's present head.
func (a *App) Head() journal.Head { return a.ledger.Head() }

// Close gives the data directory back. Run must have returned.
func (a *App) Close() error {
	if err := errors.Join(a.store.Close(), a.launches.close()); err != nil {
		return fmt.Errorf("close data directory: %w", err)
	}
	return nil
}

// ledgerStore is the store as the ledger sees it.
type ledgerStore struct{ *store.Store }

// Commit implements ledger.Store.
func (s ledgerStore) Commit(ctx context.Context, b register.Batch) (journal.Head, int64, error) {
	c, err := s.Store.Commit(ctx, b)
	if errors.Is(err, store.ErrStorage) || errors.Is(err, store.ErrFenced) {
		err = broken{err}
	}
	return c.Head, c.FirstSeq, err
}

// broken marks an error after which nothing more may be decided.
type broken struct{ error }

// StorageFailed implements what the ledger looks for.
func (broken) StorageFailed() bool { return true }

// Unwrap keeps the cause findable.
func (b broken) Unwrap() error { return b.error }

// commit puts a loop's batch through the ledger, so that facts, subscribers and store agree.
func (a *App) commit(ctx context.Context, b register.Batch) error {
	_, err := a.ledger.Decide(ctx, func(tx *ledger.Tx) error {
		for _, e := range b.Events {
			if _, err := tx.Emit(e.Kind, e.Run, e.Subject, e.Actor, e.Body); err != nil {
				return err
			}
		}
		b.Events = tx.Batch().Events
		*tx.Batch() = b
		return nil
	})
	return err
}
