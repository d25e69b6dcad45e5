package catalog

import "strings"

// Type finds a type by its registry name. Abstract names of the original's
// registry are not types.
func (c *Catalog) Type(name string) (*Type, bool) {
	t, ok := c.types[name]
	return t, ok
}

// Names returns all names, sorted.
func (c *Catalog) Names() []string { return append([]string(nil), c.names...) }

// Families returns the family names in the order of the data files.
func (c *Catalog) Families() []string { return append([]string(nil), c.families...) }

// Abstract says whether a name is one of the base classes that the original
// registers but cannot create.
func (c *Catalog) Abstract(name string) bool { return c.abstract[name] }

// Refused says whether saved files use this name although nothing ever
// implemented it.
func (c *Catalog) Refused(name string) bool { return c.refused[name] }

// Alias returns the registry name that a name in a saved file stands for: the
// last part of a dotted path, without the prefix Visual, and the other names
// of rule C9. It returns false when there is nothing to translate or the
// result is not a type.
func (c *Catalog) Alias(name string) (string, bool) {
	short := name
	if i := strings.LastIndexByte(short, '.'); i >= 0 {
		short = short[i+1:]
	}
	if _, ok := c.types[short]; !ok {
		short = strings.TrimPrefix(short, "Visual")
	}
	if to, ok := c.alias[short]; ok {
		short = to
	}
	if _, ok := c.types[short]; !ok || short == name {
		return "", false
	}
	return short, true
}

// Resolve finds the type that a name stands for, directly or by alias.
func (c *Catalog) Resolve(name string) (*Type, bool) {
	if t, ok := c.types[name]; ok {
		return t, true
	}
	if to, ok := c.Alias(name); ok {
		return c.types[to], true
	}
	return nil, false
}

// PropertyAliases returns the other names of a type's properties (rule C10).
func (c *Catalog) PropertyAliases(typeName string) []PropertyAlias { return c.props[typeName] }

// OutputSynonyms returns, best first, what to read instead of an output that a
// node does not have (rule C11). After these the caller tries "result" and then
// the only data output.
func (c *Catalog) OutputSynonyms(port string) []string { return c.outputs[port] }

// Nearest returns the known name that is most like the given one, or "" if
// none is near enough to be a help.
func (c *Catalog) Nearest(name string) string {
	if exact, ok := c.lower[strings.ToLower(name)]; ok {
		return exact
	}
	return nearest(name, c.names)
}

// Closest is Nearest over any list of names; ties go to the first.
func Closest(name string, among []string) string {
	for _, n := range among {
		if strings.EqualFold(n, name) {
			return n
		}
	}
	return nearest(name, among)
}

// nearest allows one edit, and one more for every three letters; the ending
// that all node types share does not count, since it would make any two short
// names look alike.
func nearest(name string, among []string) string {
	const ending = "node"
	a := []rune(strings.ToLower(name))
	if len(a) == 0 || len(a) > 64 {
		return ""
	}
	spellings := [][]rune{a}
	own := len(a)
	if strings.HasSuffix(string(a), ending) {
		own -= len(ending)
	} else {
		spellings = append(spellings, append([]rune(string(a)), []rune(ending)...))
	}
	best, bound := "", 2+own/3
	for _, n := range among {
		b := []rune(strings.ToLower(n))
		for _, spelling := range spellings {
			if d := distance(spelling, b, bound); d < bound {
				best, bound = n, d
			}
		}
	}
	return best
}

// distance is the number of single-letter edits between a and b, with a swap
// of neighbours as one; anything of limit or more is returned as limit.
func distance(a, b []rune, limit int) int {
	if abs(len(a)-len(b)) >= limit {
		return limit
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(row[j-1]+1, last[j]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
			least = min(least, row[j])
		}
		if least >= limit {
			return limit
		}
		before, last, row = last, row, before
	}
	return min(last[len(b)], limit)
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
