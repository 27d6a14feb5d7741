package runbooks

import (
	"errors"
	"path"
	"regexp"
	"strings"

	"skift/internal/diag"
	"skift/internal/secret"
	"skift/internal/yamldoc"
)

var (
	// secretName is what a variable, header or flag is called that holds a secret.
	secretName = regexp.MustCompile(`(?i)passw|passwd|passphrase|secret|token|cookie|credential|api[_-]?key|access[_-]?key|private[_-]?key`)
	// placeName is what one is called that says where a secret is.
	placeName = regexp.MustCompile(`(?i)[_-](file|path|dir|url|name|id|env)$`)
	// flagForm is a long option, perhaps with its value.
	flagForm = regexp.MustCompile(`^--?([A-Za-z][A-Za-z0-9_-]*)(?:=(.*))?$`)
	// headerForm is an HTTP header as programs take it.
	headerForm    = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9-]*):\s+\S`)
	authorization = regexp.MustCompile(`(?i)^(?:proxy-)?authorization$`)
	userInfo      = regexp.MustCompile(`://[^/@\s:]*:[^/@\s]+@`)
)

var (
	// pairForm is a name with its value in JSON, a form or a query; elementForm is one in XML.
	pairForm    = regexp.MustCompile(`([A-Za-z][A-Za-z0-9_-]*)["']?\s*[:=]\s*["']?([^\s"'&,;{}\[\]<>]+)`)
	elementForm = regexp.MustCompile(`<(?:[A-Za-z0-9_-]+:)?([A-Za-z][A-Za-z0-9_-]*)(?:\s[^>]*)?>\s*([^<\s][^<]*)</`)
)

// tellsSecret reports whether a text names a secret and gives its value.
func tellsSecret(text string) bool {
	for _, form := range []*regexp.Regexp{pairForm, elementForm} {
		for _, m := range form.FindAllStringSubmatch(text, -1) {
			if holdsSecret(m[1]) {
				return true
			}
		}
	}
	return userInfo.MatchString(text)
}

func holdsSecret(name string) bool {
	return secretName.MatchString(name) && !placeName.MatchString(name)
}

// isRef reports whether a value names a secret instead of being it.
func isRef(value string) bool {
	_, err := secret.ParseRef(value)
	return err == nil
}

// valueSecret refuses a secret written as the value of a variable or header.
func (rd *reader) valueSecret(name, value string, v yamldoc.Node) {
	if value == "" || isRef(value) || !(holdsSecret(name) || userInfo.MatchString(value)) {
		return
	}
	v.KeyProblemf(CodeSecretInClear, "a secret is written in clear").Hide().
		Hintf("name where it is kept: %s: env:%s, file:PATH or cred:NAME", name, strings.ToUpper(strings.ReplaceAll(name, "-", "_")))
}

// argvSecrets refuses secrets among a command's arguments, where every user of the host could read them too.
func (rd *reader) argvSecrets(argv []string, items []yamldoc.Node) {
	for i, arg := range argv {
		at := i
		m, header := flagForm.FindStringSubmatch(arg), headerForm.FindStringSubmatch(arg)
		switch {
		case header != nil && (authorization.MatchString(header[1]) || holdsSecret(header[1])):
		case userInfo.MatchString(arg), strings.HasPrefix(arg, "pass:"):
		case m == nil || !holdsSecret(m[1]):
			continue
		case strings.Contains(arg, "="):
			if m[2] == "" || isRef(m[2]) {
				continue
			}
		case i+1 < len(argv) && argv[i+1] != "" && !strings.HasPrefix(argv[i+1], "-") && !isRef(argv[i+1]):
			at = i + 1
		default:
			continue
		}
		items[at].Problemf(CodeSecretInClear, "a secret is written in clear").Hide().
			Hintf("give it to the program in its environment: env: {NAME: env:NAME}")
	}
}

// secret reads a reference to a secret. What was written instead of one is never repeated.
func (rd *reader) secret(w diag.Word) secret.Ref {
	if w.Text == "" {
		return secret.Ref{}
	}
	ref, err := secret.ParseRef(w.Text)
	switch {
	case errors.Is(err, secret.ErrClear):
		w.Problemf(rd.problems, CodeSecretInClear, "a secret is written in clear").Hide().
			Hintf("name where it is kept: env:NAME, file:PATH or cred:NAME")
	case err != nil:
		w.Problemf(rd.problems, CodeBadSecretRef, "%s", err)
	}
	return ref
}

// badPattern reports whether a glob can match nothing because it is malformed.
func badPattern(pattern string) bool {
	_, err := path.Match(pattern, "")
	return err != nil
}
