package sipconn

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// maxDecoded is how long a body may become. One that would be longer is
// refused: a few bytes can be made to stand for gigabytes.
const maxDecoded = 4 << 20

// acceptEncoding is the Accept-Encoding (RFC 3261 §20.2) of a SUBSCRIBE: the states
// of many people in one document shrink to a tenth.
const acceptEncoding = "gzip, deflate"

// decode undoes the Content-Encoding of a request that is meant for us, so that
// nobody above has to (RFC 3261 §20.12). A coding that we do not have stays for
// the handler to refuse. It returns false when the request has been answered.
func (c *Conn) decode(in *Incoming) bool {
	h := in.Request.GetHeader("Content-Encoding")
	if h == nil || c.o.Self == "" { // a server passes on what it is given
		return true
	}
	body, ok := decoded(strings.ToLower(strings.TrimSpace(h.Value())), in.Request.Body())
	if len(body) > maxDecoded {
		_ = in.Reply(413, "Request Entity Too Large", Body{}) // fails only with the connection
		return false
	}
	if ok {
		in.Request.RemoveHeader("Content-Encoding")
		in.Request.SetBody(body)
	}
	return true
}

// decoded undoes one coding; false if it is not one that we have, or the body is
// not in it. What is too long is cut one byte beyond maxDecoded.
func decoded(coding string, body []byte) (plain []byte, ok bool) {
	var r io.Reader
	var err error
	switch coding {
	case "gzip", "x-gzip": // RFC 9110 §8.4.1.3
		r, err = gzip.NewReader(bytes.NewReader(body))
	case "deflate": // RFC 9110 §8.4.1.2: the zlib format
		r, err = zlib.NewReader(bytes.NewReader(body))
	case "identity", "":
		return body, true
	default:
		return nil, false
	}
	if err == nil {
		plain, err = io.ReadAll(io.LimitReader(r, maxDecoded+1))
	}
	return plain, err == nil
}

// etag is the entity tag of a state, as the notifier gives it (RFC 5839 §4.1).
func etag(r *sip.Request) string {
	if h := r.GetHeader("SIP-ETag"); h != nil {
		return h.Value()
	}
	return ""
}
