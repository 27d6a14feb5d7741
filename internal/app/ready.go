package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"skift/config"
	"skift/internal/api"
	"skift/internal/health"
	"skift/internal/plan"
	"skift/internal/secret"
	"skift/internal/store"
)

// Readiness says whether this process could serve here: nothing is started, sent, asked or changed to find out.
type Readiness struct {
	OK    bool        `json:"ok"` // nothing keeps it from serving
	At    time.Time   `json:"at"`
	Items []ReadyItem `json:"items"`
}

// ReadyItem is one thing that was looked at.
type ReadyItem struct {
	What  string     `json:"what"`  // plan settings roster secrets data journal socket listen mail disk clock
	State ReadyState `json:"state"` // ok note red
	Text  string     `json:"text"`
	Hint  string     `json:"hint,omitempty"` // what to do
}

// ReadyState is how one thing stands.
type ReadyState string

// The states: a note keeps nobody from serving.
const (
	ReadyOK   ReadyState = "ok"
	ReadyNote ReadyState = "note"
	ReadyRed  ReadyState = "red"
)

// readying looks at one thing after the other.
type readying struct {
	dir, data string
	now       time.Time
	plan      *plan.Plan
	settings  config.Settings
	held      bool // another process has the data directory
	out       []ReadyItem
}

func (r *readying) add(what string, state ReadyState, hint, format string, args ...any) {
	r.out = append(r.out, ReadyItem{what, state, fmt.Sprintf(format, args...), hint})
}

// Ready looks at everything that serving needs. The error is a *PlanError when plan or settings have problems; the rest is not looked at then.
func Ready(ctx context.Context, o Options) (Readiness, error) {
	p, settings, err := Load(o.PlanDir)
	if err != nil {
		return Readiness{}, err
	}
	r := &readying{dir: o.PlanDir, data: DataDir(o.PlanDir, o.DataDir, settings), now: time.Now(), plan: p, settings: settings}
	r.add("plan", ReadyOK, "", "%s, revision %.12s: %d milestones, %d checks, %d runbooks", p.ID, p.Hash, len(p.Milestones), len(p.Checks), len(p.Runbooks))
	r.roster()
	r.secrets()
	r.directory()
	r.journal(ctx)
	r.addresses()
	r.mail()
	r.host()
	out := Readiness{At: r.now.UTC(), Items: r.out}
	out.OK = !slices.ContainsFunc(r.out, func(i ReadyItem) bool { return i.State == ReadyRed })
	return out, nil
}

// roster finds seats in which nobody sits now.
func (r *readying) roster() {
	var vacant []string
	for _, id := range r.plan.SeatIDs {
		if PersonIn(r.plan, id, r.now) == "" {
			vacant = append(vacant, id)
		}
	}
	switch {
	case len(vacant) > 0:
		r.add("roster", ReadyNote, "skift who shows who sits where, and when; it is the roster's table that is to be filled", "nobody sits in %s now", few(vacant))
	default:
		r.add("roster", ReadyOK, "", "somebody sits in each of %d seats now", len(r.plan.Seats))
	}
}

// few names the first of some.
func few(names []string) string {
	if len(names) > 5 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:5], ", "), len(names)-5)
	}
	return strings.Join(names, ", ")
}

// secrets finds those that cannot be fetched. Nothing of them is kept or shown.
func (r *readying) secrets() {
	refs := map[string]secret.Ref{}
	collect := func(ref secret.Ref) { refs[ref.String()] = ref }
	seen := map[uintptr]bool{}
	secretsIn(reflect.ValueOf(r.plan.Checks), seen, collect)
	secretsIn(reflect.ValueOf(r.plan.Runbooks), seen, collect)
	secretsIn(reflect.ValueOf(r.settings), seen, collect)
	resolver := secret.NewResolver(r.dir, os.LookupEnv, &secret.Masker{})
	var missing []string
	hint := ""
	for _, name := range slices.Sorted(maps.Keys(refs)) {
		if _, err := resolver.Resolve(refs[name]); err != nil {
			missing = append(missing, name)
			var why *secret.ResolveError
			if hint == "" && errors.As(err, &why) {
				hint = why.Hint
			}
		}
	}
	if len(missing) > 0 {
		r.add("secrets", ReadyNote, hint, "%d of %d cannot be fetched: %s", len(missing), len(refs), few(missing))
		return
	}
	r.add("secrets", ReadyOK, "", "each of %d can be fetched", len(refs))
}

// secretsIn finds the references to secrets in a value, wherever a kind of check or step keeps them.
func secretsIn(v reflect.Value, seen map[uintptr]bool, found func(secret.Ref)) {
	if v.IsValid() && v.CanInterface() {
		if ref, ok := v.Interface().(secret.Ref); ok {
			if ref != (secret.Ref{}) {
				found(ref)
			}
			return
		}
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() && !seen[v.Pointer()] {
			seen[v.Pointer()] = true
			secretsIn(v.Elem(), seen, found)
		}
	case reflect.Interface:
		secretsIn(v.Elem(), seen, found)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				secretsIn(v.Field(i), seen, found)
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			secretsIn(v.Index(i), seen, found)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			secretsIn(v.MapIndex(k), seen, found)
		}
	}
}

