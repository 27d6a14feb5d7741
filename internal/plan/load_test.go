package plan

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"skift/checks"
	"skift/internal/diag"
	"skift/internal/yamldoc"
)

// rendered prints problems as an author sees them, for a failing test.
func rendered(p *Plan, problems *diag.List) string {
	var b bytes.Buffer
	_ = diag.Render(&b, problems.Sorted(), func(file string) []byte { return p.Sources[file] }, false)
	return b.String()
}

func mustLoad(t testing.TB, fsys fs.FS) *Plan {
	t.Helper()
	p, problems := Load(fsys)
	if problems.Len() > 0 {
		t.Fatalf("the plan has problems:\n%s", rendered(p, &problems))
	}
	return p
}

func full(t testing.TB) *Plan {
	t.Helper()
	return mustLoad(t, readBundle(t, "testdata/full.txtar").fsys())
}

func equal(t *testing.T, what string, want, got any) {
	t.Helper()
	opts := []cmp.Option{
		cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
		cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }),
		cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
		cmp.Comparer(func(a, b diag.Pos) bool { return true }),
		cmp.Comparer(func(a, b diag.Word) bool { return a.Text == b.Text }),
		cmp.AllowUnexported(Party{}, Member{}),
	}
	if d := cmp.Diff(want, got, opts...); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func TestMinimal(t *testing.T) {
	t.Parallel()
	p := mustLoad(t, readBundle(t, lintdata+"/base/minimal.txtar").fsys())
	equal(t, "vantages", []string{LocalVantage}, p.VantageIDs)
	equal(t, "thresholds", Thresholds{5 * 24 * time.Hour, 10 * 24 * time.Hour}, p.Thresholds)
	equal(t, "language", "en", p.Language)
}

func TestFullPeople(t *testing.T) {
	t.Parallel()
	p := full(t)
	equal(t, "header", []string{"serviceplatformen", "da", "dk", "Europe/Copenhagen"}, []string{p.ID, p.Language, p.Holidays, p.Zone.String()})
	equal(t, "parties", []string{"kombit", "sse", "ibm", "municipalities", "user-systems", "data-sources"}, p.PartyIDs)
	sse := p.Parties["sse"]
	equal(t, "sse", &Party{ID: "sse", Name: "Systematic", Role: OldSupplier, Consent: &Consent{Levels: []string{"sftp-login"}, Ref: "minutes 14",
		Until: When{Kind: Event, Text: "hypercare.passed", Ref: Ref{"hypercare", Passed}}}}, sse)
	if m, ok := p.Member("municipality-102"); !ok || m.Group != "municipalities" || m.Wave != "wave-1" {
		t.Errorf("member: %+v %v", m, ok)
	}
	equal(t, "seats", []string{"kombit/chair", "kombit/cutover-manager", "kombit/deputy", "ibm/operator", "sse/operator"}, p.SeatIDs)
	equal(t, "manager", &Seat{ID: "kombit/cutover-manager", Party: "kombit", Deputies: []string{"kombit/deputy"}, AnswerWithin: 15 * time.Minute}, p.Seats["kombit/cutover-manager"])
	if person, ok := p.Contacts.ByLogin("manager"); !ok || person.ID != "p-2" {
		t.Errorf("contact: %v", person)
	}
	if !p.Roster.Sits("p-2", "kombit/cutover-manager", utc(t, "2019-11-08 05:00:00")) {
		t.Error("a shift from 06:00 local time is not on at 05:00 UTC")
	}
	equal(t, "thresholds", Thresholds{3 * 24 * time.Hour, 14 * 24 * time.Hour}, p.Thresholds)
	equal(t, "words", map[string]string{"window": "Skifteweekend"}, p.Words)
}

