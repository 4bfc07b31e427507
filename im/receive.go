package im

import (
	"bytes"
	"crypto/sha256"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"communicator/plain"
	"communicator/wire/sipconn"

	"github.com/emiago/sipgo/sip"
)

// Handle takes an incoming MESSAGE; false: not for me. The line is stored, in its
// conversation and told of before the sender hears 200. A message that comes a
// second time, perhaps by another front end or after a restart, is answered and
// not shown.
func (b *Book) Handle(in *sipconn.Incoming) bool {
	r := in.Request
	if r.Method != sip.MESSAGE {
		return false
	}
	if len(r.Body()) > maxBody {
		_ = in.Reply(sip.StatusMessageTooLarge, "Message Too Large", sipconn.Body{}) // no connection: nobody to tell
		return true
	}
	body, sent := b.dated(r)
	c := readBody(header(r, "Content-Type"), header(r, "Content-Encoding"), body)
	text, from := plain.Text(c.text), sender(r)
	switch {
	case from == "":
		_ = in.Reply(sip.StatusBadRequest, "From Is No Address One Can Answer", sipconn.Body{})
	case b.refuses(in, from, sent) || b.own(in, from, c):
	case c.verdict == refused, c.verdict != hidden && text == "" && len(bytes.TrimSpace(body)) > 0: // never 200 for what nobody gets to see
		_ = in.Reply(sip.StatusUnsupportedMediaType, "Unsupported Media Type", sipconn.Body{}, sip.NewHeader("Accept", Accept)) // no connection: nobody to tell
	case c.verdict == hidden || text == "":
		b.heardFrom(from, r, c, sent)
		b.noted(from, c)
		if c.list != nil && c.composing == nil && c.receipt == nil {
			b.heardMembers(Message{ID: lineID(r), From: from, Time: sent.at, Stored: sent.stored}, *c.list)
		}
		_ = in.Reply(sip.StatusOK, "OK", sipconn.Body{})
	default:
		b.heardFrom(from, r, c, sent)
		m := Message{ID: lineID(r), From: from, Text: text, Time: sent.at, Stored: sent.stored, owes: c.wanted()}
		if original := strings.Trim(header(r, "Message-ID"), "<>"); m.Stored && original != "" {
			m.ID = original // a store sends a request of its own; deploy/kamailio says here which it kept
		}
		if id := c.id(); id != "" {
			m.ID = id // RFC 5438 §6.3: the sender's name for it, whoever carried it
		}
		key, list := canonical(from), c.list
		if list != nil {
			key, list = b.addressed(from, *list)
		}
		if m.Request = b.stranger(key, from); b.tooMuch(in, key, m) {
			return true
		}
		if list != nil {
			b.receiveShared(m, *list, answer(in))
		} else {
			b.receive(m, answer(in))
		}
	}
	return true
}

// lineID is how a message is known that has no name of its own. Those of one
// dialog share their Call-ID.
func lineID(r *sip.Request) string {
	id := header(r, "Call-ID")
	if to := r.To(); to != nil && to.Params.Has("tag") && r.CSeq() != nil {
		id += "-" + strconv.FormatUint(uint64(r.CSeq().SeqNo), 10)
	}
	return id
}

// noted takes what a message says that no person reads.
func (b *Book) noted(from string, c content) {
	if c.receipt != nil {
		b.receipted(from, *c.receipt)
	}
	if c.composing == nil {
		return
	}
	with := canonical(from)
	if c.list != nil {
		with, _ = b.addressed(from, *c.list)
	}
	b.composes(writer{with, from}, *c.composing)
}

// maxBody is the largest message that is taken, in bytes: four times what is
// sent. (The connection takes more, for the states of a long contact list.)
const maxBody = 64 << 10

// receive keeps a line, puts it into the one-to-one conversation with its sender
// and tells of it, and then answers: 500 when it could not be kept.
func (b *Book) receive(m Message, answer func(code int)) {
	m.With = canonical(m.From)
	b.tell.Add(func() {
		answer(b.take(m, func() *Conversation { return b.with([]string{m.From}) }))
		b.aside(m)
	})
	b.tell.Flush()
}

// take keeps a line, adds it to its conversation and tells of it, unless it came
// before. It returns how its sender is answered, and runs in the order of events.
// talk is called with b.mu held.
func (b *Book) take(m Message, talk func() *Conversation) (code int) {
	known, err := b.keepIncoming(m)
	if err != nil {
		b.o.Log.Error("a message could not be stored, so its sender was asked to repeat it", "from", m.From, "error", err)
		return sip.StatusInternalServerError
	}
	if !known {
		b.mu.Lock()
		b.writesNoMore(writer{m.With, m.From}) // RFC 3994 §3.3: the line itself says so
		c := talk()
		m.Request = m.Request && (c.waits || len(c.lines) == 0) // it may have been admitted meanwhile
		c.ask(m)
		c.add(line{Message: m})
		b.thank(m)
		b.mu.Unlock()
		b.o.Emit(Received{m})
	}
	return sip.StatusOK
}

