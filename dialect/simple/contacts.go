package simple

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"communicator/contacts"
	"communicator/wire/pidf"
)

const (
	auidLists = "resource-lists" // RFC 4826 §3.4.1
	writes    = 8                // how often a change is made anew because another client was faster
	freshFor  = 10 * time.Second // so long what the server said counts as what it has
)

// Edit changes the contact list where it is kept, and reports the new list to
// Sink. *contacts.DoubtError: a question about the server's list comes first.
func (s *Server) Edit(ctx context.Context, e contacts.Edit) error {
	return s.book.change(ctx, func(raw []byte) ([]byte, error) { return editDocument(raw, e) })
}

// Merge adds what rows say to the contact list, in one change, and says what
// became of each. Nobody who is on the list is dropped.
func (s *Server) Merge(ctx context.Context, rows []contacts.Row) (done []contacts.Outcome, err error) {
	err = s.book.change(ctx, func(raw []byte) ([]byte, error) {
		return changeDocument(raw, func(doc *pidf.ResourceLists) error {
			var next contacts.List
			next, done = listOf(*doc).Merge(rows)
			reconcile(doc, next)
			return nil
		})
	})
	return done, err
}

// book keeps the contact list: by XCAP where the server has it, else in a file
// in Options.Dir. With XCAP the file is a copy of what the server last had.
type book struct {
	s    *Server
	turn chan struct{} // holds one token; who takes it may read or change the list

	// Used by who has the turn.
	ready   bool    // it has been read
	raw     []byte  // the document as it is kept; empty: none
	version version // at the server
	asked   time.Time
	doubt   *doubtful // the server's document is another, and the user is asked
}

// doubtful is a document of the server that lost too much to be taken unasked.
type doubtful struct {
	contacts.Loss
	theirs []byte
}

func (b *book) init(s *Server) {
	b.s, b.turn = s, make(chan struct{}, 1)
	b.turn <- struct{}{}
}

