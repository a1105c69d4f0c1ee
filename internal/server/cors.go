package server

import (
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"proxbox/internal/domain"
)

const (
	corsMethods = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
	corsHeaders = "Accept, Accept-Language, Content-Type, X-Proxbox-API-Key, X-Proxbox-Actor, X-Requested-With, X-Request-ID, Idempotency-Key"
	corsExposed = "X-Request-ID, Retry-After"
)

// cors lets the pages of the stored NetBox, and of the origins that the
// operator allows, call the service from a browser. A browser asks first, with
// OPTIONS and without a key; it is answered here, before authentication.
func (s *Server) cors(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Add("Vary", "Origin")
		origin := r.Header.Get("Origin")
		allowed := origin != "" && s.allowsOrigin(r, origin)
		if allowed {
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Expose-Headers", corsExposed)
		}
		if r.Method != http.MethodOptions || origin == "" || r.Header.Get("Access-Control-Request-Method") == "" {
			next.ServeHTTP(w, r)
			return
		}
		if !allowed {
			writeError(w, fail(http.StatusForbidden,
				"Pages of %s may not call this service. Add the origin to PROXBOX_CORS_EXTRA_ORIGINS to allow it.", origin))
			return
		}
		h.Set("Access-Control-Allow-Methods", corsMethods)
		h.Set("Access-Control-Allow-Headers", corsHeaders)
		h.Set("Access-Control-Max-Age", "600")
		w.WriteHeader(http.StatusNoContent)
	})
}

func (s *Server) allowsOrigin(r *http.Request, origin string) bool {
	origin = strings.ToLower(origin)
	if slices.ContainsFunc(s.corsExtra(), func(o string) bool { return strings.EqualFold(o, origin) }) {
		return true
	}
	endpoints, err := s.store.NetBoxEndpoints().List(r.Context())
	if err != nil {
		s.log.ErrorContext(r.Context(), "origins of the NetBox endpoint", "request", requestID(r.Context()), "error", err)
		return false
	}
	return slices.ContainsFunc(endpoints, func(e domain.NetBoxEndpoint) bool { return slices.Contains(originsOf(e), origin) })
}

// originsOf are the origins that pages of a NetBox may have: its own port and
// the usual ones, for there may be a proxy before it.
func originsOf(e domain.NetBoxEndpoint) []string {
	var all []string
	for _, host := range []string{e.Domain, e.IPAddress} {
		if host == "" {
			continue
		}
		host = strings.ToLower(host)
		bare := host
		if strings.Contains(host, ":") {
			bare = "[" + host + "]"
		}
		for _, scheme := range []string{"http", "https"} {
			all = append(all, scheme+"://"+bare)
			for _, port := range []int{e.Port, 80, 443, 8000} {
				all = append(all, scheme+"://"+net.JoinHostPort(host, strconv.Itoa(port)))
			}
		}
	}
	return all
}
