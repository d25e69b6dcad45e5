package charset

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/casarerpa/fleet/workflow/value"
)

// Decode gives the text of data. Under [Strict] the first byte that means
// nothing is a UnicodeDecodeError with its position.
func (e Encoding) Decode(data []byte, mode Mode) (string, error) {
	if mode == CharRef {
		return "", value.Errorf("TypeError", "the error mode xmlcharrefreplace only works for writing")
	}
	switch e.kind {
	case utf8Kind:
		text := string(data)
		if e.mark {
			text = strings.TrimPrefix(text, "\ufeff")
		}
		return e.decodeUTF8(text, mode)
	case asciiKind:
		return e.decodeTable(data, mode, func(b byte) rune {
			if b < utf8.RuneSelf {
				return rune(b)
			}
			return utf8.RuneError
		})
	case singleByte:
		return e.decodeTable(data, mode, e.table.DecodeByte)
	default:
		return e.decodeGeneral(data, mode)
	}
}

func (e Encoding) decodeUTF8(text string, mode Mode) (string, error) {
	if utf8.ValidString(text) {
		return text, nil
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if r != utf8.RuneError || size > 1 {
			b.WriteString(text[i : i+size])
			i += size
			continue
		}
		if mode == Strict {
			return "", cannotDecode(e.name, text[i], i)
		}
		size = brokenLength(text[i:])
		mend(&b, text[i:i+size], mode)
		i += size
	}
	return b.String(), nil
}

// brokenLength is the number of bytes that count as one broken character: the
// longest start of a character that could have become a valid one.
func brokenLength(s string) int {
	low, high, want := byte(0x80), byte(0xbf), 0
	switch first := s[0]; {
	case first >= 0xc2 && first <= 0xdf:
		want = 2
	case first == 0xe0:
		low, want = 0xa0, 3
	case first == 0xed:
		high, want = 0x9f, 3
	case first >= 0xe1 && first <= 0xef:
		want = 3
	case first == 0xf0:
		low, want = 0x90, 4
	case first == 0xf4:
		high, want = 0x8f, 4
	case first >= 0xf1 && first <= 0xf3:
		want = 4
	default:
		return 1
	}
	n := 1
	for n < want && n < len(s) && s[n] >= low && s[n] <= high {
		low, high = 0x80, 0xbf
		n++
	}
	return n
}

// mend writes what stands for broken bytes.
func mend(b *strings.Builder, broken string, mode Mode) {
	switch mode {
	case Replace:
		b.WriteRune(utf8.RuneError)
	case Backslash:
		for i := range len(broken) {
			fmt.Fprintf(b, `\x%02x`, broken[i])
		}
	default: // ignore
	}
}

func (e Encoding) decodeTable(data []byte, mode Mode, char func(byte) rune) (string, error) {
	var b strings.Builder
	b.Grow(len(data))
	for i, c := range data {
		r := char(c)
		if r != utf8.RuneError {
			b.WriteRune(r)
			continue
		}
		if mode == Strict {
			return "", cannotDecode(e.name, c, i)
		}
		mend(&b, string([]byte{c}), mode)
	}
	return b.String(), nil
}

// decodeGeneral uses a library that marks what it cannot read with U+FFFD. So
// a file that really holds this character is refused under [Strict]; that is
// rare, and the other modes read it.
func (e Encoding) decodeGeneral(data []byte, mode Mode) (string, error) {
	out, err := e.general.NewDecoder().Bytes(data)
	if err != nil {
		return "", value.Errorf("UnicodeDecodeError", "'%s' codec can't decode the data: %s", e.name, err)
	}
	text := string(out)
	if at := strings.IndexRune(text, utf8.RuneError); at >= 0 {
		switch mode {
		case Strict:
			return "", value.Errorf("UnicodeDecodeError", "'%s' codec can't decode character %d of the data",
				e.name, utf8.RuneCountInString(text[:at]))
		case Ignore:
			text = strings.ReplaceAll(text, string(utf8.RuneError), "")
		default: // the mark stays
		}
	}
	return text, nil
}
