package matrix_test

import (
	"slices"
	"testing"
	"time"

	"skift/checks"
	"skift/internal/matrix"
	"skift/internal/register"
)

// TestSpare: a login that was refused is not tried again by itself, by no check, until a while has passed or something has changed.
func TestSpare(t *testing.T) {
	t.Parallel()
	p := testPlan()
	again := *p.Checks["files"]
	again.ID = "files-again"
	other := *p.Checks["files"]
	other.ID, other.Options = "others", checks.SFTPOptions{Level: checks.LevelList, User: checks.Text{Literal: "other"}}
	banner := *p.Checks["files"]
	banner.ID, banner.Options = "banner", checks.SFTPOptions{Level: checks.LevelBanner, User: checks.Text{Literal: "skift"}}
	for _, c := range []*checks.Spec{&again, &other, &banner} {
		p.Checks[c.ID] = c
		p.CheckIDs = append(p.CheckIDs, c.ID)
	}
	all := scope(p, "files", "files-again", "others", "banner", "cert")
	const addr = "203.0.113.11:22"
	for _, tt := range []struct {
		name   string
		code   checks.Code
		age    time.Duration
		change func(*register.Interval)
		later  checks.Code // what another check with the same login was answered after that
		spared int
	}{
		{"refused", checks.AuthFailed, 10 * time.Minute, nil, "", 2},
		{"no method of ours", checks.AuthMethod, 10 * time.Minute, nil, "", 2},
		{"disconnected", checks.AuthDisconnect, 59 * time.Minute, nil, "", 2},
		{"an hour ago", checks.AuthFailed, time.Hour, nil, "", 0},
		{"something else failed", checks.PathMissing, 10 * time.Minute, nil, "", 0},
		{"let in", checks.OK, 10 * time.Minute, nil, "", 0},
		{"asked with another key since", checks.AuthFailed, 10 * time.Minute, func(i *register.Interval) { i.ConfigHash = "other" }, "", 0},
		{"another check got in since", checks.AuthFailed, 10 * time.Minute, nil, checks.OK, 0},
		{"another check was refused, too", checks.AuthFailed, 10 * time.Minute, nil, checks.AuthFailed, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var recent []register.Interval
			for _, u := range all.Units() {
				code, at := tt.code, now.Add(-tt.age)
				switch {
				case u.Addr != addr:
					code = checks.OK
				case u.Check == "files":
				case u.Check == "files-again" && tt.later != "":
					code, at = tt.later, now.Add(-tt.age/2)
				default:
					continue
				}
				i := register.Begin(checks.Result{Unit: u.Unit, Code: code, Outcome: code.Info().Verdict, StartedAt: at, ConfigHash: u.Ask().Hash()})
				if tt.change != nil && u.Check == "files" && u.Addr == addr {
					tt.change(&i)
				}
				recent = append(recent, i)
			}
			judged := all
			judged.AuthWait = time.Hour
			said := 0
			for _, p := range judged.Compare(recent).Pairs {
				for _, a := range slices.Concat(p.Old.Answers, p.New.Answers) {
					if a.SparedUntil.IsZero() {
						continue
					}
					said++
					if a.Addr != addr || a.SparedUntil.Before(now) || a.SparedUntil.After(now.Add(time.Hour)) {
						t.Errorf("%s is said to be left alone until %s", a.Unit, a.SparedUntil)
					}
				}
			}
			if said != tt.spared {
				t.Errorf("%d are said to be left alone, want %d", said, tt.spared)
			}
			for _, s := range []matrix.Scope{all, scope(p, "files-again", "files")} {
				asks, _ := s.Asks()
				left, spared := s.Spare(asks, recent, time.Hour)
				if spared != tt.spared || len(left) != len(asks)-tt.spared {
					t.Errorf("%v: spared %d of %d, want %d", s.Checks, spared, len(asks), tt.spared)
				}
				for _, a := range left {
					if tt.spared > 0 && a.Unit.Addr == addr && (a.Unit.Check == "files" || a.Unit.Check == "files-again") {
						t.Errorf("%s is asked", a.Unit)
					}
				}
			}
		})
	}
}
