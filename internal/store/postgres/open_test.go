package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/casarerpa/fleet/internal/store"
	"github.com/casarerpa/fleet/internal/store/storetest"
)

var template = sync.OnceValues(func() (string, error) {
	base := os.Getenv("FLEET_TEST_POSTGRES")
	pg, err := pgx.Connect(context.Background(), base)
	if err != nil {
		return "", err
	}
	defer pg.Close(context.Background())
	name := fmt.Sprintf("template%d", time.Now().UnixNano())
	if _, err := pg.Exec(context.Background(), "create database "+name); err != nil {
		return "", err
	}
	_, err = Migrate(context.Background(), Options{URL: base + "/" + name})
	return name, err
})

func database(t testing.TB) string {
	base := os.Getenv("FLEET_TEST_POSTGRES")
	from, err := template()
	if err != nil {
		t.Fatal(err)
	}
	pg, err := pgx.Connect(t.Context(), base)
	if err != nil {
		t.Fatal(err)
	}
	defer pg.Close(t.Context())
	name := fmt.Sprintf("t%d", time.Now().UnixNano())
	if _, err := pg.Exec(t.Context(), "create database "+name+" template "+from+""); err != nil {
		t.Fatal(err)
	}
	return base + "/" + name
}

func openWith(o Options) storetest.Open {
	return func(t testing.TB) store.Store {
		o := o
		o.URL, o.Migrate = database(t), true
		o.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
		s, err := Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return s
	}
}
