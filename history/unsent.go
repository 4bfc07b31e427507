package history

import (
	"cmp"
	"fmt"
	"os"
	"slices"

	"communicator/filelock"

	"github.com/google/uuid"
)

// hold returns the name under which this Store has messages to send. A lock
// shows to others that it is alive.
func (s *Store) hold() (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.holder != "" {
		return s.holder, nil
	}
	name := uuid.NewString()
	release, taken, err := filelock.Take(s.lockFile(name))
	if err != nil {
		return "", explain(err)
	}
	if !taken {
		return "", ErrBusy // nobody else can have drawn this name
	}
	s.holder, s.release = name, release
	return name, nil
}

func (s *Store) lockFile(holder string) string { return s.file + "." + holder + ".lock" }

// Unsent returns own messages that a process which has ended left unsent, oldest
// first. They are this Store's from now on: nobody else gets them while it lives.
func (s *Store) Unsent() ([]Entry, error) {
	var all []Entry
	var dead []string
	holder, err := s.hold()
	if err == nil {
		err = s.write(func(c *conn) error {
			all, dead = nil, nil
			return c.each("SELECT DISTINCT holder FROM unsent WHERE holder <> ?1", []any{holder}, func(r row) error {
				if s.isDead(r.text(0)) {
					dead = append(dead, r.text(0))
				}
				return nil
			})
		})
	}
	if err == nil && len(dead) > 0 {
		err = s.write(func(c *conn) error {
			ids, err := c.inherit(dead, holder)
			if err == nil {
				all, err = c.entries(ids)
			}
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("read what is unsent: %w", err)
	}
	for _, d := range dead {
		_ = os.Remove(s.lockFile(d)) // nobody looks for it any more
	}
	return all, nil
}

// inherit gives what others have left unsent to holder.
func (c *conn) inherit(dead []string, holder string) (ids []int64, err error) {
	for _, d := range dead {
		err = c.each("UPDATE unsent SET holder = ?1 WHERE holder = ?2 RETURNING entry", []any{holder, d}, func(r row) error {
			ids = append(ids, r.number(0))
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(ids, cmp.Compare[int64])
	return ids, nil
}

// isDead says whether the process that held what is unsent has ended.
func (s *Store) isDead(holder string) bool {
	if uuid.Validate(holder) != nil {
		return true // no process of ours
	}
	release, taken, err := filelock.Take(s.lockFile(holder))
	if err != nil || !taken {
		return false
	}
	release()
	return true
}

// letGo gives up what is unsent: whoever asks next gets it; s.mu is held.
func (s *Store) letGo() {
	if s.release != nil {
		s.release()
		_ = os.Remove(s.lockFile(s.holder)) // nobody looks for it any more
		s.holder, s.release = "", nil
	}
}
