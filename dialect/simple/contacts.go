package simple

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"communicator/contacts"
	"communicator/wire/pidf"
)

const auidLists = "resource-lists" // RFC 4826 §3.4.1

// book keeps the contact list: by XCAP where the server has it, else in a file
// in Options.Dir. With XCAP the file is a copy of what the server last had.
type book struct {
	s    *Server
	turn chan struct{} // holds one token; who takes it may read or change the list

	// Used by who has the turn.
	ready   bool    // it has been read
	raw     []byte  // the document as it is kept; empty: none
	version version // at the server
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
// server cannot be asked, or has nothing although there was something, the last
// known list is told: an empty or failed answer deletes nothing.
func (b *book) read(ctx context.Context) error {
	return b.inTurn(ctx, func() error {
		if len(b.raw) == 0 {
			b.raw = b.s.readListFile()
		}
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

// fetch gets the document from the server.
func (b *book) fetch(ctx context.Context) error {
	d, err := b.s.xcap.get(ctx, auidLists)
	if errors.Is(err, errNotFound) {
		d, err = document{}, nil
	}
	if err != nil {
		return fmt.Errorf("read contact list: %w", err)
	}
	lists := 0
	if len(bytes.TrimSpace(d.body)) > 0 {
		doc, err := pidf.ParseResourceLists(d.body)
		if err != nil {
			return fmt.Errorf("read contact list: %w", err)
		}
		lists = len(doc.Lists())
	}
	b.version, b.ready = d.version, true
	if lists == 0 && len(b.raw) > 0 {
		b.s.o.Log.Warn("the server has no contact list any more; the last known one stays and goes there with the next change")
		return nil
	}
	b.raw = d.body
	b.s.keepListFile(b.raw)
	return nil
}

// edit makes one change where the list is kept. When another client was faster
// the change is made again on what it left.
func (b *book) edit(ctx context.Context, e contacts.Edit) error {
	return b.inTurn(ctx, func() error {
		if !b.ready {
			if err := b.first(ctx); err != nil {
				return err
			}
		}
		if kept := b.s.readListFile(); b.s.o.XCAP == "" && len(kept) > 0 {
			b.raw = kept // a command may have changed it meanwhile
		}
		for range 4 {
			raw, err := editDocument(b.raw, e)
			if err != nil {
				return err
			}
			err = b.write(ctx, raw)
			if err == nil {
				b.raw = raw
				return b.tell(raw)
			}
			if !errors.Is(err, errChanged) {
				return fmt.Errorf("change contact list: %w", err)
			}
			if err := b.fetch(ctx); err != nil {
				return err
			}
		}
		return fmt.Errorf("change contact list: %w", errChanged)
	})
}

// first reads what must be known before the first change.
func (b *book) first(ctx context.Context) error {
	if len(b.raw) == 0 {
		b.raw = b.s.readListFile()
	}
	if b.s.o.XCAP != "" {
		return b.fetch(ctx)
	}
	b.ready = true
	return nil
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
	b.version = v
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
