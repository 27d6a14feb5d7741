package cli_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	_ "modernc.org/sqlite"

	"skift/internal/journal"
	"skift/internal/sim"
	"skift/internal/store"
)

// stageCommands are what a script can do beside running commands.
//
//	stage                     start two simulated platforms; their addresses, keys and times are in the environment
//	fault SIDE NAME [DOOR …]  break a platform, see package sim
//	mend SIDE NAME            put it right
//	post NAME                 break the mail server, see package sim; sound = mend it
//	use NAME                  copy the plan testdata/plans/NAME here and fill in the environment
//	fill FILE …               fill in the environment
//	bg NAME COMMAND …         start a command; what it prints is in NAME.out and NAME.err
//	waitfor FILE REGEXP       until the file has it
//	send NAME SIGNAL          INT, TERM, HUP, STOP, CONT or KILL
//	ended NAME CODE           wait for its end; -1 is a signal
//	mark [DIR]                remember how long the journal is
//	unchanged [DIR]           it is as long as it was
//	tamper KIND [DIR]         flip one byte of the last event of a kind, behind skift's back
//	everychange FILE HEAD     an exported journal: every change to it is found
//	isjson FILE               it is one JSON value
//	get URL REGEXP            an HTTP answer with status 200
//	poll REGEXP COMMAND …     run a command until it prints this
//	keephead NAME FILE        put the first journal head in a file into the environment
//	keep NAME FILE REGEXP     put what the first group matches into the environment
//	inert FILE                nothing in it that a terminal obeys
//	inbox FILE                the text of every mail that arrived, each behind its recipient and subject
func stageCommands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"exits": exits, "stage": stage, "fault": fault, "mend": mend, "post": post, "use": use, "fill": fill, "bg": background, "waitfor": waitFor,
		"send": send, "ended": ended, "mark": mark, "unchanged": unchanged, "tamper": tamper, "isjson": isJSON, "get": get, "poll": poll,
		"keephead": keepHead, "keep": keep, "inert": inert, "everychange": everyChange, "inbox": inbox,
	}
}

// props are what a script has standing around.
type props struct {
	world   *sim.World
	started map[string]*exec.Cmd
	sizes   map[string]int64
	acts    map[string]int64 // events by people
}

type propsKey struct{}

// hand gives a script its props. They are put away when it ends.
func hand(env *testscript.Env) {
	p := &props{started: map[string]*exec.Cmd{}, sizes: map[string]int64{}, acts: map[string]int64{}}
	env.Values[propsKey{}] = p
	env.Defer(func() {
		for _, c := range p.started {
			_ = c.Process.Kill() // an end that was waited for makes this nothing
			_ = c.Wait()
		}
		if p.world != nil {
			p.world.Close()
		}
	})
}

func of(ts *testscript.TestScript) *props { return ts.Value(propsKey{}).(*props) }

func stage(ts *testscript.TestScript, _ bool, _ []string) {
	w, err := sim.Start(context.Background(), sim.Options{Flows: 2})
	ts.Check(err)
	of(ts).world = w
	kit, err := w.WriteKit(ts.Getenv("WORK"))
	ts.Check(err)
	mail := w.Mail.Addr()
	port, err := freePort()
	ts.Check(err)
	for k, v := range map[string]string{
		"OLD_GATEWAY": w.Old.GatewayAddr().String(), "NEW_GATEWAY": w.New.GatewayAddr().String(),
		"OLD_SFTP": w.Old.SFTPAddr().String(), "NEW_SFTP": w.New.SFTPAddr().String(),
		"OLD_KEY": kit.HostKeys["old"], "NEW_KEY": kit.HostKeys["new"], "CONTROL": w.Control().String(),
		"FLOW_1": w.FlowSource(0).String(), "FLOW_2": w.FlowSource(1).String(),
		"SMTP_PORT": strconv.Itoa(int(mail.Port())), "PORT": port,
	} {
		ts.Setenv(k, v)
	}
	ts.Check(os.WriteFile(ts.MkAbs("pki/mail.pem"), w.PKI.RootPEM(), 0o644))
	client, err := w.PKI.Issue(sim.Leaf{Names: []string{"a user system"}, Client: true})
	ts.Check(err)
	chain, key, err := sim.PEM(client)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("pki/client.pem"), chain, 0o644))
	ts.Check(os.WriteFile(ts.MkAbs("keys/client.key"), key, 0o600))
}

func platform(ts *testscript.TestScript, side string) *sim.Platform {
	p := of(ts).world.Platform(side)
	if p == nil {
		ts.Fatalf("there is no platform %q", side)
	}
	return p
}

