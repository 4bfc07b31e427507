package inorder

import (
	"slices"
	"sync"
	"testing"
)

// Whoever changes something under a lock is told of in the order of changes,
// whatever goroutine does the telling.
func TestOrderOfChanges(t *testing.T) {
	var q Queue
	var mu sync.Mutex
	var told []int
	n := 0
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				mu.Lock()
				n++
				v := n
				q.Add(func() { told = append(told, v) })
				mu.Unlock()
				q.Flush()
			}
		})
	}
	wg.Wait()
	if len(told) != 4000 || !slices.IsSorted(told) {
		t.Errorf("%d told, in order: %v", len(told), slices.IsSorted(told))
	}
}

func TestAddedWhileRunning(t *testing.T) {
	var q Queue
	var told []string
	q.Add(func() {
		q.Add(func() { told = append(told, "second") })
		q.Flush()
		told = append(told, "first")
	})
	q.Flush()
	if !slices.Equal(told, []string{"first", "second"}) {
		t.Error(told)
	}
}

func TestPanicLosesNothing(t *testing.T) {
	var q Queue
	var told []int
	q.Add(func() { panic("a window") })
	q.Add(func() { told = append(told, 2) })
	func() {
		defer func() { _ = recover() }()
		q.Flush()
	}()
	q.Add(func() { told = append(told, 3) })
	q.Flush()
	if !slices.Equal(told, []int{2, 3}) {
		t.Error(told)
	}
}
