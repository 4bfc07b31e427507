package msrp

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Frame is one request or response (RFC 4975 §7, §9).
type Frame struct {
	ID       string // of the transaction
	Method   string // SEND, REPORT, AUTH ...; empty: a response
	Code     int    // of a response
	Comment  string // of a response
	To, From Path
	Header   []Header // the others, in order
	Body     []byte   // nil: none
	Flag     byte     // '$' end of the message, '+' more comes, '#' given up; 0 is written as '$'
	Cut      bool     // the body was longer than the reader takes; the rest is gone
	Bad      string   // why the frame, whose bounds are known, deserves a 400; empty: it does not
}

// Header is a line of a frame.
type Header struct{ Name, Value string }

// Limits on a frame; more ends the connection.
const (
	maxLine   = 8 << 10
	maxHeader = 32 << 10
	maxLines  = 64
)

// Get returns the first header of that name, or nothing.
func (f *Frame) Get(name string) string {
	for _, h := range f.Header {
		if strings.EqualFold(h.Name, name) {
			return h.Value
		}
	}
	return ""
}

// All returns every header of that name.
func (f *Frame) All(name string) (values []string) {
	for _, h := range f.Header {
		if strings.EqualFold(h.Name, name) {
			values = append(values, h.Value)
		}
	}
	return values
}

// Bytes writes the frame. To-Path and From-Path come first and side by side
// (RFC 4975 §9), Content-Type comes last. The caller has chosen an ID whose end
// line is not within the body.
func (f *Frame) Bytes() []byte {
	var b bytes.Buffer
	b.Grow(len(f.Body) + 512)
	b.WriteString("MSRP " + f.ID + " ")
	if f.Method != "" {
		b.WriteString(f.Method)
	} else {
		b.WriteString(strconv.Itoa(f.Code))
		if f.Comment != "" {
			b.WriteString(" " + f.Comment)
		}
	}
	fmt.Fprintf(&b, "\r\nTo-Path: %s\r\nFrom-Path: %s\r\n", f.To, f.From)
	for _, h := range f.Header {
		b.WriteString(h.Name + ": " + h.Value + "\r\n")
	}
	if f.Body != nil {
		b.WriteString("\r\n")
		b.Write(f.Body)
		b.WriteString("\r\n")
	}
	flag := f.Flag
	if flag == 0 {
		flag = '$'
	}
	b.WriteString(endLine(f.ID) + string(flag) + "\r\n")
	return b.Bytes()
}

func endLine(id string) string { return "-------" + id }

// Reader reads frames.
type Reader struct {
	r   *bufio.Reader
	max int
}

// NewReader reads frames with bodies of max bytes at most; of longer ones the
// rest is thrown away.
func NewReader(r io.Reader, max int) *Reader { return &Reader{bufio.NewReaderSize(r, maxLine), max} }

// errFraming: what follows cannot be told apart from what comes next.
var errFraming = errors.New("no msrp frame")

// Next reads the next frame. After an error no more can be read.
func (r *Reader) Next() (*Frame, error) {
	line, err := r.line()
	for err == nil && line == "" {
		line, err = r.line() // some put empty lines between frames, as keep-alive
	}
	if err != nil {
		return nil, err
	}
	f, err := firstLine(line)
	if err != nil {
		return nil, err
	}
	ended, err := r.header(f)
	if err == nil && !ended {
		err = r.body(f)
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	if f.Bad == "" && (len(f.To) == 0 || len(f.From) == 0) {
		f.Bad = "To-Path or From-Path is missing"
	}
	return f, nil
}

// line reads a line without its end.
func (r *Reader) line() (string, error) {
	b, err := r.r.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		return "", fmt.Errorf("%w: a line of more than %d bytes", errFraming, maxLine)
	}
	return strings.TrimRight(string(b), "\r\n"), err
}

// firstLine begins a frame: "MSRP id METHOD" or "MSRP id 200 comment".
func firstLine(line string) (*Frame, error) {
	fields := strings.SplitN(line, " ", 4)
	if len(fields) < 3 || fields[0] != "MSRP" || !identifier(fields[1]) {
		return nil, fmt.Errorf("%w: %.60q", errFraming, line)
	}
	f := &Frame{ID: fields[1]}
	if code, err := strconv.ParseUint(fields[2], 10, 16); err == nil && len(fields[2]) == 3 {
		f.Code = int(code)
		if len(fields) == 4 {
			f.Comment = fields[3]
		}
		return f, nil
	}
	if f.Method = fields[2]; !token(f.Method) || len(fields) == 4 {
		return nil, fmt.Errorf("%w: %.60q", errFraming, line)
	}
	return f, nil
}

// header reads the lines up to the body; ended: there is none.
func (r *Reader) header(f *Frame) (ended bool, err error) {
	size := 0
	for n := 0; ; n++ {
		line, err := r.line()
		if err != nil {
			return false, err
		}
		if flag, is := f.ends(line); is {
			f.Flag = flag
			return true, nil
		}
		if line == "" {
			return false, nil
		}
		if size += len(line); size > maxHeader || n >= maxLines {
			return false, fmt.Errorf("%w: too long a header", errFraming)
		}
		f.take(line)
	}
}

// ends tells whether line is the frame's last.
func (f *Frame) ends(line string) (flag byte, is bool) {
	rest, is := strings.CutPrefix(line, endLine(f.ID))
	if !is || len(rest) != 1 || !strings.Contains("$+#", rest) {
		return 0, false
	}
	return rest[0], true
}

// take takes one header line.
func (f *Frame) take(line string) {
	name, value, ok := strings.Cut(line, ":")
	value = strings.TrimSpace(value)
	if !ok || !token(name) {
		f.Bad = "a line is no header"
		return
	}
	path := &f.To
	switch strings.ToLower(name) {
	default:
		f.Header = append(f.Header, Header{name, value})
		return
	case "to-path":
	case "from-path":
		path = &f.From
	}
	p, err := ParsePath(value)
	if err != nil || *path != nil {
		f.Bad = name + " is not understood"
		return
	}
	*path = p
}

// body reads up to the end line, of which the line break before it is a part.
func (r *Reader) body(f *Frame) error {
	f.Body = []byte{}
	begins := true // of a line
	for {
		b, err := r.r.ReadSlice('\n')
		if err != nil && err != bufio.ErrBufferFull {
			return err
		}
		if begins && err == nil {
			if flag, is := f.ends(strings.TrimRight(string(b), "\r\n")); is {
				f.Flag = flag
				break
			}
		}
		begins = err == nil && (bytes.HasSuffix(b, []byte("\r\n")) || len(b) == 1 && bytes.HasSuffix(f.Body, []byte("\r")))
		if f.Cut = f.Cut || len(f.Body)+len(b) > r.max+2; !f.Cut {
			f.Body = append(f.Body, b...)
		}
	}
	if f.Cut {
		f.Body = f.Body[:0]
	}
	f.Body = bytes.TrimSuffix(f.Body, []byte("\r\n"))
	return nil
}

// identifier tells whether s may name a transaction or a message (RFC 4975 §9);
// some make them longer than the 32 characters that are allowed.
func identifier(s string) bool {
	return len(s) >= 1 && len(s) <= 128 && strings.IndexFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune(".-+%=_", r))
	}) < 0
}

func token(s string) bool {
	return s != "" && len(s) <= 64 && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r) }) < 0
}
