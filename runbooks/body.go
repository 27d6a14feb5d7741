package runbooks

import (
	"io/fs"
	"net/url"
	"regexp"
	"strings"

	"skift/internal/diag"
	"skift/internal/secret"
	"skift/internal/yamldoc"
)

// body reads what the step does, under the key its kind names.
func (rd *reader) body(s *Step, m *yamldoc.Map) {
	if s.Kind == "" {
		// Two bodies or none: the keys that go with a body cannot be judged.
		m.OptNode("dir")
		m.OptNode("env")
		m.OptNode("with")
		return
	}
	n, _ := m.OptNode(string(s.Kind))
	switch s.Kind {
	case Manual:
		s.Instruction, _ = n.Prose()
	case Command:
		rd.command(s, m, n)
	case Check:
		rd.check(s, n)
	case Wait:
		rd.wait(s, n)
	case HTTP:
		rd.http(s, n)
	case SFTPCopy:
		rd.copy(s, n)
	case Message:
		b := n.Map()
		if b.OK() {
			s.MessageBody.Audience = rd.ref(AudienceRef, b.Word("audience"))
			s.MessageBody.Report = rd.one(ReportRef, b.Need("report"))
			rd.seen(b, "steps.ID.message")
		}
	case Nested:
		w, _ := n.Word()
		s.Runbook = rd.ref(RunbookRef, w)
		rd.with(s, m)
	}
}

func (rd *reader) command(s *Step, m *yamldoc.Map, n yamldoc.Node) {
	if n.Kind() == yamldoc.KindScalar {
		text, _ := n.Raw()
		p := n.Problemf(CodeShellString, "a command is a list: the program and its arguments")
		if words := strings.Fields(text); len(words) > 0 && !strings.ContainsAny(text, "\"'`$|&;<>\\\n") {
			p.Hintf("write [%s]; no shell reads it", strings.Join(words, ", "))
		} else {
			p.Hintf("write [program, argument, …]; no shell reads it, so put what needs one into a script")
		}
	} else {
		items, ok := n.Seq()
		for _, item := range items {
			rd.argument(s, item)
		}
		if ok && (len(s.Argv) == 0 || strings.HasPrefix(s.Argv[0], "-")) {
			n.Problemf(CodeNoProgram, "a command begins with the program to start")
		}
		rd.argvSecrets(s.Argv, items)
	}
	s.Dir = rd.directory(m, "dir")
	env := m.OptMap("env")
	env.Each(func(name string, v yamldoc.Node) {
		value, ok := v.Raw()
		if !envName.MatchString(name) || strings.HasPrefix(name, "SKIFT_") {
			v.KeyProblemf(CodeBadEnv, "%q cannot be set", name).
				Hintf("a name has letters, digits and _, begins with no digit, and not with SKIFT_, which is ours")
			return
		}
		if !ok {
			return
		}
		rd.valueSecret(name, value, v)
		put(&s.Env, &s.SecretEnv, name, value)
	})
}

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// directory reads a path that must stay inside the plan directory.
func (rd *reader) directory(m *yamldoc.Map, key string) string {
	w := m.OptWord(key)
	if w.Text == "" || fs.ValidPath(w.Text) {
		return w.Text
	}
	badPath(w, rd.problems)
	return ""
}

func badPath(w diag.Word, problems *diag.List) {
	w.Problemf(problems, CodeBadPath, "%q is not a path in the plan directory", w.Text).
		Hintf(`write it from the plan directory on, without a leading "/", "./" or ".."`)
}

func (rd *reader) check(s *Step, n yamldoc.Node) {
	b := &s.CheckBody
	if n.Kind() != yamldoc.KindMap {
		if w, ok := n.Word(); ok {
			b.Checks = rd.globs(CheckRef, []diag.Word{w})
		}
		return
	}
	m := n.Map()
	switch m.ExactlyOne("suite", "checks") {
	case "suite":
		b.Suite = rd.ref(SuiteRef, m.Word("suite"))
	case "checks":
		m.Filled("checks", false)
		b.Checks = rd.globs(CheckRef, m.Words("checks"))
	}
	b.Side = m.OptOneOf("side", "", "old", "new")
	b.Pairs = m.OptOneOf("pairs", "", "ok") == "ok"
	rd.seen(m, "steps.ID.check")
}

// verify reads what must agree before the step is done: a list, or a map that also names a side.
func (rd *reader) verify(s *Step, m *yamldoc.Map) {
	n, _ := m.OptNode("verify")
	if n.Kind() != yamldoc.KindMap {
		m.Filled("verify", true)
		s.Verify = rd.globs(VerifyRef, m.OptWords("verify"))
		return
	}
	v := n.Map()
	v.Filled("checks", false)
	s.Verify = rd.globs(VerifyRef, v.Words("checks"))
	s.VerifyOn = v.OptOneOf("side", "", "old", "new")
	rd.seen(v, "steps.ID.verify")
}

var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}

