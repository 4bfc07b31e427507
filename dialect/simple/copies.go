package simple

import (
	"context"
	"errors"
	"fmt"
	"time"

	"communicator/contacts"
	"communicator/wire/pidf"
)

// Copy is a former version of the contact list, kept on this computer.
type Copy struct {
	N              int       // 1 is the newest
	Time           time.Time // until when it was the list
	Undone         bool      // it was given up by Undo
	Groups, People int       // the user's own
	name           string    // of its file
	raw            []byte
}

// errNothingKept: there is no former version.
var errNothingKept = errors.New("no former version of the contact list is kept on this computer")

// Answer settles a contacts.Doubt: keep writes the list that was last known to
// the server, else the server's becomes the list.
func (s *Server) Answer(ctx context.Context, keep bool) error {
	b := &s.book
	return b.inTurn(ctx, func() error {
		b.recall()
		if s.o.XCAP != "" {
			if err := b.fetch(ctx); err != nil { // is it still so?
				return err
			}
		}
		switch {
		case b.doubt == nil:
			return errors.New("there is nothing to decide: the server's contact list is the one you have")
		case keep:
			return b.replace(ctx, b.raw)
		}
		theirs := b.doubt.theirs
		if len(theirs) == 0 {
			theirs = pidf.ResourceLists{}.Marshal()
		}
		b.doubted(nil, nil)
		s.keepListFile(theirs)
		return b.wrote(theirs, nil)
	})
}

// replace writes raw in place of whatever the server has, though not of what
// another client writes at the same moment.
func (b *book) replace(ctx context.Context, raw []byte) error {
	err := b.write(ctx, raw)
	if errors.Is(err, errChanged) {
		if e := b.fetch(ctx); e != nil {
			return e
		}
		return errors.New("the server's contact list has just been changed; look at it and decide anew")
	}
	if err == nil {
		b.doubted(nil, nil)
	}
	return b.wrote(raw, err)
}

// Copies returns the former versions, the newest first.
func (s *Server) Copies() (copies []Copy) {
	names := s.oldListFiles()
	for i := len(names) - 1; i >= 0; i-- {
		c, err := s.readCopy(names[i])
		if err != nil {
			s.o.Log.Warn("copy of the contact list not read", "error", err)
			continue
		}
		c.N = len(copies) + 1
		copies = append(copies, c)
	}
	return copies
}

// Undo makes the newest former version that was not undone the list again, and
// returns it. What was the list is kept as an undone one. Repeated, it goes
// further back.
func (s *Server) Undo(ctx context.Context) (Copy, error) {
	for _, c := range s.Copies() {
		if !c.Undone {
			return c, s.backTo(ctx, c, true)
		}
	}
	return Copy{}, errNothingKept
}

// Restore makes the former version number n, as Copies says, the list again.
// It also answers a contacts.Doubt.
func (s *Server) Restore(ctx context.Context, n int) (Copy, error) {
	copies := s.Copies()
	if len(copies) == 0 {
		return Copy{}, errNothingKept
	}
	if n < 1 || n > len(copies) {
		return Copy{}, fmt.Errorf("there is no copy %d; they are 1 to %d", n, len(copies))
	}
	return copies[n-1], s.backTo(ctx, copies[n-1], false)
}

func (s *Server) backTo(ctx context.Context, c Copy, undo bool) error {
	b := &s.book
	return b.inTurn(ctx, func() error {
		b.recall()
		if s.o.XCAP != "" {
			if err := b.fetch(ctx); err != nil {
				return err
			}
		}
		if undo && b.doubt != nil {
			return &contacts.DoubtError{Loss: b.doubt.Loss}
		}
		if err := b.replace(ctx, c.raw); err != nil || !undo {
			return err
		}
		return s.markUndone(c)
	})
}
