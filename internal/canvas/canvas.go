package canvas

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
	"github.com/casarerpa/fleet/internal/httpapi"
	"github.com/casarerpa/fleet/web"
)

// Options say what to serve.
type Options struct {
	Listen  string // loopback
	Link    *Link
	Here    httpapi.Here // runs workflows on this machine
	Dir     string       // of an interface that is being worked on; empty: the one in the program
	Version string
	Logger  *slog.Logger
}

// Program is the running editor.
type Program struct {
	o        Options
	listener net.Listener
	server   *http.Server
}

// New binds the listener. Nothing is served before [Program.Run].
func New(ctx context.Context, o Options) (*Program, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	limits := config.DefaultLimits()
	limits.Requests, limits.Addresses = 1_000_000, 1_000_000 // one author, on one machine
	api, err := httpapi.NewLocal(httpapi.Options{
		Here: o.Here, Linked: o.Link, Now: time.Now, Logger: o.Logger, Version: o.Version, Limits: limits,
	})
	if err != nil {
		return nil, err
	}
	pages, err := interfaceOf(o.Dir)
	if err != nil {
		return nil, err
	}
	p := &Program{o: o, server: &http.Server{
		Handler: web.With(api, pages), ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(o.Logger.Handler(), slog.LevelWarn),
	}}
	if stop, ok := api.(interface{ Stop() }); ok {
		p.server.RegisterOnShutdown(stop.Stop)
	}
	p.listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", o.Listen)
	if err != nil {
		return nil, fleet.Errorf(fleet.CodeUnavailable, "address_in_use", "The address %s cannot be listened on: %w.", o.Listen, err).
			WithFix("Choose another with --listen, or 127.0.0.1:0 for a free port.")
	}
	return p, nil
}

func interfaceOf(dir string) (http.Handler, error) {
	dist, err := web.Dist()
	if err != nil {
		return nil, err
	}
	if dir != "" {
		dist = os.DirFS(dir)
	}
	return web.New(dist)
}

// URL is the address for a browser.
func (p *Program) URL() string { return "http://" + p.listener.Addr().String() }

// Run serves and keeps the link until ctx ends.
func (p *Program) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var going sync.WaitGroup
	defer going.Wait()
	defer cancel()
	going.Go(func() { p.o.Link.Run(ctx) })
	failed := make(chan error, 1)
	going.Go(func() { failed <- p.server.Serve(p.listener) })
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	stop, done := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer done()
	if err := p.server.Shutdown(stop); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return p.server.Close()
}
