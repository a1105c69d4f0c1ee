package server

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"proxbox/internal/auth"
	"proxbox/internal/domain"
	"proxbox/internal/store"
)

type bootstrapOutput struct {
	Body struct {
		NeedsBootstrap bool `json:"needs_bootstrap" doc:"Whether POST /auth/register-key is still open"`
		HasDBKeys      bool `json:"has_db_keys"`
	}
}

type registerInput struct {
	source string
	Body   struct {
		APIKey domain.Secret `json:"api_key" doc:"32 to 512 characters"`
		Label  string        `json:"label,omitempty" nullable:"true" doc:"Null is none."`
	}
}

// APIKey is an API key as it is shown.
type APIKey struct {
	ID        int     `json:"id"`
	Label     string  `json:"label"`
	IsActive  bool    `json:"is_active"`
	CreatedAt float64 `json:"created_at" doc:"Seconds since 1970"`
}

type newAPIKey struct {
	APIKey
	RawKey string `json:"raw_key" doc:"The key itself. It is shown this once."`
}

type detailOutput struct {
	Body struct {
		Detail string `json:"detail"`
	}
}

type keysOutput struct {
	Body struct {
		Keys []APIKey `json:"keys" nullable:"false"`
	}
}

type keyOutput struct{ Body APIKey }

type newKeyOutput struct{ Body newAPIKey }

type newKeyInput struct {
	Body *struct {
		Label string `json:"label,omitempty" nullable:"true" doc:"Null is none."`
	}
}

type keyInput struct {
	ID int `path:"key_id" minimum:"1"`
}

func (s *Server) keyRoutes() {
	register(s, s.publish(operation(http.MethodGet, "/auth/bootstrap-status", "auth", "bootstrap-status", "Whether there is a first API key")), s.bootstrapStatus)
	first := s.publish(operation(http.MethodPost, "/auth/register-key", "auth", "register-key", "Register the first API key",
		http.StatusBadRequest, http.StatusConflict, http.StatusServiceUnavailable))
	first.DefaultStatus = http.StatusCreated
	register(s, first, s.registerKey)
	register(s, operation(http.MethodGet, "/auth/keys", "auth", "list-keys", "List the API keys"), s.listKeys)
	create := operation(http.MethodPost, "/auth/keys", "auth", "create-key", "Make an API key", http.StatusConflict)
	create.DefaultStatus = http.StatusCreated
	register(s, create, s.createKey)
	register(s, operation(http.MethodDelete, "/auth/keys/{key_id}", "auth", "delete-key", "Remove an API key", http.StatusNotFound, http.StatusConflict), s.deleteKey)
	register(s, operation(http.MethodPost, "/auth/keys/{key_id}/activate", "auth", "activate-key", "Switch an API key on", http.StatusNotFound, http.StatusConflict),
		func(ctx context.Context, in *keyInput) (*keyOutput, error) { return s.setActive(ctx, in.ID, true) })
	register(s, operation(http.MethodPost, "/auth/keys/{key_id}/deactivate", "auth", "deactivate-key", "Switch an API key off", http.StatusNotFound, http.StatusConflict),
		func(ctx context.Context, in *keyInput) (*keyOutput, error) { return s.setActive(ctx, in.ID, false) })
}

func (s *Server) bootstrapStatus(ctx context.Context, _ *struct{}) (*bootstrapOutput, error) {
	claimed, err := s.auth.Claimed(ctx)
	if err != nil {
		return nil, err
	}
	out := &bootstrapOutput{}
	out.Body.NeedsBootstrap, out.Body.HasDBKeys = !claimed, claimed
	return out, nil
}

// registerKey makes the first key. A key that cannot be one is 400 and a
// sentence, as the contract has it.
func (s *Server) registerKey(ctx context.Context, in *registerInput) (*detailOutput, error) {
	_, err := s.auth.Register(ctx, in.source, in.Body.APIKey, in.Body.Label)
	var value *store.InvalidError
	switch {
	case errors.Is(err, store.ErrClaimed):
		return nil, fail(http.StatusConflict, "An API key is already configured.")
	case errors.As(err, &value) && value.Field == "api_key":
		return nil, fail(http.StatusBadRequest, "%s", value.Error())
	case err != nil:
		return nil, err
	}
	out := &detailOutput{}
	out.Body.Detail = "API key registered."
	return out, nil
}

func (s *Server) listKeys(ctx context.Context, _ *struct{}) (*keysOutput, error) {
	keys, err := s.auth.List(ctx)
	if err != nil {
		return nil, err
	}
	out := &keysOutput{}
	out.Body.Keys = []APIKey{}
	for _, k := range keys {
		out.Body.Keys = append(out.Body.Keys, showKey(k))
	}
	return out, nil
}

func (s *Server) createKey(ctx context.Context, in *newKeyInput) (*newKeyOutput, error) {
	label := ""
	if in.Body != nil {
		label = in.Body.Label
	}
	row, key, err := s.auth.Create(ctx, label)
	if err != nil {
		return nil, err
	}
	return &newKeyOutput{Body: newAPIKey{showKey(row), key.Reveal()}}, nil
}

func (s *Server) deleteKey(ctx context.Context, in *keyInput) (*struct{}, error) {
	return nil, keyError(s.auth.Delete(ctx, in.ID))
}

func (s *Server) setActive(ctx context.Context, id int, active bool) (*keyOutput, error) {
	row, err := s.auth.SetActive(ctx, id, active)
	if err != nil {
		return nil, keyError(err)
	}
	return &keyOutput{showKey(row)}, nil
}

func keyError(err error) error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return fail(http.StatusNotFound, "API key not found.")
	case errors.Is(err, store.ErrLastActiveKey):
		e := fail(http.StatusConflict, "%s", sentence(err))
		e.Code = "last_active_api_key_required"
		return e
	}
	return err
}

func showKey(k store.APIKey) APIKey {
	return APIKey{k.ID, k.Label, k.Active, float64(k.CreatedAt.UnixMicro()) / float64(time.Second/time.Microsecond)}
}

// Resolve implements huma.Resolver: it finds out who asks.
func (in *registerInput) Resolve(ctx huma.Context) []error {
	in.source = auth.Source(clientOf(ctx))
	return nil
}