// keepIncoming stores a message before anybody hears of it; known: it came before.
func (b *Book) keepIncoming(m Message) (known bool, err error) {
	if b.o.Store.Keep != nil {
		known, err = b.o.Store.Keep(m)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		return false, err
	}
	return b.seen.before(fingerprint(m), b.o.Now()) || known, nil
}

// repeatAfter is when a sender may try again whose message could not be stored.
// A server keeps the message meanwhile, or the sender does.
const repeatAfter = 30 * time.Second

// answer acknowledges a message, or asks for it once more (RFC 3261 §21.5.1).
func answer(in *sipconn.Incoming) func(code int) {
	return func(code int) {
		if code == sip.StatusOK {
			_ = in.Reply(code, "OK", sipconn.Body{}) // no connection: the server keeps the message
			return
		}
		_ = in.Reply(code, "Cannot Be Stored", sipconn.Body{}, sip.NewHeader("Retry-After", strconv.Itoa(int(repeatAfter.Seconds()))))
	}
}

// storedMark is what Kamailio's msilo (5.6) puts before a text it has kept.
var storedMark = regexp.MustCompile(`^\[Offline message - [^\]\r\n]{1,80}\] ?`)

// late is the age from which a dated message counts as kept by a server in any
// case.
const late = time.Minute

// keptMost is how long a server may keep a message at most; what is dated
// earlier was dated by a wrong clock.
const keptMost = 60 * 24 * time.Hour

// dating is when a message was sent, as far as known, and whether a server kept it.
type dating struct {
	at     time.Time
	stored bool
}

// dated returns the body without a store's mark, and its dating. A Date alone
// does not say that it was kept, as linphone (5.1) puts one into every message;
// but what a store sends is a request of its own, whereas one that is passed on
// has the sender's Via below the server's. Between front ends it gets more of
// them: then a mark says so, or (msilo marks text only) deploy/kamailio's header.
func (b *Book) dated(r *sip.Request) ([]byte, dating) {
	now := b.o.Now()
	sent, err := http.ParseTime(header(r, "Date")) // RFC 3261 §20.17: the form of HTTP
	if err != nil {
		return r.Body(), dating{at: now}
	}
	mark := storedMark.Find(r.Body())
	if sent.After(now) || now.Sub(sent) > keptMost {
		sent = now // somebody's clock is wrong: it is told among the newest, where it came
	}
	named := header(r, "Message-ID") != "" // by deploy/kamailio, in what it kept
	stored := len(mark) > 0 || named || len(r.GetHeaders("Via")) == 1 || now.Sub(sent) > late
	if !stored {
		sent = now // whole seconds of another clock would put it before what it answers
	}
	return r.Body()[len(mark):], dating{sent.In(now.Location()), stored}
}

// sender is the address in From: what the server let pass. P-Asserted-Identity
// is not looked at, as some servers relay what a client wrote there.
func sender(r *sip.Request) string {
	from := r.From()
	if from == nil || from.Address.Host == "" {
		return ""
	}
	if from.Address.User == "" {
		return canonical(strings.ToLower(from.Address.Host)) // a server speaks for itself
	}
	return canonical(from.Address.User + "@" + from.Address.Host)
}

// header returns the value of a header, or nothing.
func header(r interface{ GetHeader(string) sip.Header }, name string) string {
	if h := r.GetHeader(name); h != nil {
		return strings.TrimSpace(h.Value())
	}
	return ""
}

// How long a message is recognised when it comes again (a store may bring its
// copy days later), and how many are remembered.
const (
	seenFor  = 7 * 24 * time.Hour
	seenMost = 10000
)

// recent remembers what came lately.
type recent struct {
	at    map[[32]byte]time.Time
	order [][32]byte // oldest first
}

// fingerprint is the same for repetitions of an incoming line.
func fingerprint(m Message) [32]byte {
	return sha256.Sum256([]byte(m.ID + "\x00" + m.From + "\x00" + m.Text))
}

// has reports whether k came before.
func (s *recent) has(k [32]byte) bool {
	_, has := s.at[k]
	return has
}

// before reports whether k came before, and remembers it.
func (s *recent) before(k [32]byte, now time.Time) bool {
	for len(s.order) > 0 && (len(s.order) >= seenMost || now.Sub(s.at[s.order[0]]) > seenFor) {
		delete(s.at, s.order[0])
		s.order = s.order[1:]
	}
	if _, ok := s.at[k]; ok {
		return true
	}
	if s.at == nil {
		s.at = map[[32]byte]time.Time{}
	}
	s.at[k] = now
	s.order = append(s.order, k)
	return false
}
