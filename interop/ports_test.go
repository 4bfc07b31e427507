//go:build interop

package interop

import (
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// freeBase returns a first port so that the ports at these offsets from it are
// free on 127.0.0.1. It stays below the range from which the kernel takes ports for
// outgoing connections, and no other test gets the same one while this one runs.
func freeBase(t *testing.T, offsets ...int) int {
	t.Helper()
	for range 200 {
		base := 20000 + 100*rand.IntN(120)
		taken, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(base+99))) // the sign for others
		if err != nil {
			continue
		}
		if allFree(base, offsets) {
			t.Cleanup(func() { taken.Close() })
			return base
		}
		taken.Close()
	}
	t.Fatal("no free ports between 20000 and 32000")
	return 0
}

func allFree(base int, offsets []int) bool {
	for _, o := range offsets {
		l, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(base+o)))
		if err != nil {
			return false
		}
		l.Close()
	}
	return true
}
