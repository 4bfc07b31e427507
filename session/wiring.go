package session

import (
	"context"

	"communicator/im"
	"communicator/presence"
)

// wire is the one place where features meet: when this happens, then that. It
// runs before Options.Notify hears of the event, in order, without a lock held.
func (s *Session) wire(e any) {
	switch e := e.(type) {
	case AccessChanged:
		s.Contacts.keep()
		s.Requests.review()
	case ContactsChanged:
		s.Contacts.keep()
		s.People.contactsChanged() // they come first in results
		s.Presence.rewatch()       // who is on the list is watched
		s.Requests.review()        // and is no stranger
	case AddressBookChanged:
		if !e.State.Filling {
			s.Requests.review()
		}
	case CalendarChanged:
		s.follow(e.State) // a meeting is shown to others, and ends by itself
	case PresenceChanged:
		if e.State.Availability == presence.Offline {
			s.IM.Gone(e.User)
		}
	case im.Received:
		s.Requests.arrived(e.Message)
	case im.TooMuch:
		s.log.Warn("somebody sends more messages than are taken; he is asked to wait", "from", e.From)
	case im.MembersChanged:
		if !s.IM.Waits(e.With) { // else it would show all those strangers that I am here
			s.Presence.alsoWatch(e.Members...)
		}
	case im.Sent:
		var to []string
		for _, d := range e.Message.Delivered {
			to = append(to, d.To)
		}
		s.Presence.alsoWatch(to...)
		s.Requests.wrote(e.Message)
	case StateChanged:
		if e.State.Phase != SignedIn {
			s.Presence.age() // last known is shown as old, never as current
		}
	}
}

// emit tells of an event.
func (s *Session) emit(e any) {
	s.later(e)
	s.events.Flush()
}

// later queues an event; events.Flush hands it out. Queued under the same lock
// as the change it tells of, it comes out in the order of changes.
func (s *Session) later(e any) {
	s.events.Add(func() {
		s.wire(e)
		if s.o.Notify != nil {
			s.o.Notify(e)
		}
	})
}

// begin does what follows a sign-in, until ctx, which is the connection's, ends.
func (r *runner) begin(ctx context.Context) {
	s, found := r.s, r.xcap
	s.IM.Connected()
	r.work(func() {
		server, err := r.serverFor(ctx, found)
		if server == nil || server.Attach(ctx) != nil {
			return // the connection has ended
		}
		s.Presence.rewatch() // who is asked for already
		r.work(func() { s.Presence.keepOwn(ctx) })
		if e := server.ReadContacts(ctx); err == nil {
			err = e
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			s.log.Warn("contact list", "error", err)
		}
		s.Contacts.listRead(err)
		s.Contacts.readRules(ctx, server)
		if !s.o.Silent {
			s.Contacts.readAgain(ctx, server)
		}
	})
	r.work(func() { s.Contacts.readChart(ctx) })
	r.work(func() { s.Presence.keepNotes(ctx) })
	r.work(func() { s.People.keepUp(ctx) })
	if !s.o.Silent {
		again := true
		r.calendar.Do(func() {
			again = false
			r.work(func() { s.Calendar.Run(r.all) })
		})
		if again { // the network may just have come back
			s.Calendar.ReadNow()
		}
	}
	r.work(func() { s.Presence.openWhen(ctx, s.Contacts.loaded()) })
}
