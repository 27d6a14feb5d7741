package checks

// SSHFacts is the kind that takes down what an SSH server offers, without an account, and who would lose access by it.
const SSHFacts Kind = "ssh_facts"

// SSHFactsOptions are the demands on what an SSH server offers.
type SSHFactsOptions struct {
	HostKey  map[Side][]string `json:"host_key,omitempty"` // as in SFTPOptions; none = keys are taken down and not compared
	HostKeys string            `json:"host_keys"`          // HostKeysOffered or HostKeysFirst
	User     Text              `json:"user,omitzero"`      // for whom to ask which ways of logging in there are; none = not asked
	Clients  []string          `json:"clients,omitempty"`  // names of ClientProfiles that must keep their access
	Weak     string            `json:"weak"`               // WeakWarn or WeakIgnore
}

// Which host keys are taken down: one of each type that is offered takes a handshake for each, the first alone takes one.
const (
	HostKeysOffered = "offered"
	HostKeysFirst   = "first"
)

// What is done about algorithms that are broken or about to be refused.
const (
	WeakIgnore = "ignore"
	WeakWarn   = "warn"
)

func (SSHFactsOptions) kind() Kind { return SSHFacts }

func (SSHFactsOptions) unauthenticated() bool { return true }

func (o SSHFactsOptions) columns() []string { return columnsOf(o.User) }

func sshFactsDef() KindDef {
	return KindDef{SSHFacts, "What an SSH server offers without an account, and which clients would lose access.", sshFactsKeys(), (*reader).sshFacts}
}

func sshFactsKeys() []Key {
	return []Key{
		{"host_key", false, "Pinned host keys per side, as SHA256:… with or without the key type in front; without it keys are taken down and not compared."},
		{"host_keys", false, "offered: the key of every type the server offers, a handshake for each; first: one handshake, one key. Default offered."},
		{"user", false, "A login name for which to ask which ways of logging in there are, without trying one; needs host_key."},
		{"clients", false, "Client profiles that must keep their access."},
		{"weak", false, "warn: algorithms that are broken or about to be refused are a warning; default ignore."},
	}
}

func (r *reader) sshFacts() Options {
	o := SSHFactsOptions{
		HostKeys: r.m.OptOneOf("host_keys", HostKeysOffered, HostKeysOffered, HostKeysFirst),
		Weak:     r.m.OptOneOf("weak", WeakIgnore, WeakIgnore, WeakWarn),
		User:     r.text("user"),
	}
	if r.m.Has("host_key") || r.m.Has("user") { // a name is sent only to a server that is known
		o.HostKey = r.pins()
	} else {
		r.m.OptNode("host_key")
	}
	for _, n := range r.m.OptItems("clients") {
		if name, ok := n.OneOf(clientNames()...); ok {
			o.Clients = append(o.Clients, name)
		}
	}
	return o
}
