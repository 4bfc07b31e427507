package im

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"mime"
	"slices"
	"strings"

	"communicator/wire/cpim"
	"communicator/wire/pidf"
	"communicator/wire/sipconn"

	"github.com/google/uuid"
)

// A line of a shared conversation is multipart/mixed: the text, and who is in
// the conversation (RFC 5365 §7.3). The list is in the body, not in a header, as
// stores and gateways keep a body and drop headers that they do not know.

// longList is from how many bytes on a list is sent compressed, so that that of
// MaxMembers stays under what servers take; maxList is the most that is read.
const (
	longList = 2000
	maxList  = 256 << 10
)

// says is what a line says of the members to those who get it.
func (m Message) says() said {
	s := said{from: m.From, id: m.Group.ID, title: m.Group.Title, list: m.Group.Members, added: m.Group.Added}
	if m.Notice == Joined || m.Notice == Left || m.Notice == Renamed {
		s.notice = m.Notice
	}
	return s
}

// document writes the list of members, compressed if it is long.
func (s said) document() []byte {
	r := pidf.Recipients{ID: s.id, Title: s.title, Notice: s.notice}
	for _, m := range s.list {
		r.People = append(r.People, pidf.Recipient{URI: "sip:" + m, Added: slices.Contains(s.added, m)})
	}
	document := r.Marshal()
	if len(document) < longList {
		return document
	}
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, _ = z.Write(document) // into memory
	_ = z.Close()
	return b.Bytes()
}

// listAlone is a list of members as a body of its own.
func listAlone(list []byte) sipconn.Body {
	if len(list) < longList && list[0] == '<' {
		return sipconn.Body{Type: pidf.ContentTypeLists, Content: list}
	}
	var b sipconn.Body
	b.Type, b.Content = cpim.Join("multipart/mixed", uuid.NewString(), listPart(list))
	return b
}

// withList puts a text and the list of members into one body.
func withList(text sipconn.Body, list []byte) sipconn.Body {
	var b sipconn.Body
	b.Type, b.Content = cpim.Join("multipart/mixed", uuid.NewString(), cpim.Part{Type: text.Type, Body: text.Content}, listPart(list))
	return b
}

func listPart(list []byte) cpim.Part {
	part := cpim.Part{Type: pidf.ContentTypeLists, Disposition: pidf.DispositionHistory, Body: list}
	if list[0] != '<' {
		part.Encoding = "deflate" // RFC 9110 §8.4.1.2: the zlib format
	}
	return part
}

// Parameters of the Content-Type of a text that says in its first lines who is in
// which conversation: for somebody who is away, whose client may be any. A body in
// parts kept for linphone 5.1 would end it at every sign-in.
const (
	conversationParameter = "conversation"
	noticeParameter       = "notice"
)

// longWords is how many bytes the first line of such a text may have.
const longWords = 2000

// readable is the form of a leg that every client shows and ours understands. In
// a large conversation it names some; who began it tells the others to whom it
// hears to know of no more.
func (l *leg) readable() sipconn.Body {
	b := l.talk.b
	b.mu.Lock()
	g, kind := l.talk.circle.group(), ""
	if m := l.talk.find(l.id); m != nil {
		g, kind = m.Group, m.Notice
	}
	b.mu.Unlock()
	if strings.ContainsAny(g.ID, "\"\\;") {
		return sipconn.Text(l.inWords())
	}
	to := firstLine(without(g.Members, b.o.Self))
	if g.Title != "" {
		to += "\nSubject: " + g.Title
	}
	text := sipconn.Text(to + "\n" + l.text)
	text.Type += ";" + conversationParameter + `="` + g.ID + `"`
	if kind != "" {
		text.Type += ";" + noticeParameter + "=" + kind
	}
	return text
}

// firstLine names people by address, as many as there is room for.
func firstLine(people []string) string {
	to := "To: "
	for i, who := range people {
		if len(to)+len(who) > longWords {
			return to + fmt.Sprintf("and %d others", len(people)-i)
		}
		if to += who; i < len(people)-1 {
			to += ", "
		}
	}
	return to
}

// readWords takes the first lines off such a text.
func readWords(contentType, text string) (string, *said) {
	_, params, err := mime.ParseMediaType(contentType)
	to, rest, found := strings.Cut(text, "\n")
	to, is := strings.CutPrefix(strings.TrimRight(to, "\r"), "To: ")
	if err != nil || params[conversationParameter] == "" || !found || !is {
		return text, nil
	}
	s := said{id: params[conversationParameter], list: strings.Split(to, ", "), notice: params[noticeParameter], words: true}
	if first, after, found := strings.Cut(rest, "\n"); found {
		if title, is := strings.CutPrefix(strings.TrimRight(first, "\r"), "Subject: "); is {
			s.title, rest = title, after
		}
	}
	return rest, &s
}

// readList reads the list of members; nil: it cannot be read, and then the
// message is as one without (its handling is optional).
func readList(p cpim.Part) *said {
	if strings.EqualFold(p.Encoding, "deflate") {
		z, err := zlib.NewReader(bytes.NewReader(p.Body))
		if err != nil {
			return nil
		}
		if p.Body, err = io.ReadAll(io.LimitReader(z, maxList)); err != nil {
			return nil
		}
	}
	r, err := pidf.ParseRecipients(p.Body)
	if err != nil {
		return nil
	}
	s := said{id: r.ID, title: r.Title, notice: r.Notice}
	for _, p := range r.People {
		s.list = append(s.list, p.URI)
		if p.Added {
			s.added = append(s.added, p.URI)
		}
	}
	return &s
}
