// Package pidf is the documents of presence and of lists of people as they
// travel: each has a Parse function and a Marshal method.
//
// Begin with Parse and Presence for what a person says of himself, with
// ParseNotify for the answer to a list subscription, with ParseResourceLists
// for a contact list.
//
// It has no opinion on what a document means: combining several devices into
// one state is package presence, what a server asks for is package dialect.
// It is pure: no goroutine, lock, clock or I/O.
//
// Standards: RFC 3863 (PIDF), RFC 4479 (data model), RFC 4480 (RPID), RFC 4481
// (timed status), RFC 4826 §3 (resource-lists) and §4 (rls-services), RFC 4662 (RLMI), RFC 2387
// (multipart/related), RFC 3858 (watcher information).
package pidf

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// ContentType of a presence document.
const ContentType = "application/pidf+xml"

// Namespaces.
const (
	nsXML    = "http://www.w3.org/XML/1998/namespace"
	nsPIDF   = "urn:ietf:params:xml:ns:pidf"
	nsModel  = "urn:ietf:params:xml:ns:pidf:data-model"
	nsRPID   = "urn:ietf:params:xml:ns:pidf:rpid"
	nsTimed  = "urn:ietf:params:xml:ns:pidf:timed-status"
	nsLists  = "urn:ietf:params:xml:ns:resource-lists"
	nsRLS    = "urn:ietf:params:xml:ns:rls-services"
	nsRLMI   = "urn:ietf:params:xml:ns:rlmi"
	nsWinfo  = "urn:ietf:params:xml:ns:watcherinfo"
	nsOurs   = "urn:uuid:0d6cf3a4-1f0c-5b8e-9d5e-2f6a7d1b9c40" // extensions of ours: Activities.DoNotDisturb, Origin
	nsPolicy = "urn:ietf:params:xml:ns:common-policy"
	nsRules  = "urn:ietf:params:xml:ns:pres-rules"
	nsMarks  = "urn:uuid:4eb650b6-5700-551f-b38e-1a0830a84c78" // ours: see Marks
)

// MaxTuples is how many tuples, how many persons and how many devices of a
// document are read: more devices than anybody has.
const MaxTuples = 100

// Presence is a presence document (RFC 3863 §4.1). What we do not know is
// ignored when read.
type Presence struct {
	Entity  string   // whose it is: "sip:user@domain" or "pres:user@domain"
	Tuples  []Tuple  // the services or devices that can be reached
	Persons []Person // RFC 4479 §3.2: one in a clean document, one per publisher behind a server that only adds up
	Devices []Device
	Notes   []Note // of the whole document
}

// Basic says whether a tuple can be reached (RFC 3863 §4.1.4).
type Basic string

// Values of Basic. Anything else is read as NotSaid.
const (
	NotSaid Basic = ""
	Open    Basic = "open"
	Closed  Basic = "closed"
)

// Tuple is one way to reach somebody (RFC 3863 §4.1.2).
type Tuple struct {
	ID         string
	Basic      Basic
	Contact    string      // URI; empty: none
	Priority   float64     // of Contact, 0 to 1; -1: not said (least, RFC 3863 §4.1.5)
	Notes      []Note      // also those of clients that know nothing else
	Timestamp  time.Time   // zero: not said
	DeviceID   string      // RFC 4479 §4
	Class      string      // RFC 4480 §3.3
	Input      Input       // RFC 4480 §3.13
	Timed      []Timed     // status in times to come, as written
	Activities *Activities // not standard here, but older clients put them into tuple or status; nil: none. Never written.
}

// Person is a person element (RFC 4479 §3.2).
type Person struct {
	ID         string
	Activities *Activities // nil: not said. Empty (not nil): said, with nothing in it
	Notes      []Note
	Timestamp  time.Time // zero: not said
	Class      string
	Input      Input
	Origin     Origin
}

// Device is a device element (RFC 4479 §3.4).
type Device struct {
	ID        string
	DeviceID  string
	Notes     []Note
	Timestamp time.Time
	Input     Input
}

// Note is text for a human in one language. It is what the other side wrote:
// make it harmless before it is shown.
type Note struct {
	Lang string // xml:lang; empty: not said
	Text string
}

// Parse reads a presence document.
func Parse(b []byte) (Presence, error) {
	root, err := read(b, nsPIDF, "presence")
	if err != nil {
		return Presence{}, err
	}
	p := Presence{Entity: root.attr("entity")}
	for _, k := range root.kids {
		switch {
		case k.is(nsPIDF, "tuple") && len(p.Tuples) < MaxTuples:
			p.Tuples = append(p.Tuples, parseTuple(k))
		case k.is(nsModel, "person") && len(p.Persons) < MaxTuples:
			p.Persons = append(p.Persons, parsePerson(k))
		case k.is(nsModel, "device") && len(p.Devices) < MaxTuples:
			p.Devices = append(p.Devices, parseDevice(k))
		case k.is(nsPIDF, "note"):
			p.Notes = append(p.Notes, parseNote(k))
		}
	}
	return p, nil
}

