package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"skift/checks"
	"skift/internal/api"
	"skift/internal/journal"
	"skift/internal/ledger"
	"skift/internal/matrix"
	"skift/internal/probefile"
	"skift/internal/register"
	"skift/internal/runner"
)

// Bounds of how long an export may be answered.
const (
	shortestExport = time.Minute
	longestExport  = 90 * 24 * time.Hour
)

// who is the actor of a request.
func (a *App) who(q api.Acting, now time.Time) (journal.Actor, error) {
	p := a.Plan() // one revision throughout
	actor := journal.Actor{Seat: q.As, Person: q.EnteredBy, EnteredBy: q.EnteredBy, Via: journal.ViaConsole}
	if q.As == "" {
		return actor, nil
	}
	if p.Seats[q.As] == nil {
		return actor, unknown("seat", q.As, p.SeatIDs)
	}
	actor.Person = PersonIn(p, q.As, now)
	return actor, nil
}

// Export implements api.Desk.
func (a *App) Export(ctx context.Context, q api.ExportRequest) (api.ExportReply, error) {
	p := a.Plan() // one revision throughout
	env, ids, err := a.chosen(p, q.Environment, q.Patterns, "")
	if err != nil {
		return api.ExportReply{}, err
	}
	if _, member := p.Member(q.For); !member && p.Parties[q.For] == nil {
		return api.ExportReply{}, unknown("party", q.For, p.PartyIDs)
	}
	if q.Expires < shortestExport || q.Expires > longestExport {
		return api.ExportReply{}, &runner.Refusal{Kind: runner.Usage, Message: "an export can be answered for 1 minute to 90 days"}
	}
	var out api.ExportReply
	head, err := a.ledger.Decide(ctx, func(tx *ledger.Tx) error {
		who, err := a.who(q.Acting, tx.Now)
		if err != nil {
			return err
		}
		e := probefile.Export{ID: newID("ask"), Plan: p.ID, Language: p.Language, Party: q.For, Environment: env,
			MadeAt: tx.Now, ExpiresAt: tx.Now.Add(q.Expires).Truncate(time.Second),
			Budget: probefile.Budget{Parallel: a.settings.Budget.Parallel, Total: a.settings.Budget.Total, Rate: a.settings.Budget.Rate, SSHGap: a.settings.Budget.SSHGap}}
		if out.LeftOut, err = a.fill(&e, a.scope(tx.Facts, p, env, ids, tx.Now)); err != nil {
			return err
		}
		if len(e.Questions) == 0 {
			return nothingToAsk(q.For, out.LeftOut)
		}
		public, err := e.NewKey(rand.Reader)
		if err != nil {
			return err
		}
		if out.File, err = e.Write(); err != nil {
			return err
		}
		out.ID, out.Party, out.Units, out.ExpiresAt = e.ID, e.Party, len(e.Questions), e.ExpiresAt
		out.Event, err = tx.Emit(register.ProbeExported, "", e.ID, who, register.Body(register.Exported{Party: e.Party, Environment: env,
			Units: len(e.Questions), Seal: probefile.Seal(e.Asked()), Key: public, MadeAt: e.MadeAt, ExpiresAt: e.ExpiresAt}))
		return err
	})
	out.Head = head.String()
	return out, err
}

// fill puts the party's units into an export, except those that must not or cannot be asked there.
func (a *App) fill(e *probefile.Export, s matrix.Scope) (left []api.LeftOut, err error) {
	for _, u := range s.Units() {
		_, placeless := u.Spec.Placeless()
		switch {
		case !a.belongs(u, e.Party):
		case s.Pause(u) != "":
			left = append(left, api.LeftOut{Unit: u.Unit, Why: "paused"})
		case placeless:
			left = append(left, api.LeftOut{Unit: u.Unit, Why: "file"})
		case len(u.Missing) > 0:
			left = append(left, api.LeftOut{Unit: u.Unit, Why: "consent"})
		default:
			if err := e.Add(u.Ask()); err != nil {
				return nil, fmt.Errorf("export: %w", err)
			}
		}
	}
	return left, nil
}

// belongs reports whether a unit is a party's to ask: its flow, or asked from a host of the party; a group has what its members have.
func (a *App) belongs(u matrix.Unit, party string) bool {
	has := func(id string) bool {
		if m, ok := a.Plan().Member(id); ok && m.Group == party {
			return true
		}
		return id == party && id != ""
	}
	return has(u.Party()) || u.From != nil && has(u.From.Party)
}

func nothingToAsk(party string, left []api.LeftOut) error {
	r := &runner.Refusal{Kind: runner.Usage, Message: fmt.Sprintf("there is nothing for %s to look at: none of these checks has a flow or a vantage of theirs", party),
		Hints: []string{"checks with for_each: flows are asked for each flow's party; a vantage may name its party"}}
	if len(left) > 0 {
		r.Message = fmt.Sprintf("there is nothing that %s may look at: %d measurements lack the consent of who is asked, are paused, or look at files here", party, len(left))
		r.Hints = []string{"consent is given in the plan, under the party that answers for the platform"}
	}
	return r
}

// newID names something that travels, so that nobody can guess the next one.
func newID(prefix string) string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // it never fails
	return prefix + "-" + hex.EncodeToString(b)
}

