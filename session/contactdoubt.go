package session

import (
	"context"
	"time"

	"communicator/contacts"
	"communicator/dialect/simple"
)

// readEvery is how often the list is read again while signed in: another client
// may have changed it, or the server have lost it. Mostly the server says in a few
// bytes that nothing is new.
const readEvery = 10 * time.Minute

// ContactsDoubt: the server's list is empty or has shrunk without an edit of
// ours. The list last known stays until ContactBook.Answer. Over: it is settled,
// here or at another client.
type ContactsDoubt struct {
	contacts.Doubt
	Over bool
}

// CopyOfContacts is a former version of the contact list.
type CopyOfContacts = simple.Copy

// Doubt returns the question that is open; false: none is.
func (b *ContactBook) Doubt() (contacts.Doubt, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.doubt == nil {
		return contacts.Doubt{}, false
	}
	return *b.doubt, true
}

// Answer settles it: keep writes the list last known to the server, else the
// server's becomes the list.
func (b *ContactBook) Answer(ctx context.Context, keep bool) error {
	server, err := b.store()
	if err != nil {
		return err
	}
	return server.Answer(ctx, keep)
}

// doubts takes a question, or that there is none any more.
func (b *ContactBook) doubts(d *contacts.Doubt) {
	b.mu.Lock()
	b.doubt = d
	e := ContactsDoubt{Over: d == nil}
	if d != nil {
		e.Doubt = *d
	}
	b.s.later(e)
	b.mu.Unlock()
	b.s.events.Flush()
}

// Refresh reads the list from the server now.
func (b *ContactBook) Refresh(ctx context.Context) error {
	server, err := b.store()
	if err != nil {
		return err
	}
	return server.ReadContacts(ctx)
}

// Copies returns the former versions of the list on this computer, at most ten,
// the newest first.
func (b *ContactBook) Copies() []CopyOfContacts {
	server := b.s.dialect()
	if server == nil {
		return nil
	}
	return server.Copies()
}

// Undo takes the latest change of the list back; repeated, the one before. It
// returns the version that is the list now.
func (b *ContactBook) Undo(ctx context.Context) (CopyOfContacts, error) {
	server, err := b.store()
	if err != nil {
		return CopyOfContacts{}, err
	}
	return server.Undo(ctx)
}

// Restore makes the version number n of Copies the list again.
func (b *ContactBook) Restore(ctx context.Context, n int) (CopyOfContacts, error) {
	server, err := b.store()
	if err != nil {
		return CopyOfContacts{}, err
	}
	return server.Restore(ctx, n)
}

// readAgain reads the list every readEvery until ctx ends.
func (b *ContactBook) readAgain(ctx context.Context, server *simple.Server) {
	again := time.NewTicker(readEvery)
	defer again.Stop()
	for {
		select {
		case <-again.C:
		case <-ctx.Done():
			return
		}
		if err := server.ReadContacts(ctx); err != nil && ctx.Err() == nil {
			b.s.log.Info("contact list not read again", "error", err)
		}
		b.readRules(ctx, server)
	}
}

// readRules reads who gets which access.
func (b *ContactBook) readRules(ctx context.Context, server *simple.Server) {
	if err := server.ReadRules(ctx); err != nil && ctx.Err() == nil {
		b.s.log.Info("presence rules", "error", err)
	}
}
