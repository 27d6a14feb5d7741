// Package cli is the command line: flags in, text or JSON out, an exit code back.
//
// It holds no rules. A command asks a desk (the process that owns the data directory, over its socket, or else itself) and
// prints the answer. Only this package prints, and one table turns errors into exit codes. Reports and outcome sentences
// come from the catalogue in the plan's language; flags, diagnostics and command errors are English.
package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"skift/internal/app"
	"skift/internal/bug"
	"skift/internal/diag"
	"skift/internal/plan"
	"skift/internal/term"
)

// session is one call of the program.
type session struct {
	in        io.Reader
	out, err  io.Writer
	screen    term.Screen
	dir, data string
	json      bool
	plan      *plan.Plan      // what is shown is shown by it; nil before it was read
	force     <-chan struct{} // closed at the second Ctrl-C
	hangup    *hangup
}

// Main runs one command and returns its exit code.
func Main(args []string, in io.Reader, out, stderr io.Writer) int {
	hangup := newHangup()
	ctx, force, stop := signals(hangup)
	defer stop()
	s := &session{in: in, out: out, err: stderr, force: force, hangup: hangup}
	if f, ok := out.(*os.File); ok {
		s.screen = term.Detect(f)
	}
	root := s.root()
	root.SetArgs(shorter(args))
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(stderr)
	return s.explain(bug.Caught(func() error { return root.ExecuteContext(ctx) }))
}

// signals: the first Ctrl-C or SIGTERM asks to stop and ends ctx, the second to stop now and closes force. A terminal that
// goes away asks to stop, too, unless whoever started us wanted that ignored. Another SIGHUP is for whoever catches it.
func signals(h *hangup) (ctx context.Context, force <-chan struct{}, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	got := make(chan os.Signal, 4)
	asks := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		asks = append(asks, syscall.SIGHUP)
	}
	signal.Notify(got, asks...)
	second, done := make(chan struct{}), make(chan struct{})
	go func() {
		for n := 1; ; n++ {
			select {
			case sig := <-got:
				if sig == syscall.SIGHUP && h.taken() {
					n--
					continue
				}
			case <-done:
				return
			}
			switch n {
			case 1:
				cancel()
			case 2:
				close(second)
			}
		}
	}()
	return ctx, second, func() { signal.Stop(got); close(done); cancel() }
}

// keepOrder lists commands in the order in which one meets them. The setting is the library's, for every command there is.
var keepOrder = sync.OnceFunc(func() { cobra.EnableCommandSorting = false })

func (s *session) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "skift",
		Short: "Move an IT platform from one supplier to another without a bad weekend",
		Long: "skift runs the transition of an IT platform from an old supplier's hosts to a new one's: plan, frozen zones, checks of both\n" +
			"platforms, go/no-go, the cut-over weekend's runbook, and status reports. Start with `skift demo`.\n\n" +
			"Exit codes: 0 fine, or go · 1 a check or a run failed · 2 wrong usage or an invalid file · 3 no-go, or refused by a gate or a\n" +
			"freeze · 4 held: a person is waited for · 5 could not be observed, or an error of ours.",
		SilenceUsage: true, SilenceErrors: true, Version: app.Version,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetVersionTemplate("skift {{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	keepOrder()
	root.PersistentFlags().StringVarP(&s.dir, "plan", "C", ".", "plan directory `DIR`")
	root.PersistentFlags().StringVar(&s.data, "data", "", "data directory `DIR` (default: what skift.yaml says, else .skift in the plan directory)")
	for _, g := range s.groups() {
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
		for _, c := range g.commands {
			c.GroupID = g.id
			root.AddCommand(c)
		}
	}
	root.RunE = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownCommand(c, args[0])
		}
		return c.Help()
	}
	root.Args = cobra.ArbitraryArgs
	root.SetHelpCommand(helpCommand(root))
	for _, c := range root.Commands() {
		c.Flags().SortFlags = false
		c.DisableFlagsInUseLine = true
	}
	offer(root, runtime.GOOS)
	return root
}

// group is commands that a person looks for together.
type group struct {
	id, title string
	commands  []*cobra.Command
}

// groups lists every command.
func (s *session) groups() []group {
	return []group{
		{"plan", "Plan:", []*cobra.Command{s.initCommand(), s.validateCommand(), s.planCommand(), s.scheduleCommand(), s.whoCommand(), s.runbookCommand()}},
		{"look", "Look at both platforms:", []*cobra.Command{s.checkCommand(), s.explainCommand(), s.historyCommand(), s.flowsCommand(), s.certsCommand(),
			s.probeCommand(), s.observeCommand(), s.reflectCommand()}},
		{"run", "Run:", []*cobra.Command{s.serveCommand(), s.reloadCommand(), s.runCommand(), s.startCommand(), s.runsCommand(), s.watchCommand(), s.stepCommand(), s.pauseCommand(),
			s.resumeCommand(), s.holdCommand(), s.releaseCommand(), s.abortCommand(), s.backOutCommand(), s.whatIfCommand(), s.compareCommand()}},
		{"decide", "Decide:", []*cobra.Command{s.gateCommand(), s.voteCommand(), s.attestCommand(), s.acceptCommand(), s.confirmCommand(), s.milestoneCommand(), s.freezeCommand(), s.driftCommand(), s.incidentCommand()}},
		{"tell", "Tell and prove:", []*cobra.Command{s.statusCommand(), s.handoverCommand(), s.printCommand(), s.reportCommand(), s.calendarCommand(), s.mailCommand(), s.logCommand(), s.verifyCommand(), s.journalCommand(), s.backupCommand(), s.restoreCommand()}},
		{"try", "Try:", []*cobra.Command{s.demoCommand()}},
	}
}

// helpCommand is `skift help COMMAND`; cobra's own answers a wrong name with success.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "Help about a command", GroupID: "try",
		RunE: func(_ *cobra.Command, args []string) error {
			c, rest, err := root.Find(args)
			if err != nil || c == nil || c == root && len(rest) > 0 {
				return unknownCommand(root, args[0])
			}
			return c.Help()
		},
	}
}

// flagName finds the flags in their help text.
var flagName = regexp.MustCompile(`(?m)^ +(?:-., )?--([a-z-]+)`)

// flagError says what is wrong with a flag without the words of the flag library.
func flagError(c *cobra.Command, err error) error {
	message := err.Error()
	if before, _, ok := strings.Cut(message, ": strconv."); ok { // "invalid argument … for … flag: strconv.ParseFloat: …"
		message = before + ": it takes a number"
	}
	hint := c.CommandPath() + " --help lists the flags"
	if _, word, ok := strings.Cut(message, "unknown flag: --"); ok {
		var names []string
		for _, m := range flagName.FindAllStringSubmatch(c.Flags().FlagUsages(), -1) {
			names = append(names, m[1])
		}
		if near := diag.Suggest(word, names); near != "" {
			hint = fmt.Sprintf("did you mean --%s?", near)
		}
	}
	return usage(message, hint)
}

func unknownCommand(c *cobra.Command, name string) error {
	var names []string
	for _, sub := range c.Commands() {
		names = append(names, sub.Name())
	}
	hint := c.CommandPath() + " --help lists the commands"
	if near := diag.Suggest(name, names); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return usage(fmt.Sprintf("there is no command %q", name), hint)
}

// usageError is wrong usage of the command line.
type usageError struct{ message, hint string }

func (e *usageError) Error() string { return e.message }

func usage(message, hint string) error { return &usageError{message, hint} }
