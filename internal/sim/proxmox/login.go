package proxmoxsim

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// caller is who sent a request.
type caller struct {
	id     string // user@realm or user@realm!name
	rights Rights
}

// tickets are those given out.
type tickets struct {
	mu   sync.Mutex
	last int
	user map[string]string // by ticket
}

func (t *tickets) issue(user string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last++
	ticket := fmt.Sprintf("PVE:%s:%08X::simulated", user, t.last)
	if t.user == nil {
		t.user = map[string]string{}
	}
	t.user[ticket] = user
	return ticket
}

func (t *tickets) owner(ticket string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.user[ticket]
}

// RevokeTickets makes every ticket given out so far invalid.
func (s *Server) RevokeTickets() {
	s.tickets.mu.Lock()
	defer s.tickets.mu.Unlock()
	s.tickets.user = nil
}

func (e *Estate) user(id string) (User, bool) {
	for _, u := range e.Users {
		if u.ID == id {
			return u, true
		}
	}
	return User{}, false
}

func (s *Server) login(form url.Values) (any, error) {
	id := form.Get("username")
	if !strings.Contains(id, "@") {
		id += "@pam"
	}
	user, known := s.estate.user(id)
	if !known || user.Password == "" || user.Password != form.Get("password") {
		return nil, refuse(http.StatusUnauthorized, "authentication failure")
	}
	return map[string]any{
		"username": id, "ticket": s.tickets.issue(id), "CSRFPreventionToken": "simulated", "cap": map[string]any{},
	}, nil
}

func (s *Server) authenticate(r *http.Request) (caller, error) {
	if credentials, ok := strings.CutPrefix(r.Header.Get("Authorization"), "PVEAPIToken="); ok {
		id, secret, _ := strings.Cut(credentials, "=")
		return s.token(id, secret)
	}
	cookie, err := r.Cookie("PVEAuthCookie")
	if err != nil {
		return caller{}, refuse(http.StatusUnauthorized, "No ticket")
	}
	user, known := s.estate.user(s.tickets.owner(cookie.Value))
	if !known {
		return caller{}, refuse(http.StatusUnauthorized, "permission denied - invalid PVE ticket")
	}
	return caller{user.ID, user.Rights}, nil
}

func (s *Server) token(id, secret string) (caller, error) {
	owner, name, _ := strings.Cut(id, "!")
	user, known := s.estate.user(owner)
	if !known {
		return caller{}, refuse(http.StatusUnauthorized, "no such user ('%s')", owner)
	}
	for _, t := range s.estate.Tokens {
		if t.ID != id {
			continue
		}
		if t.Secret != secret {
			return caller{}, refuse(http.StatusUnauthorized, "invalid token value!")
		}
		if t.Rights == nil {
			return caller{id, user.Rights}, nil
		}
		return caller{id, t.Rights}, nil
	}
	return caller{}, refuse(http.StatusUnauthorized, "no such token '%s' for user '%s'", name, owner)
}