func parseTuple(n *node) Tuple {
	t := Tuple{ID: n.attr("id"), Priority: -1}
	for _, k := range n.kids {
		switch {
		case k.is(nsPIDF, "status"):
			t.Basic = parseBasic(k.child(nsPIDF, "basic").content())
			if a := k.child(nsRPID, "activities"); a != nil {
				t.Activities = parseActivities(a)
			}
		case k.is(nsPIDF, "contact"):
			t.Contact, t.Priority = k.content(), parsePriority(k.attr("priority"))
		case k.is(nsPIDF, "note"):
			t.Notes = append(t.Notes, parseNote(k))
		case k.is(nsPIDF, "timestamp"):
			t.Timestamp = parseTime(k.content())
		case k.is(nsModel, "deviceID"):
			t.DeviceID = k.content()
		case k.is(nsRPID, "class"):
			t.Class = k.content()
		case k.is(nsRPID, "user-input"):
			t.Input = parseInput(k)
		case k.is(nsRPID, "activities"):
			t.Activities = parseActivities(k)
		case k.is(nsTimed, "timed-status") && len(t.Timed) < maxTimed:
			t.Timed = append(t.Timed, parseTimed(k))
		}
	}
	return t
}

func parsePerson(n *node) Person {
	p := Person{ID: n.attr("id")}
	for _, k := range n.kids {
		switch {
		case k.is(nsRPID, "activities"):
			// RFC 4480 §3.2: more than one may be there, for different times.
			// The last that is filled counts.
			if a := parseActivities(k); p.Activities == nil || !a.empty() {
				p.Activities = a
			}
		case k.is(nsModel, "note"):
			p.Notes = append(p.Notes, parseNote(k))
		case k.is(nsModel, "timestamp"):
			p.Timestamp = parseTime(k.content())
		case k.is(nsRPID, "class"):
			p.Class = k.content()
		case k.is(nsRPID, "user-input"):
			p.Input = parseInput(k)
		case k.is(nsOurs, "state"):
			p.Origin = parseOrigin(k)
		}
	}
	return p
}

func parseDevice(n *node) Device {
	d := Device{ID: n.attr("id"), DeviceID: n.child(nsModel, "deviceID").content()}
	d.Timestamp = parseTime(n.child(nsModel, "timestamp").content())
	n.each(nsModel, "note", func(k *node) { d.Notes = append(d.Notes, parseNote(k)) })
	n.each(nsRPID, "user-input", func(k *node) { d.Input = parseInput(k) })
	return d
}

func parseNote(n *node) Note { return Note{Lang: n.attr("xml:lang"), Text: n.content()} }

func parseBasic(s string) Basic {
	switch b := Basic(strings.ToLower(s)); b {
	case Open, Closed:
		return b
	}
	return NotSaid
}

// parsePriority reads the priority of a contact; what is no number from 0 to 1 is not said.
func parsePriority(s string) float64 {
	if f, err := strconv.ParseFloat(s, 64); err == nil && f >= 0 && f <= 1 {
		return f
	}
	return -1
}

// parseTime reads an xs:dateTime. Without a zone it is taken as UTC; what
// cannot be read is not said.
func parseTime(s string) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// Marshal writes the document. Persons and devices come after the tuples
// (RFC 4479 §4: they extend the document where RFC 3863 allows it).
func (p Presence) Marshal() []byte {
	w := newWriter()
	timed := ""
	if slices.ContainsFunc(p.Tuples, func(t Tuple) bool { return t.Timed != nil }) {
		timed = nsTimed
	}
	w.open("presence", "xmlns", nsPIDF, "xmlns:dm", nsModel, "xmlns:rpid", nsRPID, "xmlns:ts", timed, "entity", p.Entity)
	for _, t := range p.Tuples {
		t.write(w)
	}
	for _, n := range p.Notes {
		n.write(w, "note")
	}
	for _, x := range p.Persons {
		x.write(w)
	}
	for _, d := range p.Devices {
		d.write(w)
	}
	return w.end()
}

func (t Tuple) write(w *writer) {
	w.open("tuple", "id", t.ID)
	w.open("status")
	if t.Basic != NotSaid {
		w.leaf("basic", string(t.Basic))
	}
	w.close()
	// RFC 3863 §4.4: extensions stand between status and contact.
	t.Input.write(w)
	w.leafIf("rpid:class", t.Class)
	w.leafIf("dm:deviceID", t.DeviceID)
	for _, x := range t.Timed {
		x.write(w)
	}
	if t.Contact != "" {
		if t.Priority >= 0 {
			w.leaf("contact", t.Contact, "priority", strconv.FormatFloat(t.Priority, 'f', -1, 64))
		} else {
			w.leaf("contact", t.Contact)
		}
	}
	for _, n := range t.Notes {
		n.write(w, "note")
	}
	w.leafIf("timestamp", formatTime(t.Timestamp))
	w.close()
}

func (p Person) write(w *writer) {
	w.open("dm:person", "id", p.ID)
	if p.Activities != nil {
		p.Activities.write(w)
	}
	w.leafIf("rpid:class", p.Class)
	p.Input.write(w)
	p.Origin.write(w)
	for _, n := range p.Notes {
		n.write(w, "dm:note")
	}
	w.leafIf("dm:timestamp", formatTime(p.Timestamp))
	w.close()
}

func (d Device) write(w *writer) {
	w.open("dm:device", "id", d.ID)
	d.Input.write(w)
	w.leafIf("dm:deviceID", d.DeviceID)
	for _, n := range d.Notes {
		n.write(w, "dm:note")
	}
	w.leafIf("dm:timestamp", formatTime(d.Timestamp))
	w.close()
}

func (n Note) write(w *writer, name string) {
	if n.Lang != "" {
		w.leaf(name, n.Text, "xml:lang", n.Lang)
	} else {
		w.leaf(name, n.Text)
	}
}

func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}
