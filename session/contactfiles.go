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

// Import adds what rows say to the list and says what became of each, in their
// order. Nobody is dropped. With dry nothing is changed.
func (b *ContactBook) Import(ctx context.Context, rows []contacts.Row, dry bool) ([]contacts.Outcome, error) {
	server, err := b.store()
	if err != nil {
		return nil, err
	}
	if dry {
		b.mu.Lock()
		defer b.mu.Unlock()
		_, done := b.own.Merge(rows)
		return done, nil
	}
	return server.Merge(ctx, rows)
}

// Export returns the user's own groups as a file. As XML it is the document as it
// is kept, with what other clients wrote into it.
func (b *ContactBook) Export(ctx context.Context, f Format) ([]byte, error) {
	server, err := b.store()
	if err != nil {
		return nil, err
	}
	if f == FormatXML {
		return server.Document(ctx, nil)
	}
	b.mu.Lock()
	rows := b.own.Rows(nil)
	b.mu.Unlock()
	if f == FormatVCard {
		return contacts.VCard(rows), nil
	}
	return contacts.CSV(rows), nil
}
