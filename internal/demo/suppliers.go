package demo

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"skift/internal/plan"
	"skift/internal/sim"
)

// What the suppliers' people do on their platforms when a step asks them. skift never does it: it logs in to nobody's host.

// work does what a step asks of a person, and says what was done. Steps that only need a word have none.
func (s *stage) work(ctx context.Context, step, lists string) (string, error) {
	switch step {
	case stepAgreements:
		return "both lists of agreements handed over", s.handOver(lists, listAgreements, s.agreements, s.agreements)
	case stepData: // a copy outside of operation before the weekend; what was moved, after it
		old := sim.ManifestCSV(s.Old.Manifest(""))
		return "both lists handed over", s.handOver(lists, listData, old, old)
	case stepStopIntake:
		return "the intake is stopped", post(ctx, s.Old.OpsURL()+"/intake/stop")
	case stepCopy:
		n, err := s.CopyFiles(ctx)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%d files copied, both lists handed over", n), s.handOverCopied(ctx, lists)
	case stepOpen:
		return "the intake of the new platform is open", post(ctx, s.New.OpsURL()+"/intake/open")
	case stepSetAside:
		return s.setAside()
	case stepReopenIntake:
		return "the intake of the old platform is open again", post(ctx, s.Old.OpsURL()+"/intake/open")
	}
	return "", nil
}

// handOverCopied hands over the list of each platform, as the platform itself gives it, and that of a copy with one changed byte.
func (s *stage) handOverCopied(ctx context.Context, dir string) error {
	var both [2][]byte
	for i, p := range []*sim.Platform{s.Old, s.New} {
		data, err := get(ctx, p.OpsURL()+"/manifest")
		if err != nil {
			return fmt.Errorf("hand over lists: %w", err)
		}
		both[i] = data
	}
	changed, err := changedCopy(s.New.Files())
	if err != nil {
		return fmt.Errorf("change a byte of a copy: %w", err)
	}
	if err := s.handOver(dir, listData, both[0], both[1]); err != nil {
		return err
	}
	return handOverFile(dir, listChangedCopy, sim.ManifestCSV(changed.Manifest("")))
}

// handOver puts both sides' lists of one kind where the plan looks for them.
func (s *stage) handOver(dir, kind string, old, new []byte) error {
	if err := handOverFile(dir, kind+s.Old.Name()+".csv", old); err != nil {
		return err
	}
	return handOverFile(dir, kind+s.New.Name()+".csv", new)
}

// handOverFile puts one file there, whole: somebody may be reading the one it replaces.
func handOverFile(dir, name string, data []byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("hand over lists: %w", err)
	}
	f, err := os.CreateTemp(dir, name+".new*") // of its own: two steps may hand over the same list at once
	if err != nil {
		return fmt.Errorf("hand over lists: %w", err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, name))
	}
	if err != nil {
		return fmt.Errorf("hand over lists: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

// setAside takes what was copied out of operation on the new platform, and keeps it.
func (s *stage) setAside() (string, error) {
	files := s.New.Files()
	names := append(files.Files("OUT"), files.Files("IN")...)
	for _, name := range names {
		data, err := files.ReadFile(name)
		if err != nil {
			return "", fmt.Errorf("set the copy aside: %w", err)
		}
		files.WriteFile("ASIDE/"+strings.TrimPrefix(name, "/"), data)
		files.Remove(name)
	}
	return fmt.Sprintf("%d files set aside", len(names)), nil
}

// agreementsOf is the list of the plan's service agreements, one line each, as either supplier exports it.
func agreementsOf(p *plan.Plan) []byte {
	tree := sim.NewTree()
	for _, f := range p.Flows {
		tree.WriteFile("agreements/"+f.ID, fmt.Appendf(nil, "%s of %s with %s, certificate %s\n", f.ID, f.Party, f.Service, f.Columns["cert_serial"]))
	}
	return sim.ManifestCSV(tree.Manifest(""))
}

// changedCopy copies every file and changes one byte of one message: name, size and time stay.
func changedCopy(files *sim.Tree) (*sim.Tree, error) {
	out, changed := sim.NewTree(), ""
	for _, name := range files.Files("") {
		data, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		out.WriteFile(name, data)
		if changed == "" && strings.HasSuffix(name, ".xml") {
			changed = name
		}
	}
	return out, out.ChangeByte(changed)
}

// call is a user system's call through the name, from its own address: it tells which platform answered.
func (t *theatre) call(ctx context.Context, pool *tls.Config) (string, error) {
	stage := t.stages[production]
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: t.sources[t.missing.Source].AsSlice()}}
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: pool,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, stage.Front.Addr(sim.DoorGateway).String())
		}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+stage.Old.ServerName()+"/", nil)
	if err != nil {
		return "", err
	}
	client := http.Client{Transport: transport, Timeout: 10 * time.Second}
	return read(client.Do(req))
}

func post(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, nil)
	if err != nil {
		return err
	}
	_, err = read(operations().Do(req))
	return err
}

func get(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	text, err := read(operations().Do(req))
	return []byte(text), err
}

// operations is how suppliers' people reach the desk of their own platform. It keeps no connection: none may outlive the demo.
func operations() *http.Client {
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
}

func read(resp *http.Response, err error) (string, error) {
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, strings.TrimSpace(string(data)))
	}
	return string(data), err
}
