package runbooks

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"skift/internal/diag"
	"skift/internal/yamldoc"
)

// ParameterType says which values a parameter can have.
type ParameterType string

// The types of parameter. None of them is read by anything before it reaches a program: text stays text.
const (
	TextParameter     ParameterType = "string"   // one line
	IntParameter      ParameterType = "int"      // a whole number
	DurationParameter ParameterType = "duration" // 90m
	EnumParameter     ParameterType = "enum"     // one of its values
	HostParameter     ParameterType = "host"     // a host name or an address
	ServiceParameter  ParameterType = "service"  // a service of the plan
)

var parameterTypes = []string{string(TextParameter), string(IntParameter), string(DurationParameter), string(EnumParameter), string(HostParameter), string(ServiceParameter)}

// Parameter is one entry under a runbook's `parameters`: what whoever starts it may or must say.
type Parameter struct {
	Name    string
	Title   yamldoc.Text
	Type    ParameterType
	Default string // "" = there is none: a value must be given
	Values  []string
	Pos     diag.Pos
}

// Value is what a step gives a nested runbook's parameter: a text, or a parameter of its own runbook.
type Value struct {
	Text      string
	Parameter string
	Word      diag.Word // where it stands
}

// Variable is the environment variable in which commands find a parameter's value.
func Variable(name string) string {
	return "SKIFT_PARAM_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// longestValue is how many bytes a parameter's value may have.
const longestValue = 1000

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$`)

// Wrong says why a value is none of the parameter's type; "" = it is. Whether a service is one of the plan's, only the plan knows.
func (p *Parameter) Wrong(value string) string {
	switch {
	case value == "":
		return "it is empty"
	case len(value) > longestValue:
		return fmt.Sprintf("it has %d bytes; %d are allowed", len(value), longestValue)
	case !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl):
		return "it is not one line of text"
	}
	ok, what := true, ""
	switch p.Type {
	case IntParameter:
		_, err := strconv.ParseInt(value, 10, 64)
		ok, what = err == nil && !strings.HasPrefix(value, "+"), "a whole number"
	case DurationParameter:
		_, err := yamldoc.ParseDuration(value)
		ok, what = err == nil, "a duration like 15m, 2h or 26d"
	case EnumParameter:
		ok, what = slices.Contains(p.Values, value), "one of "+strings.Join(p.Values, ", ")
	case HostParameter:
		addr, err := netip.ParseAddr(value)
		ok, what = err == nil && addr.Zone() == "" || err != nil && len(value) <= 253 && hostName.MatchString(value), "the name or address of a host"
	case ServiceParameter:
		ok, what = yamldoc.IsID(value), "a service"
	}
	if !ok {
		return fmt.Sprintf("%q is not %s", value, what)
	}
	return ""
}

// Parameter is the parameter of that name, or nil.
func (r *Runbook) Parameter(name string) *Parameter {
	for _, p := range r.Parameters {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// ParameterNames lists the runbook's parameters, in file order.
func (r *Runbook) ParameterNames() []string {
	names := make([]string, 0, len(r.Parameters))
	for _, p := range r.Parameters {
		names = append(names, p.Name)
	}
	return names
}

// Fill gives every parameter its value: the given one, else its default. The error says, for whoever gave them, what is wrong.
func (r *Runbook) Fill(given map[string]string) (map[string]string, error) {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if r.Parameter(name) == nil {
			return nil, fmt.Errorf("the runbook %s has no parameter %q", r.ID, name)
		}
	}
	var out map[string]string
	for _, p := range r.Parameters {
		value, is := given[p.Name]
		if !is {
			value = p.Default
		}
		if !is && value == "" {
			return nil, fmt.Errorf("the parameter %s of %s needs a value", p.Name, r.ID)
		}
		if why := r.Wrong(p, value); why != "" {
			return nil, fmt.Errorf("%s: %s", p.Name, why)
		}
		if out == nil {
			out = map[string]string{}
		}
		out[p.Name] = value
	}
	return out, nil
}

// Wrong says why a value cannot be that of a parameter of the runbook; "" = it can.
func (r *Runbook) Wrong(p *Parameter, value string) string {
	if why := p.Wrong(value); why != "" {
		return why
	}
	if step := r.asOption(p.Name, value); step != "" {
		return fmt.Sprintf("the program of %s would read %q as an option", step, value)
	}
	return ""
}

// asOption names a step whose program would take the value for one of its options; "" = none. What stands behind "--" is none.
func (r *Runbook) asOption(parameter, value string) string {
	if !strings.HasPrefix(value, "-") {
		return ""
	}
	for _, s := range r.Steps {
		for i, name := range s.ArgvFrom {
			if name == parameter && !slices.Contains(s.Argv[:i], "--") {
				return s.ID
			}
		}
	}
	return ""
}

// Bound is the step with the values of parameters where it names them. An argument is one value and nothing else, so that no value
// can become two arguments, or part of one.
func (s *Step) Bound(values map[string]string) *Step {
	if len(s.ArgvFrom) == 0 {
		return s
	}
	bound := *s
	bound.Argv = slices.Clone(s.Argv)
	for i, name := range s.ArgvFrom {
		bound.Argv[i] = values[name]
	}
	return &bound
}

// errNotGiven says that a value names a parameter that has none.
var errNotGiven = errors.New("it names a parameter without a value")

// Given are the values that a step gives the runbook it starts; values are those of its own.
func (s *Step) Given(values map[string]string) (map[string]string, error) {
	out := map[string]string{}
	for name, v := range s.With {
		text := v.Text
		if v.Parameter != "" {
			if text = values[v.Parameter]; text == "" {
				return nil, fmt.Errorf("%s: %w", name, errNotGiven)
			}
		}
		out[name] = text
	}
	return out, nil
}
