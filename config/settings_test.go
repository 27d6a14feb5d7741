package config_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"skift/config"
	"skift/internal/diag"
)

// Settings with which no mail could leave are found when they are read, not on the night when one has to.
func TestMailSettings(t *testing.T) {
	t.Parallel()
	dir := fstest.MapFS{"pki/ca.pem": {Data: []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")}, "plan.yaml": {Data: []byte("plan: x\n")}}
	for smtp, want := range map[string]string{
		`host: mail.example, from: a@b.example`:                                                        "",
		`host: 192.0.2.1, from: "Skift <skift@b.example>", user: x, password: "env:P", ca: pki/ca.pem`: "",
		`host: "::1", from: a@b.example, user: x, password: "env:P", starttls: none`:                   "",
		`host: "", from: a@b.example`:                                                                  "smtp.host",
		`host: "mail.example:25", from: a@b.example`:                                                   "smtp.host",
		`host: "a b", from: a@b.example`:                                                               "smtp.host",
		`host: mail.example, from: ""`:                                                                 "smtp.from",
		`host: mail.example, from: a@bæ.example`:                                                       "smtp.from",
		`host: mail.example, from: "a@[192.0.2.1]"`:                                                    "smtp.from",
		`host: mail.example, from: "a@b.c.d.e.f.g.h.i.example"`:                                        "smtp.from",
		`host: mail.example, from: a@b.example, user: x`:                                               "smtp.user",
		`host: mail.example, from: a@b.example, password: "env:P"`:                                     "smtp.password",
		`host: mail.example, from: a@b.example, password: hunter2`:                                     "smtp.password",
		`host: mail.example, from: a@b.example, user: x, password: "env:P", starttls: none`:            "smtp.starttls",
		`host: mail.example, from: a@b.example, user: x, password: "env:P", starttls: opportunistic`:   "smtp.starttls",
		`host: mail.example, from: a@b.example, ca: pki/none.pem`:                                      "smtp.ca",
		`host: mail.example, from: a@b.example, ca: plan.yaml`:                                         "smtp.ca",
		`host: mail.example, from: a@b.example, ca: ../ca.pem`:                                         "smtp.ca",
		`host: mail.example, from: a@b.example, networks: [192.0.2.1]`:                                 "networks",
	} {
		var problems diag.List
		s := config.Read([]byte("smtp: {"+smtp+"}\n"), &problems)
		s.CheckFiles(dir, &problems)
		var text strings.Builder
		for _, p := range problems.Sorted() {
			text.WriteString(p.Path + ": " + p.Message + "\n")
		}
		if want == "" && text.Len() > 0 || want != "" && !strings.Contains(text.String(), want+":") && !strings.Contains(text.String(), want+"[") {
			t.Errorf("%s: want a problem with %q, got:\n%s", smtp, want, text.String())
		}
		if strings.Contains(text.String(), "hunter2") {
			t.Errorf("%s: the secret is shown:\n%s", smtp, text.String())
		}
	}
}
