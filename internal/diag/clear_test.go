package diag

import (
	"strings"
	"testing"
)

// TestNoPictureOfASecret: whatever is wrong on a line, what may be a secret on it is not shown.
func TestNoPictureOfASecret(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		`smtp: {host: h, pasword: hunter2}`:                  `smtp: {host: h, pasword: ***`,
		`smtp: {hsot: h, password: "hunter2`:                 `smtp: {hsot: h, password: ***`,
		`password: [hunter2]`:                                `password: ***`,
		`password: {v: hunter2}`:                             `password: ***`,
		`{password: env:X, password: hunter2}`:               `{password: env:X, password: ***`,
		`envv: {"DB_PASSWORD": 'hunter2'}`:                   `envv: {"DB_PASSWORD": ***`,
		`[curl, "--api-key=hunter2"]`:                        `[curl, "--api-key=***`,
		`æøå, API_TOKEN: hunter2`:                            `æøå, API_TOKEN: ***`,
		`password: env:SMTP_PASSWORD, port: 1`:               `password: env:SMTP_PASSWORD, port: 1`,
		`token: "file:keys/token"`:                           `token: "file:keys/token"`,
		`renew-tokens: {needs: [a], manual: Renew them all}`: `renew-tokens: {needs: [a], manual: Renew them all}`,
		`manual: Ask for the password.`:                      `manual: Ask for the password.`,
		`password:`:                                          `password:`,
	} {
		got := render(t, line+"\n", false, func(l *List) { l.Addf(at(1, 1), codeA, "wrong") })
		if shown := strings.TrimSpace(strings.Split(got, "\n")[1]); shown != want {
			t.Errorf("%s\nis shown as %s\nwant        %s", line, shown, want)
		}
	}
}