// inTurn runs f while nobody else reads or changes the list.
func (b *book) inTurn(ctx context.Context, f func() error) error {
	select {
	case <-b.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { b.turn <- struct{}{} }()
	return f()
}

// read reads the list from where it is kept and tells Sink of it. When the
// server cannot be asked, or has lost much of it, the last known list is told:
// an empty or failed answer deletes nothing.
func (b *book) read(ctx context.Context) error {
	return b.inTurn(ctx, func() error {
		b.recall()
		if b.s.o.XCAP == "" {
			b.ready = true
			return b.tell(b.raw)
		}
		err := b.fetch(ctx)
		if err != nil && len(b.raw) == 0 {
			return err // nothing is known, which is not the same as an empty list
		}
		return errors.Join(err, b.tell(b.raw))
	})
}

// recall takes the list from the file: the last known, or, without XCAP, the
// list itself, which a command may have changed meanwhile.
func (b *book) recall() {
	if len(b.raw) == 0 || b.s.o.XCAP == "" {
		if kept := b.s.readListFile(); len(kept) > 0 {
			b.raw = kept
		}
	}
}

// fetch asks the server for the document and judges what it says.
func (b *book) fetch(ctx context.Context) error {
	d, err := b.s.xcap.getChanged(ctx, auidLists, b.version)
	switch {
	case errors.Is(err, errUnchanged):
		b.asked = b.s.o.Now()
		return nil
	case errors.Is(err, errNotFound):
		d, err = document{}, nil
	case err != nil:
		return fmt.Errorf("read contact list: %w", err)
	}
	now, err := parseLists(d.body)
	if err != nil {
		return err
	}
	b.version, b.ready, b.asked = d.version, true, b.s.o.Now()
	known, err := parseLists(b.raw)
	if err != nil {
		b.s.o.Log.Warn("the last known contact list", "error", err)
	}
	before, after := listOf(known), listOf(now)
	loss := contacts.LossOf(before, after)
	if loss.Doubtful() && !b.s.keptSays(after) {
		b.doubted(&doubtful{loss, d.body}, &contacts.Doubt{Loss: loss, Kept: before, Server: after})
		return nil
	}
	b.doubted(nil, nil)
	b.raw = d.body
	b.s.keepListFile(b.raw)
	return nil
}

// doubted takes a doubt, or that there is none any more, and tells of news.
func (b *book) doubted(d *doubtful, say *contacts.Doubt) {
	news := (d == nil) != (b.doubt == nil) || d != nil && !bytes.Equal(d.theirs, b.doubt.theirs)
	b.doubt = d
	if !news {
		return
	}
	if d != nil {
		b.s.o.Log.Warn("contact list: the last known one stays until the user decides", "loss", d.Loss.String())
	}
	if b.s.o.Sink.Doubt != nil {
		b.s.tell.Add(func() { b.s.o.Sink.Doubt(say) })
		b.s.tell.Flush()
	}
}

// change makes one change where the list is kept. When another client was
// faster the change is made again on what it left.
func (b *book) change(ctx context.Context, f func(raw []byte) ([]byte, error)) error {
	return b.inTurn(ctx, func() error {
		if err := b.fresh(ctx); err != nil {
			return err
		}
		var tried []byte
		for try := range writes {
			if b.doubt != nil {
				return &contacts.DoubtError{Loss: b.doubt.Loss}
			}
			if tried != nil && bytes.Equal(tried, b.raw) {
				return b.tell(b.raw) // it had arrived, but its answer had not
			}
			raw, err := f(b.raw)
			if err != nil || bytes.Equal(raw, b.raw) {
				return err
			}
			if err = b.write(ctx, raw); !errors.Is(err, errChanged) {
				return b.wrote(raw, err)
			}
			tried = raw
			if err := b.again(ctx, try); err != nil {
				return err
			}
		}
		return fmt.Errorf("change contact list: %w", errChanged)
	})
}

// again reads what another client left, after a moment: two that change the list
// at the same time should not always meet.
func (b *book) again(ctx context.Context, try int) error {
	wait := time.NewTimer(rand.N(min(20*time.Millisecond<<try, 320*time.Millisecond)))
	defer wait.Stop()
	select {
	case <-wait.C:
		return b.fetch(ctx)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// wrote takes over what was written and tells of it.
func (b *book) wrote(raw []byte, err error) error {
	if err != nil {
		return fmt.Errorf("change contact list: %w", err)
	}
	b.raw = raw
	return b.tell(raw)
}

// fresh sees that raw is what is kept now, or as good as.
func (b *book) fresh(ctx context.Context) error {
	b.recall()
	if b.s.o.XCAP == "" {
		b.ready = true
		return nil
	}
	if age := b.s.o.Now().Sub(b.asked); b.ready && age >= 0 && age < freshFor {
		return nil
	}
	return b.fetch(ctx)
}

// write puts the document where it is kept.
func (b *book) write(ctx context.Context, raw []byte) error {
	if b.s.o.XCAP == "" {
		return b.s.writeListFile(raw)
	}
	v, err := b.s.xcap.put(ctx, auidLists, document{raw, pidf.ContentTypeLists, b.version})
	if err != nil {
		return err
	}
	b.version, b.asked = v, b.s.o.Now()
	b.ready = v.tag != "" // without a tag it is read again before the next change
	b.s.keepListFile(raw)
	return nil
}

// tell tells Sink what the document says.
func (b *book) tell(raw []byte) error {
	doc, err := parseLists(raw)
	if err != nil {
		return err
	}
	list := listOf(doc)
	if b.s.o.Sink.Contacts != nil {
		b.s.tell.Add(func() { b.s.o.Sink.Contacts(list) })
		b.s.tell.Flush()
	}
	return nil
}

// parseLists reads a resource-lists document; an empty one is none.
func parseLists(raw []byte) (pidf.ResourceLists, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return pidf.ResourceLists{}, nil
	}
	doc, err := pidf.ParseResourceLists(raw)
	if err != nil {
		return doc, fmt.Errorf("read contact list: %w", err)
	}
	return doc, nil
}
