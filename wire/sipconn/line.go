package sipconn

import "sync"

// Line is the connection of a signed-in user: the current Conn, or none.
// Features keep a *Line for life.
type Line struct {
	mu sync.Mutex
	c  *Conn
}

// Conn returns the current connection, or ErrOffline when signed out.
func (l *Line) Conn() (*Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.c == nil {
		return nil, ErrOffline
	}
	return l.c, nil
}

// Set puts c in force; nil means signed out.
func (l *Line) Set(c *Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.c = c
}
