package idle

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/godbus/dbus/v5"
)

const busPatience = 2 * time.Second // for an answer on the session bus

// The services that are asked.
const (
	monitor      = "org.gnome.Mutter.IdleMonitor"
	monitorPath  = "/org/gnome/Mutter/IdleMonitor/Core"
	ownerChanged = "org.freedesktop.DBus.NameOwnerChanged"
)

// savers are the screen savers that say whether the screen is locked.
var savers = map[string]dbus.ObjectPath{
	"org.gnome.ScreenSaver":       "/org/gnome/ScreenSaver",
	"org.freedesktop.ScreenSaver": "/org/freedesktop/ScreenSaver",
}

// bus connects to the session bus, for as long as ctx; nil: there is none, and
// none is started.
func (d *Detector) bus(ctx context.Context) *dbus.Conn {
	address := os.Getenv("DBUS_SESSION_BUS_ADDRESS")
	if socket := filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "bus"); address == "" && filepath.IsAbs(socket) {
		if _, err := os.Stat(socket); err == nil {
			address = "unix:path=" + socket
		}
	}
	if address == "" {
		return nil
	}
	conn, err := dbus.Connect(address, dbus.WithContext(ctx)) // closed when ctx ends
	if err != nil {
		d.o.Log.Info("no session bus", "error", err)
		return nil
	}
	return conn
}

// call asks a service and reads the one value of its answer, if any is wanted.
func call(ctx context.Context, o dbus.BusObject, method string, answer any, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, busPatience)
	defer cancel()
	c := o.CallWithContext(ctx, method, dbus.FlagNoAutoStart, args...)
	if answer == nil || c.Err != nil {
		return c.Err
	}
	return c.Store(answer)
}

// signals subscribes to signals that match and passes them on until ctx ends.
func (d *Detector) signals(ctx context.Context, conn *dbus.Conn, take func(*dbus.Signal), matches ...[]dbus.MatchOption) {
	in := make(chan *dbus.Signal, 16)
	conn.Signal(in)
	for _, m := range matches {
		if err := conn.AddMatchSignalContext(ctx, m...); err != nil {
			d.o.Log.Info("signals of the session bus", "error", err)
		}
	}
	d.group.Go(func() { // ends with ctx, or with the connection
		defer conn.RemoveSignal(in)
		for {
			select {
			case s, open := <-in:
				if !open {
					d.set(func(s *State) { *s = State{} }) // the bus has ended: nothing is known any more
					return
				}
				take(s)
			case <-ctx.Done():
				return
			}
		}
	})
}

// followLock follows whether the screen is locked.
func (d *Detector) followLock(ctx context.Context, conn *dbus.Conn) {
	locked := func(on bool) { d.set(func(s *State) { s.Locked = on }) }
	var matches [][]dbus.MatchOption
	for name := range savers {
		matches = append(matches, []dbus.MatchOption{dbus.WithMatchInterface(name), dbus.WithMatchMember("ActiveChanged")})
	}
	d.signals(ctx, conn, func(s *dbus.Signal) {
		for name := range savers {
			if on, is := first[bool](s.Body); is && s.Name == name+".ActiveChanged" {
				locked(on)
			}
		}
	}, matches...)
	for name, path := range savers {
		var on bool
		if err := call(ctx, conn.Object(name, path), name+".GetActive", &on); err == nil && on {
			locked(true)
		}
	}
}

// first is the first value of a signal or an answer.
func first[T any](body []any) (v T, ok bool) {
	if len(body) == 0 {
		return v, false
	}
	v, ok = body[0].(T)
	return v, ok
}
