package history

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Options of a Store.
type Options struct {
	Off      bool             // keeps no text once a message is final: only what is unsent, and the marks by which duplicates are recognised
	Now      func() time.Time // nil: time.Now
	Began    time.Time        // when this process began to take messages; zero: when it opens the file
	Repaired func(Repair)     // the file was damaged, and is replaced; called before the method that noticed it returns; nil: nobody wants to know
}

// Store is the history of one user. Its methods may be called from any
// goroutine.
type Store struct {
	file string
	o    Options

	mu      sync.Mutex
	info    os.FileInfo // of the file that is open
	writer  *conn       // nil: closed
	reader  *conn       // apart, so that no search keeps a message waiting
	news    *Repair     // to be told
	holder  string      // names this Store in the table unsent; empty: it has not yet had anything to send
	release func()      // of holder's lock
}

// Open opens the history in file, making it if need be; others may not read it.
// A damaged file is moved aside, a new one begun and what can be read taken over:
// see Repaired. A *NewerError leaves the file as it is.
func Open(file string, o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Began.IsZero() {
		o.Began = o.Now()
	}
	s := &Store{file: file, o: o}
	s.mu.Lock()
	err := s.open()
	s.mu.Unlock()
	s.tell()
	if err != nil {
		return nil, fmt.Errorf("open the history: %w", err)
	}
	return s, nil
}

// Close closes the file; any method opens it again.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.letGo()
	return s.close()
}

// open opens both connections, unless they are; s.mu is held.
func (s *Store) open() error {
	if s.writer != nil {
		return nil
	}
	err := s.connect()
	if errors.Is(err, errDamaged) {
		if err = s.repair(err); err == nil {
			err = s.connect()
		}
	}
	return err
}

func (s *Store) connect() error {
	if err := s.prepareFile(); err != nil {
		return err
	}
	w, err := opened(s.file)
	if err != nil {
		return err
	}
	r, err := opened(s.file)
	if err == nil {
		s.info, err = os.Stat(s.file)
	}
	if err != nil {
		return errors.Join(err, w.close())
	}
	s.writer, s.reader = w, r
	return nil
}

// close closes both connections when nobody uses them any more; s.mu is held.
func (s *Store) close() error {
	if s.writer == nil {
		return nil
	}
	err := errors.Join(s.reader.close(), s.writer.close())
	s.writer, s.reader = nil, nil
	return err
}

// prepareFile makes the file if need be, and looks at its form before SQLite
// may touch it.
func (s *Store) prepareFile() error {
	if err := os.MkdirAll(filepath.Dir(s.file), 0o700); err != nil {
		return err
	}
	if err := s.finishRepair(); err != nil {
		return err
	}
	f, err := os.OpenFile(s.file, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Mode().Perm()&0o077 != 0 {
		_ = f.Chmod(0o600) // not ours: then its owner decides
	}
	form, err := formOf(f)
	if err == nil && form > len(migrations) {
		err = &NewerError{File: s.file, Have: form, Known: len(migrations)}
	}
	return err
}

// formOf reads PRAGMA user_version from the header of a file of SQLite; 0: it
// has none. https://www.sqlite.org/fileformat2.html §1.3.18
func formOf(f io.ReaderAt) (int, error) {
	header := make([]byte, 64)
	if n, err := f.ReadAt(header, 0); err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	} else if n < len(header) || string(header[:len(magic)]) != magic {
		return 0, nil
	}
	return int(binary.BigEndian.Uint32(header[60:])), nil
}

const magic = "SQLite format 3\x00"

// opened opens a connection and brings the file into the present form.
func opened(file string) (*conn, error) {
	c, err := dial(file, url.Values{"mode": {"rw"}})
	if err != nil {
		return nil, err
	}
	for _, pragma := range []string{
		"busy_timeout = 15000", // another process writes for milliseconds; but who waits may be passed over, as SQLite's lock is not fair
		"journal_mode = WAL",   // where it cannot be (some network drives), SQLite stays with what works
		"synchronous = NORMAL",
		"secure_delete = ON", // what the user wants forgotten is overwritten
		"cache_size = -8000", // KiB
		"temp_store = MEMORY",
	} {
		if _, err = c.first("PRAGMA " + pragma); err != nil {
			break
		}
	}
	if err == nil {
		err = c.upToDate(file)
	}
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// upToDate migrates if need be, and takes a first look at each table.
func (c *conn) upToDate(file string) error {
	r, err := c.first("PRAGMA user_version")
	if err != nil {
		return err
	}
	if r.number(0) != int64(len(migrations)) {
		if err := c.migrate(file); err != nil {
			return err
		}
	}
	for _, table := range []string{"people", "talks", "circles", "entries", "recipients", "places", "calls", "unsent", "seen", "words_data"} {
		if _, err := c.first("SELECT * FROM " + table + " LIMIT 1"); err != nil {
			return err
		}
	}
	return nil
}

// write does f in one transaction. Should the file turn out to be damaged, it is
// repaired and f done again.
func (s *Store) write(f func(*conn) error) error {
	return s.using(func() *conn { return s.writer }, func(c *conn) error { return c.transaction(func() error { return f(c) }) })
}

// read does f on the connection that only reads.
func (s *Store) read(f func(*conn) error) error {
	return s.using(func() *conn { return s.reader }, f)
}

func (s *Store) using(which func() *conn, f func(*conn) error) error {
	c, err := s.current(which)
	if err != nil {
		return err
	}
	err = f(c)
	c.mu.Unlock()
	if !errors.Is(err, errDamaged) {
		return err
	}
	if err := s.replace(c, err); err != nil {
		return err
	}
	if c, err = s.current(which); err != nil {
		return err
	}
	defer c.mu.Unlock()
	return f(c)
}

// current returns a connection to the file that is there now, with its lock
// taken: the file may have been moved or restored by somebody.
func (s *Store) current(which func() *conn) (*conn, error) {
	for {
		s.mu.Lock()
		if s.writer != nil {
			if now, err := os.Stat(s.file); errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(now, s.info) {
				_ = s.close() // what it held is gone
			}
		}
		err := s.open()
		c := which()
		s.mu.Unlock()
		s.tell()
		if err != nil {
			return nil, err
		}
		if c.mu.Lock(); c.db != nil {
			return c, nil
		}
		c.mu.Unlock() // closed meanwhile
	}
}

// replace repairs the file that c found damaged, unless that has been done.
func (s *Store) replace(c *conn, why error) error {
	defer s.tell()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.writer != c && s.reader != c {
		return nil
	}
	_ = s.close() // it is damaged
	return s.repair(why)
}

// tell says that the file was repaired, without a lock held.
func (s *Store) tell() {
	s.mu.Lock()
	news := s.news
	s.news = nil
	s.mu.Unlock()
	if news != nil && s.o.Repaired != nil {
		s.o.Repaired(*news)
	}
}
