package cli

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"skift/internal/agenda"
	"skift/internal/freeze"
	"skift/internal/ics"
	"skift/internal/plan"
	"skift/internal/runner"
	"skift/internal/secret"
	"skift/internal/signed"
	"skift/internal/timeline"
)

func (s *session) freezeExportCommand() *cobra.Command {
	var party, out string
	c := &cobra.Command{
		Use: "export --party PARTY [--out DIR]", Short: "Write the frozen zones for a party's own pipeline, signed",
		Long: "Writes DIR/freeze-PARTY.json, and DIR/freeze-PARTY.ics for people: the zones that bind the party, the exceptions that count for it and the\n" +
			"transitions it may do, signed with the key that skift.yaml names. The party asks it with skift freeze check --calendar FILE --key PUB\n" +
			"until it is as old as freeze.max_age says; write it anew more often than that. A file that is there is replaced at once: whoever reads it\n" +
			"sees the old or the new one.",
		Args: args(),
		RunE: func(c *cobra.Command, _ []string) error {
			if party == "" {
				return usage("say for whom", "usage: "+c.UseLine())
			}
			return s.freezeExport(c.Context(), party, out, time.Now())
		},
	}
	c.Flags().StringVar(&party, "party", "", "`PARTY` or member who is to ask; required")
	c.Flags().StringVar(&out, "out", ".", "`DIR` to write to")
	return c
}

func (s *session) freezeExport(ctx context.Context, party, out string, now time.Time) error {
	n, err := s.inUse(ctx, now)
	if err != nil {
		return err
	}
	p, h := n.plan, n.history
	if m := freeze.MistakeIn(p, freeze.Question{Class: plan.Fix, Party: party}); m != nil {
		return usage(m.Text, m.Hint)
	}
	key, err := s.signingKey(n)
	if err != nil {
		return err
	}
	c := freeze.CalendarFor(p, &h.Facts, party, now.Truncate(time.Second))
	c.ValidUntil = c.MadeAt.Add(n.settings.Freeze.MaxAge)
	if h.Used {
		c.Head = h.Head.String()
	}
	dates, t := planView{p: p, c: speak(p)}, timeline.At(p, &h.Facts, now)
	for i, z := range c.Zones {
		m := t.Milestone(z.Zone)
		c.Zones[i].Ends.Text = dates.until(m.Until, m.End)
	}
	data, err := c.Write(func(m []byte) []byte { return ed25519.Sign(key, m) })
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Clean(out), 0o755); err != nil {
		return fmt.Errorf("make the folder to write to: %w", err)
	}
	name := filepath.Join(out, "freeze-"+party+".json")
	if err := replaceFile(name, data); err != nil {
		return err
	}
	zones, err := s.zoneDays(ctx, n, party)
	if err != nil {
		return err
	}
	days, err := zones.Encode()
	if err != nil {
		return fmt.Errorf("write the zones as calendar: %w", err)
	}
	if err := replaceFile(strings.TrimSuffix(name, ".json")+".ics", days); err != nil {
		return err
	}
	w := dates.c
	s.wrapped(w.T("freeze.exported", "file", name, "zones", w.N("count.zones", len(c.Zones)), "exceptions", w.N("count.exceptions", len(c.Exceptions)), "until", localTime(p, c.ValidUntil)))
	if c.Head != "" {
		s.printf("head %s\n", c.Head)
	}
	return nil
}

// zoneDays is the same for people, who put it beside their own: it is not signed and allows nothing. Its events are those of the party's
// whole calendar, so that who takes in both has each zone once; one that is gone is cancelled.
func (s *session) zoneDays(ctx context.Context, n present, party string) (ics.Calendar, error) {
	revisions, err := s.revisions(ctx, n.plan, n.data)
	if err != nil {
		return ics.Calendar{}, err
	}
	zones := map[string]bool{}
	for _, r := range revisions {
		for _, m := range r.Plan.Milestones {
			zones[agenda.MilestoneUID(r.Plan, m.ID)] = m.Kind == plan.Zone || zones[agenda.MilestoneUID(r.Plan, m.ID)]
		}
	}
	out := agenda.Build(revisions, agenda.Member(n.plan, party), speak(n.plan))
	out.Description = "" // of what has no date yet, which need not be a zone
	out.Events = slices.DeleteFunc(out.Events, func(e ics.Event) bool { return !zones[e.UID] })
	return out, nil
}

// signingKey is the key that calendars are signed with.
func (s *session) signingKey(n present) (ed25519.PrivateKey, error) {
	settings := n.settings
	if n.unset != nil {
		return nil, n.unset // what it says of the key, and for how long a calendar holds, is not known
	}
	if settings.Freeze.Key.IsZero() {
		return nil, usage("skift.yaml names no key that calendars are signed with", "skift freeze key --new keys/freeze.pem makes one; then add freeze: {key: file:keys/freeze.pem}")
	}
	text, err := secret.NewResolver(s.dir, os.LookupEnv, nil).Resolve(settings.Freeze.Key)
	if err != nil {
		var cause *secret.ResolveError
		if errors.As(err, &cause) {
			return nil, usage(cause.Error(), cause.Hint)
		}
		return nil, err
	}
	key, err := signed.ReadKey([]byte(text.Reveal()))
	if err != nil {
		return nil, usage(fmt.Sprintf("%s cannot sign: %v", settings.Freeze.Key, err), "skift freeze key --new FILE makes one that can")
	}
	return key, nil
}

