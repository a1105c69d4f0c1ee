package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"proxbox/internal/logbook"
	"proxbox/internal/run"
	"proxbox/internal/server"
	"proxbox/internal/settings"
)

// shutdownTime is how long runs and streams get to end when the service is
// told to stop. Containers are killed 10 s after they are told, unless they
// are given longer.
const shutdownTime = 25 * time.Second

func (p *program) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Run the service",
		Long: `Runs the service that the NetBox plugin speaks with, until Ctrl-C or SIGTERM.
Runs that are under way stop at a batch boundary, and the next one goes on
from there.

PORT (8000) and PROXBOX_BIND_HOST say where it listens, PROXBOX_DATA_DIR where
it keeps its database and encryption key, PROXBOX_LOG_LEVEL how much it logs.
docs/settings.md lists all settings.`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return p.serve(c.Context()) },
	}
}

func (p *program) serve(ctx context.Context) error {
	v, err := p.settings()
	if err != nil {
		return err
	}
	s, err := p.openService(ctx, v, newLog(p.stderr, settings.LogLevel.In(v), onTerminal(p.stderr)))
	if err != nil {
		return err
	}
	s.log.Info("the service is ready", "version", version, "address", "http://"+s.address(), "docs", "http://"+s.address()+"/docs")
	if p.listening != nil {
		p.listening(s.address())
	}
	select {
	case <-ctx.Done():
		s.log.Info("stopping: runs end at a batch boundary; a second signal stops at once")
	case err = <-s.failed:
	}
	return errors.Join(err, s.close())
}

// service is the running service.
type service struct {
	*app
	logs     *logbook.Book // what the log was of late
	listener net.Listener
	launcher *run.Launcher
	handler  *server.Server
	http     *http.Server
	failed   chan error // why it does not listen any more
}

// openService opens the data and listens. The port is taken first: when it is
// not to be had, nothing is changed. What is logged is kept for who reads it
// over the API, too.
func (p *program) openService(ctx context.Context, v *settings.Values, log *slog.Logger) (*service, error) {
	listener, err := listen(ctx, settings.BindHost.In(v), settings.Port.In(v))
	if err != nil {
		return nil, err
	}
	logs := logbook.New(logbook.MaxEntries, logbook.MaxBytes)
	log = slog.New(slog.NewMultiHandler(log.Handler(), logs.Handler(settings.LogLevel.In(v))))
	a, err := p.open(ctx, v, log)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	s := &service{app: a, logs: logs, listener: listener, failed: make(chan error, 1)}
	if err := s.start(ctx, p); err != nil {
		return nil, errors.Join(err, listener.Close(), a.store.Close())
	}
	return s, nil
}

func (s *service) start(ctx context.Context, p *program) error {
	if err := s.authenticate(ctx); err != nil {
		return err
	}
	if n, err := s.store.Runs().Interrupt(ctx, run.StateInterrupted, time.Now()); err != nil {
		return err
	} else if n > 0 {
		s.log.Warn("runs were under way when the service ended last time; the next run goes on from what NetBox has", "runs", n)
	}
	s.launcher = p.launcher(s.values, s.log, run.Stored{Store: s.store})
	s.launcher.History, s.launcher.Gate = s.store.Runs(), s.gate
	s.launcher.Memory = run.NewMemory(settings.NetBoxGetCacheTTL.In(s.values))
	var err error
	s.handler, err = server.New(server.Options{
		Store: s.store, Auth: s.auth, Launcher: s.launcher, Settings: s.values, Version: version, Log: s.log, Logs: s.logs,
	})
	if err != nil {
		return err
	}
	s.http = &http.Server{
		Handler: s.handler,
		// Streams last as long as a run: only the head of a request and idle
		// connections are bounded.
		ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	go func() {
		if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("the service does not listen any more: %w", err)
		}
	}()
	return nil
}

// address is host:port as one can open it on this machine.
func (s *service) address() string {
	a := s.listener.Addr().(*net.TCPAddr)
	host := a.IP.String()
	if a.IP.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, strconv.Itoa(a.Port))
}

// close stops the runs, lets the streams say so, and closes the data.
func (s *service) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	// Nothing new comes in while the runs end; their streams end with them.
	ended := make(chan error, 1)
	go func() { ended <- s.http.Shutdown(ctx) }()
	if err := s.launcher.Manager.Shutdown(ctx); err != nil {
		s.log.Warn("a run did not end in time and is left where it is; the next one goes on from what NetBox has")
	}
	if err := <-ended; err != nil {
		s.log.Warn("a client did not let go in time", "error", errors.Join(err, s.http.Close()))
	}
	err := errors.Join(s.handler.Close(), s.store.Close())
	s.log.Info("stopped")
	return err
}

// listen takes the port, on all addresses when no host is given.
func listen(ctx context.Context, host string, port int) (net.Listener, error) {
	var c net.ListenConfig
	address := net.JoinHostPort(host, strconv.Itoa(port))
	l, err := c.Listen(ctx, "tcp", address)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("port %d is taken by another program: choose another with PORT=, such as PORT=%d", port, port%65535+1)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("port %d may not be used by this user: choose one above 1023 with PORT=, such as PORT=8000", port)
	}
	return nil, fmt.Errorf("the service cannot listen on %s: %w. PROXBOX_BIND_HOST is the address of this machine that it listens on", address, err)
}
