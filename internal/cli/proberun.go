package cli

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"skift/checks"
	"skift/checks/probe"
	"skift/internal/action"
	"skift/internal/app"
	"skift/internal/dial"
	"skift/internal/probefile"
	"skift/internal/register"
	"skift/internal/secret"
	"skift/internal/sweeper"
	"skift/internal/term"
	"skift/internal/words"
)

func (s *session) probeRunCommand() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use: "run FILE [--out RESULT]", Short: "Answer a file that skift probe export wrote, from this host",
		Long: "Needs no plan, no database and no privilege. Only the addresses in the file are asked. What is seen is printed, worst first, and\n" +
			"written to RESULT, signed; send that back. Where a question needs a secret, the file says where this host keeps it: env:NAME, or\n" +
			"file:PATH below the folder of FILE. Exit: 0 all as it must be · 1 something failed · 5 something could not be observed.",
		Args: args("FILE"),
		RunE: func(c *cobra.Command, a []string) error {
			if out == "" {
				out = strings.TrimSuffix(a[0], filepath.Ext(a[0])) + "-result.json"
			}
			return s.probeRun(c.Context(), a[0], out)
		},
	}
	c.Flags().StringVar(&out, "out", "", "`RESULT` to write (default FILE-result.json beside it); nothing is overwritten")
	return c
}

func (s *session) probeRun(ctx context.Context, name, out string) error {
	data, err := readCapped(name)
	if err != nil {
		return err
	}
	e, err := probefile.ReadExport(data)
	if err != nil {
		return usage(name+" is not answered: "+err.Error(), "ask whoever sent it for a new one")
	}
	now := time.Now()
	switch {
	case !now.Before(e.ExpiresAt):
		return usage(fmt.Sprintf("%s is not answered: it expired %s", name, e.ExpiresAt.UTC().Format(time.RFC3339)), "ask whoever sent it for a new one")
	case now.Before(e.MadeAt.Add(-probefile.Skew)):
		return usage(fmt.Sprintf("%s is not answered: it was made at %s, and the clock of this host says %s", name, e.MadeAt.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339)), "put the clock right: answers carry its time")
	}
	f, err := create(out)
	if err != nil {
		return err
	}
	defer f.Close()
	c := words.In(words.Lang(e.Language))
	results, err := s.askAll(ctx, e, filepath.Dir(name), c)
	if err == nil {
		if data, err = results.Write(e); err == nil {
			_, err = f.Write(data)
		}
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		os.Remove(out)
		return err
	}
	slices.SortStableFunc(results.Answers, func(a, b checks.Result) int { return worth(b) - worth(a) })
	if err := s.showAnswers(results.Answers, c); err != nil {
		return err
	}
	s.printf("%s\n", c.T("screen.probe.answered", "file", term.Line(out), "answers", c.N("count.answers", len(results.Answers)), "asked", term.Line(filepath.Base(name))))
	if code := exitOf(results.Answers); code != ExitOK {
		return exit(code)
	}
	return nil
}

func worth(r checks.Result) int {
	return slices.Index([]checks.Verdict{checks.Pass, checks.Warn, checks.Unverified, checks.Error, checks.Fail}, r.Verdict)
}

// askAll asks every question of a file from this host, within the budget of the file.
func (s *session) askAll(ctx context.Context, e probefile.Export, dir string, c *words.Catalogue) (probefile.Results, error) {
	asks, err := e.Asks()
	if err != nil {
		return probefile.Results{}, err
	}
	prober := probe.New(probe.Config{Dialer: &dial.Dialer{Allowed: targets(asks)}, Agent: action.UserAgent(app.Version, ""), Secrets: below{secret.NewResolver(dir, os.LookupEnv, nil)}})
	keep := func(context.Context, []checks.Result, register.Swept) error { return nil }
	sweep := sweeper.New(prober, sweeper.Budget{Parallel: min(e.Budget.Parallel, 64), Total: min(e.Budget.Total, 1024), Rate: e.Budget.Rate,
		SSHGap: e.Budget.SSHGap, Patience: app.Patience}, keep)
	started := time.Now()
	bar := s.progress(c)
	job := sweeper.Job{Environment: e.Environment, Cause: "skift probe run", Asks: make([]checks.Ask, len(asks)), Progress: bar.tell}
	for i, a := range asks {
		job.Asks[i] = fromHere(a, started)
	}
	answers, err := sweep.Sweep(ctx, job)
	bar.end()
	for i := range answers {
		if !sourceHere(asks[i]).IsValid() && answers[i].SeenFromElsewhere(asks[i], elsewhere) {
			answers[i] = answers[i].Unplaced()
		}
		answers[i].ConfigHash = asks[i].Hash() // of what was asked for: from where this host could ask is told by local_addr
	}
	return probefile.Results{Export: e.ID, Host: probefile.Host{OS: runtime.GOOS, Arch: runtime.GOARCH, Version: app.Version},
		StartedAt: started.UTC(), EndedAt: time.Now().UTC(), Asked: e.Asked(), Answers: answers}, err
}

// elsewhere stands for whatever address this host asks from when it has not the one in the plan.
var elsewhere = netip.IPv6Unspecified()

// fromHere is an ask as this host can ask it: from the address in the plan where the host has it, else from the one it chooses. Behind
// NAT that is the same to whoever is asked, which a reflector has to confirm where the answer is about the source.
func fromHere(a checks.Ask, at time.Time) checks.Ask {
	a.At = at
	a.Source = sourceHere(a)
	return a
}

// sourceHere is the address of this host from which an ask is asked as it is meant: the source in the plan, or one in the network that the
// plan says; not valid where this host has none.
func sourceHere(a checks.Ask) netip.Addr {
	if network, ranged := a.Network(); ranged {
		return onThisHost(network.Contains)
	}
	if a.Source.IsLoopback() { // all of 127.0.0.0/8 is here, and only one of it is listed
		return a.Source
	}
	return onThisHost(func(ip netip.Addr) bool { return ip == a.Source.Unmap() })
}

// onThisHost is the first address of this host that fits.
func onThisHost(fits func(netip.Addr) bool) netip.Addr {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return netip.Addr{}
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && fits(p.Addr().Unmap()) {
			return p.Addr().Unmap()
		}
	}
	return netip.Addr{}
}

// targets are the addresses of a file: nothing else is connected to.
func targets(asks []checks.Ask) []netip.Prefix {
	var all []netip.AddrPort
	for _, a := range asks {
		if to, err := netip.ParseAddrPort(a.Unit.Addr); err == nil {
			all = append(all, to)
		}
		all = append(append(all, a.Control...), a.Reflector)
	}
	var out []netip.Prefix
	for _, a := range asks {
		out = append(out, a.Spec.Networks()...) // where responders for certificates may be
	}
	for _, to := range all {
		if to.IsValid() {
			out = append(out, netip.PrefixFrom(to.Addr().Unmap(), to.Addr().Unmap().BitLen()))
		}
	}
	slices.SortFunc(out, netip.Prefix.Compare)
	return slices.Compact(out)
}

// below resolves secrets for a file that somebody else wrote: it may name files of ours below its own folder only.
type below struct{ *secret.Resolver }

// Resolve implements probe.Secrets.
func (b below) Resolve(ref secret.Ref) (secret.Value, error) {
	if path, is := strings.CutPrefix(ref.String(), "file:"); is && !filepath.IsLocal(path) {
		return secret.Value{}, fmt.Errorf("secret %s lies outside the folder of the file that asks", ref)
	}
	return b.Resolver.Resolve(ref)
}