// directory finds whether the data directory can be owned.
func (r *readying) directory() {
	var held *store.HeldError
	err := store.Free(r.data)
	switch {
	case errors.As(err, &held):
		r.held = true
		r.add("data", ReadyRed, "other commands talk to it as it is; to serve here, end it first", "another skift runs this transition already: %v", held)
		return
	case err != nil:
		r.add("data", ReadyRed, "name another with data: in skift.yaml or --data, on a local disk that we may write to", "%v", err)
		return
	}
	r.add("data", ReadyOK, "", "%s can be written and nobody has it", r.data)
}

// journal finds whether what is stored can be gone on with.
func (r *readying) journal(ctx context.Context) {
	s, err := store.Open(ctx, store.Options{Dir: r.data, Plan: r.plan.ID, ReadOnly: true})
	switch {
	case errors.Is(err, store.ErrNone):
		r.add("journal", ReadyNote, "", "there is none yet: the first start makes it")
		return
	case errors.Is(err, store.ErrSchema):
		r.add("journal", ReadyNote, "", "%v", err)
		return
	case err != nil:
		r.add("journal", ReadyRed, "skift verify says more", "%v", err)
		return
	}
	defer s.Close()
	stands, err := s.Stands(ctx)
	if err == nil && stands.Foreign != "" {
		r.add("journal", ReadyRed, "skift restore --take-over, once the other one never acts again; see docs/operations.md", "%s", stands.Foreign)
		return
	}
	report, verr := s.Verify(ctx, nil)
	switch {
	case err != nil || verr != nil:
		r.add("journal", ReadyRed, "skift verify says more", "%v", errors.Join(err, verr))
	case !report.OK():
		r.add("journal", ReadyRed, "skift verify says what; then restore the last backup", "it has %d problems", len(report.Problems))
	default:
		r.add("journal", ReadyOK, "", "%d events, consistent with itself; head %s", report.Events, report.Stored)
	}
	var last time.Time
	if head, err := s.Newest(ctx); err == nil {
		last = head
	}
	if ahead := last.Sub(r.now); !last.IsZero() && ahead > health.ClockBound {
		r.add("clock", ReadyRed, "set the clock right before anything is due", "the clock lies %s before the newest event", ahead.Round(time.Second))
	}
}

// addresses finds whether commands and watchers could be answered.
func (r *readying) addresses() {
	if path, err := api.SocketPath(r.data); err != nil {
		r.add("socket", ReadyRed, "set XDG_RUNTIME_DIR to a folder of this user alone", "%v", err)
	} else {
		r.add("socket", ReadyOK, "", "commands are answered at %s", path)
	}
	switch ln, err := r.bind(); {
	case r.settings.Listen == "":
		r.add("listen", ReadyNote, "listen: 127.0.0.1:8620 in skift.yaml", "without an address for /healthz and /metrics nobody can watch it")
	case r.held:
		r.add("listen", ReadyOK, "", "%s is that of the other one", r.settings.Listen)
	case err != nil:
		r.add("listen", ReadyRed, "name another with listen: in skift.yaml, or end who has it", "%v", err)
	default:
		ln.Close()
		r.add("listen", ReadyOK, "", "/healthz, /readyz and /metrics are answered at %s", r.settings.Listen)
	}
}

// bind takes the address for a moment.
func (r *readying) bind() (net.Listener, error) {
	if r.settings.Listen == "" || r.held {
		return nil, fs.ErrClosed
	}
	return net.Listen("tcp", r.settings.Listen)
}

// mail says where mails would go; no server is asked.
func (r *readying) mail() {
	s := r.settings.SMTP
	if s == nil {
		r.add("mail", ReadyNote, "smtp: in skift.yaml", "without a server mails stay in the outbox")
		return
	}
	r.add("mail", ReadyOK, "", "to %s as %s, starttls %s; the server was not asked", net.JoinHostPort(s.Host, fmt.Sprint(s.Port)), s.From, s.StartTLS)
}

// host looks at the disk and the clock.
func (r *readying) host() {
	dir := r.data
	for _, err := os.Stat(dir); err != nil && dir != filepath.Dir(dir); _, err = os.Stat(dir) {
		dir = filepath.Dir(dir)
	}
	switch free := diskFree(dir); {
	case free < 0:
		r.add("disk", ReadyNote, "", "how much is free is not known here")
	case free < health.DiskBound:
		r.add("disk", ReadyRed, "make room: when none is left nothing is decided", "%d MiB are free", free>>20)
	default:
		r.add("disk", ReadyOK, "", "%d MiB are free", free>>20)
	}
	if slices.ContainsFunc(r.out, func(i ReadyItem) bool { return i.What == "clock" }) {
		return
	}
	text := r.now.In(r.plan.Zone).Format("2006-01-02 15:04:05 MST")
	if known, kept := clockKept(); known && !kept {
		r.add("clock", ReadyNote, "timedatectl shows which time service should; slots and deadlines go by this clock", "%s; no time service keeps it right", text)
		return
	}
	r.add("clock", ReadyOK, "", "%s", text)
}
