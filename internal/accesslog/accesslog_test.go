package accesslog_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"
	"time"

	"skift/internal/accesslog"
)

var (
	cph = time.FixedZone("CET", 3600)
	now = time.Date(2019, 11, 10, 12, 0, 0, 0, time.UTC)
)

func options(f accesslog.Format) accesslog.Options {
	return accesslog.Options{Format: f, Zone: cph, Now: now, Service: "sftp"}
}

// sums shows what tests compare: address, let in, turned away, seen, how.
func sums(s accesslog.Summary) string {
	var b strings.Builder
	for _, x := range s.Sources {
		b.WriteString(strings.Join([]string{x.Addr.String(), plus(x.Allowed), plus(x.Denied), plus(x.Seen), string(x.DeniedAs),
			x.FirstAt.UTC().Format("01-02T15:04:05"), x.LastAt.UTC().Format("15:04:05")}, " ") + "\n")
	}
	return b.String()
}

func plus(n int64) string { return strings.Repeat("+", int(min(n, 9))) + "." }

const sshd = `Nov  9 02:14:07 sftp1 sshd[123]: Accepted publickey for k101 from 192.0.2.10 port 40000 ssh2: ED25519 SHA256:abc
Nov  9 02:15:07 sftp1 sshd[123]: Accepted password for k101 from 192.0.2.10 port 40001 ssh2
2019-11-09T03:00:00.123456+01:00 sftp1 sshd-session[9]: Failed publickey for invalid user x from 192.0.2.20 port 1 ssh2: RSA SHA256:abc
2019-11-09T03:00:01+01:00 sftp1 sshd[9]: Invalid user from from 192.0.2.21 port 1
2019-11-09T03:00:02+01:00 sftp1 sshd[9]: Connection closed by 192.0.2.30 port 4 [preauth]
2019-11-09T03:00:03+01:00 sftp1 sshd[9]: Connection closed by authenticating user k101 192.0.2.31 port 4 [preauth]
Nov  9 04:00:00 sftp1 sshd[9]: refused connect from host.example (192.0.2.40)
Nov  9 04:00:00 sftp1 CRON[9]: pam_unix(cron:session): session opened for user root
Nov  9 04:00:00 sftp1 sshd[9]: Server listening on 0.0.0.0 port 22.
what is this
Nov 30 04:00:00 sftp1 sshd[9]: Accepted password for k101 from 2001:db8::1 port 40001 ssh2
`

const nginxLog = `192.0.2.10 - - [09/Nov/2019:02:14:07 +0100] "GET / HTTP/1.1" 200 12 "-" "curl"
192.0.2.10 - k101 [09/Nov/2019:03:14:07 +0100] "POST /a\"b HTTP/1.1" 500 12 "-" "x"
192.0.2.20 - - [09/Nov/2019:02:14:07 +0100] "GET / HTTP/1.1" 403 12 "-" "curl"
::ffff:192.0.2.20 - - [09/Nov/2019:02:20:07 +0100] "GET / HTTP/1.1" 403 12
unix: - - [09/Nov/2019:02:14:07 +0100] "GET / HTTP/1.1" 200 12
- - -
192.0.2.99 - - [09/Nov/2029:02:14:07 +0100] "GET / HTTP/1.1" 200 12 "-" "from the future"
`

const haproxyLog = `Nov  9 02:14:07 lb haproxy[1]: 192.0.2.10:33317 [09/Nov/2019:02:14:07.655] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 "GET /index.html HTTP/1.1"
192.0.2.20:33317 [09/Nov/2019:02:14:08.655] http-in http-in/<NOSRV> 0/-1/-1/-1/0 403 188 - - PR-- 1/1/1/1/0 0/0 "GET / HTTP/1.1"
192.0.2.30:33317 [09/Nov/2019:02:14:09.655] http-in static/srv1 0/-1/-1/-1/0 -1 0 - - CR-- 1/1/1/1/0 0/0 "<BADREQ>"
Nov  9 02:14:10 lb haproxy[1]: 192.0.2.40:33317 [09/Nov/2019:02:14:10.655] fnt bck/srv1 0/0/5007 212 -- 0/0/0/0/3 0/0
192.0.2.41:33317 [09/Nov/2019:02:14:11.655] fnt bck/<NOSRV> 0/-1/0 0 PR 0/0/0/0/3 0/0
[2001:db8::1]:33317 [09/Nov/2019:02:14:12.655] fnt bck/srv1 0/-1/5007 0 SC 0/0/0/0/3 0/0
Nov  9 02:14:07 lb haproxy[1]: Proxy http-in started.
rubbish
`

const csvLog = "\ufeffsource,at,outcome,service,count\n" +
	"192.0.2.10,2019-11-09T02:14:07Z,Allow,sftp,7\n" +
	"192.0.2.10, 2019-11-09 04:14:07 ,deny,sftp,1\n" +
	"192.0.2.20,2019-11-09T02:14:07Z,allow,gateway,1\n" +
	"192.0.2.0/24,2019-11-09T02:14:07Z,allow,sftp,1\n" +
	"192.0.2.30,yesterday,allow,sftp,1\n" +
	"192.0.2.30,2019-11-09T02:14:07Z,maybe,sftp,1\n" +
	"192.0.2.30,2019-11-09T02:14:07Z,allow,sftp,-1\n" +
	"192.0.2.30,2019-11-09T02:14:07Z,allow,sftp\n"

