package sqlite

import (
	"context"

	"zombiezen.com/go/sqlite"
)

// QueryText runs a read of a test or of a person who looks for a fault, and
// returns its rows as texts. It is no part of the contract: nothing in the
// product may call it.
func (s *Store) QueryText(ctx context.Context, sql string) ([][]string, error) {
	var out [][]string
	err := s.readers.view(ctx, func(c *conn) error {
		st, _, err := c.db.PrepareTransient(sql)
		if err != nil {
			return fault("query", err)
		}
		for {
			var more bool
			if more, err = st.Step(); err != nil || !more {
				break
			}
			row := make([]string, st.ColumnCount())
			for i := range row {
				if st.ColumnType(i) != sqlite.TypeNull {
					row[i] = st.ColumnText(i)
				}
			}
			out = append(out, row)
		}
		if ferr := st.Finalize(); err == nil {
			err = ferr
		}
		return err
	})
	return out, err
}
