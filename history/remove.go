package history

import (
	"fmt"
	"time"
)

// How many entries go in one transaction, so that nobody waits long meanwhile.
const batch = 500

// markFor is how long what is removed is still recognised when it comes again: a
// server that keeps messages may bring its copy days later.
const markFor = 30 * 24 * time.Hour

// Prune removes what is older, but not what is unsent.
func (s *Store) Prune(before time.Time) error {
	if err := s.removeAll("SELECT id FROM entries WHERE id < ?1 AND id NOT IN (SELECT entry FROM unsent) ORDER BY id LIMIT ?2", before.UnixMicro()); err != nil {
		return fmt.Errorf("remove what is old from the history: %w", err)
	}
	return nil
}

// Forget removes a conversation: its text is overwritten on the disk. What went to
// others too, separately, stays with them.
func (s *Store) Forget(with string) error {
	err := s.write(func(c *conn) error { return c.removePlaces(with) })
	if err == nil {
		err = s.removeAll("SELECT id FROM entries WHERE talk = (SELECT id FROM talks WHERE key = ?1) ORDER BY id LIMIT ?2", with)
	}
	if err == nil {
		err = s.write(func(c *conn) error {
			_, err := c.do("DELETE FROM talks WHERE key = ?1 AND NOT EXISTS (SELECT 1 FROM entries WHERE talk = talks.id)", with)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("forget the conversation: %w", err)
	}
	return nil
}

// removeAll removes the entries that a query finds, some at a time, and then the
// traces of them in the write-ahead log.
func (s *Store) removeAll(query string, arg any) error {
	for n := batch; n == batch; {
		err := s.write(func(c *conn) error {
			ids, err := c.ids(query, arg, batch)
			n = len(ids)
			for _, id := range ids {
				if err == nil {
					err = c.remove(id)
				}
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	old := s.o.Now().Add(-markFor).UnixMicro()
	return s.using(func() *conn { return s.writer }, func(c *conn) error {
		if _, err := c.do("DELETE FROM seen WHERE at < ?1", old); err != nil {
			return err
		}
		_, err := c.first("PRAGMA wal_checkpoint(TRUNCATE)")
		return err
	})
}

// removePlaces takes what went to several people separately out of the
// conversation with one of them.
func (c *conn) removePlaces(with string) error {
	ids, err := c.ids("DELETE FROM places WHERE talk = (SELECT id FROM talks WHERE key = ?1) RETURNING entry", with)
	for _, id := range ids {
		if err == nil {
			_, err = c.do("DELETE FROM recipients WHERE entry = ?1 AND person = (SELECT id FROM people WHERE address = ?2)", id, with)
		}
		if err == nil {
			var others row
			if others, err = c.first("SELECT 1 FROM recipients WHERE entry = ?1", id); err == nil && others == nil {
				err = c.remove(id)
			}
		}
	}
	return err
}

// remove removes an entry; its mark stays.
func (c *conn) remove(id int64) error {
	if _, err := c.do("INSERT OR IGNORE INTO seen (mark, at) SELECT mark, id FROM entries WHERE id = ?1", id); err != nil {
		return err
	}
	for _, sql := range []string{
		"DELETE FROM places WHERE entry = ?1 AND talk IN (SELECT t.id FROM talks t JOIN people p ON p.address = t.key JOIN recipients r ON r.person = p.id WHERE r.entry = ?1)",
		"DELETE FROM recipients WHERE entry = ?1", "DELETE FROM calls WHERE entry = ?1",
		"DELETE FROM unsent WHERE entry = ?1", "DELETE FROM entries WHERE id = ?1",
	} {
		if _, err := c.do(sql, id); err != nil {
			return err
		}
	}
	return nil
}
