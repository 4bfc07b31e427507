package pidf

// ParseXCAPError returns what an XCAP server says of a change that it did not
// take (RFC 4825 §11): the name of the reason and, where there is one, its
// phrase. Empty: b is no xcap-error document.
func ParseXCAPError(b []byte) string {
	root, err := read(b, "urn:ietf:params:xml:ns:xcap-error", "xcap-error")
	if err != nil {
		return ""
	}
	for _, k := range root.kids {
		if k.local == "" {
			continue
		}
		if phrase := k.attr("phrase"); phrase != "" {
			return k.local + ": " + phrase
		}
		return k.local
	}
	return ""
}
