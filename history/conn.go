package history

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"modernc.org/sqlite"
)

// conn is one connection to the file. The driver is used without database/sql:
// two connections need no pool, nor its goroutines.
type conn struct {
	mu    sync.Mutex  // held by whoever uses the connection
	db    driver.Conn // nil: closed
	stmts map[string]statement

	lastTime   int64 // the latest time given to an entry, in microseconds,
	lastUnique int64 // and what was made of it
}

// statement is what the driver prepares.
type statement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// dial opens file; flags are those of https://www.sqlite.org/uri.html.
func dial(file string, flags url.Values) (*conn, error) {
	path, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	if path = filepath.ToSlash(path); !strings.HasPrefix(path, "/") {
		path = "/" + path // C:/...
	}
	db, err := (&sqlite.Driver{}).Open((&url.URL{Scheme: "file", Path: path, RawQuery: flags.Encode()}).String())
	if err != nil {
		return nil, explain(err)
	}
	return &conn{db: db, stmts: map[string]statement{}}, nil
}

// close closes the connection when nobody uses it any more.
func (c *conn) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.db == nil {
		return nil
	}
	for _, s := range c.stmts {
		_ = s.Close() // says the latest error again
	}
	err := c.db.Close()
	c.db = nil
	return err
}

// stmt returns a statement, prepared once.
func (c *conn) stmt(sql string) (statement, error) {
	if s, ok := c.stmts[sql]; ok {
		return s, nil
	}
	s, err := c.prepare(sql)
	if err != nil {
		return nil, err
	}
	c.stmts[sql] = s
	return s, nil
}

func (c *conn) prepare(sql string) (statement, error) {
	s, err := c.db.Prepare(sql)
	if err != nil {
		return nil, explain(err)
	}
	return s.(statement), nil // *sqlite.Driver makes no others
}

// do runs a statement and returns how many rows it changed.
func (c *conn) do(sql string, args ...any) (int64, error) {
	s, err := c.stmt(sql)
	if err != nil {
		return 0, err
	}
	r, err := s.ExecContext(context.Background(), values(args))
	if err != nil {
		return 0, explain(err)
	}
	return r.RowsAffected()
}

// script runs several statements that are used once.
func (c *conn) script(sql string) error {
	s, err := c.prepare(sql)
	if err != nil {
		return err
	}
	defer s.Close()
	_, err = s.ExecContext(context.Background(), nil)
	return explain(err)
}

// row is what a query found; text and number read a column.
type row []driver.Value

func (r row) text(i int) string {
	s, _ := r[i].(string)
	return s
}

func (r row) number(i int) int64 {
	n, _ := r[i].(int64)
	return n
}

func (r row) is(i int) bool { return r.number(i) != 0 }

// each calls f with each row of a query. f must not repeat the same query.
func (c *conn) each(sql string, args []any, f func(row) error) error {
	s, err := c.stmt(sql)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(context.Background(), values(args))
	if err != nil {
		return explain(err)
	}
	defer rows.Close()
	for r := make(row, len(rows.Columns())); ; {
		if err := rows.Next(r); err == io.EOF {
			return nil
		} else if err != nil {
			return explain(err)
		}
		if err := f(r); err != nil {
			return err
		}
	}
}

// first returns the first row of a query, nil if it has none.
func (c *conn) first(sql string, args ...any) (found row, err error) {
	err = c.each(sql, args, func(r row) error {
		found = append(row{}, r...)
		return errEnough
	})
	if err == errEnough {
		err = nil
	}
	return found, err
}

// errEnough ends each.
var errEnough = errors.New("enough")

// transaction does f wholly or not at all.
func (c *conn) transaction(f func() error) error {
	if _, err := c.do("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := f()
	if err == nil {
		if _, err = c.do("COMMIT"); err == nil {
			return nil
		}
	}
	_, _ = c.do("ROLLBACK") // after some errors SQLite has done so already
	return err
}

func values(args []any) []driver.NamedValue {
	v := make([]driver.NamedValue, len(args))
	for i, a := range args {
		v[i].Ordinal = i + 1
		switch a := a.(type) {
		case int:
			v[i].Value = int64(a)
		case bool:
			v[i].Value = int64(0)
			if a {
				v[i].Value = int64(1)
			}
		default:
			v[i].Value = a
		}
	}
	return v
}

// explain makes an error of SQLite one by which callers can decide.
// https://www.sqlite.org/rescode.html
func explain(err error) error {
	var e *sqlite.Error
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return fmt.Errorf("%w: %w", ErrFull, err)
	case !errors.As(err, &e):
		return err
	}
	const (
		corrupt, full, notDatabase      = 11, 13, 26
		writeFails, truncateFails, sync = 10 | 3<<8, 10 | 6<<8, 10 | 4<<8 // with a quota or a limit of the size of files
		indexGrows                      = 10 | 19<<8                      // of the WAL: the first thing written when the file is opened
	)
	switch {
	case e.Code()&0xff == corrupt, e.Code()&0xff == notDatabase:
		return fmt.Errorf("%w: %w", errDamaged, err)
	case e.Code()&0xff == full, e.Code() == writeFails, e.Code() == truncateFails, e.Code() == sync, e.Code() == indexGrows:
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}
