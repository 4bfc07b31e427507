package lab

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// xcapServer keeps documents for users (RFC 4825). Everybody reads and writes
// in his own tree only, the administrator in all. At the start there are none.
type xcapServer struct {
	pool *pool
}

// usage is an XCAP application usage.
type usage struct {
	contentType string
	namespace   string
	root        string
}

// usages that are kept. xcap-caps is answered from this table.
var usages = map[string]usage{
	"resource-lists": {"application/resource-lists+xml", "urn:ietf:params:xml:ns:resource-lists", "resource-lists"}, // RFC 4826 §3
	"rls-services":   {"application/rls-services+xml", "urn:ietf:params:xml:ns:rls-services", "rls-services"},       // RFC 4826 §4
	"pres-rules":     {"application/auth-policy+xml", "urn:ietf:params:xml:ns:common-policy", "ruleset"},            // RFC 5025
}

const (
	xcapDocument = 512 << 10 // bytes
	elementType  = "application/xcap-el+xml"
	errorType    = "application/xcap-error+xml"
)

// ServeHTTP answers one request.
func (s *xcapServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	sel, err := parseSelector(r.URL.EscapedPath())
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	user, ok := s.authorize(w, r)
	if !ok {
		return
	}
	if sel.auid == "xcap-caps" && sel.global {
		serveCaps(w, r)
		return
	}
	u, known := usages[sel.auid]
	if !known || sel.global {
		http.Error(w, "there is no such document here", http.StatusNotFound)
		return
	}
	// RFC 4825 §8.2.5 leaves this to the server: nobody else's tree, unless one
	// is the administrator.
	if sel.user != user && user != s.pool.administrator {
		http.Error(w, user+" may see only the own documents", http.StatusForbidden)
		return
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		s.get(w, r, u, sel)
	case http.MethodPut:
		s.put(w, r, u, sel)
	case http.MethodDelete:
		s.remove(w, r, u, sel)
	default:
		w.Header().Set("Allow", "GET, HEAD, PUT, DELETE")
		http.Error(w, "GET, PUT or DELETE", http.StatusMethodNotAllowed)
	}
}

// authorize checks HTTP Digest (RFC 7616) and says who it is.
func (s *xcapServer) authorize(w http.ResponseWriter, r *http.Request) (user string, ok bool) {
	user, stale, err := s.pool.authorize(r.Header.Get("Authorization"), r.Method)
	if err == nil && !stale && digestURI(r.Header.Get("Authorization")) != r.RequestURI {
		// RFC 7616 §3.4.6: the answer is for another resource.
		http.Error(w, "the Authorization is for another resource", http.StatusBadRequest)
		return "", false
	}
	if err == nil && !stale {
		return user, true
	}
	for _, c := range s.pool.challenges(stale) {
		w.Header().Add("WWW-Authenticate", c)
	}
	http.Error(w, "sign in with Digest", http.StatusUnauthorized)
	return "", false
}

// digestURI is the uri parameter of an Authorization value.
func digestURI(authorization string) string {
	_, rest, _ := strings.Cut(authorization, `uri="`)
	uri, _, _ := strings.Cut(rest, `"`)
	return uri
}

// serveCaps says what this server can (RFC 4825 §12).
func serveCaps(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "this document is the server's", http.StatusMethodNotAllowed)
		return
	}
	w.Header().Set("Content-Type", "application/xcap-caps+xml")
	_, _ = io.WriteString(w, `<?xml version="1.0" encoding="UTF-8"?>
<xcap-caps xmlns="urn:ietf:params:xml:ns:xcap-caps">
  <auids><auid>pres-rules</auid><auid>resource-lists</auid><auid>rls-services</auid><auid>xcap-caps</auid></auids>
  <namespaces>
    <namespace>urn:ietf:params:xml:ns:common-policy</namespace>
    <namespace>urn:ietf:params:xml:ns:pres-rules</namespace>
    <namespace>urn:ietf:params:xml:ns:resource-lists</namespace>
    <namespace>urn:ietf:params:xml:ns:rls-services</namespace>
    <namespace>urn:ietf:params:xml:ns:xcap-caps</namespace>
  </namespaces>
</xcap-caps>
`) // the other side is gone
}

