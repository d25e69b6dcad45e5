package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// minLine is the length from which one line of a secret of several lines (a
// private key) is a secret of its own: logs cut text at line ends.
const minLine = 16

// needles is an immutable set of byte strings to look for.
type needles struct {
	all     [][]byte
	longest int
}

func compile(values map[string]bool) *needles {
	seen := map[string]bool{}
	n := &needles{}
	add := func(s string) {
		if len(s) < MinLength || seen[s] {
			return
		}
		seen[s] = true
		n.all = append(n.all, []byte(s))
		n.longest = max(n.longest, len(s))
	}
	for v := range values {
		for _, form := range forms(v) {
			add(form)
		}
		if !strings.Contains(v, "\n") {
			continue
		}
		for line := range strings.Lines(v) {
			if line = strings.TrimRight(line, "\r\n"); len(line) >= minLine {
				add(line)
			}
		}
	}
	return n
}

// forms lists the ways in which a value may appear.
func forms(v string) []string {
	out := []string{v, strconv.Quote(v)[1 : len(strconv.Quote(v))-1]}
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		out = append(out, aligned(enc, v)...)
	}
	lower := hex.EncodeToString([]byte(v))
	out = append(out, lower, strings.ToUpper(lower))
	for _, e := range []string{url.QueryEscape(v), url.PathEscape(v), percent(v, ""), percent(v, "/")} {
		out = append(out, e, lowerPercent(e))
	}
	for _, j := range []string{jsonText(v, true), jsonText(v, false), asciiJSON(v)} {
		// Once more: JSON that is a text inside JSON, as log lines often are.
		out = append(out, j, jsonText(j, true), jsonText(j, false))
	}
	return out
}

// aligned gives the stable part of the base64 text of v when 0, 1 or 2 bytes
// stand before it in its group of three, such as the user name of a basic
// credential. Characters that depend on the neighbours are cut off.
func aligned(enc *base64.Encoding, v string) []string {
	var out []string
	for before := range 3 {
		text := enc.EncodeToString(append(make([]byte, before), v...))
		from := (before*8 + 5) / 6
		to := (before + len(v)) * 8 / 6
		if from < to {
			out = append(out, text[from:to])
		}
	}
	return out
}

// percent escapes every byte that is neither unreserved (RFC 3986) nor in keep.
func percent(v, keep string) string {
	var b strings.Builder
	for i := range len(v) {
		c := v[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~"+keep, c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// lowerPercent writes the digits of percent escapes in lower case.
func lowerPercent(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], bytes.ToLower(b[i+1:i+3]))
		}
	}
	return string(b)
}

// jsonText is the inside of v as a JSON string.
func jsonText(v string, escapeHTML bool) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(escapeHTML)
	if err := enc.Encode(v); err != nil {
		return v // cannot happen for a string
	}
	text := strings.TrimSuffix(b.String(), "\n")
	return text[1 : len(text)-1]
}

// asciiJSON is the JSON form that other languages write by default: everything
// beyond ASCII as \uXXXX.
func asciiJSON(v string) string {
	var b strings.Builder
	for _, r := range jsonText(v, false) {
		switch {
		case r < utf8.RuneSelf:
			b.WriteRune(r)
		case r > 0xFFFF:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, hi, lo)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// find returns every place where a needle stands, merged and in order.
func (n *needles) find(text []byte) []span {
	var out []span
	for _, needle := range n.all {
		for at := 0; ; {
			i := bytes.Index(text[at:], needle)
			if i < 0 {
				break
			}
			out = append(out, span{at + i, at + i + len(needle)})
			at += i + 1 // a needle may overlap itself
		}
	}
	return merge(out)
}

// open returns the first position from which the rest of text could be the
// beginning of a needle; len(text) when there is none.
func (n *needles) open(text []byte) int {
	first := len(text)
	for _, needle := range n.all {
		from := max(0, len(text)-len(needle)+1)
		for i := from; i < first; i++ {
			j := bytes.IndexByte(text[i:first], needle[0])
			if j < 0 {
				break
			}
			i += j
			if bytes.HasPrefix(needle, text[i:]) {
				first = i
				break
			}
		}
	}
	return first
}
