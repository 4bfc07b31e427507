package idle

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// heard is what a Detector told.
type heard struct {
	mu   sync.Mutex
	list []State
}

func (h *heard) tell(s State) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, s)
}

func (h *heard) last() (n int, s State) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n = len(h.list); n > 0 {
		s = h.list[n-1]
	}
	return n, s
}

// meter measures a keyboard of its own.
type meter struct {
	mu    sync.Mutex
	input time.Time
	asked int
	err   error
}

func (m *meter) long() (time.Duration, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked++
	return time.Since(m.input), m.err
}

// press presses a key; it returns when, and how often was asked since the last.
func (m *meter) press() (at time.Time, asked int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	asked, m.asked, m.input = m.asked, 0, time.Now()
	return m.input, asked
}

func (m *meter) lose(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
}

func detector(h *heard, after time.Duration) *Detector {
	return &Detector{o: Options{After: after, Tell: h.tell, Log: slog.New(slog.DiscardHandler)}}
}

// Somebody types, goes away for an hour and comes back: it is told twice, the
// moments are right, and few questions are asked.
func TestAskingAtTheRightMoments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h heard
		d := detector(&h, 5*time.Minute)
		m := &meter{input: time.Now()}
		go d.ask(t.Context(), m.long)
		var gone time.Time
		asked := 0
		for range 60 { // an hour of work
			time.Sleep(time.Minute)
			at, n := m.press()
			gone, asked = at, asked+n
		}
		if n, s := h.last(); n != 1 || !s.Known || asked > 20 {
			t.Errorf("an hour of work: told %d times, asked %d times", n, asked)
		}
		time.Sleep(6 * time.Minute)
		if n, s := h.last(); n != 2 || s.Since.Sub(gone).Abs() > jitter {
			t.Errorf("six minutes later: %d %v, went at %v", n, s, gone)
		}
		time.Sleep(time.Hour)
		_, asked = m.press()
		if n, _ := h.last(); n != 2 || asked > 800 {
			t.Errorf("an hour later: told %d times, asked %d times", n, asked)
		}
		time.Sleep(returned + time.Second)
		if n, s := h.last(); n != 3 || !s.Since.IsZero() {
			t.Errorf("back: %d %v", n, s)
		}
	})
}

// What can no longer be measured is not claimed, nor that somebody is there.
func TestLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h heard
		d := detector(&h, time.Minute)
		m := &meter{input: time.Now()}
		go d.ask(t.Context(), m.long)
		time.Sleep(2 * time.Minute)
		if n, s := h.last(); n != 2 || s.Since.IsZero() {
			t.Fatalf("%d %v", n, s)
		}
		m.press()
		time.Sleep(returned + time.Second)
		if n, s := h.last(); n != 3 || !s.Known || !s.Since.IsZero() {
			t.Errorf("back: %d %v", n, s)
		}
		time.Sleep(2 * time.Minute)
		m.lose(errors.New("connection reset"))
		time.Sleep(returned + time.Second)
		if n, s := h.last(); n != 5 || s.Known || !s.Since.IsZero() {
			t.Errorf("display lost: %d %v", n, s)
		}
		d.set(func(s *State) { s.Locked = true })
		d.set(func(s *State) { s.Locked = true })
		if n, s := h.last(); n != 6 || !s.Locked {
			t.Errorf("locked: %d %v", n, s)
		}
	})
}

// Without a display and a session bus nothing is known and nothing is claimed;
// nor on Wayland, where the X server sees only a part.
func TestNothingToAsk(t *testing.T) {
	for _, name := range []string{"DISPLAY", "WAYLAND_DISPLAY", "XDG_SESSION_TYPE", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"} {
		t.Setenv(name, "")
	}
	for _, display := range []string{"", "/nowhere:7"} {
		t.Setenv("DISPLAY", display)
		if by := watched(t); by != "" {
			t.Errorf("display %q: %s", display, by)
		}
	}
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/bus")
	t.Setenv("XDG_SESSION_TYPE", "wayland")
	if by := watched(t); by != "" {
		t.Error(by)
	}
}

func watched(t *testing.T) string {
	ctx, cancel := context.WithCancel(t.Context())
	d := Watch(ctx, Options{Tell: func(State) { t.Error("something is claimed") }})
	cancel()
	d.Wait()
	return d.By()
}