func fault(ts *testscript.TestScript, _ bool, args []string) {
	var doors []sim.Door
	for _, d := range args[2:] {
		doors = append(doors, sim.Door(d))
	}
	ts.Check(platform(ts, args[0]).SetFault(sim.Fault(args[1]), doors...))
}

func mend(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(platform(ts, args[0]).Clear(sim.Fault(args[1])))
}

func post(ts *testscript.TestScript, _ bool, args []string) {
	fault := sim.MailFault(args[0])
	if args[0] == "sound" {
		fault = sim.MailSound
	}
	ts.Check(of(ts).world.Mail.SetFault(fault))
}

func use(ts *testscript.TestScript, _ bool, args []string) {
	now := time.Now().UTC()
	for name, d := range map[string]time.Duration{"AGO_2D": -48 * time.Hour, "AGO_1H": -time.Hour, "IN_1H": time.Hour, "IN_2H": 2 * time.Hour, "IN_1D": 24 * time.Hour, "IN_30D": 30 * 24 * time.Hour} {
		ts.Setenv(name, now.Add(d).Format("2006-01-02 15:04"))
	}
	ts.Setenv("NGINX_NOW", now.Format("02/Jan/2006:15:04:05 -0700"))
	for _, name := range args {
		from := os.DirFS(filepath.Join(ts.Getenv("PLANS"), name))
		ts.Check(fs.WalkDir(from, ".", func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			data, err := fs.ReadFile(from, path)
			if err != nil {
				return err
			}
			to := ts.MkAbs(path)
			if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
				return err
			}
			if strings.HasSuffix(path, ".sh") { // a program keeps its own variables
				return os.WriteFile(to, data, 0o755)
			}
			return os.WriteFile(to, filled(ts, data), 0o644)
		}))
	}
}

func filled(ts *testscript.TestScript, data []byte) []byte {
	return []byte(os.Expand(string(data), ts.Getenv))
}

func fill(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		data, err := os.ReadFile(ts.MkAbs(name))
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(name), filled(ts, data), 0o644))
	}
}

func background(ts *testscript.TestScript, _ bool, args []string) {
	name := args[0]
	program, err := found(ts, args[1])
	ts.Check(err)
	c := exec.Command(program, args[2:]...)
	c.Dir, c.Env = ts.MkAbs("."), environ(ts)
	out, err := os.Create(ts.MkAbs(name + ".out"))
	ts.Check(err)
	defer out.Close()
	errs, err := os.Create(ts.MkAbs(name + ".err"))
	ts.Check(err)
	defer errs.Close()
	c.Stdout, c.Stderr = out, errs
	ts.Check(c.Start())
	of(ts).started[name] = c
}

// environ is what a script's commands get.
func environ(ts *testscript.TestScript) []string {
	var env []string
	for _, k := range []string{"PATH", "HOME", "WORK", "TMPDIR", "XDG_RUNTIME_DIR", "LANG", "TZ", "NO_COLOR", "COLUMNS", "SKIFT_CRASH_AT_WRITE"} {
		if v := ts.Getenv(k); v != "" {
			env = append(env, k+"="+v)
		}
	}
	return env
}

func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	want, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	var data []byte
	defer took(ts, time.Now(), append([]string{"waitfor"}, args...)...)
	for deadline := time.Now().Add(patience); ; <-time.After(20 * time.Millisecond) {
		data, err = os.ReadFile(ts.MkAbs(args[0]))
		if err == nil && want.Match(data) {
			return
		}
		if time.Now().After(deadline) {
			stuck(ts)
			ts.Fatalf("%s never said %q; it said:\n%s", args[0], args[1], data)
		}
	}
}

func send(ts *testscript.TestScript, _ bool, args []string) {
	signals := map[string]syscall.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP, "KILL": syscall.SIGKILL, "STOP": syscall.SIGSTOP, "CONT": syscall.SIGCONT}
	ts.Check(of(ts).started[args[0]].Process.Signal(signals[args[1]]))
}

func ended(ts *testscript.TestScript, _ bool, args []string) {
	c := of(ts).started[args[0]]
	defer took(ts, time.Now(), append([]string{"ended"}, args...)...)
	done := make(chan struct{})
	go func() { _ = c.Wait(); close(done) }() // the exit code says it
	select {
	case <-done:
	case <-time.After(patience):
		stuck(ts)
		_ = c.Process.Kill()
		<-done
		ts.Fatalf("%s did not end", args[0])
	}
	delete(of(ts).started, args[0])
	if got := strconv.Itoa(c.ProcessState.ExitCode()); got != args[1] {
		for _, f := range []string{".out", ".err"} {
			data, _ := os.ReadFile(ts.MkAbs(args[0] + f))
			ts.Logf("%s%s:\n%s", args[0], f, data)
		}
		ts.Fatalf("%s ended with %s, want %s", args[0], got, args[1])
	}
}

