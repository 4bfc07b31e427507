package pidf

import "strconv"

// ContentTypeRLMI is the content type of list meta-information.
const ContentTypeRLMI = "application/rlmi+xml"

// RLMI says how a watched list and its members stand (RFC 4662 §5).
type RLMI struct {
	URI       string // the list
	Version   uint32 // rises by one with each notification of a subscription
	FullState bool   // all members are told; else only those that changed
	CID       string // Content-ID of the state of the list itself; rare
	Names     []Note
	Resources []Resource
}

// Resource is one member of the list (RFC 4662 §5.3).
type Resource struct {
	URI       string
	Names     []Note
	Instances []Instance // empty: nothing is known (yet)
}

// Instance is one subscription behind a member (RFC 4662 §5.5).
type Instance struct {
	ID     string
	State  string // "active", "pending" or "terminated"
	Reason string // of "terminated"
	CID    string // Content-ID of its document in the same message; empty: no state
}

// ParseRLMI reads list meta-information.
func ParseRLMI(b []byte) (RLMI, error) {
	root, err := read(b, nsRLMI, "list")
	if err != nil {
		return RLMI{}, err
	}
	l := RLMI{URI: root.attr("uri"), Version: parseVersion(root.attr("version")),
		FullState: parseBool(root.attr("fullState")), CID: root.attr("cid"), Names: parseNames(root)}
	root.each(nsRLMI, "resource", func(k *node) {
		r := Resource{URI: k.attr("uri"), Names: parseNames(k)}
		k.each(nsRLMI, "instance", func(i *node) {
			r.Instances = append(r.Instances, Instance{i.attr("id"), i.attr("state"), i.attr("reason"), i.attr("cid")})
		})
		l.Resources = append(l.Resources, r)
	})
	return l, nil
}

func parseNames(n *node) (names []Note) {
	n.each(nsRLMI, "name", func(k *node) { names = append(names, parseNote(k)) })
	return names
}

// Marshal writes the document.
func (l RLMI) Marshal() []byte {
	w := newWriter()
	w.open("list", "xmlns", nsRLMI, "uri", l.URI, "version", strconv.FormatUint(uint64(l.Version), 10),
		"fullState", strconv.FormatBool(l.FullState), "cid", l.CID)
	for _, n := range l.Names {
		n.write(w, "name")
	}
	for _, r := range l.Resources {
		w.open("resource", "uri", r.URI)
		for _, n := range r.Names {
			n.write(w, "name")
		}
		for _, i := range r.Instances {
			w.leaf("instance", "", "id", i.ID, "state", i.State, "reason", i.Reason, "cid", i.CID)
		}
		w.close()
	}
	return w.end()
}

// parseVersion reads a version; what is none is 0.
func parseVersion(s string) uint32 {
	v, _ := strconv.ParseUint(s, 10, 32) // 0 on error is what we want
	return uint32(v)
}

// parseBool reads an xs:boolean.
func parseBool(s string) bool { return s == "true" || s == "1" }
