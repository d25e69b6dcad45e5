// Package charset turns bytes into text and back under the encoding names and
// error modes that workflows use, which are those of Python's codecs.
//
// It holds no state and reads nothing but its arguments. It must not guess: an
// encoding that is not known is an error, never a fall-back to another one.
//
// Guarantees: under the mode strict no character is lost or replaced; the same
// name gives the same bytes on every system.
package charset

import (
	"fmt"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"

	"github.com/casarerpa/fleet/workflow/value"
)

// Mode says what becomes of characters that cannot be converted.
type Mode string

// The modes, by their names in Python.
const (
	Strict    Mode = "strict"
	Ignore    Mode = "ignore"
	Replace   Mode = "replace"
	Backslash Mode = "backslashreplace"
	CharRef   Mode = "xmlcharrefreplace"
)

type kind int

const (
	utf8Kind kind = iota
	asciiKind
	singleByte // a table of 256 characters
	multiByte  // everything that needs a state machine
)

// Encoding is a named way to write text as bytes.
type Encoding struct {
	name    string
	kind    kind
	mark    bool // UTF-8 that starts with a byte order mark
	table   *charmap.Charmap
	general encoding.Encoding
}

// String is the name by which error messages know the encoding.
func (e Encoding) String() string { return e.name }

// Lookup finds an encoding by a name of Python or IANA; "" is UTF-8. The error
// of an unknown name has the type LookupError.
func Lookup(name string) (Encoding, error) {
	n := strings.ToLower(strings.TrimSpace(name))
	n = strings.NewReplacer("_", "-", " ", "-").Replace(n)
	switch n {
	case "", "utf-8", "utf8", "u8", "cp65001":
		return Encoding{name: "utf-8"}, nil
	case "utf-8-sig", "utf8-sig":
		return Encoding{name: "utf-8-sig", mark: true}, nil
	case "ascii", "us-ascii", "646":
		return Encoding{name: "ascii", kind: asciiKind}, nil
	case "latin-1", "latin1", "latin", "l1", "iso-8859-1", "iso8859-1", "8859", "cp819":
		// The web reads this name as windows-1252; Python does not.
		return Encoding{name: "latin-1", kind: singleByte, table: charmap.ISO8859_1}, nil
	case "utf-16", "utf16", "u16":
		return general("utf-16", unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)), nil
	case "utf-16-le", "utf-16le":
		return general("utf-16-le", unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)), nil
	case "utf-16-be", "utf-16be":
		return general("utf-16-be", unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)), nil
	case "utf-32", "utf32", "u32":
		return general("utf-32", utf32.UTF32(utf32.LittleEndian, utf32.UseBOM)), nil
	case "utf-32-le", "utf-32le":
		return general("utf-32-le", utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM)), nil
	case "utf-32-be", "utf-32be":
		return general("utf-32-be", utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM)), nil
	}
	if rest, ok := strings.CutPrefix(n, "cp125"); ok {
		n = "windows-125" + rest
	}
	if rest, ok := strings.CutPrefix(n, "iso8859-"); ok {
		n = "iso-8859-" + rest
	}
	if enc, err := ianaindex.IANA.Encoding(n); err == nil && enc != nil {
		return general(n, enc), nil
	}
	if enc, err := htmlindex.Get(n); err == nil {
		return general(n, enc), nil
	}
	return Encoding{}, value.Errorf("LookupError", "unknown encoding: %s", name)
}

func general(name string, enc encoding.Encoding) Encoding {
	if table, ok := enc.(*charmap.Charmap); ok {
		return Encoding{name: name, kind: singleByte, table: table}
	}
	return Encoding{name: name, kind: multiByte, general: enc}
}

// CheckMode tells whether mode is known; "" counts as strict.
func CheckMode(mode string) (Mode, error) {
	switch m := Mode(mode); m {
	case "":
		return Strict, nil
	case Strict, Ignore, Replace, Backslash, CharRef:
		return m, nil
	default:
		return "", value.Errorf("LookupError", "unknown error handler name '%s'", mode)
	}
}

// Universal gives every line end as \n, as Python reads text files.
func Universal(text string) string {
	if !strings.Contains(text, "\r") {
		return text
	}
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
}

func cannotDecode(name string, b byte, at int) error {
	return value.Errorf("UnicodeDecodeError", "'%s' codec can't decode byte 0x%02x in position %d", name, b, at)
}

func cannotEncode(name string, r rune, at int) error {
	return value.Errorf("UnicodeEncodeError", "'%s' codec can't encode character '%s' in position %d", name, escape(r), at)
}

// escape writes a character as Python's backslashreplace does.
func escape(r rune) string {
	switch {
	case r < 0x100:
		return fmt.Sprintf(`\x%02x`, r)
	case r < 0x10000:
		return fmt.Sprintf(`\u%04x`, r)
	default:
		return fmt.Sprintf(`\U%08x`, r)
	}
}
