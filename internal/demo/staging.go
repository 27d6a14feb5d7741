package demo

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"skift/checks"
	"skift/config"
	"skift/internal/plan"
	"skift/internal/sim"
	"skift/internal/timeline"
	"skift/runbooks"
)

// The mail server of the demo wants to know who sends. The password is no secret: it guards nothing but this server.
const (
	smtpUser     = "skift"
	smtpPassword = "only-for-this-demo"
)

// loopback is the network of everything in a demo.
const loopback = "127.0.0.0/8"

// stager writes the demo's plan directory: the shipped plan with its dates moved and its addresses replaced by the simulated ones.
type stager struct {
	scaler
	theatre *theatre
	shipped fs.FS
	dir     string
}

// write writes the whole directory.
func (s *stager) write() error {
	if err := os.CopyFS(s.dir, s.shipped); err != nil {
		return fmt.Errorf("copy the shipped plan: %w", err)
	}
	for _, part := range []func() error{s.writePlan, s.writeRunbooks, s.writeSettings, s.writeKeys, s.writeTools} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

// file writes one file of the plan directory.
func (s *stager) file(name string, data []byte, mode fs.FileMode) error {
	path := filepath.Join(s.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("write the demo's plan: %w", err)
	}
	if err := os.WriteFile(path, data, mode); err != nil {
		return fmt.Errorf("write the demo's plan: %w", err)
	}
	if err := os.Chmod(path, mode); err != nil { // WriteFile leaves the mode of a file that was there
		return fmt.Errorf("write the demo's plan: %w", err)
	}
	return nil
}

func (s *stager) writePlan() error {
	src, err := fs.ReadFile(s.shipped, plan.File)
	if err != nil {
		return fmt.Errorf("read the shipped plan: %w", err)
	}
	d, err := readDocument(plan.File, src)
	if err != nil {
		return err
	}
	roster, flows := d.at("roster"), d.at("flows")
	s.dates(d)
	s.addresses(d)
	d.root.HeadComment = "# The shipped plan, moved by skift demo: dates are seconds from when the demo began, addresses are sockets of this machine."
	out, err := d.bytes()
	if err != nil {
		return err
	}
	if err := s.file(plan.File, out, 0o644); err != nil {
		return err
	}
	if err := s.table(roster.Value, s.shifts()); err != nil {
		return err
	}
	return s.table(flows.Value, s.flow)
}

// addresses replaces everything that names a host.
func (s *stager) addresses(d *document) {
	each(d.at("title"), func(_ string, n *yaml.Node) { n.Value += " (demo)" })
	each(d.at("platforms"), func(_ string, n *yaml.Node) { set(n, "networks", list(loopback)) })
	each(d.at("services"), func(service string, n *yaml.Node) {
		each(value(n, "in"), func(env string, n *yaml.Node) {
			each(n, func(side string, n *yaml.Node) {
				var addrs []string
				for _, a := range s.theatre.stages[env].addrs(service, checks.Side(side)) {
					addrs = append(addrs, a.String())
				}
				set(n, "addr", list(addrs...))
			})
		})
	})
	each(d.at("vantages"), func(_ string, n *yaml.Node) {
		if ip := value(n, "source_ip"); ip != nil {
			set(n, "source_ip", quoted(s.source(ip.Value)))
		}
		if value(n, "control") != nil {
			set(n, "control", list(s.theatre.stages[s.plan.Production()].Control().String()))
		}
	})
	each(d.at("checks"), func(_ string, n *yaml.Node) {
		each(value(n, "host_key"), func(side string, _ *yaml.Node) {
			set(value(n, "host_key"), side, list(s.theatre.hostKeys(s.plan, checks.Side(side))...))
		})
	})
}

// source is the loopback address that stands for one of the shipped plan.
func (s *stager) source(was string) string {
	if a, err := netip.ParseAddr(was); err == nil {
		if is, ok := s.theatre.sources[a]; ok {
			return is.String()
		}
	}
	return was
}

// table rewrites the rows of a CSV file; those for which row says no are left out.
func (s *stager) table(name string, row func(cell func(column string) *string) bool) error {
	src, err := fs.ReadFile(s.shipped, name)
	if err != nil {
		return fmt.Errorf("read the shipped plan: %w", err)
	}
	rows, err := csv.NewReader(bytes.NewReader(src)).ReadAll()
	if err != nil || len(rows) == 0 {
		return fmt.Errorf("read the shipped plan: %s has no rows: %w", name, err)
	}
	columns := map[string]int{}
	for i, c := range rows[0] {
		columns[c] = i
	}
	kept := rows[:1]
	for _, r := range rows[1:] {
		if row(func(column string) *string { return &r[columns[column]] }) {
			kept = append(kept, r)
		}
	}
	var out bytes.Buffer
	if err := csv.NewWriter(&out).WriteAll(kept); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return s.file(name, out.Bytes(), 0o644)
}

func (s *stager) flow(cell func(string) *string) bool {
	*cell("source_ip") = s.source(*cell("source_ip"))
	return true
}

// shifts leaves the first person of each seat there for the whole demo, and long enough after it: a roster has no seconds.
func (s *stager) shifts() func(cell func(string) *string) bool {
	seen := map[string]bool{}
	return func(cell func(string) *string) bool {
		seat := *cell("seat")
		first := !seen[seat]
		seen[seat] = true
		*cell("from"), *cell("until") = s.clock.begin.AddDate(0, 0, -1).Format(time.DateOnly), s.clock.begin.AddDate(0, 3, 0).Format(time.DateOnly)
		return first
	}
}

// writeRunbooks writes the runbooks of the plan with their times scaled, the standard ones too.
func (s *stager) writeRunbooks() error {
	for _, id := range s.plan.RunbookIDs {
		name := "runbooks/" + id + ".yaml"
		src, ok := s.plan.Sources[name]
		if !ok {
			src, ok = runbooks.Standard(id)
		}
		if !ok {
			return fmt.Errorf("read runbook %s: it has no file", id)
		}
		d, err := readDocument(name, src)
		if err != nil {
			return err
		}
		s.steps(d)
		if change := map[string]func(*document) error{cutoverRunbook: s.automate, backOutRunbook: s.automateBack}[id]; change != nil {
			if err := change(d); err != nil {
				return err
			}
		}
		out, err := d.bytes()
		if err != nil {
			return err
		}
		if err := s.file(name, out, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// The runbook and the steps that the story knows by name.
const (
	cutoverRunbook   = "cutover-weekend"
	stepAgreements   = "agreements" // in each of the runbooks around the weekend
	stepStopIntake   = "stop-intake"
	stepCopy         = "copy"
	stepTryCompare   = "try-compare"
	stepCompare      = "compare"
	stepSwitch       = "switch"
	stepProve        = "prove"
	stepOpen         = "open"
	backOutRunbook   = "back-out"
	stepSwitchBack   = "switch-back"
	stepSetAside     = "set-aside-copy"
	stepReopenIntake = "reopen-intake"
	stepData         = "data-migration" // before and after the weekend
)

// automate lets skift do what the standard runbook leaves to a person who has no skift at hand: compare the lists (and first try
// the comparison on a copy with a changed byte), and move the name.
func (s *stager) automate(d *document) error {
	steps := d.at("steps")
	for _, id := range []string{stepStopIntake, stepCopy, stepCompare, stepSwitch, stepOpen} {
		if value(steps, id) == nil {
			return fmt.Errorf("prepare runbook %s: it has no step %s, which the demo tells of", cutoverRunbook, id)
		}
	}
	compare, move := value(steps, stepCompare), value(steps, stepSwitch)
	try := inline("title", inline("da", "Ville en ændret byte blive opdaget?", "en", "Would a changed byte be found?"),
		"needs", value(compare, "needs"), "owner", value(compare, "owner"), "stream", "data", "takes", "1s",
		"command", list("./"+toolCompare, "differs", listData+"old.csv", listChangedCopy), "repeatable", truth(true), "change", text("transition"))
	try.Style = 0
	for i := 0; i+1 < len(steps.Content); i += 2 {
		if steps.Content[i].Value == stepCompare {
			rest := append([]*yaml.Node{text(stepTryCompare), try}, steps.Content[i:]...)
			steps.Content = append(steps.Content[:i:i], rest...)
			break
		}
	}
	set(compare, "needs", list(stepTryCompare))
	for n, argv := range map[*yaml.Node]*yaml.Node{compare: list("./"+toolCompare, "same", listData+"old.csv", listData+"new.csv"), move: list("./"+toolSwitch, "new")} {
		remove(n, "manual")
		set(n, "command", argv)
		set(n, "change", text("transition"))
	}
	return nil
}

// automateBack lets skift move the name back as it moved it.
func (s *stager) automateBack(d *document) error {
	back := value(d.at("steps"), stepSwitchBack)
	if back == nil {
		return fmt.Errorf("prepare runbook %s: it has no step %s", backOutRunbook, stepSwitchBack)
	}
	remove(back, "manual")
	set(back, "command", list("./"+toolSwitch, "old"))
	return nil
}

func (s *stager) writeSettings() error {
	smtp := s.theatre.stages[s.plan.Production()].Mail.Addr()
	lines := []string{
		"# The settings of a demo: everything is on this machine. The target is ours, so it may be asked without pauses.",
		"data: .skift",
		"contact: demo@skift.example",
		"budget: {parallel: 8, total: 64, ssh_gap: 0s}",
		fmt.Sprintf("smtp: {host: %s, port: %d, from: Skift demo <skift@demo.example>, starttls: mandatory, ca: %s, user: %s, password: \"file:%s\", networks: [%s], per_hour: 6000}",
			smtp.Addr(), smtp.Port(), rootFile, smtpUser, passwordFile, loopback),
	}
	return s.file(config.File, []byte(strings.Join(lines, "\n")+"\n"), 0o644)
}

// writeKeys writes what the plan trusts and the keys it logs in with.
func (s *stager) writeKeys() error {
	prod := s.theatre.stages[s.plan.Production()]
	for name := range s.plan.Trust {
		if err := s.file(name, prod.PKI.RootPEM(), 0o644); err != nil {
			return err
		}
	}
	if err := s.file(rootFile, prod.PKI.RootPEM(), 0o644); err != nil {
		return err
	}
	for _, id := range s.plan.CheckIDs {
		o, ok := s.plan.Checks[id].Options.(checks.SFTPOptions)
		if name, isFile := strings.CutPrefix(o.Key.String(), "file:"); ok && isFile {
			if err := s.file(name, prod.Key(sim.AccountChecker).Private, 0o600); err != nil {
				return err
			}
		}
	}
	return s.file(passwordFile, []byte(smtpPassword+"\n"), 0o600)
}

// writeTools writes the two programs, and the zone files of each environment.
func (s *stager) writeTools() error {
	for name, script := range map[string]string{toolCompare: compareScript, toolSwitch: switchScript} {
		if err := s.file(name, []byte(script), 0o755); err != nil {
			return err
		}
	}
	for _, env := range s.plan.EnvIDs {
		for _, service := range s.plan.ServiceIDs {
			for _, name := range []string{zone(env, service), zone(env, service) + ".served"} {
				if err := s.file(namesDir+"/"+name, []byte(string(checks.Old)+"\n"), 0o644); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// shippedPlan reads the plan that the demo tells of.
func shippedPlan() (fs.FS, *plan.Plan, error) {
	shipped, ok := config.Plan(planName)
	if !ok {
		return nil, nil, fmt.Errorf("read the shipped plan: there is no %s", planName)
	}
	p, problems := plan.Load(shipped)
	if problems.Errors() > 0 {
		return nil, nil, fmt.Errorf("read the shipped plan %s: it has %d problems", planName, problems.Errors())
	}
	return shipped, p, nil
}

const planName = "serviceplatformen"

// newStager prepares the directory of a demo that begins now.
func newStager(dir string, shipped fs.FS, p *plan.Plan, t *theatre, c *clock) *stager {
	return &stager{scaler: scaler{p, timeline.At(p, nil, time.Time{}), c}, theatre: t, shipped: shipped, dir: dir}
}