func TestFullPlatforms(t *testing.T) {
	t.Parallel()
	p := full(t)
	equal(t, "production", "prod", p.Production())
	equal(t, "new", &Platform{Side: checks.New, Name: "IBM", Party: "ibm", Networks: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}}, p.Platforms[checks.New])
	equal(t, "gateway", map[string]map[checks.Side]Endpoint{
		"prod": {checks.Old: {Addrs: []string{"198.51.100.10:443"}}, checks.New: {Addrs: []string{"203.0.113.10:443", "203.0.113.74:443"}}},
		"exttest": {checks.Old: {Addrs: []string{"198.51.100.20:443"}, ServerName: "test.sp.example"},
			checks.New: {Addrs: []string{"203.0.113.20:443"}, ServerName: "test.sp.example"}},
	}, p.Services["gateway"].In)
	equal(t, "vantages", []string{"local", "k101"}, p.VantageIDs)
	equal(t, "k101", &Vantage{ID: "k101", Party: "municipality-101", Source: netip.MustParseAddr("192.0.2.10"),
		Control: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:443")}}, p.Vantages["k101"])
	var flows []string
	for _, f := range p.Flows {
		flows = append(flows, f.ID+" "+f.Direction)
	}
	equal(t, "flows", []string{"municipality-101-gateway-1 in", "municipality-102-gateway-1 in", "municipality-101-gateway-2 out", "municipality-101-sftp-1 in"}, flows)
	equal(t, "columns", map[string]string{"party": "municipality-102", "user_system": "case-system", "service": "gateway", "direction": "in",
		"source_ip": "192.0.2.11", "cert_serial": "01:03", "note": "first"}, p.Flows[1].Columns)
	equal(t, "checks", []string{"gateway-cert", "gateway-allow", "files"}, p.CheckIDs)
	equal(t, "readiness", []string{"gateway-cert", "gateway-allow", "files"}, p.Suites["readiness"].Checks)
	equal(t, "nightly", []string{"gateway-cert", "files"}, p.Suites["nightly"].Checks)
	equal(t, "suite environment", "prod", p.SuiteEnvironment(p.Suites["nightly"]))
	equal(t, "during", []Period{{Milestone: "acceptance-test"}, {
		From:  When{Kind: Relative, Text: "cutover.start - 48h", Ref: Ref{"cutover", Start}, Offset: Offset{Clock: -48 * time.Hour}},
		Until: When{Kind: Relative, Text: "cutover.end", Ref: Ref{"cutover", End}},
	}}, p.Suites["readiness"].During)
	if !bytes.Contains(p.Trust["pki/oces.pem"], []byte("BEGIN CERTIFICATE")) {
		t.Error("the bundle that a check trusts is missing")
	}
}

func TestFullTimeline(t *testing.T) {
	t.Parallel()
	p := full(t)
	day := func(text, from, until string) When {
		return When{Kind: Day, Text: text, At: utc(t, from), From: utc(t, from), Until: utc(t, until)}
	}
	equal(t, "zone", &Milestone{ID: "frozen-zone-2", Title: text("Frozen zone 2"), Kind: Zone, From: day("2019-07-01", "2019-06-30 22:00:00", "2019-07-01 22:00:00"),
		Until: When{Kind: Event, Text: "hypercare.passed", Ref: Ref{"hypercare", Passed}}, Allow: []Class{IncidentA, IncidentB, Transition},
		AppliesTo: []checks.Side{checks.Old, checks.New}, InFlight: InFlightHolds, Runbook: "frozen-zone"}, p.Milestones["frozen-zone-2"])
	month := When{Kind: Month, Text: "2019-09..2019-10", From: utc(t, "2019-08-31 22:00:00"), Until: utc(t, "2019-10-31 23:00:00")}
	equal(t, "acceptance", &Milestone{ID: "acceptance-test", Kind: Phase, From: month, Until: month, Runbook: "acceptance-trial", Environment: "exttest", Rehearsal: true},
		p.Milestones["acceptance-test"])
	equal(t, "assumed", When{Kind: Exact, Text: "2019-11-10 18:00", At: utc(t, "2019-11-10 17:00:00"), Assumed: true}, p.Milestones["cutover"].Until)
	equal(t, "about", When{Kind: About, Text: "2020-02-01..2020-02-10", From: utc(t, "2020-01-31 23:00:00"), Until: utc(t, "2020-02-10 23:00:00")},
		p.Milestones["operational-trial"].Until)
	equal(t, "fold", utc(t, "2019-10-27 01:30:00"), p.Milestones["taken-over"].From.At)
	unset := When{Kind: Unset, Text: "unset"}
	equal(t, "unset", &Milestone{ID: "first-release", Kind: Release, From: unset, Until: unset, Change: Scope}, p.Milestones["first-release"])
	equal(t, "gate", &Gate{ID: "cutover-go", Title: yamldoc.Text{Da: "Start cut over?", En: "Start the cut-over?"},
		Opens:    When{Kind: Relative, Text: "cutover.start - 24h", Ref: Ref{"cutover", Start}, Offset: Offset{Clock: -24 * time.Hour}},
		DecideBy: When{Kind: Relative, Text: "cutover.start - 4h", Ref: Ref{"cutover", Start}, Offset: Offset{Clock: -4 * time.Hour}},
		Scope:    []string{"gateway", "sftp"},
		Criteria: []Criterion{
			{Kind: SuiteCriterion, ID: "readiness", Suite: "readiness", Critical: "all", Others: "98%", MaxAge: 2 * time.Hour, Rerun: true},
			{Kind: MilestoneCriterion, ID: "acceptance-test", Milestone: "acceptance-test", State: "passed"},
			{Kind: RehearsalCriterion, ID: "cutover-weekend", Rehearsal: "cutover-weekend", Environment: "exttest", Within: 30 * 24 * time.Hour},
			{Kind: AttestedCriterion, ID: "staffed", Attested: "back-out-staffed", By: "ibm/operator"},
			{Kind: IncidentsCriterion, ID: "incidents-new", Most: map[Class]int{IncidentA: 0, IncidentB: 0, IncidentC: 5}, Platform: checks.New, For: 48 * time.Hour, MaxAge: 26 * time.Hour},
			{Kind: GreenDaysCriterion, ID: "green-days-readiness", GreenDays: 5, Suite: "readiness"},
		},
		Poll: []string{"kombit/cutover-manager", "ibm/operator", "sse/operator"}, Decides: "kombit/chair"}, p.Gates["cutover-go"])
	equal(t, "audience", &Audience{ID: "municipalities", ForEach: "municipalities", Report: "own-flows", Cron: "0 8 * * MON", Pace: Pace{Jitter: 20 * time.Minute, OnMissed: SkipMissed}}, p.Audiences["municipalities"])
}

func text(s string) yamldoc.Text { return yamldoc.Text{Da: s, En: s} }

func TestFullRunbooks(t *testing.T) {
	t.Parallel()
	p := full(t)
	equal(t, "runbooks", []string{"acceptance-trial", "back-out", "cutover-weekend", "frozen-zone"}, p.RunbookIDs)
	weekend := p.Runbooks["cutover-weekend"]
	equal(t, "services by glob", []string{"gateway", "sftp"}, weekend.Step("switch").Switches)
	equal(t, "owner by role", "sse/operator", weekend.Step("copy").Owner)
	zone := p.Runbooks["frozen-zone"]
	if !zone.Standard || weekend.Standard {
		t.Error("which runbook is a standard one is wrong")
	}
	for _, s := range zone.Steps {
		if s.Owner != "" && p.Seats[s.Owner] == nil {
			t.Errorf("step %s of the standard runbook is owned by %q, which is no seat", s.ID, s.Owner)
		}
	}
}

// Every file counts for the hash, except the one with personal data.
func TestHash(t *testing.T) {
	t.Parallel()
	b := readBundle(t, "testdata/full.txtar")
	hash := mustLoad(t, b.fsys()).Hash
	if again := mustLoad(t, b.fsys()).Hash; again != hash || len(hash) != 64 {
		t.Fatalf("%s and %s", hash, again)
	}
	for _, name := range b.names {
		fsys := b.fsys()
		fsys[name] = &fstest.MapFile{Data: append(slices.Clone(fsys[name].Data), '\n')}
		same := mustLoad(t, fsys).Hash == hash
		if want := name == "contacts.csv"; same != want {
			t.Errorf("%s changed: the hash is the same: %v", name, same)
		}
	}
	fsys := b.fsys()
	fsys["notes.txt"] = &fstest.MapFile{Data: []byte("not named by the plan")}
	if mustLoad(t, fsys).Hash != hash {
		t.Error("a file that the plan does not name changed the hash")
	}
}

// Contents that move from one file to the next, or into a name, are not the same plan.
func TestHashKeepsFilesApart(t *testing.T) {
	t.Parallel()
	a := &files{read: map[string][]byte{"a": []byte("bc"), "d": nil}}
	b := &files{read: map[string][]byte{"a": []byte("b"), "cd": nil}}
	c := &files{read: map[string][]byte{"ab": []byte("c"), "d": nil}}
	if a.hash() == b.hash() || a.hash() == c.hash() || b.hash() == c.hash() {
		t.Error("different files, one hash")
	}
}

// A plan's own runbook takes the place of the standard one of that name.
func TestOwnBeforeStandard(t *testing.T) {
	t.Parallel()
	fsys := readBundle(t, "testdata/full.txtar").fsys()
	fsys["runbooks/frozen-zone.yaml"] = &fstest.MapFile{Data: []byte("runbook: frozen-zone\nsteps: {a: {wait: 1s}}\n")}
	p := mustLoad(t, fsys)
	if r := p.Runbooks["frozen-zone"]; r.Standard || len(r.Steps) != 1 {
		t.Error("the standard runbook was taken")
	}
	if _, ok := p.Sources["standard:frozen-zone.yaml"]; ok {
		t.Error("the standard runbook was read all the same")
	}
}

// refusing fails to open one file.
type refusing struct {
	fs.FS
	name string
	err  error
}

func (r refusing) Open(name string) (fs.File, error) {
	if name == r.name {
		return nil, &fs.PathError{Op: "open", Path: name, Err: r.err}
	}
	return r.FS.Open(name)
}

func TestUnreadable(t *testing.T) {
	t.Parallel()
	b := readBundle(t, "testdata/full.txtar")
	for file, want := range map[string]string{
		"plan.yaml":                     `plan.yaml: "plan.yaml" cannot be read: permission denied`,
		"contacts.csv":                  `plan.yaml:20:11: contacts: "contacts.csv" cannot be read: permission denied`,
		"runbooks":                      `runbooks: "runbooks" cannot be read: permission denied`,
		"runbooks/cutover-weekend.yaml": `runbooks/cutover-weekend.yaml: "runbooks/cutover-weekend.yaml" cannot be read: permission denied`,
	} {
		p, problems := Load(refusing{b.fsys(), file, fs.ErrPermission})
		if !strings.Contains(rendered(p, &problems), strings.Replace(want, "permission denied", fs.ErrPermission.Error(), 1)) {
			t.Errorf("%s:\n%s", file, rendered(p, &problems))
		}
	}
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	fsys := readBundle(t, "testdata/full.txtar").fsys()
	fsys["flows.csv"] = &fstest.MapFile{Data: bytes.Repeat([]byte("x\n"), diag.MaxBytes/2+1)}
	_, problems := Load(fsys)
	all := problems.Sorted()
	if len(all) != 1 || all[0].Code != diag.CodeTooLarge || all[0].File != File || all[0].Line == 0 {
		t.Errorf("%v", all)
	}
}

// Names that lead out of the plan directory are refused before anything is opened.
func TestPathsStayInside(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"../x.csv", "/etc/passwd", "a/../../x.csv", "./x.csv", "a//b", "a/", `..\x.csv`, `C:\x.csv`, "standard:frozen-zone.yaml", "."} {
		opened := false
		fsys := watched{fstest.MapFS{File: {Data: []byte("contacts: '" + name + "'\n")}}, func(n string) { opened = opened || n != File && n != "runbooks" }}
		_, problems := Load(fsys)
		if opened || !slices.ContainsFunc(problems.Sorted(), func(p diag.Problem) bool { return p.Code == CodeBadFilePath }) {
			t.Errorf("%q: opened %v, %v", name, opened, problems.Sorted())
		}
	}
}

