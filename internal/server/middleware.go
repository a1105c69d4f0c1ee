package server

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"runtime/debug"
	"time"

	"github.com/google/uuid"

	"proxbox/internal/auth"
	"proxbox/internal/settings"
)

// maxBody is how many bytes the body of a request may have. The largest that
// the plugin sends, a Proxmox endpoint, has one thousand.
const maxBody = 1 << 20

// middleware is what every request goes through, outermost first.
func (s *Server) middleware(next http.Handler) http.Handler {
	next = s.authenticate(next)
	next = http.MaxBytesHandler(next, maxBody)
	next = s.cors(next)
	next = s.secure(next)
	next = s.recover(next)
	next = s.access(next)
	return identify(next)
}

type contextKey int

const (
	requestIDKey contextKey = iota
	keyIDKey
	clientKey
)

func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey).(string)
	return id
}

var usableID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// identify gives the request an id, or keeps the one that it came with.
func identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Request-ID")
		if !usableID.MatchString(id) {
			id = uuid.NewString()
		}
		w.Header().Set("X-Request-ID", id)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestIDKey, id)))
	})
}

// recorder knows what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int
	key    int // id of the API key; 0 for none
}

// WriteHeader implements http.ResponseWriter.
func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += n
	return n, err
}

// Unwrap lets http.ResponseController reach what is below.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Flush implements http.Flusher.
func (w *recorder) Flush() { _ = http.NewResponseController(w.ResponseWriter).Flush() }

// Hijack implements http.Hijacker.
func (w *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// access logs each request: never its query nor its headers, for both may hold
// what nobody should read. What asks whether we live, or for the log itself, is
// told only to who looks for it.
func (s *Server) access(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		rec := &recorder{ResponseWriter: w}
		client := s.client(r)
		defer func() {
			level := slog.LevelInfo
			if (r.URL.Path == healthPath || r.URL.Path == logsPath) && rec.status == http.StatusOK {
				level = slog.LevelDebug
			}
			s.log.Log(r.Context(), level, "request", "id", requestID(r.Context()), "method", r.Method, "path", clean(r.URL.Path),
				"status", rec.status, "bytes", rec.bytes, "duration", time.Since(began).Round(time.Microsecond),
				"client", client.String(), "key_id", rec.key)
		}()
		ctx := context.WithValue(context.WithValue(r.Context(), keyIDKey, &rec.key), clientKey, client)
		next.ServeHTTP(rec, r.WithContext(ctx))
	})
}

// recover answers 500 for a handler that panicked.
func (s *Server) recover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(p)
			}
			s.log.ErrorContext(r.Context(), "a handler panicked", "request", requestID(r.Context()), "panic", clean(fmt.Sprint(p)), "stack", clean(string(debug.Stack())))
			if rec, ok := w.(*recorder); ok && rec.status != 0 {
				panic(http.ErrAbortHandler) // half an answer must not look whole
			}
			writeError(w, internal(r.Context()))
		}()
		next.ServeHTTP(w, r)
	})
}

// policy of pages that need nothing but themselves.
const policy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// secure sets the headers that keep browsers from harm.
func (s *Server) secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "strict-origin-when-cross-origin")
		h.Set("Permissions-Policy", "geolocation=(), microphone=(), camera=()")
		h.Set("Content-Security-Policy", policy)
		h.Set("Cross-Origin-Resource-Policy", "cross-origin") // CORS decides who reads
		h.Set("Cache-Control", "no-store")
		if s.encrypted(r) {
			h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
		}
		next.ServeHTTP(w, r)
	})
}

// encrypted tells whether the client speaks TLS, with us or with a proxy that
// we trust.
func (s *Server) encrypted(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	peer := auth.ClientIP(r.RemoteAddr, nil, nil)
	for _, p := range s.trusted {
		if p.Contains(peer) {
			return r.Header.Get("X-Forwarded-Proto") == "https"
		}
	}
	return false
}

// writeError answers with an error outside of huma.
func writeError(w http.ResponseWriter, e *Error) {
	for name, values := range e.headers {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(e.status)
	_ = json.NewEncoder(w).Encode(e)
}

// corsExtra are the origins that the operator allows.
func (s *Server) corsExtra() []string {
	if s.values == nil {
		return nil
	}
	return settings.CORSExtraOrigins.In(s.values)
}
