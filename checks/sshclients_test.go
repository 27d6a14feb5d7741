package checks

import (
	"slices"
	"strings"
	"testing"
)

func TestMissing(t *testing.T) {
	t.Parallel()
	client := SSHOffer{Kex: []string{"k1", "k2"}, HostKey: []string{"h"}, Cipher: []string{"aes128-gcm@openssh.com", "c"}, MAC: []string{"m"}}
	server := func(change func(*SSHOffer)) SSHOffer {
		s := SSHOffer{Kex: []string{"k2"}, HostKey: []string{"x", "h"}, Cipher: []string{"c"}, MAC: []string{"m"}}
		change(&s)
		return s
	}
	cases := map[string]struct{ toServer, toClient func(*SSHOffer) }{
		"":             {},
		"key exchange": {toServer: func(s *SSHOffer) { s.Kex = []string{"k"} }},
		"host key":     {toServer: func(s *SSHOffer) { s.HostKey = nil }},
		"cipher":       {toClient: func(s *SSHOffer) { s.Cipher = []string{"d"} }},
		"MAC":          {toClient: func(s *SSHOffer) { s.MAC = []string{"n"} }},
	}
	same := func(*SSHOffer) {}
	for want, c := range cases {
		if c.toServer == nil {
			c.toServer = same
		}
		if c.toClient == nil {
			c.toClient = same
		}
		if got := client.Missing(server(c.toServer), server(c.toClient)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	gcm := server(func(s *SSHOffer) { s.Cipher, s.MAC = []string{"c", "aes128-gcm@openssh.com"}, nil })
	if got := client.Missing(gcm, gcm); got != "" {
		t.Errorf("a cipher that authenticates wants %s", got)
	}
}

// What weak means is what nobody should still rely on; what replaced it is not among it.
func TestWeak(t *testing.T) {
	t.Parallel()
	for _, p := range ClientProfiles() {
		if p.Name == "" || p.Doc == "" || strings.ContainsAny(p.Name, " ,") {
			t.Errorf("profile %+v", p)
		}
		for _, list := range [][]string{p.Offer.Kex, p.Offer.HostKey, p.Offer.Cipher, p.Offer.MAC} {
			if sorted := slices.Sorted(slices.Values(list)); len(list) == 0 || len(slices.Compact(sorted)) != len(list) {
				t.Errorf("%s: empty list or a name twice: %v", p.Name, list)
			}
		}
	}
	got := SSHOffer{Kex: []string{"diffie-hellman-group14-sha1", "diffie-hellman-group14-sha256"}, HostKey: []string{"ssh-rsa", "rsa-sha2-256"},
		Cipher: []string{"aes128-cbc", "aes128-ctr"}, MAC: []string{"hmac-sha1-etm@openssh.com", "hmac-sha2-256"}}.Weak()
	if want := []string{"aes128-cbc", "diffie-hellman-group14-sha1", "hmac-sha1-etm@openssh.com", "ssh-rsa"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
