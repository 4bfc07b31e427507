package history

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Newest returns the last n lines of a conversation that are before a time (the
// zero time: the newest), oldest first.
func (s *Store) Newest(with string, before time.Time, n int) ([]Entry, error) {
	end := int64(math.MaxInt64)
	if !before.IsZero() {
		end = before.UnixMicro()
	}
	var all []Entry
	err := s.read(func(c *conn) (err error) {
		all, err = c.before(with, end, n)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the history: %w", err)
	}
	return all, nil
}

// Around returns up to n lines of a conversation before a time and n from then
// on, oldest first: a jump to a date. at is the place of the first from then on.
func (s *Store) Around(with string, t time.Time, n int) (all []Entry, at int, err error) {
	err = s.read(func(c *conn) error {
		if all, err = c.before(with, t.UnixMicro(), n); err != nil {
			return err
		}
		at = len(all)
		ids, err := c.ids(inTalk("id >= ?2 ORDER BY 1 LIMIT ?3"), with, t.UnixMicro(), n)
		if err != nil {
			return err
		}
		after, err := c.entriesWith(with, ids)
		all = append(all, after...)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read the history: %w", err)
	}
	return all, at, nil
}

// before returns the last n lines of a conversation with smaller numbers than end.
func (c *conn) before(with string, end int64, n int) ([]Entry, error) {
	ids, err := c.ids(inTalk("id < ?2 ORDER BY 1 DESC LIMIT ?3"), with, end, n)
	if err != nil {
		return nil, err
	}
	slices.Reverse(ids)
	return c.entriesWith(with, ids)
}

// inTalk asks for the numbers of what is in the conversation ?1, also of what was
// written to several people separately.
func inTalk(which string) string {
	condition, _, _ := strings.Cut(which, " ORDER")
	return `SELECT id FROM entries WHERE talk = (SELECT id FROM talks WHERE key = ?1) AND ` + condition + `
		UNION ALL SELECT entry AS id FROM places WHERE talk = (SELECT id FROM talks WHERE key = ?1) AND ` + strings.ReplaceAll(condition, "id", "entry") + which[len(condition):]
}

// entriesWith reads entries as lines of one conversation: of what went to several
// people separately only the one with whom it is.
func (c *conn) entriesWith(with string, ids []int64) ([]Entry, error) {
	all, err := c.entries(ids)
	for i, e := range all {
		if e.With == "" {
			all[i].With = with
			all[i].To = slices.DeleteFunc(e.To, func(r Recipient) bool { return r.To != with })
		}
	}
	return all, err
}

// Talk is a conversation as a whole.
type Talk struct {
	With    string // its key, as Entry.With
	Title   string
	Members []string // empty: With has them
	Last    Entry
	Unread  int
}

// Talks returns the n conversations in which something happened last, the latest
// first.
func (s *Store) Talks(n int) ([]Talk, error) { return s.talks("", n) }

// Requests returns up to n conversations that strangers have begun and nobody
// has accepted, as Talks does.
func (s *Store) Requests(n int) ([]Talk, error) {
	return s.talks("AND id IN (SELECT talk FROM entries WHERE request)", n)
}

// talks returns the n latest conversations for which the condition holds.
func (s *Store) talks(condition string, n int) ([]Talk, error) {
	var all []Talk
	err := s.read(func(c *conn) error {
		all = nil
		var last []int64
		err := c.each(`SELECT key, nullif(max(ifnull((SELECT max(e.id) FROM entries e WHERE e.talk = talks.id), 0),
				ifnull((SELECT max(p.entry) FROM places p WHERE p.talk = talks.id), 0)), 0) AS last,
			(SELECT count(*) FROM entries e WHERE e.talk = talks.id AND NOT e.read)
			FROM talks WHERE last IS NOT NULL `+condition+` ORDER BY last DESC LIMIT ?1`, []any{n}, func(r row) error {
			all = append(all, Talk{With: r.text(0), Unread: int(r.number(2))})
			last = append(last, r.number(1))
			return nil
		})
		for i := range all {
			if err != nil {
				break
			}
			var one []Entry
			if one, err = c.entriesWith(all[i].With, last[i:i+1]); len(one) > 0 {
				all[i].Last, all[i].Title, all[i].Members = one[0], one[0].Title, one[0].Members
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the history: %w", err)
	}
	return all, nil
}

func split(members string) []string {
	if members == "" {
		return nil
	}
	return strings.Split(members, ",")
}

// ids returns the numbers that a query finds.
func (c *conn) ids(sql string, args ...any) (ids []int64, err error) {
	err = c.each(sql, args, func(r row) error {
		ids = append(ids, r.number(0))
		return nil
	})
	return ids, err
}

// entries reads the entries of these numbers; what is gone meanwhile is left out.
func (c *conn) entries(ids []int64) ([]Entry, error) {
	all := make([]Entry, 0, len(ids))
	for _, id := range ids {
		e, err := c.entry(id)
		if err != nil {
			return nil, err
		}
		if e.ID != "" {
			all = append(all, e)
		}
	}
	return all, nil
}

// entry reads one entry; without ID: it is not there.
func (c *conn) entry(id int64) (Entry, error) {
	r, err := c.first(`SELECT e.message, t.key, p.address, e.own, e.kind, e.text, e.raw, e.read, e.late, e.request, e.notice, g.title, g.members, e.added
		FROM entries e LEFT JOIN talks t ON t.id = e.talk LEFT JOIN circles g ON g.id = e.circle JOIN people p ON p.id = e.sender WHERE e.id = ?1`, id)
	if err != nil || r == nil {
		return Entry{}, err
	}
	e := Entry{ID: r.text(0), With: r.text(1), From: r.text(2), Own: r.is(3), Kind: kindOf(r.number(4)), Text: r.text(5), Raw: r.text(6),
		Read: r.is(7), Late: r.is(8), Request: r.is(9), Notice: r.text(10), Title: r.text(11), Members: split(r.text(12)), Added: split(r.text(13)), Time: time.UnixMicro(id)}
	return e, c.details(id, &e)
}

// details reads what entry id has in other tables.
func (c *conn) details(id int64, e *Entry) error {
	if e.Kind == Call {
		r, err := c.first("SELECT device, reason, length FROM calls WHERE entry = ?1", id)
		if err != nil {
			return err
		}
		if r != nil {
			e.Device, e.Reason, e.Length = r.text(0), r.text(1), time.Duration(r.number(2))*time.Millisecond
		}
	}
	if !e.Own {
		return nil
	}
	return c.each(`SELECT p.address, r.state, r.code, r.reason, r.took, r.plain, r.blocked FROM recipients r JOIN people p ON p.id = r.person WHERE r.entry = ?1 ORDER BY p.address`,
		[]any{id}, func(r row) error {
			e.To = append(e.To, Recipient{To: r.text(0), State: stateOf(r.number(1)), Code: int(r.number(2)), Reason: r.text(3), Took: time.Duration(r.number(4)) * time.Millisecond, Plain: r.is(5), Blocked: r.is(6)})
			return nil
		})
}

// kindOf and stateOf read what a damaged file may have made into anything.
func kindOf(n int64) Kind {
	if n < 0 || n >= int64(len(kinds)) {
		return Message
	}
	return Kind(n)
}

func stateOf(n int64) string {
	if n < 0 || n >= int64(len(states)) {
		return states[unknown]
	}
	return states[n]
}
