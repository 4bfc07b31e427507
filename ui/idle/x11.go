package idle

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/screensaver"
	"github.com/jezek/xgb/xproto"
)

var errDisplayLost = errors.New("the display is gone")

// followX11 follows what the X server measures, for input to any program;
// false: there is none that measures. On Wayland the X server sees only the
// input to X11 programs, so it is not asked there.
func (d *Detector) followX11(ctx context.Context) bool {
	if os.Getenv("DISPLAY") == "" || os.Getenv("WAYLAND_DISPLAY") != "" || os.Getenv("XDG_SESSION_TYPE") == "wayland" {
		return false
	}
	xgb.Logger.SetOutput(io.Discard) // it writes to the terminal what comes back as an error too
	conn, err := xgb.NewConn()
	if err != nil {
		d.o.Log.Info("no X11 display", "error", err)
		return false
	}
	if err := screensaver.Init(conn); err != nil {
		d.o.Log.Info("no screen saver extension", "error", err)
		conn.Close()
		return false
	}
	screen := xproto.Drawable(xproto.Setup(conn).DefaultScreen(conn).Root)
	d.group.Go(func() { // ends with ctx
		defer conn.Close()
		d.ask(ctx, func() (time.Duration, error) {
			r, err := screensaver.QueryInfo(conn, screen).Reply()
			switch {
			case err != nil:
				return 0, err
			case r == nil:
				return 0, errDisplayLost
			}
			return time.Duration(r.MsSinceUserInput) * time.Millisecond, nil
		})
	})
	return true
}