// size is how many events the journal of a plan directory has.
func size(ts *testscript.TestScript, dir string) int64 {
	st, err := store.Open(context.Background(), store.Options{Dir: ts.MkAbs(filepath.Join(dir, ".skift")), ReadOnly: true})
	if errors.Is(err, store.ErrNone) {
		return 0
	}
	ts.Check(err)
	defer st.Close()
	head, err := st.Head(context.Background())
	ts.Check(err)
	return head.Size
}

func dirOf(args []string, i int) string {
	if len(args) > i {
		return args[i]
	}
	return "."
}

func mark(ts *testscript.TestScript, _ bool, args []string) {
	of(ts).sizes[dirOf(args, 0)] = size(ts, dirOf(args, 0))
	of(ts).acts[dirOf(args, 0)] = acts(ts, dirOf(args, 0))
}

// acts counts what people did: beside a process that serves, the engine and the scheduler add their own.
func acts(ts *testscript.TestScript, dir string) (n int64) {
	db, err := sql.Open("sqlite", "file:"+ts.MkAbs(filepath.Join(dir, ".skift", "skift.db"))+"?mode=ro")
	ts.Check(err)
	defer db.Close()
	if err := db.QueryRow("SELECT count(*) FROM event WHERE via NOT IN ($1, $2)", journal.ViaEngine, journal.ViaScheduler).Scan(&n); err != nil {
		return 0 // no journal yet
	}
	return n
}

func unchanged(ts *testscript.TestScript, neg bool, args []string) {
	was, is := of(ts).sizes[dirOf(args, 0)], size(ts, dirOf(args, 0))
	if dirOf(args, 1) == "people" {
		was, is = of(ts).acts[dirOf(args, 0)], acts(ts, dirOf(args, 0))
	}
	if (was == is) == neg {
		ts.Fatalf("the journal had %d events and has %d", was, is)
	}
}

func tamper(ts *testscript.TestScript, _ bool, args []string) {
	db, err := sql.Open("sqlite", ts.MkAbs(filepath.Join(dirOf(args, 1), ".skift", "skift.db")))
	ts.Check(err)
	defer db.Close()
	var seq int64
	var body []byte
	ts.Check(db.QueryRow("SELECT seq, body FROM event WHERE kind = $1 ORDER BY seq DESC LIMIT 1", args[0]).Scan(&seq, &body))
	body[len(body)/2] ^= 1
	_, err = db.Exec("UPDATE event SET body = $1 WHERE seq = $2", body, seq)
	ts.Check(err)
}

func isJSON(ts *testscript.TestScript, _ bool, args []string) {
	if text := ts.ReadFile(args[0]); !json.Valid([]byte(text)) {
		ts.Fatalf("%s is no JSON:\n%s", args[0], text)
	}
}

func get(ts *testscript.TestScript, neg bool, args []string) {
	res, err := http.Get(args[0])
	if neg {
		if err == nil {
			res.Body.Close()
			ts.Fatalf("%s answers %s", args[0], res.Status)
		}
		return
	}
	ts.Check(err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	ts.Check(err)
	if ok, _ := regexp.Match("(?m)"+args[1], data); !ok || res.StatusCode != http.StatusOK {
		ts.Fatalf("%s: %s\n%s", args[0], res.Status, data)
	}
}

func poll(ts *testscript.TestScript, _ bool, args []string) {
	want, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	defer took(ts, time.Now(), append([]string{"poll"}, args...)...)
	for deadline := time.Now().Add(patience); ; <-time.After(50 * time.Millisecond) {
		err := ts.Exec(args[1], args[2:]...)
		out := ts.ReadFile("stdout")
		if want.MatchString(out) {
			return
		}
		if time.Now().After(deadline) {
			stuck(ts)
			ts.Fatalf("%v never printed %q (%v); last:\n%s", args[1:], args[0], err, out)
		}
	}
}

var headWord = regexp.MustCompile(`skift1:[^\s"]+`)

func keepHead(ts *testscript.TestScript, _ bool, args []string) {
	head := headWord.FindString(ts.ReadFile(args[1]))
	if head == "" {
		ts.Fatalf("%s has no journal head", args[1])
	}
	ts.Setenv(args[0], head)
}

func inert(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		for i, line := range strings.Split(ts.ReadFile(name), "\n") {
			for _, r := range line {
				if r < ' ' && r != '\t' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
					ts.Fatalf("%s:%d has %U: %q", name, i+1, r, line)
				}
			}
		}
	}
}

// freePort finds a loopback port nobody listens on.
func freePort() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	return port, nil
}
