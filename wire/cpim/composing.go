package cpim

import (
	"encoding/xml"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// nsComposing is the namespace of the document (RFC 3994 §4).
const nsComposing = "urn:ietf:params:xml:ns:im-iscomposing"

// How long "active" holds without being said again: as long as it says, within
// these bounds (RFC 3994 §3.3: 120 s unless said; a refresh is never sent more
// often than every 60 s).
const (
	RefreshLeast = 60 * time.Second
	RefreshUsual = 120 * time.Second
	refreshMost  = time.Hour
)

// Composing says whether somebody is writing (RFC 3994 §4).
type Composing struct {
	Active  bool
	Refresh time.Duration // how long active holds; writing: 0 leaves it out
}

// ParseComposing reads an is-composing document. A state that is not "active"
// is idle (RFC 3994 §4).
func ParseComposing(b []byte) (Composing, error) {
	var doc struct {
		XMLName xml.Name
		State   string `xml:"state"`
		Refresh string `xml:"refresh"`
	}
	if err := readXML(b, &doc); err != nil {
		return Composing{}, fmt.Errorf("is-composing: %w", err)
	}
	state := strings.TrimSpace(doc.State)
	if doc.XMLName.Local != "isComposing" || doc.XMLName.Space != nsComposing && doc.XMLName.Space != "" || state == "" {
		return Composing{}, errors.New("is-composing: it is another document")
	}
	c := Composing{Active: state == "active", Refresh: RefreshUsual}
	if n, err := strconv.ParseUint(strings.TrimSpace(doc.Refresh), 10, 31); err == nil && n > 0 {
		c.Refresh = min(max(time.Duration(n)*time.Second, RefreshLeast), refreshMost)
	}
	return c, nil
}

// Bytes writes the document, about a text.
func (c Composing) Bytes() []byte {
	state, refresh := "idle", ""
	if c.Active {
		state = "active"
		if c.Refresh > 0 {
			refresh = "<refresh>" + strconv.Itoa(int(c.Refresh/time.Second)) + "</refresh>"
		}
	}
	return []byte(xml.Header + `<isComposing xmlns="` + nsComposing + `"><state>` + state + "</state><contenttype>text/plain</contenttype>" + refresh + "</isComposing>")
}
