package accesslog_test

import (
	"strings"
	"testing"
	"time"

	"skift/internal/accesslog"
)

// Who came and got no further is no one who did not come, and who was not answered was not let in.
func TestWhoCameIsTold(t *testing.T) {
	t.Parallel()
	const head = "Nov  9 02:00:00 h sshd[1]: "
	const proxy = "192.0.2.1:333 [09/Nov/2019:02:00:00.655] "
	web := func(status string) string {
		return `192.0.2.1 - - [09/Nov/2019:02:00:00 +0100] "GET / HTTP/1.1" ` + status + ` 0 "-" "-"`
	}
	const (
		letIn   = "192.0.2.1 +. . . "
		came    = "192.0.2.1 . . +. "
		refused = "192.0.2.1 . +. . "
	)
	cases := []struct {
		format     accesslog.Format
		line, want string
	}{
		{accesslog.AuthLog, head + "message repeated 2 times: [ Failed password for root from 192.0.2.1 port 5 ssh2]", "192.0.2.1 . ++. . auth_failed"},
		{accesslog.AuthLog, head + "message repeated 3 times: [ Accepted password for a from 192.0.2.1 port 5 ssh2]", "192.0.2.1 +++. . . "},
		{accesslog.AuthLog, head + "Unable to negotiate with 192.0.2.1 port 54: no matching key exchange method found. Their offer: x [preauth]", came},
		{accesslog.AuthLog, head + "Bad protocol version identification 'GET / from 192.0.2.9' from 192.0.2.1 port 33", came},
		{accesslog.AuthLog, head + "Did not receive identification string from 192.0.2.1 port 33", came},
		{accesslog.AuthLog, head + "Did not receive identification string from 192.0.2.1", came},
		{accesslog.AuthLog, head + "banner exchange: Connection from 192.0.2.1 port 5: invalid format", came},
		{accesslog.AuthLog, head + "ssh_dispatch_run_fatal: Connection from 192.0.2.1 port 3: Broken pipe", came},
		{accesslog.AuthLog, head + "fatal: Timeout before authentication for 192.0.2.1 port 3", came},
		{accesslog.AuthLog, head + "Timeout before authentication for connection from 192.0.2.1 to 192.0.2.2, pid = 5", came},
		{accesslog.AuthLog, head + "error: maximum authentication attempts exceeded for root from 192.0.2.1 port 3 ssh2 [preauth]", came},
		{accesslog.AuthLog, head + "Received disconnect from 192.0.2.1: 11: Bye Bye", came},
		{accesslog.AuthLog, head + "Connection closed by 192.0.2.1", came},
		{accesslog.AuthLog, head + "Connection closed by invalid user a 192.0.2.9 port 1 192.0.2.1 port 5 [preauth]", came},
		{accesslog.AuthLog, head + "Connection reset by authenticating user feed 192.0.2.1 port 5 [preauth]", came},
		{accesslog.AuthLog, head + "Invalid user a from 192.0.2.9 port 1 from 192.0.2.1 port 44", refused + "auth_failed"},
		{accesslog.AuthLog, head + "refused connect from 192.0.2.1 (192.0.2.1)", refused + "closed_pre_banner"},
		{accesslog.AuthLog, head + "drop connection #10 from [192.0.2.1]:333 on [192.0.2.2]:22 past MaxStartups", refused + "refused_text"},
		{accesslog.AuthLog, head + "drop connection #0 from [192.0.2.1]:333 on [192.0.2.2]:22 penalty: failed authentication", refused + "refused_text"},
		{accesslog.Nginx, web("200"), letIn},
		{accesslog.Nginx, web("400"), letIn},
		{accesslog.Nginx, web("444"), refused + "closed_pre_banner"},
		{accesslog.Nginx, web("408"), came},
		{accesslog.Nginx, web("499"), came},
		{accesslog.Nginx, web("000"), came},
		{accesslog.HAProxy, "<134>1 2019-11-09T02:00:00+01:00 lb haproxy 1 - - " + proxy + `in be/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 "GET / HTTP/1.1"`, letIn},
		{accesslog.HAProxy, proxy + "fe/1: SSL handshake failure", came},
		{accesslog.HAProxy, proxy + "fe/site: Connection closed during SSL handshake", came},
		{accesslog.HAProxy, proxy + `in in/<NOSRV> 0/-1/-1/-1/0 -1 0 - - PR-- 1/1/1/1/0 0/0 "GET / HTTP/1.1"`, refused + "closed_pre_banner"},
		{accesslog.HAProxy, proxy + `in in/<NOSRV> 0/-1/-1/-1/0 429 0 - - PR-- 1/1/1/1/0 0/0 "GET / HTTP/1.1"`, letIn},
		{accesslog.CSV, "source;at;outcome\r\n192.0.2.1;2019-11-09T02:00:00+01:00;allow\r", letIn},
	}
	for _, c := range cases {
		got, err := accesslog.Read(strings.NewReader(c.line+"\n"), options(c.format))
		if err != nil || sums(got) != c.want+" 11-09T01:00:00 01:00:00\n" || got.Rejected != 0 {
			t.Errorf("%s\nreads %q %v %+v\n want %q", c.line, sums(got), err, got.Bad, c.want)
		}
	}
}

// A log read in the wrong time zone is said to be ahead of us: its last hours are not taken for those of last year.
func TestWrongZone(t *testing.T) {
	t.Parallel()
	at := func(o accesslog.Options, stamp string) string {
		got, err := accesslog.Read(strings.NewReader(stamp+" h sshd[9]: Accepted password for k from 192.0.2.1 port 1 ssh2\n"), o)
		switch {
		case err != nil:
			return err.Error()
		case len(got.Bad) > 0:
			return got.Bad[0].Why
		}
		return got.Sources[0].LastAt.Format(time.DateTime)
	}
	o := options(accesslog.AuthLog) // now is 13:00 there
	const ahead = "lies in the future; is the time zone right (--timezone)?"
	for stamp, want := range map[string]string{
		"Nov 10 12:59:00": "2019-11-10 11:59:00",
		"Nov 10 13:30:00": ahead,
		"Nov 10 22:59:00": ahead,
		"Nov 11 02:59:00": ahead,
		"Nov 12 02:59:00": "2018-11-12 01:59:00",
	} {
		if got := at(o, stamp); got != want {
			t.Errorf("%s: %s, want %s", stamp, got, want)
		}
	}
	o.Year = 2018
	if got := at(o, "Nov 10 22:59:00"); got != "2018-11-10 21:59:00" {
		t.Errorf("with its year: %s", got)
	}
	o.Year, o.Now = 0, time.Date(2019, 12, 31, 23, 30, 0, 0, time.UTC) // it is next year already there
	if got := at(o, "Jan  1 00:20:00"); got != "2019-12-31 23:20:00" {
		t.Errorf("on New Year's Eve: %s", got)
	}
	if got := at(o, "Jan  1 02:20:00"); got != ahead {
		t.Errorf("on New Year's Eve: %s", got)
	}
}
