package probe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"skift/checks"
	"skift/internal/dial"
	"skift/internal/sshdial"
)

// sshFacts takes down what a server offers. Its lists stand in the first packet it sends, so that the first handshake brings them
// beside one host key; each further key takes one more, which servers count against the asker, and a server that turns us away is
// not asked again.
func (p *Prober) sshFacts(ctx context.Context, t target) sighting {
	o, _ := t.Spec.Options.(checks.SSHFactsOptions)
	f := &offered{p: p, t: t, o: o, keys: map[string]string{}, pin: -1, s: &sighting{facts: map[string]string{}, timings: map[string]time.Duration{}}}
	var err error
	if f.pins, err = sshdial.ParsePins(o.HostKey[t.Unit.Side]); err != nil {
		f.s.opFailed(checks.Credential, err)
		return *f.s
	}
	if f.ask(ctx) {
		f.judge()
	}
	return *f.s
}

// offered is one server on its way to be known.
type offered struct {
	p    *Prober
	t    target
	o    checks.SSHFactsOptions
	pins sshdial.Pins
	keys map[string]string // type → fingerprint
	pin  int               // the first of the pins that a key is
	s    *sighting

	toServer, toClient checks.SSHOffer
}

// ask makes the handshakes; ok is false when the sighting is complete without judging.
func (f *offered) ask(ctx context.Context) (ok bool) {
	stop := sshdial.AtHostKey
	if !f.o.User.IsZero() {
		stop = sshdial.AtMethods
	}
	trace, err := f.shake(ctx, "", stop)
	f.s.traced(trace)
	for _, negotiated := range []string{"kex", "cipher", "mac", "host_key", "host_key_type", "pin", "peer_offers"} {
		delete(f.s.facts, negotiated) // they say as much about us as about the server
	}
	f.lists(trace.Offer)
	if err != nil {
		f.s.loginFailed(err)
		return false
	}
	if trace.Offer == nil {
		f.s.opFailed(checks.ProtoMismatch, errors.New("the server's lists of algorithms cannot be read"))
		return false
	}
	for _, keyType := range f.otherTypes(trace) {
		trace, err := f.shake(ctx, keyType, sshdial.AtHostKey)
		if err != nil {
			f.s.facts["host_key_asked"] = keyType
			f.s.loginFailed(err)
			f.s.evidence.FirstBytes = printable(trace.First)
			return false
		}
	}
	return true
}

// shake makes one handshake and takes down its key.
func (f *offered) shake(ctx context.Context, keyType string, stop sshdial.Stop) (sshdial.Trace, error) {
	user, _ := f.o.User.In(f.t.Flow)
	_, trace, err := sshdial.Dial(ctx, f.p.dialer, f.t.addr, sshdial.Config{
		User: user, Pins: f.pins, Timeout: f.t.timeout, Stop: stop, KeyType: keyType, AnyKey: true,
		Dial: dial.Options{Source: f.t.Source, Timeout: f.t.timeout},
	})
	if trace.HostKey != "" {
		f.keys[trace.HostType] = trace.HostKey
		f.s.facts["host_key "+fact(trace.HostType)] = trace.HostKey
		if trace.Pin >= 0 && (f.pin < 0 || trace.Pin < f.pin) {
			f.pin = trace.Pin
		}
	}
	return trace, err
}

// otherTypes lists the types of the server's further host keys, in its own order.
func (f *offered) otherTypes(seen sshdial.Trace) []string {
	if f.o.HostKeys == checks.HostKeysFirst {
		return nil
	}
	var types []string
	for _, algorithm := range seen.Offer.HostKey {
		t := algorithm
		if strings.HasPrefix(t, "rsa-sha2-") {
			t = "ssh-rsa"
		}
		if t != seen.HostType && slices.Contains(sshdial.KeyTypes(), t) && !slices.Contains(types, t) {
			types = append(types, t)
		}
	}
	return types
}

// lists takes down the server's algorithms, sorted: its order decides nothing, and two platforms shall compare.
func (f *offered) lists(o *sshdial.Offer) {
	if o == nil {
		return
	}
	f.toServer = checks.SSHOffer{Kex: o.Kex, HostKey: o.HostKey, Cipher: o.CipherToServer, MAC: o.MACToServer}
	f.toClient = checks.SSHOffer{Kex: o.Kex, HostKey: o.HostKey, Cipher: o.CipherToClient, MAC: o.MACToClient}
	for name, list := range map[string][]string{
		"offers_kex": o.Kex, "offers_host_key": o.HostKey, "offers_cipher_to_server": o.CipherToServer, "offers_cipher_to_client": o.CipherToClient,
		"offers_mac_to_server": o.MACToServer, "offers_mac_to_client": o.MACToClient, "offers_compression_to_server": o.CompressToServer,
		"offers_compression_to_client": o.CompressToClient, "offers_markers": o.Markers, "weak": f.toServer.Weak(),
	} {
		f.s.set(map[string]string{name: strings.Join(slices.Compact(slices.Sorted(slices.Values(list))), ", ")})
	}
	for _, p := range checks.ClientProfiles() {
		if missing := p.Offer.Missing(f.toServer, f.toClient); missing != "" {
			f.s.facts["client "+p.Name] = "no " + missing + " in common"
		} else {
			f.s.facts["client "+p.Name] = "ok"
		}
	}
}

// judge holds what was seen against what the plan demands, the gravest first.
func (f *offered) judge() {
	f.s.code = checks.OK
	f.s.set(map[string]string{"pin": pinName(f.pin)})
	if !f.pins.Empty() {
		for _, t := range sshdial.KeyTypes() {
			if key, ok := f.keys[t]; ok && (f.pin < 0 || !f.pins.Fits(t, key)) {
				f.s.opFailed(checks.HostkeyChanged, fmt.Errorf("the server presents %s %s, pinned is %s", t, key, f.pins))
				return
			}
		}
	}
	var out []string
	for _, p := range checks.ClientProfiles() {
		if missing := p.Offer.Missing(f.toServer, f.toClient); missing != "" && slices.Contains(f.o.Clients, p.Name) {
			out = append(out, fmt.Sprintf("%s (%s): no %s in common", p.Name, p.Doc, missing))
		}
	}
	if len(out) > 0 {
		f.s.opFailed(checks.ClientExcluded, errors.New(strings.Join(out, "; ")))
		return
	}
	if weak := f.toServer.Weak(); len(weak) > 0 && f.o.Weak == checks.WeakWarn {
		f.s.opFailed(checks.SSHWeak, errors.New(strings.Join(weak, ", ")))
		f.s.outcome = checks.Warn
	}
}
