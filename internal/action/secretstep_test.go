package action

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"skift/internal/secret"
	"skift/runbooks"
)

// A step names where a secret is kept; the program gets the secret itself, and nobody else does.
func TestSecretsOfACommand(t *testing.T) {
	t.Parallel()
	masker := &secret.Masker{}
	env := func(name string) (string, bool) {
		return map[string]string{"TOKEN": "canary-token-2"}[name], name == "TOKEN"
	}
	dir := planDir(t)
	a := newActions(t, Config{PlanDir: dir, Masker: masker, Secrets: secret.NewResolver(dir, env, masker)})
	step := commandStep("./play-tell")
	step.SecretEnv = map[string]secret.Ref{"API_TOKEN": parseRef(t, "env:TOKEN"), "SKIFT_RUN": parseRef(t, "env:TOKEN")}
	o := do(t, a, step)
	if text := string(o.Output); !o.OK || !strings.Contains(text, "API_TOKEN=***") || !strings.Contains(text, "SKIFT_RUN=cutover-1") || strings.Contains(text, "canary") {
		t.Errorf("%v %s", o.Summary, text)
	}
	step.SecretEnv = map[string]secret.Ref{"API_TOKEN": parseRef(t, "env:NOBODY")}
	if o := do(t, a, step); o.OK || !strings.Contains(o.Summary, "env:NOBODY is not set") {
		t.Errorf("started without its secret: %v", o.Summary)
	}
}

func TestSecretsOfARequest(t *testing.T) {
	t.Parallel()
	masker := &secret.Masker{}
	env := func(name string) (string, bool) {
		return map[string]string{"KEY": "canary-token-3"}[name], name == "KEY"
	}
	got := make(chan []string, 1)
	url, _ := served(t, func(w http.ResponseWriter, r *http.Request) { got <- r.Header.Values("X-Api-Key") })
	a := newActions(t, Config{PlanDir: t.TempDir(), Dialer: loopback(), Masker: masker, Secrets: secret.NewResolver(t.TempDir(), env, masker)})
	step := httpStep("GET", url)
	step.HTTPBody.SecretHeaders = map[string]secret.Ref{"X-Api-Key": parseRef(t, "env:KEY")}
	if o := do(t, a, step); !o.OK {
		t.Fatal(o.Summary)
	}
	if sent := <-got; !slices.Equal(sent, []string{"canary-token-3"}) {
		t.Errorf("sent %q", sent)
	}
	step.HTTPBody = runbooks.HTTPBody{URL: "http://ops.example/", SecretHeaders: step.HTTPBody.SecretHeaders}
	if o := do(t, a, step); o.OK || !strings.Contains(o.Summary, "unencrypted") {
		t.Errorf("a secret would have been sent in clear: %v", o.Summary)
	}
}

func parseRef(t *testing.T, text string) secret.Ref {
	t.Helper()
	ref, err := secret.ParseRef(text)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}