type watched struct {
	fs.FS
	saw func(string)
}

func (w watched) Open(name string) (fs.File, error) {
	w.saw(name)
	return w.FS.Open(name)
}

// One mistake in a date, a name or a number is one problem, and hides none of the others.
func TestAllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	b := readBundle(t, "testdata/full.txtar")
	b.files[File] = strings.NewReplacer("2019-06-01, until", "2019-06-31, until", "decides: kombit/chair}\n  open-go", "decides: kombit/chiar}\n  open-go",
		"min_days: 30", "min_days: many", "report: weekly", "rapport: weekly").Replace(b.files[File])
	b.files["flows.csv"] = strings.Replace(b.files["flows.csv"], "192.0.2.10", "192.0.2.300", 1)
	b.files["runbooks/back-out.yaml"] = strings.Replace(b.files["runbooks/back-out.yaml"], "needs: [back]", "needs: [bakc]", 1)
	p, problems := Load(b.fsys())
	codes := map[diag.Code]int{}
	for _, problem := range problems.Sorted() {
		codes[problem.Code]++
	}
	want := map[diag.Code]int{CodeBadDate: 1, yamldoc.CodeBadNumber: 1, yamldoc.CodeMissingKey: 1, yamldoc.CodeUnknownKey: 1, CodeBadAddress: 1, "unknown-need": 1}
	if d := cmp.Diff(want, codes); d != "" {
		t.Errorf("(-want +got):\n%s\n%s", d, rendered(p, &problems))
	}
}

