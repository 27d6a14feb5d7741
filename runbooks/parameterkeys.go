package runbooks

import (
	"skift/internal/diag"
	"skift/internal/yamldoc"
)

// parameters reads what whoever starts the runbook may or must say.
func (rd *reader) parameters(m *yamldoc.Map) {
	m.OptMap("parameters").EachID(func(name string, n yamldoc.Node) {
		p := &Parameter{Name: name, Pos: n.KeyPos()}
		rd.r.Parameters = append(rd.r.Parameters, p)
		if holdsSecret(name) {
			n.KeyProblemf(CodeSecretInClear, "a parameter cannot be a secret: its value is kept in the journal").
				Hintf("name where the secret is kept, under env of the command that needs it: env: {NAME: env:NAME}")
		}
		b := n.Map()
		if !b.OK() {
			return
		}
		p.Type = ParameterType(b.OptOneOf("type", string(TextParameter), parameterTypes...))
		p.Title = b.OptText("title")
		p.Values = b.OptStrings("values")
		if (p.Type == EnumParameter) != (len(p.Values) > 0) {
			b.Problemf(CodeParameterValues, "values go with type: enum").Hintf("a parameter of type enum lists its values, and no other does")
		}
		if node, ok := b.OptNode("default"); ok {
			rd.defaultOf(p, node)
		}
		rd.seen(b, "parameters.NAME")
	})
}

func (rd *reader) defaultOf(p *Parameter, n yamldoc.Node) {
	w, ok := n.Word()
	if !ok {
		return
	}
	if why := p.Wrong(w.Text); why != "" {
		w.Problemf(rd.problems, CodeBadParameter, "the default is of another type: %s", why)
		return
	}
	p.Default = w.Text
	if p.Type == ServiceParameter {
		rd.one(ServiceRef, n)
	}
}

// optionDefaults reports defaults that a program would read as one of its options.
func (rd *reader) optionDefaults() {
	for _, p := range rd.r.Parameters {
		if step := rd.r.asOption(p.Name, p.Default); step != "" {
			rd.problems.Addf(p.Pos, CodeBadParameter, "the program of %s would read the default %q as an option", step, p.Default).
				At("parameters."+p.Name).Wide(len(p.Name)).Hintf(`write -- before {parameter: %s} in the command, if the program knows it`, p.Name)
		}
	}
}

// argument reads one element of a command: text, or the value of a parameter.
func (rd *reader) argument(s *Step, item yamldoc.Node) {
	if item.Kind() != yamldoc.KindMap {
		arg, _ := item.Raw()
		s.Argv = append(s.Argv, arg)
		return
	}
	name := rd.parameterOf(item, "steps.ID.command[]")
	if name != "" && len(s.Argv) == 0 {
		item.Problemf(CodeNoProgram, "the program itself cannot be a parameter")
	}
	if s.ArgvFrom == nil {
		s.ArgvFrom = map[int]string{}
	}
	s.ArgvFrom[len(s.Argv)] = name
	s.Argv = append(s.Argv, "")
}

// parameterOf reads `{parameter: NAME}`.
func (rd *reader) parameterOf(n yamldoc.Node, place string) string {
	m := n.Map()
	w := m.Word("parameter")
	rd.seen(m, place)
	if w.Text == "" {
		return ""
	}
	if rd.r.Parameter(w.Text) == nil {
		w.Problemf(rd.problems, CodeUnknownParameter, "the runbook has no parameter %q", w.Text).DidYouMean(w.Text, rd.r.ParameterNames()).
			Hintf("name it under parameters, at the top")
		return ""
	}
	return w.Text
}

// with reads what a step gives the parameters of the runbook it starts.
func (rd *reader) with(s *Step, m *yamldoc.Map) {
	m.OptMap("with").Each(func(name string, n yamldoc.Node) {
		v := Value{Word: diag.Word{Pos: n.KeyPos(), Path: n.Path(), Text: name}}
		if n.Kind() == yamldoc.KindMap {
			v.Parameter = rd.parameterOf(n, "steps.ID.with.NAME")
		} else {
			v.Text, _ = n.Str()
		}
		if s.With == nil {
			s.With = map[string]Value{}
		}
		s.With[name] = v
	})
}
