// Package config holds the settings of the process (skift.yaml beside the plan) and the plans that ship with the binary.
//
// Settings say how this installation works: where it keeps its data, through which server it mails, where /healthz answers.
// What is to happen is the plan's business. Secrets are named here, never written.
package config

import (
	"errors"
	"io/fs"
	"net/mail"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"

	"skift/internal/diag"
	"skift/internal/pemdoc"
	"skift/internal/secret"
	"skift/internal/yamldoc"
)

// File is the name of the settings file in a plan directory. It may be missing: everything has a default.
const File = "skift.yaml"

// The problems of skift.yaml beyond those of any YAML file.
const (
	CodeBadSetting  diag.Code = "bad-setting"
	CodeClearSecret diag.Code = "clear-secret"
)

// Settings is skift.yaml.
type Settings struct {
	Data     string // data directory, relative to the plan directory; default ".skift"
	Listen   string // address of /healthz; "" = none. Loopback only
	BaseURL  string // what links in mails begin with; "" = no links
	Contact  string // told to servers we ask, in the User-Agent
	Grace    time.Duration
	Keep     time.Duration // how long observations that were followed by others are kept; default 400d
	InFlight int           // commands, requests and copies of steps at once; default 64
	SMTP     *SMTP         // nil = mails stay in the outbox
	Budget   Budget
	Freeze   Freeze
}

// Freeze is how calendars of the frozen zones are handed out.
type Freeze struct {
	Key    secret.Ref    // the private key they are signed with; zero = none are handed out
	MaxAge time.Duration // after which one may not be used any more; default 24h
}

// SMTP is the server mails go through.
type SMTP struct {
	Host     string
	Port     int
	From     string // an address, with or without a name
	StartTLS string // mandatory (default), opportunistic, none
	CA       string // PEM file in the plan directory; "" = the system's
	User     string
	Password secret.Ref
	Networks []netip.Prefix // where the server may be; default anywhere but link-local
	PerHour  int            // mails; default 600

	caPos diag.Pos
}

// Budget is how hard a target is asked.
type Budget struct {
	Parallel int           // connections to one address at once; default 4
	Total    int           // connections at once; default 64
	SSHGap   time.Duration // between unauthenticated SSH handshakes with one address; default 20s
	Rate     int           // units asked of one address per minute; 0 = no bound; default 600
	AuthWait time.Duration // before a scheduled sweep repeats a login that was refused; default 1h
}

// Default is what holds without a settings file.
func Default() Settings {
	return Settings{Data: ".skift", Grace: 5 * time.Minute, Keep: 400 * 24 * time.Hour, InFlight: 64,
		Budget: Budget{Parallel: 4, Total: 64, SSHGap: 20 * time.Second, Rate: 600, AuthWait: time.Hour}, Freeze: Freeze{MaxAge: 24 * time.Hour}}
}

// Read reads skift.yaml; problems are reported to the list.
func Read(src []byte, problems *diag.List) Settings {
	s := Default()
	root, ok := yamldoc.Parse(File, src, problems)
	if !ok {
		return s
	}
	m := root.Map()
	defer m.Done()
	s.Data = m.OptRaw("data", s.Data)
	s.Listen = m.OptRaw("listen", "")
	s.BaseURL = m.OptRaw("base_url", "")
	s.Contact = m.OptRaw("contact", "")
	s.Grace = m.OptDuration("grace", s.Grace)
	s.Keep = m.OptDuration("keep", s.Keep)
	s.InFlight = m.OptInt("in_flight", s.InFlight, 1, 1024)
	if m.Has("smtp") {
		s.SMTP = readSMTP(m.Map("smtp"), problems)
	}
	if m.Has("budget") {
		b := m.Map("budget")
		defer b.Done()
		s.Budget.Parallel = b.OptInt("parallel", s.Budget.Parallel, 1, 64)
		s.Budget.Total = b.OptInt("total", s.Budget.Total, 1, 1024)
		s.Budget.SSHGap = b.OptDuration("ssh_gap", s.Budget.SSHGap)
		s.Budget.Rate = b.OptInt("rate", s.Budget.Rate, 0, 60000)
		s.Budget.AuthWait = b.OptDuration("auth_wait", s.Budget.AuthWait)
	}
	if m.Has("freeze") {
		s.Freeze = readFreeze(m.Map("freeze"), s.Freeze, problems)
	}
	s.check(m, problems)
	return s
}

