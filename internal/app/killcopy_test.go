package app_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"skift/internal/run"
	"skift/internal/sim"
)

const copyPlan = `plan: soak
title: One copy
timezone: UTC
language: en
parties: {customer: {role: customer}, olde: {role: old-supplier}, newe: {role: new-supplier}}
seats: {customer/chair: {}, customer/manager: {}, olde/operator: {}, newe/operator: {}}
roster: shifts.csv
contacts: contacts.csv
environments: {prod: {production: true}}
platforms: {old: {party: olde, networks: [127.0.0.0/8]}, new: {party: newe, networks: [127.0.0.0/8]}}
services:
  files: {in: {prod: {old: {addr: "$OLD_SFTP"}, new: {addr: "$NEW_SFTP"}}}}
milestones:
  night: {kind: window, from: 2099-01-01, until: 2099-01-02, runbook: one}
audiences:
  board: {to: [customer/chair], report: weekly}
`

const copyRunbook = `runbook: one
steps:
  copy:
    owner: olde/operator
    change: transition
    $REPEATABLE
    sftp_copy:
      from: {service: files, side: old, user: supplier, key: "file:keys/supplier", host_key: ["$OLD_KEY"], dir: SRC}
      to: {service: files, side: new, user: supplier, key: "file:keys/supplier", host_key: ["$NEW_KEY"], dir: DST}
      parallel: 2
  end: {needs: [copy], owner: olde/operator, command: [./do, end], change: transition}
`

// consignment is what is copied: one large file, some small ones, what sets them in motion, and what answers for them.
func consignment() map[string][]byte {
	random := rand.New(rand.NewPCG(7, 7))
	bytesOf := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return b
	}
	files := map[string][]byte{"large.xml": bytesOf(2 << 20)}
	for i := range 4 {
		files[fmt.Sprintf("small-%d.xml", i)] = bytesOf(60 << 10)
	}
	for _, name := range []string{"large.xml", "small-0.xml", "small-1.xml"} {
		files[name+".trigger"] = bytesOf(500)
	}
	files["large.xml.sftpreceipt"] = bytesOf(300)
	return files
}

// copied is a weekend of one copy, and the two platforms it goes between.
type copied struct {
	*weekend
	from map[string][]byte
	to   *sim.Tree
}

func newCopied(t *testing.T, skift, repeatable string) *copied {
	t.Helper()
	world, err := sim.Start(t.Context(), sim.Options{Flows: 1, Files: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(world.Close)
	c := &copied{newWeekend(t, skift), consignment(), world.New.Files()}
	kit, err := world.WriteKit(c.dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range c.from {
		world.Old.Files().WriteFile("SRC/"+name, data)
	}
	c.to.Mkdir("DST")
	fill := strings.NewReplacer("$OLD_SFTP", world.Old.SFTPAddr().String(), "$NEW_SFTP", world.New.SFTPAddr().String(), "$OLD_KEY", kit.HostKeys["old"],
		"$NEW_KEY", kit.HostKeys["new"], "$REPEATABLE", repeatable)
	if err := os.Remove(filepath.Join(c.dir, "runbooks", "small.yaml")); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"plan.yaml": copyPlan, "runbooks/one.yaml": copyRunbook} {
		if err := os.WriteFile(filepath.Join(c.dir, name), []byte(fill.Replace(text)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// broken says what is wrong with what has its name on the target: a file that is not whole, or one that came before what it needs.
func (c *copied) broken() string {
	there := map[string]bool{}
	for _, path := range c.to.Files("DST") {
		name := strings.TrimPrefix(path, "DST/")
		if strings.HasPrefix(name, ".skift-") {
			continue
		}
		there[name] = true
		if got, err := c.to.ReadFile(path); err != nil || !bytes.Equal(got, c.from[name]) {
			return name + " is not whole"
		}
	}
	for name := range there {
		base, receipt := strings.CutSuffix(name, ".sftpreceipt")
		if base, trigger := strings.CutSuffix(name, ".trigger"); trigger && !there[base] {
			return name + " came before its file"
		}
		if receipt && !(there[base] && there[base+".trigger"]) {
			return name + " came before its file and trigger"
		}
	}
	return ""
}

// killInside runs the same command until the copy is through, and kills it each time in the middle of a file: after some hundred
// kilobytes, and later, when the files are there, inside what sets them in motion and what answers for them.
func (c *copied) killInside(t *testing.T) (deaths int) {
	t.Helper()
	const most = 80
	for range most {
		p := c.command("run", "one", "--no-wait")
		var out output
		p.Stdout, p.Stderr = &out, &out
		var mu sync.Mutex
		written, struck := 0, false
		c.to.OnWrite(func(_ string, n int) {
			mu.Lock()
			defer mu.Unlock()
			if written += n; written >= 300<<10 || n <= 500 {
				struck = true
				_ = p.Process.Kill()
			}
		})
		mu.Lock() // no write is looked at before there is a process to end
		err := p.Start()
		mu.Unlock()
		if err != nil {
			t.Fatal(err)
		}
		_ = p.Wait() // its state says it
		c.to.OnWrite(nil)
		if wrong := c.broken(); wrong != "" {
			t.Fatalf("after death %d: %s", deaths+1, wrong)
		}
		mu.Lock()
		code, hit := p.ProcessState.ExitCode(), struck
		mu.Unlock()
		switch {
		case code == 0 && !hit:
			return deaths
		case code == killed && hit:
			deaths++
		case code == 4 && !hit: // it is uncertain: a person looks, and has it tried again
			args := c.wish()
			if args == nil {
				t.Fatalf("it waits, and nobody is asked for anything:\n%s", out.String())
			}
			if code, said := c.call(args...); code != 0 {
				t.Fatalf("skift %v: %d\n%s", args, code, said)
			}
		default:
			t.Fatalf("after %d deaths a process ended with %d:\n%s", deaths, code, out.String())
		}
	}
	t.Fatalf("not through after %d deaths: what was written is not gone on with", deaths)
	return deaths
}

// TestKilledInsideACopy is kill -9 in the middle of the files of a copy. The next process goes on where the last one was cut; what has its
// name is whole, and nothing is set in motion or answered for before it is there.
func TestKilledInsideACopy(t *testing.T) {
	t.Parallel()
	skift := build(t)
	for name, repeatable := range map[string]string{"repeatable": "", "by a person's word": "repeatable: false"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCopied(t, skift, repeatable)
			deaths := c.killInside(t)
			if deaths < 6 {
				t.Errorf("only %d deaths: the files are too small", deaths)
			}
			if got := c.to.Files("DST"); len(got) != len(c.from) {
				t.Errorf("%d files arrived, want %d: %q", len(got), len(c.from), got)
			}
			f, _ := c.facts()
			r := f.Runs.Runs["one-1"]
			if st := r.Steps["copy"]; r.State != run.RunDone || st.State != run.Done || st.Attempt != deaths+1 || len(c.lines("done")) != 1 {
				t.Errorf("%s, copy %s, attempt %d after %d deaths, done %q", r.State, st.State, st.Attempt, deaths, c.lines("done"))
			}
			if code, out := c.call("verify"); code != 0 {
				t.Errorf("verify: %d\n%s", code, out)
			}
		})
	}
}
