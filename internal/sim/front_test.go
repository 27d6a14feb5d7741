package sim

import (
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func TestFrontMovesTheName(t *testing.T) {
	t.Parallel()
	w := startWorld(t, Options{})
	client := webFrom(w.PKI, "127.0.0.1")
	gateway := "https://" + w.Front.Addr(DoorGateway).String()
	answeredBy := func(want string) {
		t.Helper()
		if got := mustAsk(t, client, "GET", gateway, ""); got != "200 demo service of the "+want+" platform" {
			t.Errorf("answer %q, want the %s platform's", got, want)
		}
		if got := mustAsk(t, http.DefaultClient, "GET", w.Front.ControlURL(), ""); got != `200 {"to":"`+want+`"}` {
			t.Errorf("the control address says %q", got)
		}
		pin := w.Platform(want).HostKey()
		c, err := login(w, w.Front.Addr(DoorSFTP), pin, AccountChecker, "127.0.0.1")
		if err != nil {
			t.Errorf("sftp: %v", err)
			return
		}
		c.Close()
		c.Wait()
	}
	answeredBy("old")
	if got := mustAsk(t, http.DefaultClient, "POST", w.Front.ControlURL(), `{"to":"new"}`); got != `200 {"to":"new"}` {
		t.Errorf("switch answered %q", got)
	}
	answeredBy("new")
	mustAsk(t, http.DefaultClient, "POST", w.Old.OpsURL()+"/switch", "")
	answeredBy("old")
	mustAsk(t, client, "POST", gatewayURL(w.New)+"switch", "")
	answeredBy("new")
	if err := w.Front.Switch("old"); err != nil {
		t.Fatal(err)
	}
	answeredBy("old")

	for body, want := range map[string]string{
		`{"to":"third"}`: `400 switch front: no platform is called "third"`,
		`{}`:             `400 say where to`,
		`new`:            `400 say where to`,
	} {
		if got := mustAsk(t, http.DefaultClient, "POST", w.Front.ControlURL(), body); !strings.HasPrefix(got, want) {
			t.Errorf("%s answered %q", body, got)
		}
	}
	answeredBy("old")

	posts := 0
	for _, r := range w.Front.Log() {
		if r.Mutates() {
			posts++
		}
	}
	if posts != 4 {
		t.Errorf("the front recorded %d switches", posts)
	}
}

// TestFrontKeepsTheSource holds that the allow-list works behind the front.
func TestFrontKeepsTheSource(t *testing.T) {
	t.Parallel()
	w := startWorld(t, Options{})
	flow, other := w.FlowSource(0), w.FlowSource(1)
	w.Old.Deny(flow)
	gateway := "https://" + w.Front.Addr(DoorGateway).String()
	if answer, err := ask(webFrom(w.PKI, flow.String()), "GET", gateway, ""); err == nil {
		t.Errorf("the denied flow is answered %q", answer)
	}
	mustAsk(t, webFrom(w.PKI, other.String()), "GET", gateway, "")
	var sources []netip.Addr
	for _, r := range w.Old.Log() {
		if r.Proto == ProtoHTTPS {
			sources = append(sources, r.Source.Addr())
		}
	}
	if len(sources) != 1 || sources[0] != other {
		t.Errorf("the platform saw %v", sources)
	}
	if said, err := firstBytes(w.Front.Addr(DoorSFTP), flow.String(), "", patience); said != "" || err == nil {
		t.Errorf("sftp said %q, %v", said, err)
	}
}

func TestFrontBeforeADeadBackend(t *testing.T) {
	t.Parallel()
	w := startWorld(t, Options{})
	if err := w.Old.SetFault(FaultRefused); err != nil {
		t.Fatal(err)
	}
	if said, err := firstBytes(w.Front.Addr(DoorSFTP), "127.0.0.1", "", patience); said != "" || err == nil || isTimeout(err) {
		t.Errorf("sftp said %q, %v", said, err)
	}
}

func TestSwitchLeavesOpenConnections(t *testing.T) {
	t.Parallel()
	w := startWorld(t, Options{})
	conn, err := dialFrom("127.0.0.1", w.Front.Addr(DoorSFTP).String(), patience)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	b := make([]byte, 8)
	if _, err := io.ReadFull(conn, b); err != nil || string(b) != "SSH-2.0-" {
		t.Fatalf("%q, %v", b, err)
	}
	if err := w.Front.Switch("new"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("SSH-2.0-test\r\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, b); err != nil {
		t.Errorf("after the switch: %v", err)
	}
}

func TestSwitchWithoutFront(t *testing.T) {
	t.Parallel()
	pki, err := NewPKI()
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPlatform(PlatformOptions{Name: "old", PKI: pki})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if got := mustAsk(t, webFrom(pki, "127.0.0.1"), "POST", p.OpsURL()+"/switch", ""); !strings.HasPrefix(got, "409 ") {
		t.Errorf("answer %q", got)
	}
}
