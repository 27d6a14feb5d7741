package lint

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestSharedCertificates(t *testing.T) {
	t.Parallel()
	print := strings.Repeat("0a", 20)
	for _, c := range []struct{ name, rows, want string }{
		{"one each", "c,web,a,5a:0f,\nc,web,b,5a:10,\n", ""},
		{"one system twice", "c,web,a,5a:0f,\nc,web,A,5A0F,\n", ""},
		{"no system named", "c,web,,5a:0f,\nc,web,b,5a:0f,\n", ""},
		{"two systems", "c,web,a,5a:0f,\nc,web,b,00 5A 0F,\n", "flow c-web-2 of b is registered with the certificate of a"},
		{"by thumbprint", "c,web,a,,0A0A" + print[4:] + "\nc,web,b,," + print + "\n", "flow c-web-2 of b is registered with the certificate of a"},
		{"decimal and hexadecimal", "c,web,a,1311768467463790320,\nc,web,b,123456789abcdef0,\n", "flow c-web-2 of b is registered with the certificate of a"},
		{"small numbers that could be each other", "c,web,a,16,\nc,web,b,10,\n", ""},
		{"both numbers tell once", "c,web,a,5a0f," + print + "\nc,web,b,5a0f," + print + "\n", "flow c-web-2 of b is registered with the certificate of a"},
	} {
		files := staffed(t)
		files["flows.csv"] = &fstest.MapFile{Data: []byte("party,service,user_system,cert_serial,cert_thumbprint\n" + c.rows)}
		var got []string
		for _, p := range check(t, files, Known{Now: badNow}) {
			if p.Code == CodeSharedCert {
				got = append(got, p.Message)
			}
		}
		if strings.Join(got, "\n") != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