func TestWhenErrorText(t *testing.T) {
	t.Parallel()
	_, err := ParseWhen("2019-03-31 02:30", zone(t, "Europe/Copenhagen"))
	var e *WhenError
	if !errors.As(err, &e) || !strings.Contains(err.Error(), "does not exist") || !strings.Contains(err.Error(), "03:00") {
		t.Errorf("%v", err)
	}
}

func TestMapsAndOrders(t *testing.T) {
	t.Parallel()
	p := full(t)
	for name, pair := range map[string][2][]string{
		"parties":    {p.PartyIDs, slices.Collect(maps.Keys(p.Parties))},
		"services":   {p.ServiceIDs, slices.Collect(maps.Keys(p.Services))},
		"milestones": {p.MilestoneIDs, slices.Collect(maps.Keys(p.Milestones))},
		"gates":      {p.GateIDs, slices.Collect(maps.Keys(p.Gates))},
		"audiences":  {p.AudienceIDs, slices.Collect(maps.Keys(p.Audiences))},
		"runbooks":   {p.RunbookIDs, slices.Collect(maps.Keys(p.Runbooks))},
		"suites":     {p.SuiteIDs, slices.Collect(maps.Keys(p.Suites))},
	} {
		a, b := slices.Clone(pair[0]), pair[1]
		slices.Sort(a)
		slices.Sort(b)
		equal(t, name, a, b)
	}
}
