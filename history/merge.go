package history

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
)

// Merged says what Merge did.
type Merged struct {
	Added int   // entries
	Known int   // that were there already
	Bad   int   // lines or stretches that could not be read
	First error // why the first of those could not
}

// Merge takes over what is in the history, or in an export as JSON lines, of
// another device. Nothing comes twice; where the other device knows better what
// became of a message, that is taken over too. Nothing there is sent from here.
func (s *Store) Merge(file string) (Merged, error) {
	var m Merged
	into := &merger{write: s.write, done: &m}
	err := mergeFile(file, into)
	if e := into.flush(); err == nil {
		err = e
	}
	if err != nil {
		return m, fmt.Errorf("merge %s: %w", file, err)
	}
	return m, nil
}

func mergeFile(file string, into *merger) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	begin := make([]byte, len(magic))
	if _, err := io.ReadFull(f, begin); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return err
	}
	if string(begin) == magic {
		if form, err := formOf(f); err != nil {
			return err
		} else if form > len(migrations) {
			return &NewerError{File: file, Have: form, Known: len(migrations)}
		}
		return readOther(file, into)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return readLines(f, into)
}

// readLines reads an export.
func readLines(r io.Reader, into *merger) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		if len(lines.Bytes()) == 0 {
			continue
		}
		e, err := ParseLine(lines.Bytes())
		if err != nil {
			into.bad(fmt.Errorf("line %d: %w", n, err))
			continue
		}
		if err := into.add(e, ""); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("after %d entries: %w", into.done.Added+into.done.Known+len(into.waiting), err)
	}
	return nil
}

// merger adds entries, many in one transaction.
type merger struct {
	write   func(func(*conn) error) error
	pending bool // what is unsent there is unsent here: the same history, from a damaged file
	done    *Merged
	waiting []waiting
}

// waiting is an entry to be added, and who is to send it.
type waiting struct {
	e      Entry
	holder string
}

func (m *merger) bad(err error) {
	if m.done.Bad++; m.done.First == nil {
		m.done.First = err
	}
}

func (m *merger) add(e Entry, holder string) error {
	if !m.pending {
		for i := range e.To {
			if rank(e.To[i].State) < pending {
				e.To[i].State = states[unknown]
			}
		}
	}
	m.waiting = append(m.waiting, waiting{e, holder})
	if len(m.waiting) < batch {
		return nil
	}
	return m.flush()
}

func (m *merger) flush() error {
	var added, known int
	err := m.write(func(c *conn) error {
		added, known = 0, 0
		for _, w := range m.waiting {
			mark := w.e.mark()
			there, err := c.first("SELECT id FROM entries WHERE mark = ?1", mark)
			switch {
			case err != nil:
				return err
			case there != nil:
				known++
				err = errors.Join(c.improve(there.number(0), w.e), c.extend(there.number(0), w.e, w.holder))
			default:
				added++
				err = c.insert(w.e, mark, w.holder)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		m.done.Added += added
		m.done.Known += known
		m.waiting = m.waiting[:0]
	}
	return err
}

// improve takes over what another device knows better about an entry.
func (c *conn) improve(id int64, e Entry) error {
	if e.Read {
		if _, err := c.do("UPDATE entries SET read = 1 WHERE id = ?1 AND NOT read", id); err != nil {
			return err
		}
	}
	for _, r := range e.To {
		if rank(r.State) <= unknown {
			continue
		}
		person, err := c.person(r.To)
		if err == nil {
			_, err = c.do("UPDATE recipients SET state = ?3, code = ?4, reason = ?5 WHERE entry = ?1 AND person = ?2 AND state < ?3 AND state >= ?6",
				id, person, rank(r.State), r.Code, r.Reason, pending)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
