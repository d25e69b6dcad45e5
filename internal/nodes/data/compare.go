package data

import (
	"strconv"
	"strings"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// table compares two lists of rows.
type table struct {
	columns []string // that make the key; none: the place of the row
	all     bool     // look at the other columns too
	exact   bool     // case counts
}

// dataCompare pairs the rows of two lists by their key and tells what is on
// one side only and what differs. Entries that are no objects do not count.
func dataCompare(c *engine.Call) error {
	t := table{all: c.Bool("compare_all_columns"), exact: c.Bool("case_sensitive")}
	for column := range strings.SplitSeq(c.Text("key_columns"), ",") {
		if column = strings.TrimFunc(column, value.IsSpace); column != "" {
			t.columns = append(t.columns, column)
		}
	}
	a, b := rows(c, "data_a"), rows(c, "data_b")

	waiting := map[string][]int{} // rows of b by key that are not paired yet
	for i, row := range b {
		if row != nil {
			key := t.key(row, i)
			waiting[key] = append(waiting[key], i)
		}
	}
	paired := make([]bool, len(b))
	onlyA, onlyB, matched := []any{}, []any{}, []any{}
	modified, totalA, totalB := 0, 0, 0
	for i, row := range a {
		if row == nil {
			continue
		}
		totalA++
		key := t.key(row, i)
		if len(waiting[key]) == 0 {
			onlyA = append(onlyA, row)
			continue
		}
		j := waiting[key][0]
		waiting[key] = waiting[key][1:]
		paired[j] = true
		different := t.different(row, b[j])
		if len(different) > 0 {
			modified++
		}
		matched = append(matched, value.MapOf(
			"key", t.shown(row, i), "row_a", row, "row_b", b[j],
			"is_modified", len(different) > 0, "different_columns", different))
	}
	for i, row := range b {
		if row == nil {
			continue
		}
		totalB++
		if !paired[i] {
			onlyB = append(onlyB, row)
		}
	}
	names := []any{}
	for _, column := range t.columns {
		names = append(names, column)
	}
	c.Set("only_in_a", onlyA)
	c.Set("only_in_b", onlyB)
	c.Set("matched", matched)
	c.Set("diff_summary", value.MapOf(
		"added_count", int64(len(onlyB)), "removed_count", int64(len(onlyA)),
		"modified_count", int64(modified), "matched_count", int64(len(matched)),
		"total_a", int64(totalA), "total_b", int64(totalB), "key_columns", names))
	c.Set("has_differences", len(onlyA)+len(onlyB)+modified > 0)
	return nil
}

// rows reads a list; what is no list has no rows.
func rows(c *engine.Call, name string) []*value.Map {
	list, _ := argument(c, name).([]any)
	all := make([]*value.Map, len(list))
	for i, item := range list {
		all[i], _ = item.(*value.Map)
	}
	return all
}

// folded is what of a value counts for the comparison.
func (t table) folded(v any) any {
	if text, ok := v.(string); ok && !t.exact {
		return value.Lower(text)
	}
	return v
}

// key is a text that is equal for rows whose key columns are equal in Python.
func (t table) key(row *value.Map, place int) string {
	if len(t.columns) == 0 {
		return strconv.Itoa(place)
	}
	var b strings.Builder
	for _, column := range t.columns {
		v, _ := row.Get(column)
		part := value.Repr(identity(t.folded(v)))
		b.WriteString(strconv.Itoa(len(part)) + ":" + part)
	}
	return b.String()
}

// shown is the key as a person reads it.
func (t table) shown(row *value.Map, place int) *value.Map {
	if len(t.columns) == 0 {
		return value.MapOf("index", int64(place))
	}
	key := value.NewMap()
	for _, column := range t.columns {
		v, _ := row.Get(column)
		key.Set(column, v)
	}
	return key
}

// different names the columns outside the key that differ, those of a first.
func (t table) different(a, b *value.Map) []any {
	columns := []any{}
	if !t.all {
		return columns
	}
	skip := map[string]bool{}
	for _, column := range t.columns {
		skip[column] = true
	}
	for _, row := range []*value.Map{a, b} {
		for column := range row.All() {
			if skip[column] {
				continue
			}
			skip[column] = true
			va, _ := a.Get(column)
			vb, _ := b.Get(column)
			if !value.Equal(t.folded(va), t.folded(vb)) {
				columns = append(columns, column)
			}
		}
	}
	return columns
}
