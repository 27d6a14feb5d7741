// Package layers holds the rules of what may import what and how large files and functions may be. Its test is the law:
// the table here and the one in docs/architecture.md are the same.
package layers

// module is the import path all packages here begin with.
const module = "skift/"

// Layer zero is what everyone may import.
var layerZero = []string{"internal/diag", "internal/yamldoc", "internal/csvdoc", "internal/pemdoc", "internal/signed", "internal/words", "internal/term",
	"internal/secret", "internal/dial", "internal/sshdial", "internal/bug", "internal/alarm"}

// facts, rules and shown are the packages of layers 1–3: pure, without clock, disk, network or database.
var (
	facts = []string{"checks", "runbooks", "config", "internal/journal", "internal/people", "internal/plan", "internal/run", "internal/register"}
	rules = []string{"internal/timeline", "internal/freeze", "internal/matrix", "internal/gate", "internal/forecast"}
	shown = []string{"internal/snapshot", "internal/report"}
)

// Any allows every package of the module.
const any = "*"

// may is the import table: what each package may import of the module above layer zero. Layer-zero packages list what they
// may import of each other. A package that is not here may not exist.
var may = map[string][]string{
	"internal/diag":    {"internal/term"},
	"internal/yamldoc": {"internal/diag", "internal/term"},
	"internal/csvdoc":  {"internal/diag", "internal/term"},
	"internal/pemdoc":  {},
	"internal/signed":  {},
	"internal/words":   {},
	"internal/term":    {},
	"internal/secret":  {},
	"internal/dial":    {},
	"internal/sshdial": {"internal/dial"},
	"internal/bug":     {},
	"internal/alarm":   {},

	"checks":             {},
	"runbooks":           {},
	"config":             {},
	"internal/journal":   {},
	"internal/people":    {},
	"internal/probefile": {"checks"},
	"internal/accesslog": {},
	"internal/ics":       {},
	"internal/plan":      {"checks", "runbooks", "internal/people"},

	"internal/run":      {"internal/plan", "internal/journal", "checks", "runbooks"},
	"internal/register": {"internal/plan", "internal/journal", "checks"},

	"internal/timeline": {"internal/plan", "internal/run", "internal/register", "checks", "runbooks"},
	"internal/freeze":   {"internal/plan", "internal/register", "internal/timeline", "checks"},
	"internal/matrix":   {"internal/plan", "checks", "internal/register"},
	"internal/gate":     {"internal/plan", "internal/run", "internal/register", "checks"},
	"internal/forecast": {"internal/plan", "internal/run", "internal/register", "internal/timeline", "runbooks"},

	"internal/snapshot": append(append([]string{}, facts...), rules...),
	"internal/agenda":   {"internal/plan", "internal/register", "internal/timeline", "internal/ics"},
	"internal/lint":     append(append([]string{}, facts...), rules...),
	"internal/report":   {"internal/snapshot", "internal/plan", "internal/forecast", "checks", "runbooks"},

	"checks/probe":    {"checks"},
	"internal/store":  {"internal/plan", "internal/run", "internal/register", "internal/people", "checks", "internal/journal"},
	"internal/ledger": {"internal/run", "internal/register", "internal/journal"},
	"internal/action": {"runbooks"},
	"internal/mail":   {},

	"internal/reflector": {},
	"internal/systemd":   {},

	"internal/scheduler": {"internal/plan", "internal/run", "internal/register", "internal/timeline"},
	"internal/sweeper":   {"internal/plan", "checks", "internal/matrix", "internal/register", "internal/journal"},
	"internal/runner": {"internal/plan", "internal/run", "internal/register", "internal/gate", "internal/freeze", "internal/forecast", "internal/journal",
		"internal/ledger", "checks", "runbooks"},
	"internal/queue":  {"internal/store", "internal/register"},
	"internal/outbox": {"internal/register", "internal/journal"},
	"internal/health": {},
	"internal/api":    append(append(append([]string{"internal/runner", "internal/accesslog"}, facts...), rules...), shown...),

	"internal/app":  {any},
	"internal/demo": {any},
	"internal/cli":  {any},
	"cmd/skift":     {"internal/cli"},

	"internal/sim":       {"checks"},
	"internal/storetest": {"internal/store", "internal/journal", "internal/register", "checks"},
	"internal/steady":    {},
	"internal/need":      {},
	"internal/figure":    {},
	"internal/netlab":    {"internal/need"},
	"internal/layers":    {},
	"internal/mutants":   {},
}

// pure packages may not import these nor call time.Now.
var (
	pure      = append(append([]string{}, facts...), append(rules, "internal/run", "internal/register", "internal/snapshot", "internal/lint", "internal/probefile", "internal/accesslog", "internal/ics", "internal/agenda")...)
	notInPure = []string{"net", "net/http", "os", "os/exec", "database/sql", "crypto/tls"}
)

// Sizes, in lines. Exceptions have a reason.
const (
	maxFile     = 400
	maxFunc     = 60
	maxFuncHard = 100
	maxTestFile = 800
	maxParams   = 5
	maxImports  = 8 // of the module above layer zero, outside app, cli and demo
)

// longFiles may have up to 600 lines, and longFuncs up to maxFuncHard, each for the reason given.
var (
	longFiles = map[string]string{}
	longFuncs = map[string]string{}
)

// wide packages import more than maxImports, each for the reason given.
var wide = map[string]string{
	"internal/snapshot": "one value out of everything that is known",
	"internal/lint":     "it looks at everything an author writes",
	"internal/runner":   "the only writer of run state asks every rule",
	"internal/api":      "its JSON shapes are made of the facts",
}