// Import implements api.Desk.
func (a *App) Import(ctx context.Context, q api.ImportRequest) (api.ImportReply, error) {
	var out api.ImportReply
	zones, err := a.unbased(ctx)
	if err != nil {
		return out, err
	}
	head, err := a.ledger.Decide(ctx, func(tx *ledger.Tx) error {
		who, err := a.who(q.Acting, tx.Now)
		if err != nil {
			return err
		}
		found, terms, digest, err := probefile.Accept(q.File, termsIn(&tx.Facts.Register), tx.Now)
		if err != nil {
			return &runner.Refusal{Kind: runner.Usage, Message: "the results are not taken: " + err.Error(),
				Hints: []string{"ask for them anew: skift probe export makes a file, skift probe run answers it"}}
		}
		out = api.ImportReply{Export: found.Export, Party: terms.Party, Unasked: len(found.Asked) - len(found.Answers), Answers: []checks.Result{}}
		if seq, ok := tx.Facts.Register.Brought[digest]; ok {
			out.Already, out.Event = true, seq
			return nil
		}
		env := tx.Facts.Register.Exports[found.Export].Environment
		p := a.Plan()
		results := a.judge(a.scope(tx.Facts, p, env, p.CheckIDs, tx.Now), found, &out)
		tx.Batch().Observations = results
		out.Answers = slices.Clone(results)
		slices.SortStableFunc(out.Answers, func(x, y checks.Result) int { return cmp.Compare(badness(y.Verdict), badness(x.Verdict)) })
		out.Event, err = tx.Emit(register.ProbeImported, "", found.Export, who, register.Body(register.Imported{Digest: digest, Party: terms.Party,
			Units: len(results), Verdicts: count(results), Answers: digestOf(digest, results)}))
		if err != nil {
			return err
		}
		return a.keepBaselines(tx, zones, env, results)
	})
	if err == nil {
		if !out.Already { // what was taken before keeps nothing
			a.read(zones)
		}
		a.tellDrift(ctx)
	}
	out.Head = head.String()
	return out, err
}

// termsIn finds what was kept of exports.
func termsIn(f *register.Facts) func(string) (probefile.Terms, bool) {
	return func(id string) (probefile.Terms, bool) {
		x := f.Exports[id]
		if x == nil {
			return probefile.Terms{}, false
		}
		return probefile.Terms{Public: x.Key, Party: x.Party, Seal: x.Seal, MadeAt: x.MadeAt, ExpiresAt: x.ExpiresAt, Revoked: !x.RevokedAt.IsZero()}, true
	}
}

// judge makes observations of what another host saw. It says what it saw; what that is worth is said here.
func (a *App) judge(s matrix.Scope, found probefile.Results, out *api.ImportReply) []checks.Result {
	units := map[checks.Unit]matrix.Unit{}
	for _, u := range s.Units() {
		units[u.Unit] = u
	}
	ahead := false
	results := make([]checks.Result, 0, len(found.Answers))
	for _, r := range found.Answers {
		u, asked := units[r.Unit]
		age := checks.DefaultMaxAge
		r.Want = checks.Allow
		if asked {
			r.Want, age = u.Want, matrix.MaxAge(u.Spec)
		}
		if asked && len(u.Ask().Control) == 0 {
			delete(r.Facts, checks.FactControl) // none was to be asked, so none answered
		}
		switch {
		case !asked:
			out.NotNow = append(out.NotNow, api.NotNow{Unit: r.Unit, Why: "gone"})
		case u.Ask().Hash() != r.ConfigHash:
			out.NotNow = append(out.NotNow, api.NotNow{Unit: r.Unit, Why: string(matrix.OtherConfig)})
		case s.Now.Sub(r.StartedAt) > age:
			out.NotNow = append(out.NotNow, api.NotNow{Unit: r.Unit, Why: string(matrix.TooOld)})
		}
		if asked && r.SeenFromElsewhere(u.Ask(), r.Local()) {
			r = r.Unplaced()
		}
		ahead = ahead || r.StartedAt.After(s.Now)
		r.Verdict = checks.Judge(r.Outcome, r.Code, r.Facts, r.Want)
		r.ValidUntil = r.StartedAt.Add(age)
		r.Brought = checks.Brought{By: checks.ByProbe, From: found.Export, Party: out.Party}
		results = append(results, r)
	}
	if ahead {
		out.Warnings = append(out.Warnings, "the clock of the other host is ahead of ours by up to two minutes")
	}
	return results
}

func badness(v checks.Verdict) int {
	return slices.Index([]checks.Verdict{checks.Pass, checks.Warn, checks.Unverified, checks.Error, checks.Fail}, v)
}

func count(results []checks.Result) map[string]int {
	out := map[string]int{}
	for _, r := range results {
		out[string(r.Verdict)]++
	}
	return out
}

// digestOf binds observations to the event about them; of is the digest of the file they were read in.
func digestOf(of string, results []checks.Result) string {
	lines := make([]string, 0, len(results))
	for _, r := range results {
		line, err := json.Marshal([]any{r.Unit.Key(), r.Verdict, r.Code, r.Facts, r.StartedAt, r.ConfigHash})
		if err != nil {
			panic("app: result without a JSON form: " + err.Error())
		}
		lines = append(lines, string(line))
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(of + "\n" + strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:])
}
