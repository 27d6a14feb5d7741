package checks

import (
	"net/netip"
	"slices"
	"time"
)

// Options are what one kind asks for, such as TLSOptions. What somebody who prepares or rations the asking must know of them
// without knowing the kind is asked through the methods of Spec below; a kind that has nothing to say about it needs no method.
type Options interface{ kind() Kind }

// The questions that options may answer. Each belongs to the method of Spec of the same name.
type (
	hasNetworks        interface{ networks() []netip.Prefix }
	hasMoments         interface{ moments() []string }
	hasBundles         interface{ bundles() []string }
	hasConsents        interface{ consents(denied bool) []Consent }
	hasWrites          interface{ writes(side Side) bool }
	hasUnauthenticated interface{ unauthenticated() bool }
	hasSides           interface{ sides() []Side }
	hasColumns         interface{ columns() []string }
	hasComparisons     interface{ comparisons() []Comparison }
	hasLogin           interface{ login() Text }
	hasSource          interface{ source() bool }
	hasDecay           interface{ decay() time.Duration }
	hasEnvironments    interface{ perEnvironment() bool }
)

// Moments are the named moments of the plan that the answer depends on, in the order written.
func (s *Spec) Moments() []string {
	if o, ok := s.Options.(hasMoments); ok {
		return o.moments()
	}
	return nil
}

// Bundles are the files of PEM certificates in the plan directory that the answer depends on, in the order written.
func (s *Spec) Bundles() []string {
	if o, ok := s.Options.(hasBundles); ok {
		return o.bundles()
	}
	return nil
}

// Networks are those that asking may reach beside the platforms' own, such as the responders of certificate issuers.
func (s *Spec) Networks() []netip.Prefix {
	if o, ok := s.Options.(hasNetworks); ok {
		return o.networks()
	}
	return nil
}

// Consents are the levels of consent the party behind the side must have given before this check asks it, in a fixed order.
// An allow-list check needs none, whatever it expects: it opens a connection and says hello, as any client of the service does.
func (s *Spec) Consents(side Side) []Consent {
	var all []Consent
	if o, ok := s.Options.(hasConsents); ok {
		all = o.consents(s.Expect.denies(side))
	}
	if s.Writes(side) {
		all = append(all, ConsentWrite)
	}
	return all
}

// Writes reports whether asking the side may leave something there, if only for a moment.
func (s *Spec) Writes(side Side) bool {
	o, ok := s.Options.(hasWrites)
	return ok && o.writes(side)
}

// Unauthenticated reports whether asking ends an SSH handshake without logging in: servers count those as attacks and lock out
// the whole address, and with it the integration that shares it.
func (s *Spec) Unauthenticated() bool {
	o, ok := s.Options.(hasUnauthenticated)
	return ok && o.unauthenticated()
}

// Placeless reports whether the check asks no address but looks at files that lie here, and of which sides. Its units have an
// empty address, one for each of these sides.
func (s *Spec) Placeless() (sides []Side, ok bool) {
	o, ok := s.Options.(hasSides)
	if !ok {
		return nil, false
	}
	return o.sides(), true
}

// Sourced reports whether the answer is about the address it is asked from: a failure is then asked again from elsewhere, and where
// a vantage has a reflector it is looked after which address others see.
func (s *Spec) Sourced() bool {
	o, ok := s.Options.(hasSource)
	return ok && o.source()
}

// Decay is for how long an entry on the target's list may go unused before that is told, where such entries are deleted; ok is false
// where they are not.
func (s *Spec) Decay() (warnAfter time.Duration, ok bool) {
	if o, has := s.Options.(hasDecay); has {
		warnAfter = o.decay()
	}
	return warnAfter, warnAfter > 0
}

// PerEnvironment reports whether the check looks at other files in each environment, so that what was seen in one is no answer in another.
func (s *Spec) PerEnvironment() bool {
	o, ok := s.Options.(hasEnvironments)
	return ok && o.perEnvironment()
}

// Columns are the columns of the flows that the answer depends on, sorted. They stand in the plan as {column: NAME} or are
// implied by the kind; empty unless the check has for_each.
func (s *Spec) Columns() []string {
	if o, ok := s.Options.(hasColumns); ok {
		return o.columns()
	}
	return nil
}

// Rule says how a fact of one side must stand to the same fact of the other.
type Rule string

// The rules.
const (
	MustEqual  Rule = "same"
	MustDiffer Rule = "differ"
)

// Comparison is a rule about one fact of both sides.
type Comparison struct {
	Fact string `json:"fact"`
	Rule Rule   `json:"rule"`
}

// Comparisons are what must hold between the facts of both sides, beside each side's own answer.
func (s *Spec) Comparisons() []Comparison {
	if o, ok := s.Options.(hasComparisons); ok {
		return o.comparisons()
	}
	return nil
}

// Login is as whom asking logs in; ok is false when it logs in nowhere. A login that was refused is not repeated without end.
func (s *Spec) Login() (user Text, ok bool) {
	o, ok := s.Options.(hasLogin)
	if !ok {
		return Text{}, false
	}
	user = o.login()
	return user, !user.IsZero()
}

// Text is a value that stands in the plan, or in a column of the flow that the check is asked for. The zero value is none.
type Text struct {
	Literal string `json:"literal,omitempty"`
	Column  string `json:"column,omitempty"`
}

// IsZero reports whether there is no value and no column.
func (t Text) IsZero() bool { return t == Text{} }

// In is the value for a flow; ok is false when the flow's column is empty.
func (t Text) In(flow map[string]string) (value string, ok bool) {
	if t.Column == "" {
		return t.Literal, true
	}
	value = flow[t.Column]
	return value, value != ""
}

// columnsOf lists the columns among some values, sorted, each once.
func columnsOf(values ...Text) []string {
	var out []string
	for _, v := range values {
		if v.Column != "" {
			out = append(out, v.Column)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
