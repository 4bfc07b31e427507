//go:build cgo || !darwin

package ui

import (
	"sync"
	"time"

	"communicator/im"
	"communicator/session"
	"communicator/ui/view"
)

// handOver is the shortest time between two hand-overs of presence: at most
// ten refreshes of the list a second, however many states change.
const handOver = 100 * time.Millisecond

// pump takes the events of one session and hands them to the user interface.
type pump struct {
	app   *App
	visit int

	mu      sync.Mutex
	dirty   bool // a state has changed and is not shown
	stopped bool
	last    time.Time // of the last hand-over
	timer   *time.Timer
}

func newPump(a *App, visit int) *pump { return &pump{app: a, visit: visit} }

// notify is the session's Options.Notify. This is the list of everything that
// can happen.
func (p *pump) notify(event any) {
	switch e := event.(type) {
	case session.StateChanged:
		p.post(func(a *App) { a.stateChanged(e.State) })
	case session.Step:
		p.post(func(a *App) { a.steps.Found(e.Step); a.signIn.refresh() })
	case session.ContactsChanged:
		p.post(func(a *App) { a.contactsChanged(e.List) })
	case session.ContactsDoubt:
		p.post(func(a *App) { a.main.doubt(e) })
	case session.BecameAvailable:
		p.post(func(a *App) { a.main.available(e) })
	case session.PresenceChanged:
		p.presence()
	case session.WatcherAsks:
		p.post(func(a *App) { a.main.asks(e) })
	case session.AccessChanged:
		p.post(func(a *App) { a.refresh() })
	case session.AddressBookChanged:
		p.post(func(a *App) { a.bookChanged(e.State) })
	case session.HistoryTrouble:
		p.post(func(a *App) { a.main.notice(view.HistoryTrouble(e)) })
	case im.Received:
		p.post(func(a *App) { a.talks.received(e.Message) })
	case session.RequestsChanged:
		p.post(func(a *App) { a.requestsChanged() })
	case im.Sent:
		p.post(func(a *App) { a.talks.changed(e.Message.With) })
	case im.Typing:
		p.post(func(a *App) { a.talks.typing(e) })
	case im.TooMuch:
		p.post(func(a *App) { a.main.notice(view.TooMuch(e, a.names)) })
	case im.Aged:
		p.post(func(a *App) { a.talks.aged(e) })
	case im.MembersChanged:
		p.post(func(a *App) { a.talks.changed(e.With) })
	case im.DeliveryChanged:
		p.post(func(a *App) { a.talks.delivered(e) })
	}
}

// post hands over, unless another session has begun in the meantime.
func (p *pump) post(f func(a *App)) {
	p.app.post(func() {
		if p.app.visit == p.visit {
			f(p.app)
		}
	})
}

// presence remembers that somebody's state has changed. What it is now is read
// when it is shown.
func (p *pump) presence() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dirty || p.stopped {
		return
	}
	p.dirty = true
	wait := handOver - time.Since(p.last)
	p.timer = time.AfterFunc(max(wait, 0), p.flush)
}

func (p *pump) flush() {
	p.mu.Lock()
	p.dirty, p.last = false, time.Now()
	stopped := p.stopped
	p.mu.Unlock()
	if !stopped {
		p.post(func(a *App) { a.presenceChanged() })
	}
}

func (p *pump) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	if p.timer != nil {
		p.timer.Stop()
	}
}
