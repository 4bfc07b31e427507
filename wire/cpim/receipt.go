package cpim

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
	"time"
)

// maxXML is the longest XML document that is read here, in bytes.
const maxXML = 16 << 10

// nsReceipt is the namespace of the document (RFC 5438 §11).
const nsReceipt = "urn:ietf:params:xml:ns:imdn"

// Kind is what a receipt is about.
type Kind string

const (
	Delivery   Kind = "delivery"   // it reached the recipient's client
	Processing Kind = "processing" // something on the way worked on it
	Displayed  Kind = "display"    // the recipient has seen it
)

// Receipt is an IMDN (RFC 5438 §7.2.1).
type Receipt struct {
	ID        string    // of the message it is about
	Kind      Kind      // of notification
	Status    string    // "delivered", "displayed", "failed", "error", ...: the name of the element
	Recipient string    // recipient-uri: whose client it is about; empty: the sender's of the receipt
	Time      time.Time // datetime: when the message it is about was sent; zero: not said or not understood
}

// Good says whether the receipt says that what its kind is about has happened.
func (r Receipt) Good() bool {
	return r.Kind == Delivery && r.Status == "delivered" || r.Kind == Displayed && r.Status == "displayed"
}

// ParseReceipt reads an IMDN. One without a message-id, without a notification
// or with several is an error.
func ParseReceipt(b []byte) (Receipt, error) {
	type notification struct {
		Status struct {
			Is []struct{ XMLName xml.Name } `xml:",any"`
		} `xml:"status"`
	}
	var doc struct {
		XMLName    xml.Name
		ID         string         `xml:"message-id"`
		Time       string         `xml:"datetime"`
		Recipient  string         `xml:"recipient-uri"`
		Delivery   []notification `xml:"delivery-notification"`
		Processing []notification `xml:"processing-notification"`
		Display    []notification `xml:"display-notification"`
	}
	if err := readXML(b, &doc); err != nil {
		return Receipt{}, fmt.Errorf("receipt: %w", err)
	}
	if doc.XMLName.Local != "imdn" || doc.XMLName.Space != nsReceipt && doc.XMLName.Space != "" { // some leave the namespace out
		return Receipt{}, errors.New("receipt: it is another document")
	}
	r := Receipt{ID: strings.TrimSpace(doc.ID), Recipient: strings.TrimSpace(doc.Recipient)}
	r.Time, _ = time.Parse(time.RFC3339, strings.TrimSpace(doc.Time)) // nothing is judged by it
	found := 0
	for _, k := range []struct {
		kind Kind
		said []notification
	}{{Delivery, doc.Delivery}, {Processing, doc.Processing}, {Displayed, doc.Display}} {
		for _, n := range k.said {
			if found++; len(n.Status.Is) > 0 {
				r.Kind, r.Status = k.kind, n.Status.Is[0].XMLName.Local
			}
		}
	}
	if r.ID == "" || found != 1 || r.Status == "" {
		return Receipt{}, errors.New("receipt: it does not say what of which message")
	}
	return r, nil
}

// Bytes writes the receipt.
func (r Receipt) Bytes() []byte {
	var b bytes.Buffer
	b.WriteString(xml.Header + `<imdn xmlns="` + nsReceipt + `"><message-id>`)
	_ = xml.EscapeText(&b, []byte(r.ID)) // a buffer takes everything
	b.WriteString("</message-id><datetime>" + r.Time.Format(time.RFC3339) + "</datetime>")
	if r.Recipient != "" {
		b.WriteString("<recipient-uri>")
		_ = xml.EscapeText(&b, []byte(r.Recipient))
		b.WriteString("</recipient-uri>")
	}
	kind := string(r.Kind) + "-notification"
	b.WriteString("<" + kind + "><status><" + r.Status + "/></status></" + kind + "></imdn>")
	return b.Bytes()
}

// readXML reads one document into v. There are no entities to expand: the
// decoder knows none but XML's own, and a DOCTYPE with more is an error where
// one is used.
func readXML(b []byte, v any) error {
	if len(b) > maxXML {
		return fmt.Errorf("%d bytes, more than %d", len(b), maxXML)
	}
	return xml.Unmarshal(b, v)
}
