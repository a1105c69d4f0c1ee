package server

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"proxbox/internal/domain"
	netboxsim "proxbox/internal/sim/netbox"
	proxmoxsim "proxbox/internal/sim/proxmox"
	"proxbox/internal/store"
)

// twins is a service with two clusters whose guests have the same numbers, and
// with a second endpoint of the first.
func twins(t *testing.T, profile netboxsim.Profile) (p *park, sims [2]*proxmoxsim.Server) {
	t.Helper()
	p = newPark(t)
	p.netbox = netboxsim.New(profile)
	p.launcher.NetBoxTransport = p.carry(p.netbox.Client().Transport)
	_, err := p.store.NetBoxEndpoints().Create(t.Context(), store.NetBoxChange{Name: store.To("nb"), Domain: store.To("netbox.example.org"),
		Port: store.To(8080), VerifySSL: store.To(false), Token: store.To(domain.Secret(netboxsim.Token))})
	if err != nil {
		t.Fatal(err)
	}
	for i := range sims {
		sims[i] = proxmoxsim.New(proxmoxsim.DemoAt(i, 3))
		sims[i].Change(func(e *proxmoxsim.Estate) {
			for g := range e.Guests {
				e.Guests[g].Rename(fmt.Sprintf("%s-of-%d", e.Guests[g].Name(), i+1))
			}
		})
		p.add(fmt.Sprintf("site%d (nb:%d)", i+1, i+1), sims[i].Transport())
	}
	p.add("again (nb:3)", sims[0].Transport())
	return p, sims
}

// A run of one guest leaves the guest of the same number in another cluster
// alone, whichever endpoints are asked for.
func TestGuestsOfTheSameNumber(t *testing.T) {
	for name, profile := range map[string]netboxsim.Profile{"sync-state rows": netboxsim.NetBox47, "custom fields": netboxsim.NetBox47Plugin15, "no plugin": netboxsim.NetBox47Bare} {
		t.Run(name, func(t *testing.T) {
			p, sims := twins(t, profile)
			p.get("/full-update")
			var old [2]string
			for i, sim := range sims {
				sim.Change(func(e *proxmoxsim.Estate) { old[i] = e.Guests[0].Name() })
			}
			before := p.names()
			if before[old[0]] == 0 || before[old[1]] == 0 || len(before) != 6 {
				t.Fatalf("virtual machines %v", before)
			}
			for n, c := range []struct {
				query   string
				renamed []int // of the clusters
			}{
				{"", []int{0}},
				{"?proxmox_endpoint_ids=1", []int{0}},
				{"?proxmox_endpoint_ids=2", nil}, // the plugin asks every endpoint for the guest
				{"?proxmox_endpoint_ids=3", []int{0}},
				{"?proxmox_endpoint_ids=1,2", []int{0}},
				{"?netbox_vm_ids=both", []int{0, 1}},
				{"?netbox_vm_ids=both&proxmox_endpoint_ids=2", []int{1}},
			} {
				var now [2]string
				for i, sim := range sims {
					now[i] = fmt.Sprintf("%s-run%d", old[i], n)
					sim.Change(func(e *proxmoxsim.Estate) { e.Guests[0].Rename(now[i]) })
				}
				path := fmt.Sprintf("/virtualization/virtual-machines/%d/create/stream%s", before[old[0]], c.query)
				if strings.Contains(c.query, "both") {
					path = "/virtualization/virtual-machines/create/stream" + strings.Replace(c.query, "both", fmt.Sprintf("%d,%d", before[old[0]], before[old[1]]), 1)
				}
				done := complete(t, p.stream(path))
				result, _ := done["result"].(map[string]any)
				if done["ok"] != true || result["count"] != float64(len(c.renamed)) {
					t.Errorf("%s: %v", path, done)
				}
				after := p.names()
				for i := range sims {
					want := slices.Contains(c.renamed, i)
					if got := after[now[i]] == before[old[i]]; got != want || len(after) != 6 {
						t.Errorf("%s: guest of cluster %d renamed: %t, want %t; %v", path, i+1, got, want, after)
					}
				}
			}
			if refused := append(sims[0].Refused(), sims[1].Refused()...); len(refused) > 0 {
				t.Errorf("Proxmox was asked to change: %v", refused)
			}
			if w := p.call(http.MethodGet, "/virtualization/virtual-machines/create/stream?netbox_vm_ids=1&proxmox_endpoint_ids=8", goodKey, ""); w.Code != http.StatusUnprocessableEntity {
				t.Errorf("an endpoint that there is not: %d %s", w.Code, w.Body)
			}
		})
	}
}
