package lab

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash/fnv"
	"image"
	"image/color"
	"image/jpeg"
	"slices"

	"github.com/google/uuid"
)

// Of so many people one is in the directory a second time, as a contact of
// another forest, and of so many one has a photograph.
const (
	contactEvery = 20
	photoEvery   = 3
)

// size is how many entries there are of people.
func (t *tree) size() int { return len(t.staff.people) + len(t.contacts) }

// below are the first and the last but one of the people below an entry.
func (t *tree) below(at int) (from, to int) {
	switch at {
	case unitEntry:
		return 0, len(t.staff.people)
	case outerEntry:
		return len(t.staff.people), t.size()
	}
	return 0, t.size()
}

// contactOf finds the second entry of a person.
func (t *tree) contactOf(person int) (at int, there bool) {
	at, there = slices.BinarySearch(t.contacts, person)
	return at + len(t.staff.people), there
}

func (e ldapEntry) contact() bool { return e.at >= len(e.tree.staff.people) }

// person is whom the entry is about.
func (e ldapEntry) person() *Person {
	if e.contact() {
		return &e.tree.staff.people[e.tree.contacts[e.at-len(e.tree.staff.people)]]
	}
	return &e.tree.staff.people[e.at]
}

// contactValues are those of a contact: another forest knows the same address,
// and a number that the person's own entry does not have.
func (e ldapEntry) contactValues(attr string) ([]string, bool) {
	own := ldapEntry{e.tree, e.tree.contacts[e.at-len(e.tree.staff.people)]}
	switch attr {
	case "telephonenumber":
		return []string{fmt.Sprintf("+49 89 5550 %d", e.at-len(e.tree.staff.people)+1)}, true
	case "mobile", "title", "department", "physicaldeliveryofficename", "manager", "jpegphoto", "msrtcsip-primaryuseraddress":
		return nil, true
	case "entryuuid", "entrycsn", "modifytimestamp":
		return []string{e.operational(attr)}, true
	}
	return own.personValues(attr)
}

// operational is a value that the server keeps itself (RFC 4512 §3.4).
func (e ldapEntry) operational(attr string) string {
	switch attr {
	case "entryuuid": // RFC 4530; the same at every start
		h := sha256.Sum256([]byte(e.dn()))
		return uuid.UUID(h[:16]).String()
	case "entrycsn": // as OpenLDAP has it
		return e.tree.written.Format("20060102150405.000000Z") + "#000000#000#000000"
	}
	return e.tree.written.Format("20060102150405Z")
}

// photo is a portrait of some hundred bytes, in the person's colours.
func (p *Person) photo() string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(p.User)) // a hash takes everything
	hue := h.Sum32()
	skin, coat := color.RGBA{uint8(hue>>16) | 0x60, uint8(hue>>8) | 0x60, 0x70, 255}, color.RGBA{0x40, uint8(hue) | 0x40, uint8(hue>>24) | 0x40, 255}
	const side = 48
	picture := image.NewRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			dx, head, body := x-side/2, y-side/3, y-side
			c := color.RGBA{0xe8, 0xea, 0xee, 255}
			if dx*dx+body*body*2 < 400 {
				c = coat
			}
			if dx*dx+head*head < 81 {
				c = skin
			}
			picture.SetRGBA(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, picture, nil); err != nil {
		return "" // then this person has none
	}
	return b.String()
}
