package config

import (
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// Log says how a program reports what it does. It goes to standard error.
type Log struct {
	LogLevel  string `name:"log-level" help:"least level that is written: ${enum}" enum:"debug,info,warn,error" default:"info" env:"FLEET_LOG_LEVEL"`
	LogFormat string `name:"log-format" help:"${enum}; auto is text on a terminal, else JSON" enum:"auto,text,json" default:"auto" env:"FLEET_LOG_FORMAT"`
}

// Database says where the store is. The commands that look after it take it as
// the orchestrator does.
type Database struct {
	DataDir     string `help:"folder of the database; default: the user's data folder" placeholder:"PATH" env:"FLEET_DATA_DIR"`
	DatabaseURL Secret `help:"PostgreSQL that one or several orchestrators share, postgres://USER:PASSWORD@HOST/DATABASE, or file:/path; without it the data folder holds an embedded database" placeholder:"URL" env:"FLEET_DATABASE_URL" secret:""`
}

// Folder is the data folder, or the user's own.
func (d Database) Folder(getenv func(string) string) string {
	if d.DataDir != "" {
		return d.DataDir
	}
	return filepath.Join(DefaultDataDir(getenv), "orchestrator")
}

// Serve is the orchestrator: fleet serve.
type Serve struct {
	Listen string `help:"address of the API" placeholder:"HOST:PORT" default:"127.0.0.1:8000" env:"FLEET_LISTEN"`
	Database
	Migrate          bool           `help:"bring the database to this program's schema at the start" default:"true" negatable:"" env:"FLEET_MIGRATE"`
	UnsafeStore      bool           `help:"run on a database that may lose acknowledged changes (fsync or synchronous_commit off)" env:"FLEET_UNSAFE_STORE"`
	AdminKeyFile     string         `help:"keep the admin key in this file (mode 0600) instead of showing it once" placeholder:"PATH" env:"FLEET_ADMIN_KEY_FILE"`
	AdminKey         Secret         `help:"key of an administrator of the tenant default that is kept in memory alone, at least 32 characters, or file:/path" placeholder:"KEY" env:"ORCHESTRATOR_ADMIN_API_KEY,API_SECRET" secret:""`
	KeyPepper        Secret         `help:"secret that keys other than robots' are hashed with, at least 32 characters, or file:/path; the same for all orchestrators of a database; default: the file key.pepper of the data folder with the embedded database, none with PostgreSQL" placeholder:"SECRET" env:"FLEET_KEY_PEPPER" secret:""`
	SecretKeys       Secret         `help:"master keys that secrets are sealed with, lines of VERSION:KEY with 32 bytes in hex, or file:/path; the same for all orchestrators of a database; default: the file secret.keys of the data folder with the embedded database, none with PostgreSQL" placeholder:"SECRET" env:"FLEET_SECRET_KEYS" secret:""`
	AuditKey         Secret         `help:"key that signs checkpoints of the audit, 32 bytes in hex, or file:/path; the same for all orchestrators of a database; default: the file audit.key of the data folder with the embedded database, none with PostgreSQL" placeholder:"SECRET" env:"FLEET_AUDIT_KEY" secret:""`
	AuditCheckpoints string         `help:"file that a copy of each checkpoint of the audit is appended to; best on a disk that this machine cannot change" placeholder:"PATH" env:"FLEET_AUDIT_CHECKPOINTS"`
	NewKeyPepper     bool           `help:"take another key-pepper than the one before; keys that were hashed with that end" env:"FLEET_NEW_KEY_PEPPER"`
	CompatQuery      bool           `name:"compat-query-tokens" help:"take credentials in the query of an address (token, api_key, api_secret), as programs of the original send them" env:"FLEET_COMPAT_QUERY_TOKENS"`
	DevMode          bool           `name:"dev-mode" help:"ask nobody for a key: a request without one is the developer at this machine; on loopback only" env:"FLEET_DEV_MODE,JWT_DEV_MODE"`
	TLS              string         `name:"tls" help:"files: those of tls-cert and tls-key, if they are given; auto: a local authority in the data folder, made at the first start and trusted by --ca-file" enum:"files,auto" default:"files" env:"FLEET_TLS"`
	TLSName          []string       `name:"tls-name" help:"further host name or address in the certificate of --tls auto" placeholder:"HOST" env:"FLEET_TLS_NAME"`
	TLSRobotCA       string         `name:"tls-robot-ca" help:"authority (PEM) that signs certificates of robots, or auto for the local one: a robot's key then counts only with the certificate of that robot" placeholder:"PATH" env:"FLEET_TLS_ROBOT_CA"`
	TLSCert          string         `name:"tls-cert" help:"certificate chain (PEM)" placeholder:"PATH" env:"FLEET_TLS_CERT"`
	TLSKey           string         `name:"tls-key" help:"private key of the certificate (PEM)" placeholder:"PATH" env:"FLEET_TLS_KEY"`
	BehindTLS        []netip.Prefix `name:"behind-tls-proxy" help:"networks of proxies that end TLS in front of this program" placeholder:"CIDR" env:"FLEET_BEHIND_TLS_PROXY"`
	Forwarded        string         `name:"forwarded-header" help:"header in which those proxies name the client: ${enum}" enum:"x-forwarded-for,forwarded" default:"x-forwarded-for" env:"FLEET_FORWARDED_HEADER"`
	MetricsListen    string         `help:"loopback address of the Prometheus metrics; empty: none" placeholder:"HOST:PORT" env:"FLEET_METRICS_LISTEN"`
	GroupCommit      int            `help:"most changes that share one commit; 0: as many as wait, 1: each has its own (slow; for comparisons)" default:"0" env:"FLEET_GROUP_COMMIT"`
	RecordRounds     string         `name:"record-placement" help:"write every round of placement into this file, for fleet placement replay" placeholder:"PATH" env:"FLEET_RECORD_PLACEMENT"`
	LocalRuns        bool           `name:"local-runs" help:"let those who may run jobs run workflows in this program too, the canvas's local mode: no programs, no scripts, public addresses only" env:"FLEET_LOCAL_RUNS"`
	MailAllow        []netip.Prefix `name:"mail-allow" help:"network in which the mail servers of triggers and alerts may be although it is private" placeholder:"CIDR" env:"FLEET_MAIL_ALLOW"`
	WebhookAllow     []netip.Prefix `name:"webhook-allow" help:"network to which events and alerts may be sent although it is private; to a literal address in it also by http" placeholder:"CIDR" env:"FLEET_WEBHOOK_ALLOW"`
	PublicURL        string         `name:"public-url" help:"address of this installation, as those know it who are sent events; default: oidc-public-url" placeholder:"URL" env:"FLEET_PUBLIC_URL"`
	StopTimeout      time.Duration  `help:"how long a stop waits for what is under way" default:"20s" env:"FLEET_STOP_TIMEOUT"`

	OIDC      OIDC      `embed:"" prefix:"oidc-" envprefix:"FLEET_OIDC_"`
	SignIns   SignIns   `embed:"" prefix:"sign-in-" envprefix:"FLEET_SIGN_IN_"`
	Retention Retention `embed:"" prefix:"retention-" envprefix:"FLEET_RETENTION_"`
	Timing    Timing    `embed:"" prefix:"timing-" envprefix:"FLEET_TIMING_"`
	Limits    Limits    `embed:"" prefix:"limit-" envprefix:"FLEET_LIMIT_"`
	Log
}

// Validate refuses unsafe and impossible combinations.
func (c Serve) Validate() error {
	if err := checkListen("listen", c.Listen); err != nil {
		return err
	}
	if err := c.checkTLS(); err != nil {
		return err
	}
	if c.MetricsListen != "" {
		if err := checkListen("metrics-listen", c.MetricsListen); err != nil {
			return err
		}
		if !Loopback(c.MetricsListen) {
			return fleet.Invalid("metrics-listen", "Metrics are for this machine only; %s is not a loopback address.", c.MetricsListen).
				WithFix("Use 127.0.0.1 with a port, and let a collector on this machine read it.")
		}
	}
	if c.PublicURL != "" {
		if err := checkIssuer("public-url", c.PublicURL); err != nil {
			return err
		}
	}
	if c.StopTimeout <= 0 {
		return fleet.Invalid("stop-timeout", "stop-timeout must be positive; got %s.", c.StopTimeout)
	}
	if err := c.OIDC.Validate(); err != nil {
		return err
	}
	if err := c.SignIns.Validate(); err != nil {
		return err
	}
	if err := c.Retention.Validate(); err != nil {
		return err
	}
	if _, err := c.Timing.Fleet(); err != nil {
		return err
	}
	return c.Limits.Validate()
}

// checkTLS refuses to serve others in the clear, and to serve them without keys.
func (c Serve) checkTLS() error {
	own := c.TLSCert != "" || c.TLS == "auto"
	switch {
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return fleet.Invalid("tls-cert", "tls-cert and tls-key belong together; only one of them is set.").WithFix("Set both, or neither.")
	case c.TLS == "auto" && c.TLSCert != "":
		return fleet.Invalid("tls", "tls auto makes a certificate, and tls-cert names another.").WithFix("Leave one of them out.")
	case c.DevMode && !Loopback(c.Listen):
		return fleet.Invalid("listen", "The development mode (dev-mode, JWT_DEV_MODE) asks nobody for a key, so it listens on loopback only; %s can be reached from other machines.", c.Listen).
			WithFix("Listen on 127.0.0.1, or leave the development mode out and use keys.")
	case c.DevMode && len(c.BehindTLS) > 0:
		return fleet.Invalid("behind-tls-proxy", "The development mode (dev-mode, JWT_DEV_MODE) asks nobody for a key; a proxy would let everybody in.").
			WithFix("Leave behind-tls-proxy out, or the development mode.")
	case !Loopback(c.Listen) && !own && len(c.BehindTLS) == 0:
		return fleet.Invalid("listen", "%s can be reached from other machines, and without TLS keys would cross the network in the clear.", c.Listen).
			WithFix("Set --tls auto, or --tls-cert and --tls-key, name the proxy that ends TLS with --behind-tls-proxy, or listen on 127.0.0.1.")
	case c.TLSRobotCA != "" && !own:
		return fleet.Invalid("tls-robot-ca", "Certificates of robots are shown to whoever ends TLS, and that is not this program.").
			WithFix("Set --tls auto, or --tls-cert and --tls-key, or leave --tls-robot-ca out.")
	case c.TLSRobotCA == "auto" && c.TLS != "auto":
		return fleet.Invalid("tls-robot-ca", "tls-robot-ca auto needs the local authority of tls auto.").WithFix("Set --tls auto, or name a file with --tls-robot-ca.")
	case len(c.TLSName) > 0 && c.TLS != "auto":
		return fleet.Invalid("tls-name", "tls-name is for the certificate of tls auto; a certificate of your own has its names already.").WithFix("Set --tls auto, or leave --tls-name out.")
	}
	for _, n := range c.BehindTLS {
		if n.Bits() == 0 {
			return fleet.Invalid("behind-tls-proxy", "%s is everybody, and whoever is named may say who a caller is.", n).
				WithFix("Name the addresses of the proxies, such as 10.0.0.4/32.")
		}
	}
	return nil
}

// Dev is everything in one process on one machine: fleet dev.
type Dev struct {
	Listen      string `help:"loopback address of the API; port 0 picks a free one" placeholder:"HOST:PORT" default:"127.0.0.1:8000" env:"FLEET_DEV_LISTEN"`
	DataDir     string `help:"folder of database and robots; default: the user's data folder" placeholder:"PATH" env:"FLEET_DEV_DATA_DIR"`
	Robots      int    `help:"robots in this process" default:"2" env:"FLEET_DEV_ROBOTS"`
	CompatQuery bool   `name:"compat-query-tokens" help:"take credentials in the query of an address (token, api_key, api_secret), as programs of the original send them" default:"true" negatable:"" env:"FLEET_COMPAT_QUERY_TOKENS"`
	UIDir       string `name:"ui-dir" help:"folder of a web interface that is being worked on; default: the one in the program" placeholder:"PATH" env:"FLEET_UI_DIR"`
	Workflows   string `help:"folder of workflow files that the canvas may open and save; default: none" placeholder:"DIR" env:"FLEET_DEV_WORKFLOWS"`
	Demo        int    `help:"a made-up fleet of so many robots with their work instead of the sample, in a folder that goes away; 0: none" placeholder:"N" default:"0" env:"FLEET_DEV_DEMO"`
	DemoSeed    uint64 `help:"the made-up fleet is the same for the same seed" placeholder:"N" default:"1" env:"FLEET_DEV_DEMO_SEED"`
	Once        bool   `help:"end after the sample; exit 0 if it completed"`
	Log
}

// MaxDemo bounds the robots of a made-up fleet.
const MaxDemo = 10_000

// Validate keeps the development mode on this machine.
func (c Dev) Validate() error {
	if err := checkListen("listen", c.Listen); err != nil {
		return err
	}
	if !Loopback(c.Listen) {
		return fleet.Invalid("listen", "fleet dev asks nobody for a key, so it listens on loopback only; %s is not.", c.Listen).
			WithFix("Use fleet serve for other machines.")
	}
	if c.Robots < 1 || c.Robots > 64 {
		return fleet.Invalid("robots", "robots must be between 1 and 64; got %d.", c.Robots)
	}
	if c.Demo < 0 || c.Demo > MaxDemo {
		return fleet.Invalid("demo", "demo must be between 0 and %d; got %d.", MaxDemo, c.Demo)
	}
	if c.Demo > 0 && (c.Once || c.DataDir != "") {
		return fleet.Invalid("demo", "demo shows a made-up fleet that leaves nothing behind; it goes with neither --once nor --data-dir.").
			WithFix("Leave out one of them.")
	}
	return nil
}

// Timing holds the durations that guard attempts. Only lost has a default;
// whatever is not set follows from it, so that one figure moves all.
type Timing struct {
	Lost       time.Duration `help:"silence after which an attempt is taken away; 15s to 24h" default:"90s" env:"LOST"`
	Lease      time.Duration `help:"lease told to robots; default 2/3 of lost (60s)" env:"LEASE"`
	Fence      time.Duration `help:"when a robot without answer stops itself; default 5/6 of the lease (50s)" env:"FENCE"`
	Suspect    time.Duration `help:"silence after which a robot gets no new work; default 1/3 of lost (30s)" env:"SUSPECT"`
	Heartbeat  time.Duration `help:"pause between heartbeats; default 1/9 of lost (10s)" env:"HEARTBEAT"`
	Accept     time.Duration `help:"time to accept an offer" default:"10s" env:"ACCEPT"`
	FirstFrame time.Duration `help:"time for the first frame of a connection" default:"5s" env:"FIRST_FRAME"`
	StopGrace  time.Duration `help:"from cancel or timeout to the end; at most 1h" default:"60s" env:"STOP_GRACE"`
	RunTimeout time.Duration `help:"run time of an attempt unless the job says" default:"24h" env:"RUN_TIMEOUT"`
}

// Fleet fills in what follows from lost and checks the whole.
func (t Timing) Fleet() (fleet.Timing, error) {
	if t.Lost == 0 {
		t.Lost = fleet.DefaultTiming().Lost
	}
	all := fleet.NewTiming(t.Lost)
	for _, f := range []struct {
		set  time.Duration
		into *time.Duration
	}{
		{t.Lease, &all.Lease},
		{t.Suspect, &all.Suspect},
		{t.Heartbeat, &all.Heartbeat},
		{t.Accept, &all.Accept},
		{t.FirstFrame, &all.FirstFrame},
		{t.RunTimeout, &all.RunTimeout},
	} {
		if f.set != 0 {
			*f.into = f.set
		}
	}
	all.Fence = all.Lease * 5 / 6
	if t.Fence != 0 {
		all.Fence = t.Fence
	}
	all.StopGrace = t.StopGrace // zero is a choice: stop at once
	return all, all.Validate()
}

// checkListen wants host:port with a numeric port.
func checkListen(field, addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fleet.Invalid(field, "%s must be HOST:PORT, such as 127.0.0.1:8000; got %q.", field, addr)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fleet.Invalid(field, "%s has no usable port: %q.", field, addr)
	}
	return nil
}

// Loopback says whether an address can be reached from this machine only. Names
// other than localhost do not count: they may resolve to anything tomorrow.
func Loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
