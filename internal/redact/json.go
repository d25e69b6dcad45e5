package redact

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
)

// JSON returns a JSON text with every known secret masked, also one that is
// written with needless escapes or as a number. What comes back is valid JSON
// whose outermost value is of the same kind; a text without secrets comes back
// as it was. Where a secret is spread over several values (a key file that is
// JSON itself), all of it is masked. What is no JSON is masked as a whole.
func (r *Redactor) JSON(raw []byte) []byte {
	n := r.load()
	if n == nil || len(raw) == 0 {
		return raw
	}
	m := masker{r: r}
	err := m.copy(raw)
	out := raw
	if m.changed {
		out = m.out.Bytes()
	}
	switch {
	case err == nil && !r.Contains(string(out)):
		return out
	case err == nil && bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")):
		return []byte(`{"` + Mask + `":"` + Mask + `"}`)
	case err == nil && bytes.HasPrefix(bytes.TrimSpace(raw), []byte("[")):
		return []byte(`["` + Mask + `"]`)
	}
	return []byte(`"` + Mask + `"`)
}

// masker copies a JSON text token by token, so that the order of keys stays.
type masker struct {
	r       *Redactor
	out     bytes.Buffer
	open    []level
	changed bool
}

// level is an object or a list that is not closed yet. In an object keys and
// values are counted alike.
type level struct {
	object bool
	count  int
}

func (m *masker) copy(raw []byte) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) && len(m.open) == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		if c, ok := t.(json.Delim); ok && (c == '}' || c == ']') {
			m.open = m.open[:len(m.open)-1]
			m.out.WriteByte(byte(c))
			continue
		}
		m.separate()
		switch t := t.(type) {
		case json.Delim:
			m.open = append(m.open, level{object: t == '{'})
			m.out.WriteByte(byte(t))
		case string:
			m.text(t)
		case json.Number:
			m.number(t)
		case bool:
			m.out.WriteString(strconv.FormatBool(t))
		default:
			m.out.WriteString("null")
		}
	}
}

// separate writes what stands before a key or a value.
func (m *masker) separate() {
	if len(m.open) == 0 {
		return
	}
	top := &m.open[len(m.open)-1]
	switch {
	case top.object && top.count%2 == 1:
		m.out.WriteByte(':')
	case top.count > 0:
		m.out.WriteByte(',')
	}
	top.count++
}

func (m *masker) text(s string) {
	masked := m.r.Text(s)
	inside := jsonText(masked, false)
	if m.r.Contains(inside) { // as it is written, and not as it is read
		inside = Mask
	}
	m.changed = m.changed || inside != jsonText(s, false)
	m.out.WriteString(`"` + inside + `"`)
}

// number masks a secret of digits that a program has turned into a number.
func (m *masker) number(n json.Number) {
	found := m.r.Contains(n.String())
	if f, err := n.Float64(); err == nil && !found {
		found = m.r.Contains(strconv.FormatFloat(f, 'f', -1, 64))
	}
	if !found {
		m.out.WriteString(n.String())
		return
	}
	m.changed = true
	m.out.WriteString(`"` + Mask + `"`)
}
