package conformance

import (
	"net/http"
	"testing"

	"proxbox/internal/domain"
	proxmoxsim "proxbox/internal/sim/proxmox"
)

// simulated is a simulator as a System.
type simulated struct{ server *proxmoxsim.Server }

// Simulator is the simulator as a Target.
func Simulator() Target {
	return Target{Start: func(_ testing.TB, e proxmoxsim.Estate) System { return simulated{proxmoxsim.New(e)} }}
}

func (s simulated) Endpoint() domain.ProxmoxEndpoint { return s.server.Endpoint() }

func (s simulated) Transport() http.RoundTripper { return s.server.Transport() }

func (s simulated) Change(_ testing.TB, edit func(*proxmoxsim.Estate)) { s.server.Change(edit) }

func (s simulated) RevokeTickets(testing.TB) { s.server.RevokeTickets() }

func (s simulated) Writes(testing.TB) []string { return s.server.Refused() }
