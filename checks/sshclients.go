package checks

import (
	"maps"
	"slices"
	"strings"
)

// SSHOffer is what one end of an SSH connection can do, each list in its own order of preference.
type SSHOffer struct {
	Kex, HostKey, Cipher, MAC []string
}

// ClientProfile is what a client program offers when nobody has configured it. It is made from the program's public documentation:
// a help to see who would lose access, no guarantee that a party's own set-up is like it.
type ClientProfile struct {
	Name  string
	Doc   string // which program and version, and where it is met
	Offer SSHOffer
}

// Groups of names that profiles are made of.
const (
	ecdhNIST   = "ecdh-sha2-nistp256 ecdh-sha2-nistp384 ecdh-sha2-nistp521"
	ecdsaNIST  = "ecdsa-sha2-nistp256 ecdsa-sha2-nistp384 ecdsa-sha2-nistp521"
	curve      = "curve25519-sha256 curve25519-sha256@libssh.org"
	gexSHA256  = "diffie-hellman-group-exchange-sha256"
	gexSHA1    = "diffie-hellman-group-exchange-sha1"
	group14    = "diffie-hellman-group14-sha256"
	group14Old = "diffie-hellman-group14-sha1"
	group1     = "diffie-hellman-group1-sha1"
	groupLarge = "diffie-hellman-group16-sha512 diffie-hellman-group18-sha512"
	rsaSHA2    = "rsa-sha2-512 rsa-sha2-256"
	aesCTR     = "aes128-ctr aes192-ctr aes256-ctr"
	aesCBC     = "aes128-cbc aes192-cbc aes256-cbc"
	aesGCM     = "aes128-gcm@openssh.com aes256-gcm@openssh.com"
	chacha     = "chacha20-poly1305@openssh.com"
	etmSHA2    = "hmac-sha2-256-etm@openssh.com hmac-sha2-512-etm@openssh.com"
	macSHA2    = "hmac-sha2-256 hmac-sha2-512"
	macOld     = "hmac-sha1 hmac-sha1-96 hmac-md5 hmac-md5-96"
)

func offer(kex, hostKey, cipher, mac []string) SSHOffer {
	flat := func(groups []string) []string { return strings.Fields(strings.Join(groups, " ")) }
	return SSHOffer{flat(kex), flat(hostKey), flat(cipher), flat(mac)}
}

