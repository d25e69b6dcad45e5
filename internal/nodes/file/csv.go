package file

import (
	"strings"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// dialect is how a CSV file separates and quotes, by the rules of Python's csv
// module: a quote within quotes is doubled, rows are written with \r\n.
type dialect struct {
	delimiter, quote rune
	strict           bool
}

// newDialect checks the two characters. The two letters \t stand for a tab,
// because a text field cannot hold one.
func newDialect(delimiter, quote string, strict bool) (dialect, error) {
	d := dialect{delimiter: ',', quote: '"', strict: strict}
	if delimiter == `\t` {
		delimiter = "\t"
	}
	for _, s := range []struct {
		name, text string
		to         *rune
	}{{"delimiter", delimiter, &d.delimiter}, {"quotechar", quote, &d.quote}} {
		switch runes := []rune(s.text); len(runes) {
		case 0:
		case 1:
			*s.to = runes[0]
		default:
			return d, engine.Fail("TypeError", `"%s" must be a 1-character string`, s.name)
		}
	}
	return d, nil
}

type csvState int

const (
	rowStart csvState = iota
	fieldStart
	inField
	inQuotes
	afterQuote // a quote within quotes: the end of them, or one half of a pair
)

// csvReader cuts text into rows, one at a time.
type csvReader struct {
	dialect
	text  string
	field strings.Builder
	row   []string
	state csvState
}

// next returns one row; ok is false at the end. An empty line is an empty row.
func (r *csvReader) next() (row []string, ok bool, err error) {
	r.row, r.state = []string{}, rowStart
	if r.text == "" {
		return nil, false, nil
	}
	for i, char := range r.text {
		if r.state != inQuotes && (char == '\n' || char == '\r') {
			rest := r.text[i+1:]
			if char == '\r' {
				rest = strings.TrimPrefix(rest, "\n")
			}
			r.text = rest
			r.endRow()
			return r.row, true, nil
		}
		if err := r.char(char); err != nil {
			return nil, false, err
		}
	}
	r.text = ""
	if r.strict && r.state == inQuotes {
		return nil, false, engine.Fail("Error", "unexpected end of data")
	}
	r.endRow()
	return r.row, true, nil
}

func (r *csvReader) endRow() {
	if r.state != rowStart {
		r.endField(rowStart)
	}
}

func (r *csvReader) endField(next csvState) {
	r.row = append(r.row, r.field.String())
	r.field.Reset()
	r.state = next
}

func (r *csvReader) char(char rune) error {
	switch r.state {
	case rowStart, fieldStart:
		switch char {
		case r.quote:
			r.state = inQuotes
		case r.delimiter:
			r.endField(fieldStart)
		default:
			r.add(char, inField)
		}
	case inField:
		if char == r.delimiter {
			r.endField(fieldStart)
		} else {
			r.add(char, inField)
		}
	case inQuotes:
		if char == r.quote {
			r.state = afterQuote
		} else {
			r.add(char, inQuotes)
		}
	case afterQuote:
		switch {
		case char == r.quote:
			r.add(char, inQuotes)
		case char == r.delimiter:
			r.endField(fieldStart)
		case r.strict:
			return engine.Fail("Error", "'%c' expected after '%c'", r.delimiter, r.quote)
		default:
			r.add(char, inField)
		}
	}
	return nil
}

func (r *csvReader) add(char rune, next csvState) {
	r.field.WriteRune(char)
	r.state = next
}

// writeRow appends a row. Fields are quoted only where reading them back would
// otherwise give something else.
func (d dialect) writeRow(b *strings.Builder, fields []any) {
	for i, v := range fields {
		if i > 0 {
			b.WriteRune(d.delimiter)
		}
		text := ""
		if v != nil {
			text = value.Str(v)
		}
		if !d.mustQuote(text, len(fields)) {
			b.WriteString(text)
			continue
		}
		quote := string(d.quote)
		b.WriteString(quote + strings.ReplaceAll(text, quote, quote+quote) + quote)
	}
	b.WriteString("\r\n")
}

func (d dialect) mustQuote(text string, fields int) bool {
	// A row of one empty field would read back as a row without fields.
	if text == "" {
		return fields == 1
	}
	return strings.ContainsFunc(text, func(r rune) bool {
		return r == d.delimiter || r == d.quote || r == '\r' || r == '\n'
	})
}
