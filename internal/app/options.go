package app

import (
	"crypto/tls"
	"log/slog"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/caller"
	"github.com/casarerpa/fleet/internal/config"
	"github.com/casarerpa/fleet/internal/store"
)

// Proxies says which peers may speak for others.
type Proxies = caller.Proxies

// Options say what to build.
type Options struct {
	DataDir     string // folder of the database
	Listen      string // host:port; port 0 picks a free one
	Local       bool   // a request without a key is the developer at this machine
	Timing      fleet.Timing
	Limits      config.Limits
	TLS         *tls.Config // nil: plain HTTP
	Proxies     Proxies     // that may speak for others
	Version     string
	Logger      *slog.Logger
	StopTimeout time.Duration
	// Linger is how long a stop waits for the connections of robots that poll;
	// default 16 s, negative: not at all.
	Linger time.Duration
	// GroupCommit bounds how many changes share one commit; 0 is the default.
	// Benchmarks set 1 to show what sharing is worth.
	GroupCommit int
	// RecordRounds is a file that every round of placement is written to; empty:
	// none.
	RecordRounds string
	// Retention says for how long history is kept; zero values are for ever.
	Retention config.Retention
	// MetricsListen is a loopback address for Prometheus; empty: none.
	MetricsListen string
	// DatabaseURL is a PostgreSQL that orchestrators share; empty: the embedded
	// database in DataDir. Migrate brings its schema up to date; Unsafe takes it
	// even if it may lose acknowledged changes.
	DatabaseURL string
	Migrate     bool
	// AdminKey is an administrator's key that is in the environment alone; empty:
	// none. KeyPepper is mixed into the hashes of keys; empty: the file of the data
	// folder, where the database is in there too. NewPepper lets it be another than
	// before. QueryTokens lets credentials in addresses count.
	AdminKey    string
	KeyPepper   string
	NewPepper   bool
	QueryTokens bool
	Unsafe      bool
	// Store is one that is open already and that other orchestrators use too;
	// it stays open. Nil: the one in DataDir, for this orchestrator alone.
	Store store.Store
}

func (o *Options) fill() {
	if o.Timing == (fleet.Timing{}) {
		o.Timing = fleet.DefaultTiming()
	}
	if o.Limits == (config.Limits{}) {
		o.Limits = config.DefaultLimits()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Linger == 0 {
		o.Linger = 16 * time.Second
	}
	if o.StopTimeout <= 0 {
		o.StopTimeout = 20 * time.Second
	}
}