// A calendar that is used for longer than maxCalendar says little about the exceptions there are; one for less than minCalendar is too old
// before a pipeline has it.
const minCalendar, maxCalendar = 5 * time.Minute, 31 * 24 * time.Hour

func readFreeze(f *yamldoc.Map, out Freeze, problems *diag.List) Freeze {
	defer f.Done()
	ref, err := secret.ParseRef(f.Raw("key"))
	if err != nil && f.Has("key") {
		problems.Addf(f.ValuePos("key"), CodeClearSecret, "%v", err).At("freeze.key").Hide()
	}
	out.Key = ref
	out.MaxAge = f.OptDuration("max_age", out.MaxAge)
	if out.MaxAge < minCalendar || out.MaxAge > maxCalendar {
		problems.Addf(f.ValuePos("max_age"), CodeBadSetting, "a calendar holds for 5 minutes to 31 days").At("freeze.max_age").
			Hintf("write 24h, and export it anew more often than that")
	}
	return out
}

// leastKeep is the shortest time for which observations are kept.
const leastKeep = 30 * 24 * time.Hour

func (s Settings) check(m *yamldoc.Map, problems *diag.List) {
	if s.Listen != "" {
		ap, err := netip.ParseAddrPort(s.Listen)
		if err != nil || !ap.Addr().IsLoopback() {
			problems.Addf(m.ValuePos("listen"), CodeBadSetting, "%q is not a loopback address with a port", s.Listen).
				At("listen").Hintf("write 127.0.0.1:8620; nothing here has a password, so it answers on this machine only")
		}
	}
	if s.BaseURL != "" {
		switch u, err := url.Parse(s.BaseURL); {
		case err == nil && u.User != nil:
			problems.Addf(m.ValuePos("base_url"), CodeClearSecret, "the address holds a login").At("base_url").Hide().
				Hintf("it stands in every mail: write it without name and password")
		case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
			problems.Addf(m.ValuePos("base_url"), CodeBadSetting, "%q is not an http or https address", s.BaseURL).At("base_url")
		}
	}
	if s.Keep < leastKeep {
		problems.Addf(m.ValuePos("keep"), CodeBadSetting, "observations must be kept for at least 30 days").At("keep").
			Hintf("what a gate was decided on has to be there when somebody asks; write 400d")
	}
	if s.Data == "" || strings.ContainsRune(s.Data, 0) {
		problems.Addf(m.ValuePos("data"), CodeBadSetting, "a directory is needed").At("data")
	}
}

func readSMTP(m *yamldoc.Map, problems *diag.List) *SMTP {
	defer m.Done()
	s := &SMTP{
		Host: m.Raw("host"), Port: m.OptInt("port", 587, 1, 65535), From: m.Raw("from"),
		StartTLS: m.OptOneOf("starttls", "mandatory", "mandatory", "opportunistic", "none"),
		CA:       m.OptRaw("ca", ""), User: m.OptRaw("user", ""), PerHour: m.OptInt("per_hour", 600, 1, 100000),
		caPos: m.ValuePos("ca"),
	}
	if s.CA != "" && (path.IsAbs(s.CA) || strings.HasPrefix(path.Clean(s.CA), "..")) {
		problems.Addf(s.caPos, CodeBadSetting, "%q is not a file of the plan directory", s.CA).At("smtp.ca")
		s.CA = ""
	}
	if text := m.OptRaw("password", ""); text != "" {
		ref, err := secret.ParseRef(text)
		if err != nil {
			problems.Addf(m.ValuePos("password"), CodeClearSecret, "%v", err).At("smtp.password").Hide()
		}
		s.Password = ref
	}
	for _, w := range m.OptWords("networks") {
		p, err := netip.ParsePrefix(w.Text)
		if err != nil {
			w.Problemf(problems, CodeBadSetting, "%q is not a network such as 192.0.2.0/24", w.Text)
			continue
		}
		s.Networks = append(s.Networks, p.Masked())
	}
	s.check(m, problems)
	return s
}