// ClientProfiles lists the profiles, oldest programs first.
func ClientProfiles() []ClientProfile {
	list := func(groups ...string) []string { return groups }
	return []ClientProfile{
		{"openssh-5", "OpenSSH 5.3, as on servers of 2010 that still run",
			offer(list(gexSHA256, gexSHA1, group14Old, group1), list("ssh-rsa ssh-dss"), list(aesCTR, aesCBC, "3des-cbc blowfish-cbc arcfour"), list(macOld))},
		{"old-winscp", "WinSCP 5.7 and PuTTY 0.64, without elliptic curves",
			offer(list(gexSHA256, gexSHA1, group14Old, group1), list("ssh-rsa ssh-dss"), list("aes256-ctr aes256-cbc aes192-ctr aes192-cbc aes128-ctr aes128-cbc blowfish-ctr 3des-ctr 3des-cbc"), list("hmac-sha2-256 hmac-sha1 hmac-sha1-96 hmac-md5"))},
		{"dotnet-renci", "SSH.NET (Renci) 2016.1 for .NET",
			offer(list(gexSHA256, gexSHA1, group14Old, group1), list("ssh-rsa ssh-dss"), list("aes256-ctr 3des-cbc", aesCBC, "blowfish-cbc aes128-ctr aes192-ctr"), list("hmac-md5 hmac-md5-96 hmac-sha1 hmac-sha1-96", macSHA2))},
		{"jsch-0.1.54", "JSch 0.1.54 for Java, inside many integration products",
			offer(list(ecdhNIST, group14Old, gexSHA256, gexSHA1, group1), list("ssh-rsa ssh-dss", ecdsaNIST), list("aes128-ctr aes128-cbc 3des-ctr 3des-cbc blowfish-cbc aes192-ctr aes192-cbc aes256-ctr aes256-cbc"), list("hmac-md5 hmac-sha1 hmac-sha2-256 hmac-sha1-96 hmac-md5-96"))},
		{"paramiko-2", "Paramiko 2.4 for Python, before rsa-sha2 (2.9)",
			offer(list(ecdhNIST, gexSHA256, gexSHA1, group14Old, group1), list("ssh-ed25519", ecdsaNIST, "ssh-rsa ssh-dss"), list(aesCTR, aesCBC, "blowfish-cbc 3des-cbc"), list(macSHA2, "hmac-md5 hmac-sha1-96 hmac-md5-96 hmac-sha1"))},
		{"openssh-7", "OpenSSH 7.4, as on enterprise systems of 2017",
			offer(list(curve, ecdhNIST, gexSHA256, groupLarge, gexSHA1, group14, group14Old), list(ecdsaNIST, "ssh-ed25519", rsaSHA2, "ssh-rsa"), list(chacha, aesCTR, aesGCM, aesCBC), list("umac-64-etm@openssh.com umac-128-etm@openssh.com", etmSHA2, "hmac-sha1-etm@openssh.com", macSHA2, "hmac-sha1"))},
		{"apache-mina", "Apache MINA SSHD 2.9 for Java",
			offer(list(curve, "ecdh-sha2-nistp521 ecdh-sha2-nistp384 ecdh-sha2-nistp256", gexSHA256, groupLarge, group14), list(ecdsaNIST, "ssh-ed25519", rsaSHA2, "ssh-rsa"), list(chacha, aesCTR, aesGCM, aesCBC), list(etmSHA2, "hmac-sha1-etm@openssh.com", macSHA2, "hmac-sha1"))},
		{"jsch", "JSch 0.2 (the maintained line) for Java",
			offer(list(curve, ecdhNIST, gexSHA256, groupLarge, group14), list("ssh-ed25519", ecdsaNIST, rsaSHA2), list(aesCTR, aesGCM), list(etmSHA2, "hmac-sha1-etm@openssh.com", macSHA2, "hmac-sha1"))},
		{"openssh-9", "OpenSSH 9 with its own defaults",
			offer(list("sntrup761x25519-sha512@openssh.com", curve, ecdhNIST, gexSHA256, groupLarge, group14), list("ssh-ed25519", ecdsaNIST, rsaSHA2), list(chacha, aesCTR, aesGCM), list("umac-64-etm@openssh.com umac-128-etm@openssh.com", etmSHA2, "hmac-sha1-etm@openssh.com", macSHA2, "hmac-sha1"))},
	}
}

func clientNames() []string {
	var names []string
	for _, p := range ClientProfiles() {
		names = append(names, p.Name)
	}
	return names
}

// Missing says in which step a client and a server that have these offers part: "key exchange", "host key", "cipher" or "MAC"; ""
// when they agree. Both directions must agree on cipher and MAC; a cipher that authenticates needs no MAC (RFC 4253, 7.1).
func (client SSHOffer) Missing(toServer, toClient SSHOffer) string {
	switch {
	case common(client.Kex, toServer.Kex) == "":
		return "key exchange"
	case common(client.HostKey, toServer.HostKey) == "":
		return "host key"
	}
	for _, server := range []SSHOffer{toServer, toClient} {
		cipher := common(client.Cipher, server.Cipher)
		if cipher == "" {
			return "cipher"
		}
		aead := strings.Contains(cipher, "-gcm@") || strings.Contains(cipher, "poly1305")
		if !aead && common(client.MAC, server.MAC) == "" {
			return "MAC"
		}
	}
	return ""
}

// common is the first of the client's names that the server has too.
func common(client, server []string) string {
	i := slices.IndexFunc(client, func(name string) bool { return slices.Contains(server, name) })
	if i < 0 {
		return ""
	}
	return client[i]
}

// weak are beginnings and ends of the names of algorithms that are broken or that current clients refuse.
var weak = []func(string) bool{
	func(s string) bool { return strings.HasSuffix(s, "-sha1") || s == "ssh-rsa" || s == "ssh-dss" },
	func(s string) bool {
		return strings.HasSuffix(s, "-cbc") || strings.HasPrefix(s, "arcfour") || s == "none"
	},
	func(s string) bool { return strings.HasPrefix(s, "hmac-md5") || strings.HasPrefix(s, "hmac-sha1") },
}

// Weak lists what of an offer is broken or about to be refused, sorted, each once.
func (server SSHOffer) Weak() []string {
	found := map[string]bool{}
	for _, name := range slices.Concat(server.Kex, server.HostKey, server.Cipher, server.MAC) {
		if slices.ContainsFunc(weak, func(is func(string) bool) bool { return is(name) }) {
			found[name] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}
