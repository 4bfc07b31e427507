package history

import (
	"fmt"
	"math"
)

// All gives f all entries of a conversation (none: of all) in a time, oldest
// first; Text and Limit do not count. It may take long and keeps nobody waiting.
func (s *Store) All(q Query, f func(Entry) error) error {
	from, until := int64(math.MinInt64), int64(math.MaxInt64)
	if !q.Since.IsZero() {
		from = q.Since.UnixMicro()
	}
	if !q.Until.IsZero() {
		until = q.Until.UnixMicro()
	}
	ask := func(c *conn) ([]int64, error) {
		if q.With != "" {
			return c.ids(inTalk("id >= ?2 AND id < ?3 ORDER BY 1 LIMIT ?4"), q.With, from, until, batch)
		}
		return c.ids("SELECT id FROM entries WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT ?3", from, until, batch)
	}
	for {
		var some []Entry
		err := s.read(func(c *conn) error {
			ids, err := ask(c)
			if err == nil && q.With != "" {
				some, err = c.entriesWith(q.With, ids)
			} else if err == nil {
				some, err = c.entries(ids)
			}
			if len(ids) > 0 {
				from = ids[len(ids)-1] + 1
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("read the history: %w", err)
		}
		if len(some) == 0 {
			return nil
		}
		for _, e := range some {
			if err := f(e); err != nil {
				return err
			}
		}
	}
}
