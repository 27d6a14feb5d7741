package matrix

import (
	"slices"
	"time"

	"skift/checks"
	"skift/internal/register"
)

// login is who logs in where.
type login struct{ addr, user string }

// login is the login that asking the unit takes; ok is false when it takes none.
func (u Unit) login() (login, bool) {
	text, ok := u.Spec.Login()
	if !ok {
		return login{}, false
	}
	user, ok := text.In(u.ask.Flow)
	return login{u.Addr, user}, ok
}

// RefusedLogins are the codes that say that a login was refused. Trying again soon gets the address locked out, and with it the
// integration that shares it.
func RefusedLogins() []checks.Code {
	return []checks.Code{checks.AuthFailed, checks.AuthMethod, checks.AuthDisconnect}
}

func refusedLogin(c checks.Code) bool { return slices.Contains(RefusedLogins(), c) }

// Spare leaves out the questions that would repeat a login refused less than wait ago: to the same address, as the same user, by whatever
// check. What a person asks is asked; this is for sweeps that come by themselves. The answers of those left out stand until they are
// too old. Once a check logs in, or is asked with something else, nothing is left out any more.
func (s Scope) Spare(asks []checks.Ask, recent []register.Interval, wait time.Duration) (left []checks.Ask, spared int) {
	refused := s.refused(recent, wait)
	if len(refused) == 0 {
		return asks, 0
	}
	spare := map[checks.Unit]bool{}
	for _, u := range s.Units() {
		if l, ok := u.login(); ok && !refused[l].IsZero() {
			spare[u.Unit] = true
		}
	}
	left = slices.DeleteFunc(slices.Clone(asks), func(a checks.Ask) bool { return spare[a.Unit] })
	return left, len(asks) - len(left)
}

// refused lists the logins whose newest answer, to any check of the plan, is a refusal less than wait ago, and until when that is so.
func (s Scope) refused(recent []register.Interval, wait time.Duration) map[login]time.Time {
	if !slices.ContainsFunc(recent, func(i register.Interval) bool { return refusedLogin(i.Code) && s.Now.Sub(i.Until) < wait }) {
		return nil
	}
	last := map[checks.Unit]*register.Interval{}
	for i := range recent {
		if l := last[recent[i].Unit]; l == nil || recent[i].Until.After(l.Until) {
			last[recent[i].Unit] = &recent[i]
		}
	}
	newest := map[login]*register.Interval{}
	s.Checks = s.Plan.CheckIDs
	for _, u := range s.Units() {
		l, ok := u.login()
		i := last[u.Unit]
		if !ok || i == nil || !u.Asks(*i) || i.Code == checks.Skipped {
			continue
		}
		if newest[l] == nil || i.Until.After(newest[l].Until) {
			newest[l] = i
		}
	}
	out := map[login]time.Time{}
	for l, i := range newest {
		if refusedLogin(i.Code) && s.Now.Sub(i.Until) < wait {
			out[l] = i.Until.Add(wait)
		}
	}
	return out
}
