package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// work is the role of the product that works on its tables (see
// internal/store/postgres). It belongs to the server and not to one database, so
// it is made here once and never dropped.
const work = "fleet_app"

// DB is a fresh, empty database with two logins of its own.
type DB struct {
	Name     string
	OwnerURL string // owns the database and may make tables; not a superuser
	URL      string // owns nothing and may do what the product's working role may
	SuperURL string // for tests that look behind the scenes
}

// Database makes a database on the server that the package's tests share, and
// drops it at the end of the test.
func Database(tb testing.TB) DB {
	tb.Helper()
	return database(tb, Server(tb))
}

// Database makes a database on this cluster. It is not dropped: the cluster goes
// with the test.
func (c *Cluster) Database(tb testing.TB) DB {
	tb.Helper()
	db, _ := makeDatabase(tb, c.URL())
	return db
}

func database(tb testing.TB, server string) DB {
	tb.Helper()
	db, drop := makeDatabase(tb, server)
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := drop(ctx); err != nil {
			tb.Errorf("drop the database %s: %v", db.Name, err)
		}
	})
	return db
}

func makeDatabase(tb testing.TB, server string) (DB, func(context.Context) error) {
	tb.Helper()
	at, err := url.Parse(server)
	if err != nil {
		tb.Fatalf("FLEET_TEST_POSTGRES is not a URL: %v", err)
	}
	name := "fleet_test_" + strings.ToLower(rand.Text()[:12])
	owner, app, password := name+"_owner", name+"_app", rand.Text()
	super, _ := at.User.Password()
	db := DB{
		Name:     name,
		OwnerURL: address(at, owner, password, name),
		URL:      address(at, app, password, name),
		SuperURL: address(at, at.User.Username(), super, name),
	}
	// Names and password are our own and hold letters and digits only.
	err = statements(tb.Context(), server,
		// Several test programs may come at once; whoever is late finds it made.
		fmt.Sprintf(`do $$ begin create role %s nologin; exception when duplicate_object or unique_violation then null; end $$`, work),
		fmt.Sprintf(`create role %s login password '%s' in role %s`, owner, password, work),
		fmt.Sprintf(`create role %s login password '%s' in role %s`, app, password, work),
		fmt.Sprintf(`create database %s owner %s`, name, owner),
	)
	if err != nil {
		tb.Fatalf("make the database %s: %v", name, err)
	}
	return db, func(ctx context.Context) error {
		return statements(ctx, server,
			fmt.Sprintf(`drop database %s with (force)`, name),
			fmt.Sprintf(`drop role %s`, app),
			fmt.Sprintf(`drop role %s`, owner),
		)
	}
}

// statements runs statements one by one on a connection of their own.
func statements(ctx context.Context, at string, list ...string) (err error) {
	pg, err := pgx.Connect(ctx, at)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pg.Close(ctx)) }()
	for _, s := range list {
		if _, err := pg.Exec(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}