var (
	// hostname is a name as DNS has it.
	hostname = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,62}))*\.?$`)
	// sender is an address whose domain fits into the headers that are made of it: Message-ID and List-Id.
	sender = regexp.MustCompile(`^[A-Za-z0-9!#$%&'*+/=?^_{|}~.-]{1,64}@[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?){0,5}$`)
)

// check finds what would let no mail leave, on the night when one has to.
func (s *SMTP) check(m *yamldoc.Map, problems *diag.List) {
	host, err := netip.ParseAddr(s.Host)
	if m.Has("host") && err != nil && !hostname.MatchString(s.Host) {
		problems.Addf(m.ValuePos("host"), CodeBadSetting, "%q is not the name or address of a host", s.Host).
			At("smtp.host").Hintf("the port is a key of its own: port: 587")
	}
	if m.Has("from") {
		a, err := mail.ParseAddress(s.From)
		if err != nil || !sender.MatchString(a.Address) || len(a.Address) > 160 {
			problems.Addf(m.ValuePos("from"), CodeBadSetting, "%q is not a mail address", s.From).
				At("smtp.from").Hintf("write Name <name@domain.example> or the address alone, in ASCII")
		}
	}
	switch {
	case s.User != "" && !m.Has("password"):
		problems.Addf(m.ValuePos("user"), CodeBadSetting, "a login needs a password").
			At("smtp.user").Hintf("name it: password: env:NAME, file:PATH or cred:NAME")
	case s.User == "" && m.Has("password"):
		problems.Addf(m.ValuePos("password"), CodeBadSetting, "a password without a user is never used").
			At("smtp.password").Hintf("add user: NAME, or remove the password")
	}
	local := s.Host == "localhost" || err == nil && host.Unmap().IsLoopback()
	if s.User != "" && s.StartTLS != "mandatory" && !local {
		problems.Addf(m.ValuePos("starttls"), CodeBadSetting, "with starttls: %s the login could leave in clear", s.StartTLS).
			At("smtp.starttls").Hintf("write starttls: mandatory, which is the default")
	}
}

// CheckFiles looks into the files that the settings name; dir is the plan directory.
func (s Settings) CheckFiles(dir fs.FS, problems *diag.List) {
	if s.SMTP == nil || s.SMTP.CA == "" {
		return
	}
	name := path.Clean(s.SMTP.CA)
	info, err := fs.Stat(dir, name) // before opening: opening a pipe would wait for somebody to write into it
	var text []byte
	if err == nil && info.Mode().IsRegular() {
		text, err = fs.ReadFile(dir, name)
	}
	if err != nil || !info.Mode().IsRegular() {
		problems.Addf(s.SMTP.caPos, CodeBadSetting, "there is no file %q that can be read", s.SMTP.CA).At("smtp.ca")
		return
	}
	if _, err := pemdoc.Certificates(text); errors.Is(err, pemdoc.ErrNone) {
		problems.Addf(s.SMTP.caPos, CodeBadSetting, "%s holds no certificate in PEM form", s.SMTP.CA).At("smtp.ca")
	} else if err != nil {
		problems.Addf(s.SMTP.caPos, CodeBadSetting, "%s cannot be used: %v", s.SMTP.CA, err).At("smtp.ca")
	}
}
