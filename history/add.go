package history

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Add stores an entry, in one transaction. known: it is there already (same ID,
// From and Text); then only recipients that it did not have are added. The zero
// Time is now. The error may be ErrFull.
//
// What came in is not known when another process of the user has just stored it:
// both got it, and each has yet to show it. Who stores it twice himself must know.
func (s *Store) Add(e Entry) (known bool, err error) {
	if e.Time.IsZero() {
		e.Time = s.o.Now()
	}
	var holder string
	if e.unsent() {
		if holder, err = s.hold(); err != nil {
			return false, fmt.Errorf("store the message: %w", err)
		}
	}
	err = s.write(func(c *conn) error {
		known, err = c.add(e, holder, s.o.Off && holder == "")
		if known && err == nil && !e.Own {
			known, err = c.knownBefore(e, s.o.Began, s.o.Now())
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("store the message: %w", err)
	}
	return known, nil
}

// add stores an entry, or only its mark.
func (c *conn) add(e Entry, holder string, onlyMark bool) (known bool, err error) {
	mark := e.mark()
	r, err := c.first("SELECT id FROM entries WHERE mark = ?1", mark)
	if err != nil {
		return false, err
	}
	if r != nil {
		return true, c.extend(r.number(0), e, holder)
	}
	r, err = c.first("SELECT 1 FROM seen WHERE mark = ?1", mark)
	switch {
	case err != nil || r != nil:
		return r != nil, err
	case onlyMark:
		return false, c.remember(mark, e.Time.UnixMicro())
	}
	return false, c.insert(e, mark, holder)
}

// together is how far apart the copies of one message may come that a server
// passes on to several processes.
const together = 30 * time.Second

// knownBefore says whether an entry that is there was there before this process
// began, or for long.
func (c *conn) knownBefore(e Entry, began, now time.Time) (bool, error) {
	from := now.Add(-together)
	if began.After(from) {
		from = began
	}
	r, err := c.first("SELECT 1 FROM entries WHERE mark = ?1 AND id BETWEEN ?2 AND ?3 UNION ALL SELECT 1 FROM seen WHERE mark = ?1 AND at BETWEEN ?2 AND ?3",
		e.mark(), from.UnixMicro(), now.UnixMicro())
	return r == nil, err
}

// extend adds the recipients that an entry does not have yet.
func (c *conn) extend(id int64, e Entry, holder string) error {
	news := false
	for _, r := range e.To {
		person, err := c.person(r.To)
		if err != nil {
			return err
		}
		there, err := c.first("SELECT 1 FROM recipients WHERE entry = ?1 AND person = ?2", id, person)
		if err == nil && there == nil {
			news = news || rank(r.State) < pending
			err = c.addRecipient(id, e.With, r)
		}
		if err != nil {
			return err
		}
	}
	if !news || holder == "" {
		return nil
	}
	_, err := c.do("INSERT OR IGNORE INTO unsent (entry, holder) VALUES (?1, ?2)", id, holder)
	return err
}

// addRecipient adds a recipient; one of a message to several separately has it in
// the conversation with him.
func (c *conn) addRecipient(entry int64, with string, r Recipient) error {
	if with == "" {
		talk, err := c.talk(r.To)
		if err == nil {
			err = c.accept(talk)
		}
		if err == nil {
			_, err = c.do("INSERT OR IGNORE INTO places (talk, entry) VALUES (?1, ?2)", talk, entry)
		}
		if err != nil {
			return err
		}
	}
	return c.setRecipient(entry, r)
}

// insert stores an entry that is not there; holder is who has to send it.
func (c *conn) insert(e Entry, mark []byte, holder string) error {
	var talk int64 // 0: several people separately
	if e.With != "" {
		var err error
		if talk, err = c.talk(e.With); err != nil {
			return err
		}
	}
	if !e.Request { // whoever answers has accepted
		if err := c.accept(talk); err != nil {
			return err
		}
	}
	circle, err := c.circle(e)
	if err != nil {
		return err
	}
	sender, err := c.person(e.From)
	if err != nil {
		return err
	}
	id, err := c.unique(e.Time.UnixMicro())
	if err != nil {
		return err
	}
	raw := e.Raw
	if raw == e.Text {
		raw = ""
	}
	_, err = c.do(`INSERT INTO entries (id, talk, circle, sender, own, kind, read, late, request, mark, message, text, raw, notice, added)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)`,
		id, talk, circle, sender, e.Own, int(e.Kind), e.Own || e.Read, e.Late, e.Request, mark, e.ID, e.Text, raw, e.Notice, strings.Join(e.Added, ","))
	if err == nil && e.Kind == Call {
		_, err = c.do("INSERT INTO calls (entry, device, reason, length) VALUES (?1, ?2, ?3, ?4)", id, e.Device, e.Reason, e.Length.Milliseconds())
	}
	for _, r := range e.To {
		if err == nil {
			err = c.addRecipient(id, e.With, r)
		}
	}
	if err == nil && holder != "" {
		_, err = c.do("INSERT INTO unsent (entry, holder) VALUES (?1, ?2)", id, holder)
	}
	return err
}

// remember keeps a mark of what is not, or no longer, kept.
func (c *conn) remember(mark []byte, at int64) error {
	_, err := c.do("INSERT OR IGNORE INTO seen (mark, at) VALUES (?1, ?2)", mark, at)
	return err
}

// talk returns the number of a conversation, made if need be.
func (c *conn) talk(key string) (int64, error) {
	r, err := c.first("SELECT id FROM talks WHERE key = ?1", key)
	if err == nil && r == nil {
		r, err = c.first("INSERT INTO talks (key) VALUES (?1) RETURNING id", key)
	}
	if err != nil {
		return 0, err
	}
	return r.number(0), nil
}

// circle returns the number of who sees an entry, made if need be; 0: who is in
// its conversation.
func (c *conn) circle(e Entry) (int64, error) {
	if e.Title == "" && len(e.Members) == 0 {
		return 0, nil
	}
	members := strings.Join(e.Members, ",")
	r, err := c.first("SELECT id FROM circles WHERE title = ?1 AND members = ?2", e.Title, members)
	if err == nil && r == nil {
		r, err = c.first("INSERT INTO circles (title, members) VALUES (?1, ?2) RETURNING id", e.Title, members)
	}
	if err != nil {
		return 0, err
	}
	return r.number(0), nil
}

// person returns the number of an address, made if need be.
func (c *conn) person(address string) (int64, error) {
	r, err := c.first("SELECT id FROM people WHERE address = ?1", address)
	if err == nil && r == nil {
		r, err = c.first("INSERT INTO people (address) VALUES (?1) RETURNING id", address)
	}
	if err != nil {
		return 0, err
	}
	return r.number(0), nil
}

// sameMoment is how many entries may be of one moment before they are refused.
const sameMoment = 10000

// unique returns the number of a new entry: its time, or soon after.
func (c *conn) unique(at int64) (int64, error) {
	id := at
	if at == c.lastTime {
		id = c.lastUnique + 1
	}
	for range sameMoment {
		r, err := c.first("SELECT 1 FROM entries WHERE id = ?1", id)
		if err != nil {
			return 0, err
		}
		if r == nil {
			c.lastTime, c.lastUnique = at, id
			return id, nil
		}
		id++
	}
	return 0, errors.New("there are too many messages of the same moment")
}

func (c *conn) setRecipient(entry int64, r Recipient) error {
	person, err := c.person(r.To)
	if err != nil {
		return err
	}
	_, err = c.do("INSERT OR REPLACE INTO recipients (entry, person, state, code, reason, took, plain, blocked) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
		entry, person, rank(r.State), r.Code, r.Reason, r.Took.Milliseconds(), r.Plain, r.Blocked)
	return err
}

// Settle records where an own message stands at one recipient. One that is not
// kept is passed over.
func (s *Store) Settle(id string, r Recipient) (err error) {
	var holder string
	if rank(r.State) < pending {
		if holder, err = s.hold(); err != nil {
			return fmt.Errorf("store the result: %w", err)
		}
	}
	err = s.write(func(c *conn) error {
		entry, err := c.own(id)
		if err != nil || entry == 0 {
			return err
		}
		if err := c.setRecipient(entry, r); err != nil {
			return err
		}
		if holder != "" {
			_, err := c.do("INSERT OR IGNORE INTO unsent (entry, holder) VALUES (?1, ?2)", entry, holder)
			return err
		}
		return c.settled(entry, s.o.Off)
	})
	if err != nil {
		return fmt.Errorf("store the result: %w", err)
	}
	return nil
}

// own returns the number of an own message; 0: it is not kept.
func (c *conn) own(id string) (int64, error) {
	r, err := c.first("SELECT id FROM entries WHERE message = ?1 AND own", id)
	if err != nil || r == nil {
		return 0, err
	}
	return r.number(0), nil
}

// settled takes note that an own message may have left to all it is for.
func (c *conn) settled(entry int64, off bool) error {
	n, err := c.do("DELETE FROM unsent WHERE entry = ?1 AND NOT EXISTS (SELECT 1 FROM recipients WHERE entry = ?1 AND state < ?2)", entry, pending)
	if err == nil && n > 0 && off {
		err = c.remove(entry)
	}
	return err
}

// Seen records that the user has seen what came in a conversation up to then.
func (s *Store) Seen(with string, upTo time.Time) error {
	err := s.write(func(c *conn) error {
		_, err := c.do("UPDATE entries SET read = 1 WHERE talk = (SELECT id FROM talks WHERE key = ?1) AND NOT read AND id <= ?2",
			with, upTo.UnixMicro()+slack)
		return err
	})
	if err != nil {
		return fmt.Errorf("store what was read: %w", err)
	}
	return nil
}

// slack is by how much the number of an entry may be beyond its time, in
// microseconds, without its being missed.
const slack = 1000

// Accept makes a stranger's requests ordinary messages.
func (s *Store) Accept(with string) error {
	err := s.write(func(c *conn) error {
		talk, err := c.first("SELECT id FROM talks WHERE key = ?1", with)
		if err != nil || talk == nil {
			return err
		}
		return c.accept(talk.number(0))
	})
	if err != nil {
		return fmt.Errorf("store the acceptance: %w", err)
	}
	return nil
}

func (c *conn) accept(talk int64) error {
	_, err := c.do("UPDATE entries SET request = 0 WHERE talk = ?1 AND request", talk)
	return err
}
