package msrp

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"testing"
)

// A message of 1 MB from one end to the other and its report back.
func BenchmarkMegabyte(b *testing.B) {
	x, y := net.Pipe()
	got := 0
	from := New(x, Options{Self: here[0]})
	to := New(y, Options{Self: there[0], Receive: func(m Message) error { got += len(m.Body); return nil }})
	defer to.Close()
	defer from.Close()
	from.Open(there)
	body := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := from.Send(b.Context(), Message{ID: fmt.Sprint("bench", i), Type: "text/plain", Body: body, Report: true}); err != nil {
			b.Fatal(err)
		}
	}
	if got != b.N*len(body) {
		b.Fatalf("%d bytes arrived", got)
	}
}

func BenchmarkReader(b *testing.B) {
	f := &Frame{ID: newID(), Method: "SEND", To: there, From: here, Body: make([]byte, chunkSize), Flag: '+',
		Header: []Header{{"Message-ID", "one1"}, {"Byte-Range", "1-2048/1048576"}, {"Content-Type", "text/plain"}}}
	text := bytes.Repeat(f.Bytes(), 100)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		r := NewReader(bytes.NewReader(text), DefaultMax)
		for {
			if _, err := r.Next(); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
}