func (s *xcapServer) get(w http.ResponseWriter, r *http.Request, u usage, sel selector) {
	d, there := s.pool.getXCAP(sel.auid, sel.user)
	content, kind := d.content, u.contentType
	if there && len(sel.node) > 0 {
		var at span
		kind = elementType
		if at, there = find(d.content, sel.node); there {
			content = d.content[at.start:at.end]
		}
	}
	if !there {
		http.Error(w, "there is none", http.StatusNotFound)
		return
	}
	w.Header().Set("ETag", d.etag)
	w.Header().Set("Content-Type", kind)
	if tag := r.Header.Get("If-None-Match"); tag == d.etag || tag == "*" {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if tag := r.Header.Get("If-Match"); tag != "" && tag != "*" && tag != d.etag {
		w.WriteHeader(http.StatusPreconditionFailed)
		return
	}
	_, _ = w.Write(content) // the other side is gone
}

func (s *xcapServer) put(w http.ResponseWriter, r *http.Request, u usage, sel selector) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, xcapDocument))
	if err != nil {
		http.Error(w, fmt.Sprintf("more than %d bytes, or cut off", xcapDocument), http.StatusRequestEntityTooLarge)
		return
	}
	want := u.contentType
	if len(sel.node) > 0 {
		want = elementType
	}
	// RFC 4825 §8.2.1 and §8.2.2: the type must be the right one.
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); strings.TrimSpace(kind) != want {
		http.Error(w, "the Content-Type must be "+want, http.StatusUnsupportedMediaType)
		return
	}
	c, created := conditionOf(r), false
	if len(sel.node) > 0 {
		d, there := s.pool.getXCAP(sel.auid, sel.user)
		if !there {
			conflict(w, `<no-parent/>`)
			return
		}
		if body, created, err = put(d.content, sel.node, body); err != nil {
			conflict(w, errorElement(err))
			return
		}
		if c.noneMatch == "*" && !created { // RFC 9110 §13.1.2: here the element is the resource
			w.WriteHeader(http.StatusPreconditionFailed)
			return
		}
		c = c.onTopOf(d)
	}
	if err := wellFormed(body, u); err != nil {
		conflict(w, errorElement(err))
		return
	}
	s.store(w, sel, body, c, created)
}

func (s *xcapServer) remove(w http.ResponseWriter, r *http.Request, u usage, sel selector) {
	d, there := s.pool.getXCAP(sel.auid, sel.user)
	var body []byte
	c := conditionOf(r)
	if there && len(sel.node) > 0 {
		var at span
		if at, there = find(d.content, sel.node); there {
			body = append(append(body, d.content[:at.start]...), d.content[at.end:]...)
			c = c.onTopOf(d)
		}
	}
	if !there {
		http.Error(w, "there is none", http.StatusNotFound)
		return
	}
	if body != nil {
		if err := wellFormed(body, u); err != nil { // RFC 4825 §8.2.4
			conflict(w, `<cannot-delete/>`)
			return
		}
	}
	s.store(w, sel, body, c, false)
}

// store writes the new document; nil deletes it.
func (s *xcapServer) store(w http.ResponseWriter, sel selector, body []byte, c condition, element bool) {
	d, created, err := s.pool.putXCAP(sel.auid, sel.user, body, c)
	switch {
	case errors.Is(err, errPrecondition):
		w.WriteHeader(http.StatusPreconditionFailed)
		return
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if body != nil {
		w.Header().Set("ETag", d.etag)
	}
	if created || element {
		w.WriteHeader(http.StatusCreated)
	}
}

func conditionOf(r *http.Request) condition {
	return condition{match: r.Header.Get("If-Match"), noneMatch: r.Header.Get("If-None-Match")}
}

// onTopOf makes sure that d, of which a part is changed, is still the one
// there. An entity tag is that of the whole document (RFC 4825 §7.11).
func (c condition) onTopOf(d document) condition {
	if c.noneMatch == "*" {
		c.noneMatch = ""
	}
	if c.match == "" || c.match == "*" {
		c.match = d.etag
	}
	return c
}

// conflict answers 409 with a reason a program can read (RFC 4825 §11).
func conflict(w http.ResponseWriter, element string) {
	w.Header().Set("Content-Type", errorType)
	w.WriteHeader(http.StatusConflict)
	_, _ = fmt.Fprintf(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<xcap-error xmlns=\"urn:ietf:params:xml:ns:xcap-error\">%s</xcap-error>\n", element)
}

// conflictError is an element of an xcap-error document (RFC 4825 §11.1).
type conflictError struct{ element, phrase string }

func (e *conflictError) Error() string { return e.element + ": " + e.phrase }

func errorElement(err error) string {
	var c *conflictError
	if !errors.As(err, &c) {
		c = &conflictError{"not-well-formed", err.Error()}
	}
	var phrase bytes.Buffer
	_ = xml.EscapeText(&phrase, []byte(c.phrase)) // into memory
	return fmt.Sprintf(`<%s phrase="%s"/>`, c.element, phrase.String())
}