func (s *session) freezeKeyCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "key [--new FILE]", Short: "Print the public key that calendars are checked with, or make a key",
		Long: "The line names the plan and holds no secret: give it to each party by a way they trust, apart from the calendars. With --new a private\n" +
			"key is made first; it is for this host alone, and nothing is overwritten. Who makes a new one must hand out its line anew.",
		Args: args(),
		RunE: func(c *cobra.Command, _ []string) error {
			if file != "" {
				return s.freezeNewKey(c.Context(), file)
			}
			n, err := s.inUse(c.Context(), time.Now())
			if err != nil {
				return err
			}
			key, err := s.signingKey(n)
			if err != nil {
				return err
			}
			return s.printPublic(n.plan, key)
		},
	}
	c.Flags().StringVar(&file, "new", "", "`FILE` for a new private key, below the plan directory or wherever you keep such")
	return c
}

func (s *session) freezeNewKey(ctx context.Context, file string) error {
	n, err := s.inUse(ctx, time.Now())
	if err != nil {
		return err
	}
	text, err := signed.NewKey(rand.Reader)
	if err != nil {
		return err
	}
	key, err := signed.ReadKey(text)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("make a folder for the key: %w", err)
	}
	f, err := create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.Write(text)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		os.Remove(file)
		return fmt.Errorf("write %s: %w", file, err)
	}
	return s.printPublic(n.plan, key)
}

func (s *session) printPublic(p *plan.Plan, key ed25519.PrivateKey) error {
	line, err := signed.Public(p.ID, key)
	if err != nil {
		return err
	}
	s.printf("%s\n", line)
	return nil
}

// freezeCheckFile asks a calendar: no plan, no journal, no network.
func (s *session) freezeCheckFile(file, key string, q freeze.Question, at string, now time.Time) error {
	verifier, err := publicKey(key)
	if err != nil {
		return err
	}
	data, err := readCapped(file)
	if err != nil {
		return err
	}
	c, err := freeze.ReadCalendar(data, verifier, now)
	if err != nil {
		return s.distrust(file, q, now, err)
	}
	if m := c.MistakeIn(q); m != nil {
		return usage(m.Text, m.Hint)
	}
	p, err := pageOf(c)
	if err != nil {
		return err
	}
	q.At = now
	if at != "" {
		if q.At, err = parseTime(p, at, now); err != nil {
			return err
		}
	}
	return s.answer(freezeView{s.sheet(p), planView{p: p, c: speak(p)}, now, c}, c.Ask(q), c.Head)
}

// distrust tells why a calendar is not used: whoever asked may not go on.
func (s *session) distrust(file string, q freeze.Question, now time.Time, err error) error {
	var u *freeze.Untrusted
	if !errors.As(err, &u) {
		return err
	}
	if s.json {
		if err := s.printJSON(judged{Class: q.Class, Platform: q.Side, Service: q.Service, Party: q.Party, Change: q.Change, At: now.UTC(), Zones: []string{}, Refusals: []refusedBy{}, Calendar: &askedOf{Distrust: u.Why, Text: u.Text}}); err != nil {
			return err
		}
		return exit(ExitNoGo)
	}
	return &runner.Refusal{Kind: runner.Refused, Message: fmt.Sprintf("%s is not used, so nothing is allowed: %s", file, u.Text), Hints: []string{u.Hint}}
}

// publicKey reads a public key: the line itself, or a file that holds it.
func publicKey(text string) (signed.Verifier, error) {
	if v, err := signed.ReadPublic(text); err == nil {
		return v, nil
	}
	line, err := readCapped(text)
	if err != nil {
		return signed.Verifier{}, usage(fmt.Sprintf("--key %q is neither a public key nor a file that can be read", text), "it is the line that skift freeze key prints where the plan is: PLAN+1a2b3c4d+BASE64")
	}
	v, err := signed.ReadPublic(string(line))
	if err != nil {
		return v, usage(fmt.Sprintf("%s: %v", text, err), "it is the line that skift freeze key prints where the plan is")
	}
	return v, nil
}

// pageOf is as much of a plan as is needed to show what a calendar says.
func pageOf(c *freeze.Calendar) (*plan.Plan, error) {
	zone, err := time.LoadLocation(c.Timezone)
	if err != nil {
		return nil, fmt.Errorf("read time zone: %w", err)
	}
	return &plan.Plan{ID: c.Plan, Title: c.Title, Language: c.Language, Zone: zone, Hash: c.Revision}, nil
}
