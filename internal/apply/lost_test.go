package apply_test

import (
	"net/http"
	"sync/atomic"
	"testing"

	netboxsim "proxbox/internal/sim/netbox"
)

// TestLostAnswerTakesNothingForeign: what was in NetBox before the write whose
// answer was lost is not what that write made, though its name is the same.
func TestLostAnswerTakesNothingForeign(t *testing.T) {
	for name, fault := range map[string]netboxsim.Fault{"before": {Cut: true}, "after": {LoseAnswer: true}} {
		t.Run(name, func(t *testing.T) {
			e := newEngine(t, netboxsim.NetBox47)
			s := estate(1, "lab")
			e.pluginRows(t, s)
			e.mustSync(t, s)
			tenant := e.seed(t, "tenancy.tenant", fields{"name": "customer", "slug": "customer"})[0]
			cluster := e.nb.Objects("virtualization.cluster")[0]["id"]
			foreign := e.seed(t, "virtualization.virtualmachine", fields{"name": "shop", "cluster": cluster, "tenant": tenant, "status": "active"})[0]

			g := guest(1, 208, "pve1")
			g.Name = "shop"
			s.Guests = append(s.Guests, g)
			var lost atomic.Bool
			e.nb.SetFault(func(r *http.Request) *netboxsim.Fault {
				if writes(r, http.MethodPost, "virtual-machines") && lost.CompareAndSwap(false, true) {
					return &fault
				}
				return nil
			})
			e.mustSync(t, s)
			if !lost.Load() {
				t.Fatal("nothing was lost")
			}
			for _, o := range e.nb.Objects("netbox_proxbox.proxboxvirtualmachinesyncstate") {
				if vm, _ := o["virtual_machine"].(map[string]any); int(number(vm["id"])) == foreign {
					t.Error("the customer's virtual machine was taken for ours")
				}
			}
			if n := e.nb.Count("virtualization.virtualmachine"); n != len(s.Guests)+1 {
				t.Errorf("%d virtual machines for %d guests and one of the customer's", n, len(s.Guests))
			}
			e.nb.SetFault(nil)
			e.mustRest(t, s)
		})
	}
}
