package postgres

// bulked is one statement as it is sent: for one row, or for many at once.
type bulked struct {
	name  string
	sql   string
	args  []any
	rows  int
	exact bool // it must touch that many
}

// bulk puts kept statements together.
func bulk(list []kept) []bulked {
	out := make([]bulked, 0, len(list))
	for _, k := range list {
		out = append(out, bulked{k.stmt.Name, k.stmt.SQL, k.args, 1, keep[k.stmt.Name]})
	}
	return out
}
