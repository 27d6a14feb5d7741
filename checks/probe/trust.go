package probe

import (
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"sync"

	"skift/internal/pemdoc"
)

// bundle is one trust store. A nil pool is the host's own.
type bundle struct {
	name  string
	pool  *x509.CertPool
	certs []*x509.Certificate
}

// trustCache keeps parsed bundles by their content: a sweep asks thousands of units with the same few. The zero value is ready.
type trustCache struct {
	mu     sync.Mutex
	parsed map[[sha256.Size]byte]bundle
}

// bundles gives the named bundles, or the host's own trust store when no name is given.
func (c *trustCache) bundles(names []string, contents map[string][]byte) ([]bundle, error) {
	if len(names) == 0 {
		return []bundle{{name: "the host's trust store"}}, nil
	}
	list := make([]bundle, 0, len(names))
	for _, n := range names {
		text, ok := contents[n]
		if !ok {
			return nil, fmt.Errorf("trust bundle %s: its content is missing", n)
		}
		b, err := c.bundle(n, text)
		if err != nil {
			return nil, err
		}
		list = append(list, b)
	}
	return list, nil
}

func (c *trustCache) bundle(name string, text []byte) (bundle, error) {
	key := sha256.Sum256(text)
	c.mu.Lock()
	defer c.mu.Unlock()
	if b, ok := c.parsed[key]; ok {
		b.name = name
		return b, nil
	}
	b, err := parseBundle(name, text)
	if err != nil {
		return bundle{}, err
	}
	if c.parsed == nil {
		c.parsed = map[[sha256.Size]byte]bundle{}
	}
	c.parsed[key] = b
	return b, nil
}

// parseBundle reads every certificate of a PEM file. One that cannot be read makes the whole bundle unusable: a trust store
// with a hole gives wrong answers.
func parseBundle(name string, text []byte) (bundle, error) {
	certs, err := pemdoc.Certificates(text)
	if err != nil {
		return bundle{}, fmt.Errorf("trust bundle %s: %w", name, err)
	}
	b := bundle{name: name, pool: x509.NewCertPool()}
	for _, c := range certs {
		b.certs = append(b.certs, c.Certificate)
		b.pool.AddCert(c.Certificate)
	}
	return b, nil
}
