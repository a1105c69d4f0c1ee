package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"

	"proxbox/internal/auth"
	"proxbox/internal/domain"
	"proxbox/internal/run"
	"proxbox/internal/secret"
	"proxbox/internal/settings"
	"proxbox/internal/store"
)

// app is what the commands work with: the settings, the store and what hangs
// on it.
type app struct {
	values *settings.Values
	log    *slog.Logger
	store  *store.Store
	auth   *auth.Authenticator // nil until authenticate
	gate   *run.Gate           // before which processes with this data wait for each other
}

// open finds the encryption key and opens the store.
func (p *program) open(ctx context.Context, v *settings.Values, log *slog.Logger) (*app, error) {
	dir, err := store.DataDir(settings.DataDir.In(v))
	if err != nil {
		return nil, err
	}
	box, source, err := secret.FindKey(secret.KeyOptions{
		Key: settings.EncryptionKey.In(v), KeyFile: settings.EncryptionKeyFile.In(v),
		Previous: settings.EncryptionKeyPrevious.In(v),
		DataDir:  dir, Require: settings.RequireEncryptionKey.In(v),
	})
	if err != nil {
		return nil, err
	}
	s, err := store.Open(ctx, store.Options{DataDir: dir, Box: box})
	if err != nil {
		return nil, err
	}
	if source.Made {
		log.Warn("the encryption key was made: keep a copy of it, for without it the stored credentials cannot be read", "file", source.Path)
	}
	log.Info("the data is open", "database", s.Path(), "encryption_from", source.String())
	for _, notice := range s.Notices() {
		log.Warn(notice)
	}
	return &app{values: v, log: log, store: s, gate: run.NewGate(filepath.Join(dir, "writing.lock"))}, nil
}

// authenticate opens the API keys and presets the first one where the
// environment names it.
func (a *app) authenticate(ctx context.Context) error {
	v := a.values
	lockoutKey, err := secret.Given(settings.AuthLockoutHMACKey.Env, settings.AuthLockoutHMACKey.In(v), settings.AuthLockoutHMACKeyFile.In(v))
	if err != nil {
		return err
	}
	if a.auth, err = auth.New(ctx, a.store, auth.Options{Policy: auth.PolicyFrom(v), LockoutKey: lockoutKey}); err != nil {
		return err
	}
	key, err := secret.Given(settings.APIKey.Env, settings.APIKey.In(v), settings.APIKeyFile.In(v))
	if err != nil || key == "" {
		return err
	}
	preset, err := a.auth.Preset(ctx, key)
	if err != nil {
		return fmt.Errorf("%s: %w", settings.APIKey.Env, err)
	}
	switch preset {
	case auth.PresetRegistered:
		a.log.Info("the API key of the environment is the first one now")
	case auth.PresetUnknown:
		a.log.Warn("the API key of the environment opens nothing: another one was registered first; `proxbox-api keys` makes and lists keys")
	}
	return nil
}

// launcher starts runs.
func (p *program) launcher(v *settings.Values, log *slog.Logger, endpoints run.Endpoints) *run.Launcher {
	return &run.Launcher{
		Endpoints: endpoints, Settings: v, Manager: run.NewManager(nil), Log: log,
		ProxmoxTransport: p.proxmoxTransport, NetBoxTransport: p.netboxTransport,
	}
}

// mixed takes the NetBox and the Proxmox endpoints from different places.
type mixed struct {
	netbox, proxmox run.Endpoints
}

func (m mixed) NetBox(ctx context.Context) (domain.NetBoxEndpoint, error) {
	return m.netbox.NetBox(ctx)
}

func (m mixed) Proxmox(ctx context.Context, ids []int) ([]domain.ProxmoxEndpoint, error) {
	return m.proxmox.Proxmox(ctx, ids)
}
