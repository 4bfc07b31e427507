// Package simple is what we ask of an open SIP/SIMPLE server (Kamailio,
// OpenSIPS): presence by PUBLISH and SUBSCRIBE, the contact list by XCAP.
//
// What the server can do is found out by asking: a list subscription if its
// 200 says so, else one subscription for each person; XCAP if there is a root,
// else a local file. Signing in, messages and calls are not here.
//
// Begin with New and Server.Start. A Server lives as long as its user; what
// belongs to one connection ends with the context given to Start.
//
// Standards: RFC 3903 (PUBLISH), RFC 3856 (presence), RFC 3857 (watcher info),
// RFC 4662 (resource lists), RFC 4825 and 4826 (XCAP, resource-lists),
// RFC 4745 and 5025 (who may see it),
// RFC 3863, 4479, 4480 and 4481 (what a presence document means).
package simple

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"communicator/contacts"
	"communicator/inorder"
	"communicator/presence"
	"communicator/wire/auth"
	"communicator/wire/sipconn"
)

// Sink is where news from the server goes. The functions are called in order,
// without a lock held, and must not block. A nil one is not called.
type Sink struct {
	Contacts func(contacts.List)                    // the own groups, as the server keeps them
	Presence func(user string, p presence.State)    // Unknown when a subscription lapsed
	Doubt    func(*contacts.Doubt)                  // the server's list lost much and the user is asked; nil: not any more
	Rules    func(Rules)                            // who gets which access
	Watcher  func(user, displayName, status string) // somebody watches me: active, pending, waiting, terminated
}

// Options of a Server.
type Options struct {
	Self   string // own address
	Line   *sipconn.Line
	Sink   Sink
	XCAP   string           // XCAP root URL; empty: the server has none, the list is kept in Dir
	HTTP   *http.Client     // for XCAP; verifies TLS; nil: http.DefaultClient
	Auth   *auth.Client     // for XCAP's Digest: its own, nonces are not SIP's; nil: challenges are refused
	Device string           // what this device is called, for people; empty: nothing is said
	Dir    string           // for the ETag of the publication and the contact list file; empty: keep nothing
	Now    func() time.Time // nil: time.Now
	Log    *slog.Logger     // nil: silent
}

// Server is one SIP/SIMPLE server as seen by one user. Its methods may be
// called from any goroutine.
type Server struct {
	o         Options
	tell      inorder.Queue
	xcap      *xcap
	publisher publisher
	watcher   watcher
	book      book
	rules     ruleBook

	mu   sync.Mutex
	over chan struct{} // see Over
}

// New makes a Server; nothing is sent before Start.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Self = address(o.Self)
	if o.HTTP == nil {
		o.HTTP = http.DefaultClient
	}
	s := &Server{o: o, xcap: &xcap{root: o.XCAP, user: o.Self, http: o.HTTP, auth: o.Auth}}
	s.over = make(chan struct{})
	close(s.over)
	s.publisher.init(s)
	s.watcher.init(s)
	s.book.init(s)
	s.rules.init(s)
	return s
}

// Start reads the contact list and subscribes to one's own watchers, on the
// current connection. It returns when the list has been read; subscriptions
// run until ctx ends. An error says why the list could not be read; the last
// known one has then been told to Sink.
func (s *Server) Start(ctx context.Context) error {
	if err := s.Attach(ctx); err != nil {
		return err
	}
	return s.ReadContacts(ctx)
}

// Attach is the first half of Start: it takes the current connection into use
// and returns at once, so that Publish need not wait for the contact list.
func (s *Server) Attach(ctx context.Context) error {
	conn, err := s.o.Line.Conn()
	if err != nil {
		return err
	}
	s.publisher.start(ctx)
	group := &sync.WaitGroup{}
	s.watcher.start(ctx, conn, group)
	group.Go(func() { s.watchWatchers(ctx, conn) }) // ends with ctx or conn
	over := make(chan struct{})
	s.mu.Lock()
	s.over = over
	s.mu.Unlock()
	go func() { // ends with the last of them
		group.Wait()
		close(over)
	}()
	return nil
}

// Over is closed when every subscription of the latest Start has ended, at the
// server as well; if it does not say so, 5 s after the end of ctx. Before Start there is none.
func (s *Server) Over() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over
}

// ReadContacts is the second half of Start.
func (s *Server) ReadContacts(ctx context.Context) error { return s.book.read(ctx) }

// Device is the name of this installation among the devices of a State.
func (s *Server) Device() string { return author{device: s.publisher.load().Device}.deviceID() }

// Publish publishes p and keeps it published until ctx of Start ends. It
// returns when the server has it. What is published already is not sent again.
func (s *Server) Publish(ctx context.Context, p presence.State) error {
	return s.publisher.publish(ctx, p)
}

// PublishOnce publishes p and leaves it to run out (for one-shot commands);
// until is when it will. A p.Until before that is asked for as the end.
func (s *Server) PublishOnce(ctx context.Context, p presence.State) (until time.Time, err error) {
	return s.publisher.once(ctx, p, publishOnceFor)
}

// PublishBriefly publishes p for a minute.
func (s *Server) PublishBriefly(ctx context.Context, p presence.State) error {
	_, err := s.publisher.once(ctx, p, publishAtLeast)
	return err
}

// PublishLast publishes p, an Offline state with the note to leave behind, for
// as long as the server grants, 30 days at most. The next Publish replaces it
// if Options.Dir keeps its ETag; without one, or if the server refuses, what
// was published is taken back instead.
func (s *Server) PublishLast(ctx context.Context, p presence.State) error {
	if s.o.Dir == "" {
		return s.Unpublish(ctx)
	}
	_, err := s.publisher.once(ctx, p, lastWordFor)
	if _, refused := errors.AsType[*sipconn.StatusError](err); refused {
		return s.Unpublish(ctx)
	}
	return err
}

// PublishAgain publishes p although it seems to be published: the server shows
// something else.
func (s *Server) PublishAgain(ctx context.Context, p presence.State) error {
	s.publisher.doubt()
	return s.publisher.publish(ctx, p)
}

// Unpublish takes one's publication back (RFC 3903 §4.5). Without a
// publication it does nothing.
func (s *Server) Unpublish(ctx context.Context) error { return s.publisher.remove(ctx) }

// Watch watches exactly these people from now on: by one list subscription
// where the server has it, else by one each. Repeating it is harmless. It
// returns at once; states come by Sink.
func (s *Server) Watch(ctx context.Context, users []string) error {
	return s.watcher.watch(ctx, users)
}

// Handle takes an incoming request; false: not for me. An open server sends
// nothing outside the dialogs of our subscriptions, so none is.
func (s *Server) Handle(*sipconn.Incoming) bool { return false }

// report queues a person's state for Sink; tell.Flush hands it over. Queued
// under the lock under which it was decided, it is told in the order of decisions.
func (s *Server) report(user string, p presence.State) {
	if s.o.Sink.Presence != nil {
		s.tell.Add(func() { s.o.Sink.Presence(user, p) })
	}
}

// address brings an address or presence URI into the form used outside wire,
// "user@domain"; what is none stays as it is.
func address(uri string) string {
	if a, err := contacts.Canonical(uri); err == nil {
		return a
	}
	return uri
}
