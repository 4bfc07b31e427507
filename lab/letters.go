package lab

import (
	"mime"
	"slices"
	"strings"
	"time"

	"communicator/wire/cpim"

	"github.com/emiago/sipgo/sip"
)

// letter is a message that reached a simulated client.
type letter struct {
	Time  time.Time `json:"time"`
	From  string    `json:"from"` // sip:user@domain
	Text  string    `json:"text"`
	ID    string    `json:"id"`      // Message-ID of CPIM, else Call-ID; of a message kept by a server that of the original
	Call  string    `json:"call_id"` // of the request it came in
	Count int       `json:"count"`   // how often it came; more than once is shown once
}

// mailbox is what reached one client.
type mailbox struct {
	letters []letter // the oldest first
	gone    int      // how many older ones were dropped
	at      map[string]int
}

const (
	mailboxLetters = 10_000 // then the oldest go
	letterBytes    = 16 << 10
)

// add takes a letter; false: it came before.
func (m *mailbox) add(l letter) bool {
	key := l.From + "\n" + l.ID + "\n" + l.Text
	if i, again := m.at[key]; again && i >= m.gone {
		m.letters[i-m.gone].Count++
		return false
	}
	if m.at == nil {
		m.at = map[string]int{}
	}
	m.at[key] = m.gone + len(m.letters)
	l.Count = 1
	if m.letters = append(m.letters, l); len(m.letters) > mailboxLetters {
		old := m.letters[0]
		delete(m.at, old.From+"\n"+old.ID+"\n"+old.Text)
		m.letters = m.letters[1:]
		m.gone++
	}
	return true
}

// letters is what reached the simulated client of user, oldest first.
func (c *crowd) letters(user string) []letter {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.phantoms[user]; p != nil {
		return append([]letter{}, p.inbox.letters...)
	}
	return []letter{}
}

// accepted is what a simulated client understands.
const accepted = "text/plain, message/cpim, message/imdn+xml, application/im-iscomposing+xml"

// take takes a message as a client does that knows text, CPIM and receipts.
func (c *crowd) take(p *phantom, r *sip.Request) answer {
	content, ok := open(r)
	kind := mediaType(content.Content.Type)
	switch {
	case !ok || !slices.Contains([]string{"text/plain", cpim.TypeReceipt, cpim.TypeComposing}, kind): // RFC 3428 §4
		return answer{code: sip.StatusUnsupportedMediaType, headers: []sip.Header{sip.NewHeader("Accept", accepted)}} // RFC 3261 §21.4.13
	case len(r.Body()) > letterBytes:
		return answer{code: sip.StatusRequestEntityTooLarge}
	case kind != "text/plain": // heard, with nothing to show
		return answer{code: sip.StatusOK}
	}
	from := ""
	if f := r.From(); f != nil {
		from = userOf(f.Address)
	}
	text := strings.ToValidUTF8(string(content.Content.Body), "\uFFFD")
	l := letter{Time: c.now(), From: "sip:" + from, Text: text, ID: content.ID, Call: value(r, "Call-ID")}
	if l.ID == "" {
		l.ID = l.Call
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.inbox.add(l) {
		c.mayAnswer(p, from, text, content)
	}
	return answer{code: sip.StatusOK}
}

// open takes the wrapping off a message; without one it has no ID and asks for
// no receipts. false: it is not what it says.
func open(r *sip.Request) (m cpim.Message, ok bool) {
	kind := "text/plain" // RFC 3261 §20.15 leaves none only for an empty body
	if h := r.ContentType(); h != nil {
		kind = h.Value()
	}
	body := unmarked(r)
	if mediaType(kind) != cpim.TypeMessage {
		return cpim.Message{Content: cpim.Part{Type: kind, Body: body}}, true
	}
	m, err := cpim.Parse(body)
	if m.Content.Type == "" {
		m.Content.Type = "text/plain"
	}
	return m, err == nil
}

// mediaType is a type in lower case without its parameters.
func mediaType(s string) string {
	kind, _, _ := mime.ParseMediaType(s)
	return kind
}
