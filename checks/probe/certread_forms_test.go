package probe

import (
	"encoding/pem"
	"testing"
)

// An older name in PEM, and a line break behind DER, are read.
func TestReadHeldOlderForms(t *testing.T) {
	t.Parallel()
	cert := newStatusPKI(t, nil, nil).leaf
	for name, data := range map[string][]byte{
		"X509 CERTIFICATE":     pem.EncodeToMemory(&pem.Block{Type: "X509 CERTIFICATE", Bytes: cert.Raw}),
		"DER and a line break": append(append([]byte{}, cert.Raw...), '\r', '\n'),
	} {
		if h, err := readHeld(data, unlocked{}); err != nil || !h.certs[0].Equal(cert) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
