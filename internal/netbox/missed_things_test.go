package netbox_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"proxbox/internal/domain"
	"proxbox/internal/netbox"
	netboxsim "proxbox/internal/sim/netbox"
)

// TestMissedThings: guests and devices that a person filled in, or attached
// something to, are missed; and one of which that cannot be told is no answer.
func TestMissedThings(t *testing.T) {
	nb := netboxsim.New(netboxsim.NetBox47)
	make := func(kind string, o map[string]any) int {
		t.Helper()
		ids, err := nb.Seed(kind, o)
		if err != nil {
			t.Fatal(err)
		}
		return ids[0]
	}
	const vms, devices = "virtualization.virtualmachine", "dcim.device"
	site := make("dcim.site", map[string]any{"name": "s", "slug": "s"})
	maker := make("dcim.manufacturer", map[string]any{"name": "m", "slug": "m"})
	model := make("dcim.devicetype", map[string]any{"model": "t", "slug": "t", "manufacturer": maker})
	role := make("dcim.devicerole", map[string]any{"name": "r", "slug": "r"})
	vm := func(name string, more map[string]any) domain.Ref {
		o := map[string]any{"name": name, "site": site}
		for k, v := range more {
			o[k] = v
		}
		return domain.At(vms, make(vms, o))
	}
	device := func(name string, more map[string]any) domain.Ref {
		o := map[string]any{"name": name, "site": site, "device_type": model, "role": role}
		for k, v := range more {
			o[k] = v
		}
		return domain.At(devices, make(devices, o))
	}
	plain, rack := vm("plain", nil), device("plain", nil)
	commented, serial := vm("commented", map[string]any{"comments": "mine"}), device("serial", map[string]any{"serial": "A1"})
	serving := vm("serving", nil)
	make("ipam.service", map[string]any{"name": "https", "protocol": "tcp", "ports": []int{443}, "parent_object_type": vms, "parent_object_id": serving.ID})

	ep := domain.NetBoxEndpoint{Name: "sim", Domain: "netbox.invalid", Port: 80, TokenVersion: "v1", Token: netboxsim.Token}
	c, err := netbox.Open(ep, netbox.Options{Transport: nb.Transport(), MaxRetries: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	doomed := []domain.Ref{plain, rack, commented, serial, serving}
	missed, err := c.Missed(t.Context(), doomed, "proxbox")
	if err != nil {
		t.Fatal(err)
	}
	for ref, why := range map[domain.Ref]string{plain: "", rack: "", commented: "comments", serial: "serial", serving: "service"} {
		if got := missed[ref]; !strings.Contains(got, why) || (why == "") != (got == "") {
			t.Errorf("%v is missed for %q, want %q", ref, got, why)
		}
	}

	nb.SetFault(func(r *http.Request) *netboxsim.Fault {
		if strings.Contains(r.URL.Path, "/services/") {
			return &netboxsim.Fault{Status: http.StatusForbidden}
		}
		return nil
	})
	var refused *netbox.StatusError
	if _, err := c.Missed(t.Context(), doomed, "proxbox"); !errors.As(err, &refused) || !refused.Forbidden() {
		t.Errorf("without the right to see services: %v", err)
	}
}
