// Package idle notices that nobody touches this computer, and that its screen
// is locked.
//
// Begin with Watch: it finds out by what this desktop can tell, and tells each
// change. What cannot be known is not claimed: without a source one is never
// idle.
//
// The window feeds it to session.Board:
//
//	idle.Watch(ctx, idle.Options{After: presence.InactiveAfter, Tell: func(s idle.State) {
//		if s.Known {
//			board.Idle(s.Since)
//		} else {
//			board.Unwatched()
//		}
//		board.Locked(s.Locked)
//	}})
//
// Sources: GNOME's idle monitor on the session bus; on X11 without it the
// MIT-SCREEN-SAVER extension; for the lock the screen savers on the session
// bus. It knows nothing of presence: what idleness means is decided there.
package idle

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	returned = 5 * time.Second // while nobody is there: how often X11 is asked whether somebody has come back; it has no event for that
	jitter   = 2 * time.Second // two measurements of one moment differ by less
)

// Options of Watch.
type Options struct {
	After time.Duration // without a key until it is told; at least a second
	Tell  func(State)   // is told every change; one call at a time
	Log   *slog.Logger  // nil: silent
}

// Detector tells whether somebody is there.
type Detector struct {
	o     Options
	by    string // set before Watch returns
	group sync.WaitGroup

	telling sync.Mutex // held while Tell is called, before mu
	mu      sync.Mutex
	now     State
	told    State
}

// State is what is known.
type State struct {
	Known  bool      // Since is measured
	Since  time.Time // since when nobody has touched this computer; zero: somebody does, or it is not known
	Locked bool      // the screen is locked
}

// Watch watches until ctx ends. It returns once it is known by what.
func Watch(ctx context.Context, o Options) *Detector {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.After = max(o.After, time.Second)
	d := &Detector{o: o}
	bus := d.bus(ctx)
	if bus != nil {
		d.followLock(ctx, bus)
	}
	switch {
	case bus != nil && d.followGNOME(ctx, bus):
		d.by = "GNOME idle monitor"
	case d.followX11(ctx):
		d.by = "X11 screen saver extension"
	}
	o.Log.Info("idleness is known", "by", d.by)
	return d
}

// By says how idleness is known; "" when it is not.
func (d *Detector) By() string { return d.by }

// Wait waits for the end of everything that Watch has started; its context has
// ended.
func (d *Detector) Wait() { d.group.Wait() }

// set changes what is known, and tells of it.
func (d *Detector) set(f func(*State)) {
	d.telling.Lock()
	defer d.telling.Unlock()
	d.mu.Lock()
	f(&d.now)
	now, before := d.now, d.told
	changed := now.Known != before.Known || now.Locked != before.Locked || now.Since.IsZero() != before.Since.IsZero() ||
		now.Since.Sub(before.Since).Abs() >= jitter
	if changed {
		d.told = now
	}
	d.mu.Unlock()
	if changed {
		d.o.Tell(now)
	}
}

// idle takes for how long nobody has touched the computer.
func (d *Detector) idle(long time.Duration) {
	d.set(func(s *State) {
		s.Known, s.Since = true, time.Time{}
		if long >= d.o.After {
			s.Since = time.Now().Add(-long)
		}
	})
}

// unknown takes that it can no longer be measured.
func (d *Detector) unknown() {
	d.set(func(s *State) { s.Known, s.Since = false, time.Time{} })
}

// ask keeps asking for how long nobody has touched the computer, each time at
// the first moment at which the answer may matter, until ctx ends or there is
// no answer: then nothing is claimed any more.
func (d *Detector) ask(ctx context.Context, long func() (time.Duration, error)) {
	for ctx.Err() == nil {
		idle, err := long()
		if err != nil {
			d.o.Log.Info("idleness is no longer known", "error", err)
			d.unknown()
			return
		}
		d.idle(idle)
		wait := d.o.After - idle
		if wait <= 0 {
			wait = min(returned, d.o.After/2)
		}
		next := time.NewTimer(wait)
		select {
		case <-next.C:
		case <-ctx.Done():
			next.Stop()
		}
	}
}