func TestFormats(t *testing.T) {
	t.Parallel()
	cases := []struct {
		format   accesslog.Format
		text     string
		want     string
		lines    int64
		rejected int64
	}{
		{accesslog.AuthLog, sshd, `192.0.2.10 ++. . .  11-09T01:14:07 01:15:07
192.0.2.20 . +. . auth_failed 11-09T02:00:00 02:00:00
192.0.2.21 . +. . auth_failed 11-09T02:00:01 02:00:01
192.0.2.30 . . +.  11-09T02:00:02 02:00:02
192.0.2.31 . . +.  11-09T02:00:03 02:00:03
192.0.2.40 . +. . closed_pre_banner 11-09T03:00:00 03:00:00
2001:db8::1 +. . .  11-30T03:00:00 03:00:00
`, 11, 1},
		{accesslog.Nginx, nginxLog, `192.0.2.10 ++. . .  11-09T01:14:07 02:14:07
192.0.2.20 . ++. . http_status 11-09T01:14:07 01:20:07
`, 7, 3},
		{accesslog.HAProxy, haproxyLog, `192.0.2.10 +. . .  11-09T01:14:07 01:14:07
192.0.2.20 . +. . http_status 11-09T01:14:08 01:14:08
192.0.2.30 . . +.  11-09T01:14:09 01:14:09
192.0.2.40 +. . .  11-09T01:14:10 01:14:10
192.0.2.41 . +. . closed_pre_banner 11-09T01:14:11 01:14:11
2001:db8::1 . . +.  11-09T01:14:12 01:14:12
`, 8, 1},
		{accesslog.CSV, csvLog, "192.0.2.10 +++++++. +. . filtered_reject 11-09T02:14:07 03:14:07\n", 9, 5},
	}
	for _, c := range cases {
		t.Run(string(c.format), func(t *testing.T) {
			t.Parallel()
			got, err := accesslog.Read(strings.NewReader(c.text), options(c.format))
			if err != nil {
				t.Fatal(err)
			}
			if sums(got) != c.want {
				t.Errorf("got\n%swant\n%s%+v", sums(got), c.want, got.Bad)
			}
			if got.Lines != c.lines || got.Rejected != c.rejected || len(got.Bad) != int(min(c.rejected, 5)) || len(got.Digest) != 64 {
				t.Errorf("%d lines, %d rejected: %+v", got.Lines, got.Rejected, got.Bad)
			}
			var z bytes.Buffer
			w := gzip.NewWriter(&z)
			_, _ = io.WriteString(w, c.text) // a buffer takes everything
			w.Close()
			packed, err := accesslog.Read(&z, options(c.format))
			if err != nil || sums(packed) != c.want || packed.Digest == got.Digest {
				t.Errorf("compressed it reads\n%s%v", sums(packed), err)
			}
		})
	}
}

// A line without a year is as late as it can be, or of the year that was given.
func TestYear(t *testing.T) {
	t.Parallel()
	line := "Nov 30 04:00:00 h sshd[9]: Accepted password for k from 192.0.2.1 port 1 ssh2\n"
	for year, want := range map[int]int{0: 2018, 2017: 2017} {
		o := options(accesslog.AuthLog)
		o.Year = year
		got, err := accesslog.Read(strings.NewReader(line), o)
		if err != nil || len(got.Sources) != 1 || got.Sources[0].LastAt.Year() != want {
			t.Errorf("year %d: %+v %v", year, got, err)
		}
	}
}

// Memory is bounded: by the line, by the sources, by what a compressed log inflates to.
func TestBounds(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 200<<10) + "\n" + `192.0.2.10 - - [09/Nov/2019:02:14:07 +0100] "GET / HTTP/1.1" 200 12` + "\n"
	got, err := accesslog.Read(strings.NewReader(long), options(accesslog.Nginx))
	if err != nil || got.Rejected != 1 || len(got.Sources) != 1 || got.Lines != 2 {
		t.Errorf("a long line: %+v %v", got, err)
	}
	if _, err := accesslog.Read(strings.NewReader("\x1f\x8bnot gzip"), options(accesslog.Nginx)); err == nil {
		t.Error("half a gzip file is read")
	}
	if _, err := accesslog.Read(strings.NewReader(""), accesslog.Options{Format: "apache"}); err == nil {
		t.Error("any format is read")
	}
	var b strings.Builder
	b.WriteString("source,at,outcome\n")
	for i := range 100_001 {
		b.WriteString("2001:db8::" + strings.ToLower(hex(i)) + ",2019-11-09T02:14:07Z,allow\n")
	}
	if _, err := accesslog.Read(strings.NewReader(b.String()), options(accesslog.CSV)); err == nil || !strings.Contains(err.Error(), "more than 100000 sources") {
		t.Errorf("too many sources: %v", err)
	}
}

func hex(i int) string {
	const digits = "0123456789abcdef"
	out := ""
	for n := 0; n < 8; n++ {
		if n == 4 {
			out = ":" + out
		}
		out = string(digits[i&15]) + out
		i >>= 4
	}
	return out
}

func FuzzRead(f *testing.F) {
	for i, text := range []string{sshd, nginxLog, haproxyLog, csvLog} {
		f.Add(uint8(i), []byte(text))
	}
	formats := []accesslog.Format{accesslog.AuthLog, accesslog.Nginx, accesslog.HAProxy, accesslog.CSV}
	f.Fuzz(func(t *testing.T, n uint8, data []byte) {
		s, err := accesslog.Read(bytes.NewReader(data), options(formats[int(n)%len(formats)]))
		if err != nil {
			return
		}
		if s.Rejected > s.Lines || int64(len(s.Bad)) > s.Rejected {
			t.Errorf("%d of %d lines rejected, %d shown", s.Rejected, s.Lines, len(s.Bad))
		}
		for _, x := range s.Sources {
			if x.LastAt.After(now.Add(2*time.Minute)) || x.LastAt.Before(x.FirstAt) || x.Allowed+x.Denied+x.Seen < 1 || (x.Denied > 0) != (x.DeniedAs != "") {
				t.Errorf("%+v", x)
			}
		}
	})
}
