package session

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"communicator/contacts"
	"communicator/dialect/simple"
)

// Format is how a file says a contact list.
type Format string

// Formats of contact lists.
const (
	FormatCSV   Format = "csv"   // a table
	FormatVCard Format = "vcard" // cards (RFC 6350)
	FormatXML   Format = "xml"   // resource-lists (RFC 4826)
)

// FormatOf returns the format of that name, else the one that the end of a
// file's name says.
func FormatOf(name, file string) (Format, error) {
	if name == "" {
		name = strings.TrimPrefix(filepath.Ext(file), ".")
	}
	switch strings.ToLower(name) {
	case "csv", "tsv", "txt":
		return FormatCSV, nil
	case "vcard", "vcf":
		return FormatVCard, nil
	case "xml", "resource-lists":
		return FormatXML, nil
	}
	return "", fmt.Errorf("%q is no format of contact lists; they are csv, vcard and xml", name)
}

// ParseContacts reads a file of contacts; bad is what could not be read, by line.
func ParseContacts(f Format, b []byte) (rows []contacts.Row, bad []contacts.Outcome, err error) {
	switch f {
	case FormatCSV:
		return contacts.ParseCSV(b)
	case FormatVCard:
		return contacts.ParseVCard(b)
	}
	return simple.ParseRows(b)
}

// Import adds what rows say to the list, and blocks and allows whom they say so
// of, and says what became of each, in their order. Nobody is dropped, and what
// was decided about somebody stays. With dry nothing is changed.
func (b *ContactBook) Import(ctx context.Context, rows []contacts.Row, dry bool) (done []contacts.Outcome, err error) {
	server, err := b.store()
	if err != nil {
		return nil, err
	}
	if err := server.ReadRules(ctx); err != nil {
		return nil, err
	}
	if dry {
		b.mu.Lock()
		defer b.mu.Unlock()
		_, done = b.own.Merge(rows)
		b.decided(done)
		return done, nil
	}
	if done, err = server.Merge(ctx, rows); err != nil {
		return nil, err
	}
	b.mu.Lock()
	access := b.decided(done)
	b.mu.Unlock()
	if len(access) > 0 {
		err = server.SetAccess(ctx, access)
	}
	return done, err
}

// decided returns the decisions in rows that are new; b.mu is held. A row that
// says nothing else, and nothing new, is marked as known.
func (b *ContactBook) decided(done []contacts.Outcome) map[string]contacts.Access {
	access := map[string]contacts.Access{}
	for i, o := range done {
		_, before := b.access[o.User]
		switch {
		case o.Result == contacts.Refused || o.Access == contacts.Undecided:
		case !before:
			access[o.User] = o.Access
		case o.Group == "" && o.Access.Refuses():
			done[i].Result = contacts.Known
		}
	}
	return access
}

// Export returns the user's own groups, and whom he blocked or allowed, as a
// file. As XML it is the document as it is kept, with what other clients wrote.
func (b *ContactBook) Export(ctx context.Context, f Format) ([]byte, error) {
	server, err := b.store()
	if err != nil {
		return nil, err
	}
	if err := server.ReadRules(ctx); err != nil {
		return nil, err // a file without those who are blocked would look complete
	}
	access := b.Access()
	if f == FormatXML {
		return server.Document(ctx, access)
	}
	b.mu.Lock()
	rows := b.own.Rows(access)
	b.mu.Unlock()
	if f == FormatVCard {
		return contacts.VCard(rows), nil
	}
	return contacts.CSV(rows), nil
}
