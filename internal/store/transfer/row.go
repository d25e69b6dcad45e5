package transfer

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Clean gives a text the form that both databases keep.
func Clean(s string) string {
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "\uFFFD")
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// size is roughly what a row takes in memory.
func (r Row) size() int {
	n := 32 * len(r)
	for _, v := range r {
		switch v := v.(type) {
		case string:
			n += len(v)
		case []byte:
			n += len(v)
		}
	}
	return n
}

// show is a value for people: short, and with no more of a text than is needed
// to recognise it.
func show(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case []byte:
		return fmt.Sprintf("%d bytes", len(v))
	case string:
		if len(v) > 60 {
			return strconv.Quote(strings.ToValidUTF8(v[:60], "")) + "…"
		}
		return v
	}
	return fmt.Sprint(v)
}

// equal compares one value of two rows.
func equal(a, b any) bool {
	x, is := a.([]byte)
	if !is {
		if f, isFloat := a.(float64); isFloat {
			g, both := b.(float64)
			return both && (f == g || math.IsNaN(f) && math.IsNaN(g))
		}
		if _, is := b.([]byte); is {
			return false
		}
		return a == b
	}
	y, is := b.([]byte)
	return is && bytes.Equal(x, y)
}

// appendRow writes a row as a line of JSON: an array with a value for each
// column. The form is canonical, since sums are made of it.
func appendRow(to []byte, t *Table, r Row) ([]byte, error) {
	if len(r) != len(t.Columns) {
		return to, fmt.Errorf("a row of %s has %d values for %d columns", t.Name, len(r), len(t.Columns))
	}
	to = append(to, '[')
	for i, v := range r {
		if i > 0 {
			to = append(to, ',')
		}
		ok := true
		switch v := v.(type) {
		case nil:
			to = append(to, "null"...)
		case int64:
			ok = t.Columns[i].Kind == Int || t.Columns[i].Kind == Time
			to = strconv.AppendInt(to, v, 10)
		case float64:
			ok = t.Columns[i].Kind == Float
			if math.IsInf(v, 0) || math.IsNaN(v) {
				to = strconv.AppendQuote(to, strconv.FormatFloat(v, 'g', -1, 64))
			} else {
				to = strconv.AppendFloat(to, v, 'g', -1, 64)
			}
		case bool:
			ok = t.Columns[i].Kind == Bool
			to = strconv.AppendBool(to, v)
		case string:
			ok = t.Columns[i].Kind == Text
			text, err := json.Marshal(v)
			if err != nil {
				return to, fmt.Errorf("write a row of %s: %w", t.Name, err)
			}
			to = append(to, text...)
		case []byte:
			ok = t.Columns[i].Kind == Bytes
			to = append(to, '"')
			to = base64.StdEncoding.AppendEncode(to, v)
			to = append(to, '"')
		default:
			ok = false
		}
		if !ok {
			return to, fmt.Errorf("column %s of %s holds a %T", t.Columns[i].Name, t.Name, v)
		}
	}
	return append(to, ']', '\n'), nil
}

// parseRow reads what appendRow wrote.
func parseRow(t *Table, line []byte) (Row, error) {
	var raw []json.RawMessage
	if err := json.Unmarshal(line, &raw); err != nil {
		return nil, fmt.Errorf("a row of %s is no JSON array: %w", t.Name, err)
	}
	if len(raw) != len(t.Columns) {
		return nil, fmt.Errorf("a row of %s has %d values for %d columns", t.Name, len(raw), len(t.Columns))
	}
	row := make(Row, len(raw))
	for i, text := range raw {
		v, err := parseValue(t.Columns[i].Kind, text)
		if err != nil {
			return nil, fmt.Errorf("column %s of %s: %w", t.Columns[i].Name, t.Name, err)
		}
		row[i] = v
	}
	return row, nil
}

func parseValue(k Kind, text json.RawMessage) (any, error) {
	if string(text) == "null" {
		return nil, nil //nolint:nilnil // the value is null
	}
	switch k {
	case Int, Time:
		return strconv.ParseInt(string(text), 10, 64)
	case Bool:
		var v bool
		err := json.Unmarshal(text, &v)
		return v, err
	case Float:
		return strconv.ParseFloat(strings.Trim(string(text), `"`), 64)
	case Text:
		var v string
		if err := json.Unmarshal(text, &v); err != nil {
			return nil, err
		}
		return Clean(v), nil
	case Bytes:
		v := []byte{}
		err := json.Unmarshal(text, &v)
		return v, err
	}
	return nil, fmt.Errorf("there is no %s", k)
}
