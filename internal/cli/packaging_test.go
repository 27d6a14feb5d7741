package cli

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"skift/internal/need"
)

const unitFile = "../../packaging/skift.service"

// unit is a unit file: section.key → values, in their order.
func unit(t *testing.T) map[string][]string {
	t.Helper()
	src, err := os.ReadFile(unitFile)
	if err != nil {
		t.Fatal(err)
	}
	out, section := map[string][]string{}, ""
	for n, line := range strings.Split(string(src), "\n") {
		switch line = strings.TrimSpace(line); {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			section = strings.Trim(line, "[]")
		default:
			key, value, ok := strings.Cut(line, "=")
			if !ok || section == "" {
				t.Fatalf("%s:%d: %q", unitFile, n+1, line)
			}
			out[section+"."+key] = append(out[section+"."+key], value)
		}
	}
	return out
}

// TestUnitStartsWhatThereIs: the commands and flags of the unit exist, and it is told what the program tells.
func TestUnitStartsWhatThereIs(t *testing.T) {
	t.Parallel()
	u := unit(t)
	for _, key := range []string{"Service.ExecStartPre", "Service.ExecStart"} {
		if len(u[key]) != 1 {
			t.Fatalf("%s: %q", key, u[key])
		}
		line, unconditional := strings.CutPrefix(u[key][0], "-")
		if unconditional != (key == "Service.ExecStartPre") {
			t.Errorf("%s: %q: what is wrong is said and keeps from nothing, how serving ends counts", key, u[key][0])
		}
		args := strings.Fields(line)
		s := &session{out: io.Discard, err: io.Discard}
		root := s.root()
		c, rest, err := root.Find(args[1:])
		if err != nil || c.Name() != "serve" {
			t.Fatalf("%s: %v, finds %s", u[key][0], err, c.CommandPath())
		}
		if err := c.ParseFlags(rest); err != nil {
			t.Errorf("%s: %v", u[key][0], err)
		}
		if len(c.Flags().Args()) != 0 || s.dir != "/etc/skift" || s.data != "/var/lib/skift" {
			t.Errorf("%s: plan %s, data %s, left %q", u[key][0], s.dir, s.data, c.Flags().Args())
		}
		if check, _ := c.Flags().GetBool("check"); check != (key == "Service.ExecStartPre") {
			t.Errorf("%s: --check is %v", key, check)
		}
	}
	for key, want := range map[string]string{
		"Service.Type": "notify", "Service.NotifyAccess": "main", "Service.KillMode": "mixed", "Service.Restart": "on-failure", "Service.User": "skift",
		"Service.StateDirectory": "skift", "Service.StateDirectoryMode": "0700", "Service.RuntimeDirectory": "skift", "Service.UMask": "0077",
		"Service.NoNewPrivileges": "yes", "Service.ProtectSystem": "strict", "Service.CapabilityBoundingSet": "", "Service.RestartPreventExitStatus": "2",
	} {
		if !slices.Equal(u[key], []string{want}) {
			t.Errorf("%s is %q, want %q", key, u[key], want)
		}
	}
	// A first SIGTERM lets an effect in flight finish for grace, 5 minutes unless said.
	if n, err := strconv.Atoi(u["Service.TimeoutStopSec"][0]); err != nil || n <= 300 {
		t.Errorf("TimeoutStopSec %q is not longer than grace", u["Service.TimeoutStopSec"])
	}
	if n, err := strconv.Atoi(u["Service.WatchdogSec"][0]); err != nil || n < 30 {
		t.Errorf("WatchdogSec %q is shorter than what is waited for", u["Service.WatchdogSec"])
	}
}

// closed is what the unit takes from the process, whatever systemd makes of it: the measure of TestUnitIsHardened needs systemd, this does not.
var closed = map[string]string{
	"NoNewPrivileges": "yes", "CapabilityBoundingSet": "", "AmbientCapabilities": "", "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes",
	"PrivateDevices": "yes", "PrivateUsers": "yes", "ProtectClock": "yes", "ProtectControlGroups": "yes", "ProtectHostname": "yes", "ProtectKernelLogs": "yes",
	"ProtectKernelModules": "yes", "ProtectKernelTunables": "yes", "ProtectProc": "invisible", "LockPersonality": "yes", "MemoryDenyWriteExecute": "yes",
	"RemoveIPC": "yes", "RestrictNamespaces": "yes", "RestrictRealtime": "yes", "SystemCallArchitectures": "native", "UMask": "0077",
	"RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX AF_NETLINK",
}

func TestUnitTakesAway(t *testing.T) {
	t.Parallel()
	u := unit(t)
	for key, want := range closed {
		if got := u["Service."+key]; !slices.Equal(got, []string{want}) {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if got := u["Service.SystemCallFilter"]; !slices.Equal(got, []string{"@system-service", "~@privileged @resources"}) {
		t.Errorf("SystemCallFilter is %q", got)
	}
}

// TestUnitIsHardened asks systemd itself, where it is, whether it understands every line of the unit, and how much the unit leaves open: 0 is
// nothing, 10 everything. Where it is missing `make test` says so (.ci/needs).
func TestUnitIsHardened(t *testing.T) {
	t.Parallel()
	program := need.Program(t, "systemd-analyze")
	// It wants to find the program, and the unit in a folder of its own.
	src, err := os.ReadFile(unitFile)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "skift.service")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(src), "/usr/local/bin/skift", self)), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(program, "verify", "--man=no", "--recursive-errors=no", file).CombinedOutput()
	if err != nil {
		t.Errorf("systemd does not understand the unit: %v\n%s", err, out)
	}
	out, err = exec.Command(program, "security", "--offline=true", "--no-pager", "--threshold=20", file).CombinedOutput()
	if err != nil {
		t.Errorf("the unit leaves more open than 2.0 of 10: %v\n%s", err, out)
	}
}
