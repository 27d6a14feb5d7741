package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"testing/fstest"

	"skift/config"
	"skift/internal/diag"
)

// Settings with which no mail could leave are found when they are read, not on the night when one has to.
func TestMailSettings(t *testing.T) {
	t.Parallel()
	dir := fstest.MapFS{"pki/ca.pem": {Data: authority(t)}, "plan.yaml": {Data: []byte("plan: x\n")},
		"pki/none-in-it.pem": {Data: []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")},
		"pki/cut.pem":        {Data: authority(t)[:200]}}
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
		`host: mail.example, from: a@b.example, ca: pki/none-in-it.pem`:                                "smtp.ca",
		`host: mail.example, from: a@b.example, ca: pki/cut.pem`:                                       "smtp.ca",
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

// How hard targets are asked and how long answers are kept has sane bounds.
func TestBudgetSettings(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"keep: 30d\nbudget: {rate: 0, auth_wait: 10m, parallel: 1, total: 1, ssh_gap: 1m}\n": "",
		"keep: 29d\n":                "keep: observations must be kept for at least 30 days",
		"keep: long\n":               "keep",
		"budget: {rate: -1}\n":       "budget.rate",
		"budget: {auth_wait: -1h}\n": "budget.auth_wait",
		"budget: {per_minute: 3}\n":  "per_minute",
	} {
		var problems diag.List
		s := config.Read([]byte(text), &problems)
		var said strings.Builder
		for _, p := range problems.Sorted() {
			said.WriteString(p.Path + ": " + p.Message + "\n")
		}
		if want == "" && said.Len() > 0 || !strings.Contains(said.String(), want) {
			t.Errorf("%s: want a problem with %q, got:\n%s", text, want, said.String())
		}
		if want == "" && (s.Budget.Rate != 0 || s.Budget.AuthWait.Minutes() != 10 || s.Keep.Hours() != 720) {
			t.Errorf("%+v", s)
		}
	}
	if d := config.Default(); d.Keep.Hours() != 9600 || d.Budget.Rate != 600 || d.Budget.AuthWait.Hours() != 1 {
		t.Errorf("%+v", d)
	}
}

// Calendars are signed with a key that is named, and hold for a while that makes sense.
func TestFreezeSettings(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"freeze: {key: \"file:keys/freeze.pem\", max_age: 5m}\n":  "",
		"freeze: {key: \"file:keys/freeze.pem\", max_age: 1m}\n":  "freeze.max_age: a calendar holds for 5 minutes to 31 days",
		"freeze: {key: \"file:keys/freeze.pem\", max_age: 40d}\n": "freeze.max_age",
		"freeze: {max_age: 1h}\n":                                 "freeze: ",
		"freeze: {key: hunter2}\n":                                "freeze.key: a secret is written in clear",
		"freeze: {key: \"file:k\", age: 1h}\n":                    "age",
	} {
		var problems diag.List
		s := config.Read([]byte(text), &problems)
		var said strings.Builder
		for _, p := range problems.Sorted() {
			said.WriteString(p.Path + ": " + p.Message + "\n")
		}
		if want == "" && said.Len() > 0 || !strings.Contains(said.String(), want) || strings.Contains(said.String(), "hunter2") {
			t.Errorf("%s: want a problem with %q, got:\n%s", text, want, said.String())
		}
		if want == "" && (s.Freeze.MaxAge.Minutes() != 5 || s.Freeze.Key.String() != "file:keys/freeze.pem") {
			t.Errorf("%+v", s.Freeze)
		}
	}
	if d := config.Default(); d.Freeze.MaxAge.Hours() != 24 || !d.Freeze.Key.IsZero() {
		t.Errorf("%+v", d.Freeze)
	}
}

// authority is a certificate as PEM.
func authority(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
