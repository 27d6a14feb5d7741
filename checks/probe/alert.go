package probe

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"reflect"
	"strings"

	"skift/checks"
	"skift/internal/dial"
)

// Alert numbers (RFC 8446, section 6, and RFC 5246 for those only TLS 1.2 has).
const (
	alertHandshakeFailure     = 40
	alertProtocolVersion      = 70
	alertInsufficientSecurity = 71
)

// clientAlerts are the alerts that speak about a client certificate.
var clientAlerts = map[int]checks.Code{
	42: checks.CliBad, 43: checks.CliUnsupported, 44: checks.CliRevoked, 45: checks.CliExpired,
	46: checks.CliUnknown, 48: checks.CliUntrustedCA, 49: checks.CliDenied, 116: checks.CliMissing,
}

// alert is the number of the alert the peer sent. tls.AlertError is never in the chain of an error over TCP: the alert is an
// unexported uint8 inside an OpError, read here by reflection, and by its text should that type ever change.
func alert(err error) (number int, text string, ok bool) {
	op, ok := errors.AsType[*net.OpError](err)
	if !ok || op.Op != "remote error" || op.Err == nil {
		return 0, "", false
	}
	text = strings.TrimPrefix(op.Err.Error(), "tls: ")
	if v := reflect.ValueOf(op.Err); v.Kind() == reflect.Uint8 {
		return int(v.Uint()), text, true
	}
	for n := range 256 {
		if strings.TrimPrefix(tls.AlertError(n).Error(), "tls: ") == text {
			return n, text, true
		}
	}
	return 0, text, true
}

// alertText is an alert as evidence: "48 unknown certificate authority".
func alertText(err error) string {
	n, text, ok := alert(err)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%d %s", n, text)
}

// handshakeCode says why a TLS handshake did not come through.
func handshakeCode(err error, conn *dial.Conn) checks.Code {
	if n, _, ok := alert(err); ok {
		switch {
		case n == alertProtocolVersion:
			return checks.TLSVersion
		case n == alertHandshakeFailure, n == alertInsufficientSecurity:
			return checks.TLSNoOverlap
		case clientAlerts[n] != "":
			return clientAlerts[n]
		}
		return checks.TLSClosed // the server ended it for a reason of its own, such as an unknown name; the alert is evidence
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return checks.ProtoMismatch
	}
	text := err.Error()
	switch {
	case strings.Contains(text, "unsupported protocol version"):
		return checks.TLSVersion
	case strings.Contains(text, "unconfigured cipher suite"), strings.Contains(text, "unsupported curve"):
		return checks.TLSNoOverlap
	case strings.Contains(text, "failed to parse certificate"), strings.Contains(text, "exceeds maximum of"): // the longest message is a chain
		return checks.SrvParse
	case strings.Contains(text, "keys are insecure"), weakKey(err):
		return checks.SrvWeak
	case dial.TimedOut(err), dial.TimedOut(conn.Ended()):
		return checks.Silent
	case dial.Hung(err):
		return checks.TLSClosed
	}
	return checks.ProtoMismatch
}

func weakKey(err error) bool {
	_, ok := errors.AsType[x509.InsecureAlgorithmError](err)
	return ok
}
