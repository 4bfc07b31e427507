package history

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// A disk that is full in the middle of storing: what is refused is not there,
// what was stored before is whole, and it goes on when there is room again.
func TestFullDisk(t *testing.T) {
	s := begun(t, Options{})
	add(t, s, from(bob, 0, "first"))
	if _, err := s.writer.first("PRAGMA max_page_count = 100"); err != nil {
		t.Fatal(err)
	}
	var err error
	stored := 0
	for err == nil && stored < 1000 {
		if _, err = s.Add(from(bob, stored+1, strings.Repeat(fmt.Sprint("long", stored, " "), 500))); err == nil {
			stored++
		}
	}
	if !errors.Is(err, ErrFull) {
		t.Fatalf("a full disk is told as %v", err)
	}
	if all := newest(t, s, bob); len(all) != stored+1 {
		t.Errorf("%d lines, want %d", len(all), stored+1)
	}
	if _, err := s.writer.first("PRAGMA max_page_count = 100000"); err != nil {
		t.Fatal(err)
	}
	add(t, s, from(bob, stored+1, "room again"))
	checkWhole(t, s)
}

// checkWhole has SQLite check the file and its full-text index.
func checkWhole(t *testing.T, s *Store) {
	t.Helper()
	if r, err := s.writer.first("PRAGMA integrity_check"); err != nil || r.text(0) != "ok" {
		t.Errorf("integrity: %v, %v", r, err)
	}
	if err := s.writer.script("INSERT INTO words(words, rank) VALUES ('integrity-check', 1)"); err != nil {
		t.Errorf("index: %v", err)
	}
}
