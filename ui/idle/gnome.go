package idle

import (
	"context"
	"time"

	"github.com/godbus/dbus/v5"
)

// gnome follows GNOME's idle monitor, which tells by itself: nothing is asked
// again and again.
type gnome struct {
	d            *Detector
	ctx          context.Context
	shell        dbus.BusObject
	idle, active uint32 // watches: nobody has been there for Options.After; somebody is back
}

// followGNOME follows the idle monitor; false: there is none.
func (d *Detector) followGNOME(ctx context.Context, conn *dbus.Conn) bool {
	g := &gnome{d: d, ctx: ctx, shell: conn.Object(monitor, monitorPath)}
	var long uint64
	if err := call(ctx, g.shell, monitor+".GetIdletime", &long); err != nil {
		return false
	}
	d.signals(ctx, conn, g.take,
		[]dbus.MatchOption{dbus.WithMatchInterface(monitor), dbus.WithMatchMember("WatchFired")},
		[]dbus.MatchOption{dbus.WithMatchInterface("org.freedesktop.DBus"), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, monitor)})
	g.watch()
	return true
}

// watch asks to be told.
func (g *gnome) watch() {
	if err := call(g.ctx, g.shell, monitor+".AddIdleWatch", &g.idle, uint64(g.d.o.After/time.Millisecond)); err != nil {
		g.d.o.Log.Info("idle monitor", "error", err)
	}
	g.measure()
}

// measure asks for how long nobody has been there, and, if that is long, to be
// told when somebody is.
func (g *gnome) measure() {
	var long uint64
	err := call(g.ctx, g.shell, monitor+".GetIdletime", &long)
	idle := time.Duration(min(long, uint64(1<<40))) * time.Millisecond
	if err == nil && idle >= g.d.o.After { // this watch fires once
		err = call(g.ctx, g.shell, monitor+".AddUserActiveWatch", &g.active)
	}
	if err != nil { // who could not be noticed to come back is not called absent
		g.d.o.Log.Info("idle monitor", "error", err)
		g.d.unknown()
		return
	}
	g.d.idle(idle)
}

// take takes a signal.
func (g *gnome) take(s *dbus.Signal) {
	switch s.Name {
	case monitor + ".WatchFired":
		switch id, _ := first[uint32](s.Body); id {
		case g.idle:
			g.measure()
		case g.active:
			g.d.idle(0)
		}
	case ownerChanged: // the shell has been started anew, or has ended
		switch owner, is := newOwner(s.Body); {
		case is && owner != "":
			g.watch()
		case is:
			g.d.unknown()
		}
	}
}

// newOwner reads a NameOwnerChanged of the monitor.
func newOwner(body []any) (owner string, ok bool) {
	if name, _ := first[string](body); name != monitor || len(body) != 3 {
		return "", false
	}
	owner, ok = body[2].(string)
	return owner, ok
}
