package file

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// readCSV gives the rows of a file: objects by the names in the first row, or
// lists where there is no such row. All fields are texts.
func readCSV(ctx context.Context, c *engine.Call) (engine.Result, error) {
	r, most, err := openCSV(ctx, c)
	if err != nil {
		return engine.Result{}, err
	}
	header := []string{}
	hasHeader := c.Flag("has_header", true)
	if hasHeader {
		for len(header) == 0 {
			row, ok, err := r.next()
			if err != nil {
				return engine.Result{}, err
			}
			if !ok {
				break
			}
			header = row
		}
	}
	data := []any{}
	uneven := 0
	for most <= 0 || int64(len(data)) < most {
		if err := ctx.Err(); err != nil {
			return engine.Result{}, err
		}
		row, ok, err := r.next()
		if err != nil {
			return engine.Result{}, err
		}
		if !ok {
			break
		}
		switch {
		case !hasHeader:
			data = append(data, texts(row))
		case len(row) > 0: // empty lines do not count as rows
			if len(row) != len(header) {
				uneven++
			}
			data = append(data, record(header, row))
		}
	}
	if uneven > 0 {
		c.Note(fmt.Sprintf("%d rows do not have as many fields as the header", uneven))
	}
	c.Set("data", data)
	c.Set("headers", texts(header))
	c.Set("row_count", int64(len(data)))
	return engine.Continue(), nil
}

// openCSV reads the file and leaves out the lines to skip.
func openCSV(ctx context.Context, c *engine.Call) (r *csvReader, most int64, err error) {
	name, err := need(c, "file_path", "path")
	if err != nil {
		return nil, 0, err
	}
	d, err := newDialect(c.Text("delimiter"), c.Text("quotechar"), c.Bool("strict"))
	if err != nil {
		return nil, 0, err
	}
	skip, err := c.Int("skip_rows", 0)
	if err != nil {
		return nil, 0, err
	}
	if most, err = c.Int("max_rows", 0); err != nil {
		return nil, 0, err
	}
	text, err := loadText(ctx, c, name)
	if err != nil {
		return nil, 0, err
	}
	for ; skip > 0 && text != ""; skip-- {
		_, text, _ = strings.Cut(text, "\n")
	}
	return &csvReader{dialect: d, text: text}, most, nil
}

// loadText reads a structured file as text. Spreadsheets put a byte order mark
// in front, which would become a part of the first name.
func loadText(ctx context.Context, c *engine.Call, name string) (string, error) {
	enc, mode, err := coding(c)
	if err != nil {
		return "", err
	}
	data, err := load(ctx, c.Host().Files(), name, 0)
	if err != nil {
		return "", err
	}
	text, err := enc.Decode(data, mode)
	return strings.TrimPrefix(text, "\ufeff"), err
}

func texts(row []string) []any {
	list := make([]any, len(row))
	for i, field := range row {
		list[i] = field
	}
	return list
}

// record joins a row with its header. Missing fields are null; those beyond
// the header are a list under the key "null", as JSON writes Python's None.
func record(header, row []string) *value.Map {
	m := value.NewMap()
	for i, name := range header {
		if i < len(row) {
			m.Set(name, row[i])
		} else {
			m.Set(name, nil)
		}
	}
	if len(row) > len(header) {
		m.Set("null", texts(row[len(header):]))
	}
	return m
}

// writeCSV writes rows of objects or of lists. Objects take their columns from
// the headers, or else from the first row.
func writeCSV(_ context.Context, c *engine.Call) (engine.Result, error) {
	name, err := need(c, "file_path", "path")
	if err != nil {
		return engine.Result{}, err
	}
	rows, err := listParam(c, "data")
	if err != nil {
		return engine.Result{}, err
	}
	header, err := listParam(c, "headers")
	if err != nil {
		return engine.Result{}, err
	}
	d, err := newDialect(c.Text("delimiter"), "", false)
	if err != nil {
		return engine.Result{}, err
	}
	text, err := d.format(rows, header, c.Flag("write_header", true))
	if err != nil {
		return engine.Result{}, err
	}
	path, err := storeText(c, name, text)
	if err != nil {
		return engine.Result{}, err
	}
	c.Set("file_path", path)
	c.Set("row_count", int64(len(rows)))
	return engine.Continue(), nil
}

// listParam reads a list that may also be given as JSON text.
func listParam(c *engine.Call, name string) ([]any, error) {
	switch v := value.Plain(c.Param(name)).(type) {
	case nil:
		return nil, nil
	case []any:
		return v, nil
	case *value.Map:
		return []any{v}, nil
	case string:
		if v == "" {
			return nil, nil
		}
		parsed, err := value.Loads(v)
		if list, ok := parsed.([]any); ok && err == nil {
			return list, nil
		}
		return nil, engine.Fail("TypeError", "%s must be a list, not a text", name)
	default:
		return nil, engine.Fail("TypeError", "%s must be a list, not %s", name, value.TypeName(v))
	}
}

func (d dialect) format(rows, header []any, withHeader bool) (string, error) {
	var b strings.Builder
	objects := false
	if len(rows) > 0 {
		var first *value.Map
		if first, objects = rows[0].(*value.Map); objects && len(header) == 0 {
			header = texts(first.Keys())
		}
	}
	if withHeader && len(header) > 0 {
		d.writeRow(&b, header)
	}
	columns := make([]string, len(header))
	for i, h := range header {
		columns[i] = value.Str(h)
	}
	for i, row := range rows {
		fields, err := fieldsOf(row, columns, objects)
		if err != nil {
			return "", fmt.Errorf("row %d: %w", i+1, err)
		}
		d.writeRow(&b, fields)
	}
	return b.String(), nil
}

// fieldsOf lays a row out. An object with a key that is no column is refused,
// since its value would be lost.
func fieldsOf(row any, columns []string, objects bool) ([]any, error) {
	switch r := value.Plain(row).(type) {
	case *value.Map:
		if !objects {
			return r.Values(), nil
		}
		for key := range r.All() {
			if !slices.Contains(columns, key) {
				return nil, value.Errorf("ValueError", "dict contains fields not in fieldnames: %s", value.Repr(key))
			}
		}
		fields := make([]any, len(columns))
		for i, name := range columns {
			fields[i], _ = r.Get(name)
		}
		return fields, nil
	case []any:
		return r, nil
	default:
		return nil, value.Errorf("TypeError", "a row must be a list or an object, not %s", value.TypeName(r))
	}
}

// storeText writes a structured file, with the folders above it.
func storeText(c *engine.Call, name, text string) (string, error) {
	enc, mode, err := coding(c)
	if err != nil {
		return "", err
	}
	data, err := enc.Encode(text, mode)
	if err != nil {
		return "", err
	}
	files := c.Host().Files()
	if err := makeParents(files, name); err != nil {
		return "", err
	}
	return store(files, name, engine.Truncate, data)
}
