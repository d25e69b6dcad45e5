package charset

import (
	"strconv"
	"unicode/utf8"

	"github.com/casarerpa/fleet/workflow/value"
)

// Encode gives the bytes of text. Under [Strict] the first character that the
// encoding lacks is a UnicodeEncodeError with its position.
func (e Encoding) Encode(text string, mode Mode) ([]byte, error) {
	switch e.kind {
	case utf8Kind:
		if e.mark {
			return append([]byte("\ufeff"), text...), nil
		}
		return []byte(text), nil
	case asciiKind:
		return e.encodeEach(text, mode, func(out []byte, r rune) ([]byte, bool) {
			return append(out, byte(r)), r < utf8.RuneSelf
		})
	case singleByte:
		return e.encodeEach(text, mode, func(out []byte, r rune) ([]byte, bool) {
			b, ok := e.table.EncodeRune(r)
			return append(out, b), ok
		})
	default:
		return e.encodeGeneral(text, mode)
	}
}

// encodeEach converts one character after the other; add returns false for a
// character that the encoding lacks, and its result is then not used.
func (e Encoding) encodeEach(text string, mode Mode, add func([]byte, rune) ([]byte, bool)) ([]byte, error) {
	out := make([]byte, 0, len(text))
	at := 0
	for _, r := range text {
		next, ok := add(out, r)
		if ok {
			out = next
			at++
			continue
		}
		switch mode {
		case Strict:
			return nil, cannotEncode(e.name, r, at)
		case Replace:
			out, _ = add(out, '?')
		case Backslash:
			out = e.addAll(out, escape(r), add)
		case CharRef:
			out = e.addAll(out, "&#"+strconv.Itoa(int(r))+";", add)
		default: // ignore
		}
		at++
	}
	return out, nil
}

func (e Encoding) addAll(out []byte, text string, add func([]byte, rune) ([]byte, bool)) []byte {
	for _, r := range text {
		out, _ = add(out, r)
	}
	return out
}

func (e Encoding) encodeGeneral(text string, mode Mode) ([]byte, error) {
	whole, err := e.general.NewEncoder().Bytes([]byte(text))
	if err == nil {
		return whole, nil
	}
	if mode == Strict {
		at := 0
		for _, r := range text {
			if _, err := e.general.NewEncoder().String(string(r)); err != nil {
				return nil, cannotEncode(e.name, r, at)
			}
			at++
		}
		return nil, value.Errorf("UnicodeEncodeError", "'%s' codec can't encode the text: %s", e.name, err)
	}
	return e.encodeEach(text, mode, func(out []byte, r rune) ([]byte, bool) {
		b, err := e.general.NewEncoder().String(string(r))
		return append(out, b...), err == nil
	})
}
