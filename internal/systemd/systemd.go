// Package systemd tells the service manager that started us how we are: ready, what comes next, stopping, still alive.
//
// It is the protocol of sd_notify(3): datagrams to the unix socket that the environment names. Without one there is nobody to tell, and a
// nil *Manager does nothing. What is told and when is the caller's business; nothing here fails for want of a listener.
package systemd

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// Manager is the service manager. Make it with FromEnv; nil is nobody.
type Manager struct {
	socket string
	every  time.Duration
}

// FromEnv finds the service manager of a process: getenv is os.Getenv, pid ours. It returns nil when there is none. An error is an
// environment that cannot be meant.
func FromEnv(getenv func(string) string, pid int) (*Manager, error) {
	socket := getenv("NOTIFY_SOCKET")
	if socket == "" {
		return nil, nil
	}
	if socket[0] != '/' && socket[0] != '@' {
		return nil, fmt.Errorf("NOTIFY_SOCKET is neither a path nor an abstract name")
	}
	m := &Manager{socket: socket}
	usec, whose := getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID")
	if usec == "" || whose != "" && whose != strconv.Itoa(pid) { // it watches another process
		return m, nil
	}
	n, err := strconv.ParseInt(usec, 10, 64)
	if err != nil || n <= 0 || n > int64(1<<62)/int64(time.Microsecond) {
		return nil, fmt.Errorf("WATCHDOG_USEC is no number of microseconds")
	}
	m.every = time.Duration(n) * time.Microsecond
	return m, nil
}

// Watchdog is within how long the service manager wants a sign of life; 0 = it wants none.
func (m *Manager) Watchdog() time.Duration {
	if m == nil {
		return 0
	}
	return m.every
}

// Ready tells that the process does its work from now on.
func (m *Manager) Ready() error { return m.tell("READY=1") }

// Stopping tells that the process ends once what is in flight is over.
func (m *Manager) Stopping() error { return m.tell("STOPPING=1") }

// Alive is the sign of life for the watchdog.
func (m *Manager) Alive() error { return m.tell("WATCHDOG=1") }

// Status tells what `systemctl status` shows: one line.
func (m *Manager) Status(text string) error {
	return m.tell("STATUS=" + strings.NewReplacer("\n", " ", "\r", " ", "\x00", " ").Replace(text))
}

// tell sends one datagram.
func (m *Manager) tell(text string) error {
	if m == nil {
		return nil
	}
	// A name that begins with @ is abstract; the library knows it, too.
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: m.socket, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("tell the service manager: %w", err)
	}
	defer c.Close()
	_ = c.SetWriteDeadline(time.Now().Add(time.Second)) // a manager whose queue is full must hold nothing up
	if _, err := c.Write([]byte(text)); err != nil {
		return fmt.Errorf("tell the service manager: %w", err)
	}
	return nil
}
