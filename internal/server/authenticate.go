package server

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"proxbox/internal/auth"
	"proxbox/internal/domain"
)

// keyHeader is where clients send their API key.
const keyHeader = "X-Proxbox-API-Key"

// client is who sent a request.
func (s *Server) client(r *http.Request) netip.Addr {
	return auth.ClientIP(r.RemoteAddr, r.Header.Values("X-Forwarded-For"), s.trusted)
}

// authenticate lets requests with a valid API key through, and those to public
// paths. Who has no valid key is limited in how often he asks. A path is
// private until its operation says that it is public, whether it exists or not.
func (s *Server) authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := domain.Secret(strings.TrimSpace(r.Header.Get(keyHeader)))
		source := auth.Source(s.client(r))
		if s.isPublic(r.URL.Path) {
			// Health is never limited: who floods the service from the address
			// of its own health check must not have it restarted.
			if r.URL.Path != healthPath {
				if wait := s.limit.take(source); wait > 0 && !s.allowed(r, source, key) {
					writeError(w, tooMany(wait))
					return
				}
			}
			next.ServeHTTP(w, r)
			return
		}
		decision, err := s.auth.Verify(r.Context(), source, key)
		if err != nil {
			writeError(w, s.problem(r.Context(), err))
			return
		}
		if decision.Outcome == auth.Allowed {
			if id, ok := r.Context().Value(keyIDKey).(*int); ok {
				*id = decision.KeyID
			}
			next.ServeHTTP(w, r)
			return
		}
		if wait := s.limit.take(source); wait > 0 {
			writeError(w, tooMany(wait))
			return
		}
		e := fail(decision.Status(), "%s", decision.Detail)
		if decision.RetryAfter > 0 {
			e.retryAfter(decision.RetryAfter)
		}
		if e.status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `ApiKey header="`+keyHeader+`"`)
		}
		writeError(w, e)
	})
}

// allowed tells whether the key that a request to a public path came with is
// valid. It is asked for only when that decides something.
func (s *Server) allowed(r *http.Request, source string, key domain.Secret) bool {
	if key == "" {
		return false
	}
	decision, err := s.auth.Verify(r.Context(), source, key)
	return err == nil && decision.Outcome == auth.Allowed
}

// recheck is how often a connection that stays open is asked whether its key is
// still one.
const recheck = 3 * time.Second

var errRevoked = errors.New("the API key that this was opened with is not valid any more")

// revoked tells whether the key that a request came with is one no more. What
// cannot be found out changes nothing.
func (s *Server) revoked(ctx context.Context) bool {
	id, ok := ctx.Value(keyIDKey).(*int)
	if !ok || *id == 0 {
		return false
	}
	active, err := s.auth.Active(ctx, *id)
	return err == nil && !active
}

func (s *Server) isPublic(path string) bool {
	return s.public[path] || strings.HasPrefix(path, docsPath+"/")
}

func tooMany(wait time.Duration) *Error {
	return fail(http.StatusTooManyRequests, "Rate limit exceeded. Please try again later.").retryAfter(wait)
}

// clientOf is who sent the request that huma handles.
func clientOf(ctx huma.Context) netip.Addr {
	client, _ := ctx.Context().Value(clientKey).(netip.Addr)
	return client
}