func (rd *reader) http(s *Step, n yamldoc.Node) {
	m := n.Map()
	if !m.OK() {
		return
	}
	b := &s.HTTPBody
	b.Method = m.OptOneOf("method", "GET", methods...)
	b.URL = rd.url(m.Word("url"))
	m.OptMap("headers").Each(func(name string, v yamldoc.Node) { rd.header(b, name, v) })
	b.Body = m.OptRaw("body", "")
	if tellsSecret(b.Body) {
		rd.problems.Addf(m.KeyPos("body"), CodeSecretInClear, "a secret is written in clear").At(m.Path() + ".body").Wide(len("body")).Hide().
			Hintf("send it in a header that names where it is kept (X-Api-Key: env:NAME), or as token: env:NAME")
	}
	if b.Body != "" && (b.Method == "GET" || b.Method == "HEAD") {
		rd.problems.Addf(m.KeyPos("body"), CodeBodyWithoutUse, "%s sends no body", b.Method).At(m.Path() + ".body").Wide(len("body")).
			Hintf("add method: POST, or remove body")
	}
	for _, item := range m.OptItems("expect") {
		if status, ok := item.Int(100, 599); ok {
			b.Expect = append(b.Expect, status)
		}
	}
	b.CA = rd.ref(FileRef, m.OptWord("ca"))
	b.Token = rd.secret(m.OptWord("token"))
	rd.seen(m, "steps.ID.http")
}

var headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")

func (rd *reader) header(b *HTTPBody, name string, v yamldoc.Node) {
	value, ok := v.Str()
	if !headerName.MatchString(name) {
		v.KeyProblemf(CodeBadHeader, "%q cannot be the name of a header", name)
		return
	}
	if !ok {
		return
	}
	if strings.EqualFold(name, "Authorization") {
		v.KeyProblemf(CodeSecretInClear, "a credential is not written into a header").Hide().Hintf("write token: env:NAME instead; it is sent as a bearer token")
		return
	}
	rd.valueSecret(name, value, v)
	put(&b.Headers, &b.SecretHeaders, name, value)
}

// put keeps a value, or where its secret is, if it names one.
func put(plain *map[string]string, secrets *map[string]secret.Ref, name, value string) {
	if ref, err := secret.ParseRef(value); err == nil {
		if *secrets == nil {
			*secrets = map[string]secret.Ref{}
		}
		(*secrets)[name] = ref
		return
	}
	if *plain == nil {
		*plain = map[string]string{}
	}
	(*plain)[name] = value
}

func (rd *reader) url(w diag.Word) string {
	if w.Text == "" {
		return ""
	}
	u, err := url.Parse(w.Text)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		w.Problemf(rd.problems, CodeBadURL, "%q is not a whole URL", w.Text).Hintf("write it like https://host.example/path")
	case u.Scheme != "http" && u.Scheme != "https":
		w.Problemf(rd.problems, CodeBadURL, "%s: is not spoken here", u.Scheme).Hintf("use https:// or http://")
	case u.User != nil:
		// The text itself is not repeated: it may hold the password.
		w.Problemf(rd.problems, CodeSecretInClear, "a URL does not carry a user or password").Hide().Hintf("write token: env:NAME instead")
	case tellsSecret(u.RawQuery):
		w.Problemf(rd.problems, CodeSecretInClear, "a URL does not carry a secret").Hide().
			Hintf("send it in a header that names where it is kept (X-Api-Key: env:NAME), or as token: env:NAME")
	default:
		return w.Text
	}
	return ""
}

func (rd *reader) copy(s *Step, n yamldoc.Node) {
	m := n.Map()
	if !m.OK() {
		return
	}
	s.CopyBody.From = rd.copyEnd(m.Map("from"), "steps.ID.sftp_copy.END")
	s.CopyBody.To = rd.copyEnd(m.Map("to"), "steps.ID.sftp_copy.END")
	s.CopyBody.Parallel = m.OptInt("parallel", 4, 1, 16)
	files := m.OptWord("files")
	s.CopyBody.Files = files.Text
	if files.Text == "" {
		s.CopyBody.Files = "*"
	} else if strings.Contains(files.Text, "/") || badPattern(files.Text) {
		files.Problemf(rd.problems, CodeBadPattern, "%q is not a pattern of file names", files.Text).
			Hintf("* stands for any characters, ? for one; the folder belongs in from: {dir: …}")
	}
	rd.seen(m, "steps.ID.sftp_copy")
}

var fingerprint = regexp.MustCompile(`^((ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) )?SHA256:[A-Za-z0-9+/]{43}$`)

func (rd *reader) copyEnd(m *yamldoc.Map, place string) CopyEnd {
	if !m.OK() {
		return CopyEnd{}
	}
	e := CopyEnd{
		Service: rd.one(ServiceRef, m.Need("service")),
		Side:    m.OneOf("side", "old", "new"),
		User:    m.Str("user"),
		Key:     rd.secret(m.Word("key")),
		Dir:     m.OptStr("dir", "."),
	}
	m.Filled("host_key", false)
	for _, w := range m.Words("host_key") {
		if !fingerprint.MatchString(w.Text) {
			w.Problemf(rd.problems, CodeBadFingerprint, "%q is not a fingerprint of a host key", w.Text).
				Hintf("write what ssh-keygen -lf prints: SHA256: and 43 characters, with the key type in front if the server has several")
			continue
		}
		e.HostKey = append(e.HostKey, w.Text)
	}
	rd.seen(m, place)
	return e
}
