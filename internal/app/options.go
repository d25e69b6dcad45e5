package app

import (
	"cmp"
	"crypto/tls"
	"io/fs"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/caller"
	"github.com/casarerpa/fleet/internal/config"
	"github.com/casarerpa/fleet/internal/httpapi"
	"github.com/casarerpa/fleet/internal/store"
)

// Proxies says which peers may speak for others.
type Proxies = caller.Proxies

// Options say what to build.
type Options struct {
	DataDir string // folder of the database
	Listen  string // host:port; port 0 picks a free one
	Local   bool   // a request without a key is the developer at this machine
	Demo    bool   // what is there is made up; pages say so
	Timing  fleet.Timing
	Limits  config.Limits
	TLS     *tls.Config // nil: plain HTTP
	Proxies Proxies     // that may speak for others
	// RobotCertificates lets a robot's key count only with the certificate of
	// that robot; TLS says who signs them.
	RobotCertificates bool
	Version           string
	Logger            *slog.Logger
	StopTimeout       time.Duration
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
	// SignIns says how long people stay signed in; what is zero is as usual.
	SignIns config.SignIns
	// OIDC is the issuer by which people sign in besides; without one, none.
	OIDC config.OIDC
	// MailAllow are networks in which mail servers may be although they are private.
	MailAllow []netip.Prefix
	// WebhookAllow are networks to which events and alerts may be sent although they
	// are private.
	WebhookAllow []netip.Prefix
	// PublicURL is where this installation is reached, as those know it who are sent
	// events; empty: where browsers come back to after a sign-in by OIDC, if
	// somebody has said so.
	PublicURL string
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
	// SecretKeys are the master keys that secrets are sealed with; empty: the file
	// of the data folder, where the database is in there too.
	SecretKeys string
	// AuditKey signs checkpoints of the audit; empty: the file of the data folder,
	// where the database is in there too. AuditSink is a file that a copy of each is
	// appended to; empty: none.
	AuditKey  string
	AuditSink string
	Unsafe    bool
	// Here runs workflows on this very machine, for the page's local mode. Nil:
	// nothing runs here. Whoever hands it in closes it after Stop.
	Here httpapi.Here
	// Pages is the web interface. Nil: the one that is compiled in.
	Pages fs.FS
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

// address is where this installation is reached; empty if nobody has said so.
func (o *Options) address() string {
	return strings.TrimRight(cmp.Or(o.PublicURL, o.OIDC.PublicURL), "/")
}

// check refuses what would let strangers in, whoever asks for it.
func (o *Options) check() error {
	switch {
	case o.Local && !config.Loopback(o.Listen):
		return fleet.Invalid("listen", "Without keys an orchestrator listens on loopback only; %s can be reached from other machines.", o.Listen).
			WithFix("Listen on 127.0.0.1, or use keys.")
	case o.Local && len(o.Proxies.Networks) > 0:
		return fleet.Invalid("behind-tls-proxy", "Without keys an orchestrator takes no requests from proxies: everybody would be let in.").
			WithFix("Name no proxies, or use keys.")
	case !config.Loopback(o.Listen) && o.TLS == nil && len(o.Proxies.Networks) == 0:
		return fleet.Invalid("listen", "%s can be reached from other machines, and there is neither TLS nor a proxy that ends it.", o.Listen).
			WithFix("Use TLS, name the proxies, or listen on 127.0.0.1.")
	case o.RobotCertificates && (o.TLS == nil || o.TLS.ClientCAs == nil || o.TLS.ClientAuth < tls.VerifyClientCertIfGiven):
		return fleet.Invalid("tls-robot-ca", "Certificates of robots need TLS in this program, and an authority that signs them.").
			WithFix("Use TLS and name the authority.")
	case o.MetricsListen != "" && !config.Loopback(o.MetricsListen):
		return fleet.Invalid("metrics-listen", "Metrics are for this machine only; %s is not a loopback address.", o.MetricsListen).
			WithFix("Use 127.0.0.1 with a port.")
	}
	return nil
}
