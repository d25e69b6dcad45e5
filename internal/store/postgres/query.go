package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/casarerpa/fleet/internal/store"
)

// QueryText runs a read of a test or of a person who looks for a fault, and
// returns its rows as texts. It is no part of the contract: nothing in the
// product may call it.
func (s *Store) QueryText(ctx context.Context, sql string) ([][]string, error) {
	var out [][]string
	err := s.view(ctx, store.System("query"), func(c *conn) error {
		rows, err := c.pg.Query(ctx, sql, pgx.QueryExecModeSimpleProtocol)
		if err != nil {
			return fault("query", err)
		}
		defer rows.Close()
		for rows.Next() {
			row := make([]string, len(rows.RawValues()))
			for i, b := range rows.RawValues() {
				row[i] = string(b)
			}
			out = append(out, row)
		}
		if err := rows.Err(); err != nil {
			return fmt.Errorf("query: %w", err)
		}
		return nil
	})
	return out, err
}
