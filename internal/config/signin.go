package config

import (
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// SignIns says how long people stay signed in.
type SignIns struct {
	BrowserIdle  time.Duration `name:"browser-idle" help:"a browser that asks nothing for so long is signed out" default:"12h" env:"BROWSER_IDLE"`
	BrowserLife  time.Duration `name:"browser-life" help:"and after this, whatever it does" default:"168h" env:"BROWSER_LIFE"`
	Access       time.Duration `name:"access" help:"life of an access token" default:"60m" env:"ACCESS"`
	Refresh      time.Duration `name:"refresh" help:"life of a refresh token, which counts once" default:"168h" env:"REFRESH"`
	ProgramLife  time.Duration `name:"program-life" help:"longest life of a sign-in that is renewed by refresh tokens" default:"720h" env:"PROGRAM_LIFE"`
	Setup        time.Duration `name:"setup" help:"life of the token that makes the first administrator" default:"1h" env:"SETUP"`
	Passwords    int           `name:"passwords" help:"passwords that are hashed at a time, each in 19 MiB; 32 times as many wait (503 beyond)" default:"4" env:"PASSWORDS"`
	KnownBrowser time.Duration `name:"known-browser" help:"for so long a browser that somebody has signed in with is not locked out with their name" default:"4320h" env:"KNOWN_BROWSER"`
}

// Validate checks the bounds.
func (s SignIns) Validate() error {
	if s == (SignIns{}) { // all as usual, for programs and tests without a command line
		return nil
	}
	const year = 366 * 24 * time.Hour
	for _, f := range []struct {
		name string
		d    time.Duration
	}{
		{"browser-idle", s.BrowserIdle},
		{"browser-life", s.BrowserLife},
		{"access", s.Access},
		{"refresh", s.Refresh},
		{"program-life", s.ProgramLife},
		{"setup", s.Setup},
		{"known-browser", s.KnownBrowser},
	} {
		if f.d < time.Minute || f.d > year {
			return fleet.Invalid("sign-in-"+f.name, "sign-in-%s must be between 1m and 8784h; got %s.", f.name, f.d)
		}
	}
	if s.BrowserIdle > s.BrowserLife || s.Access > s.Refresh || s.Refresh > s.ProgramLife {
		return fleet.Invalid("sign-in-browser-idle", "sign-in-browser-idle must not be longer than sign-in-browser-life, nor sign-in-access than sign-in-refresh, nor that than sign-in-program-life.")
	}
	if s.Passwords < 1 || s.Passwords > 256 {
		return fleet.Invalid("sign-in-passwords", "sign-in-passwords must be between 1 and 256; got %d.", s.Passwords)
	}
	return nil
}
