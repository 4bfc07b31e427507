//go:build interop

package idle

import (
	"bufio"
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// started starts a program and returns the first line it prints; it ends with
// the test.
func started(t *testing.T, name string, args ...string) string {
	t.Helper()
	c := exec.Command(name, args...)
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return strings.TrimSpace(line)
}

// await waits until a Detector has told something that fits.
func await(t *testing.T, h *heard, what string, fits func(State) bool) State {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if n, s := h.last(); n > 0 && fits(s) {
			return s
		}
	}
	n, s := h.last()
	t.Fatalf("%s did not come; told %d times, last %+v", what, n, s)
	return s
}

func idleNow(s State) bool { return !s.Since.IsZero() }
func inUse(s State) bool   { return s.Since.IsZero() }

// A real X server (Xvfb); xdotool presses keys and moves the mouse.
func TestX11(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	t.Setenv("XDG_RUNTIME_DIR", "")
	t.Setenv("WAYLAND_DISPLAY", "")
	t.Setenv("XDG_SESSION_TYPE", "x11")
	t.Setenv("DISPLAY", ":"+started(t, "Xvfb", "-displayfd", "1", "-screen", "0", "640x480x24", "-nolisten", "tcp"))
	press := func(args ...string) time.Time {
		t.Helper()
		if out, err := exec.Command("xdotool", args...).CombinedOutput(); err != nil {
			t.Fatalf("xdotool %s: %v %s", args, err, out)
		}
		return time.Now()
	}
	last := press("key", "a")
	var h heard
	ctx, cancel := context.WithCancel(t.Context())
	d := Watch(ctx, Options{After: 2 * time.Second, Tell: h.tell})
	if d.By() != "X11 screen saver extension" {
		t.Fatalf("known by %q", d.By())
	}
	for _, wake := range [][]string{{"key", "b"}, {"mousemove", "100", "100"}} {
		s := await(t, &h, "idle", idleNow)
		if off := s.Since.Sub(last).Abs(); off > time.Second || time.Since(last) < 2*time.Second {
			t.Errorf("idle since %v, the last input was at %v", s.Since, last)
		}
		last = press(wake...)
		await(t, &h, "in use after "+wake[0], inUse)
		if took := time.Since(last); took > returned+time.Second {
			t.Errorf("noticed after %v", took)
		}
	}
	cancel()
	d.Wait()
}

// shell is what of GNOME's shell and screen saver is asked, on a real bus. It
// obeys what is written in org.gnome.Mutter.IdleMonitor.xml of mutter.
type shell struct {
	conn   *dbus.Conn
	idle   chan uint64 // milliseconds to answer to GetIdletime; always holds one
	asked  chan string
	active bool // of the screen saver
}

func (s *shell) GetIdletime() (uint64, *dbus.Error) {
	v := <-s.idle
	s.idle <- v
	return v, nil
}
func (s *shell) AddIdleWatch(uint64) (uint32, *dbus.Error) { s.asked <- "idle"; return 11, nil }
func (s *shell) AddUserActiveWatch() (uint32, *dbus.Error) { s.asked <- "active"; return 12, nil }
func (s *shell) GetActive() (bool, *dbus.Error)            { return s.active, nil }

func (s *shell) set(milliseconds uint64) {
	<-s.idle
	s.idle <- milliseconds
}

func (s *shell) fire(t *testing.T, id uint32) {
	t.Helper()
	if err := s.conn.Emit(monitorPath, monitor+".WatchFired", id); err != nil {
		t.Fatal(err)
	}
}

func (s *shell) wasAsked(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-s.asked:
		if got != want {
			t.Errorf("asked for %s, want %s", got, want)
		}
	case <-time.After(5 * time.Second):
		t.Fatalf("not asked for %s", want)
	}
}

// A real session bus (dbus-daemon) with the services of GNOME on it.
func TestGNOME(t *testing.T) {
	address := started(t, "dbus-daemon", "--session", "--nofork", "--print-address")
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", address)
	t.Setenv("DISPLAY", "")
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s := &shell{conn: conn, idle: make(chan uint64, 1), asked: make(chan string, 10), active: true}
	s.idle <- 0
	const saver = "org.gnome.ScreenSaver"
	for name, path := range map[string]dbus.ObjectPath{monitor: monitorPath, saver: savers[saver]} {
		if err := conn.Export(s, path, name); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.RequestName(name, dbus.NameFlagDoNotQueue); err != nil {
			t.Fatal(err)
		}
	}
	var h heard
	ctx, cancel := context.WithCancel(t.Context())
	d := Watch(ctx, Options{After: time.Minute, Tell: h.tell})
	if d.By() != "GNOME idle monitor" {
		t.Fatalf("known by %q", d.By())
	}
	s.wasAsked(t, "idle")
	await(t, &h, "locked from the start", func(s State) bool { return s.Locked && inUse(s) })
	if err := conn.Emit(savers[saver], saver+".ActiveChanged", false); err != nil {
		t.Fatal(err)
	}
	await(t, &h, "unlocked", func(s State) bool { return !s.Locked })
	s.set(61_000)
	s.fire(t, 11)
	s.wasAsked(t, "active")
	if since := await(t, &h, "idle", idleNow).Since; (time.Since(since) - 61*time.Second).Abs() > 2*time.Second {
		t.Errorf("idle since %v", since)
	}
	s.fire(t, 99) // somebody else's watch
	s.set(0)
	s.fire(t, 12)
	await(t, &h, "in use", inUse)
	s.set(70_000)
	s.fire(t, 11)
	s.wasAsked(t, "active")
	await(t, &h, "idle again", idleNow)
	if _, err := conn.ReleaseName(monitor); err != nil {
		t.Fatal(err)
	}
	await(t, &h, "in use, as far as is known, without a shell", inUse)
	if _, err := conn.RequestName(monitor, dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
	s.wasAsked(t, "idle")
	s.wasAsked(t, "active")
	await(t, &h, "idle by the new shell", idleNow)
	cancel()
	d.Wait()
}
