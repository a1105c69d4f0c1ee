package server

import (
	"net/http"
	"strings"
	"testing"
)

// haPaths are what Proxmox is asked for about its HA stack.
var haPaths = []string{"/status/current", "/status/manager_status", "/resources", "/groups", "/groups/old", "/rules"}

// A Proxmox VE that does not offer the HA stack is one where nothing is managed;
// one that does not let it be seen is none.
func TestNoHAStack(t *testing.T) {
	p := newPark(t)
	answers := func(answer string) map[string]string {
		out := map[string]string{}
		for _, path := range haPaths {
			out[haPath+path] = answer
		}
		return out
	}
	p.add("old (nb:1)", overlay{answers("501 Method not implemented"), p.proxmox.Transport()})
	p.add("locked (nb:2)", overlay{answers("403 Permission check failed (/, Sys.Audit)"), p.proxmox.Transport()})
	p.add("new (nb:3)", overlay{more(), p.proxmox.Transport()})
	for path, empty := range map[string]string{
		"/summary": `{"status":[],"groups":[],"resources":[],"rules":[]}`, "/status": `[]`, "/resources": `[]`, "/resources/by-vm/100": `null`,
		"/groups": `[]`, "/groups/old": `null`, "/rules": `[]`, "/manager-status": `[]`,
	} {
		path = "/proxmox" + haPath + path + "?proxmox_endpoint_ids="
		w := p.call(http.MethodGet, path+"1", goodKey, "")
		checkDocumented(t, p.Server, http.MethodGet, path, w)
		if got := strings.TrimSpace(w.Body.String()); w.Code != http.StatusOK || got != empty || w.Header().Get("X-Proxbox-Failed") != "" {
			t.Errorf("%s: %d %s, want %s", path, w.Code, got, empty)
		}
		if w := p.call(http.MethodGet, path+"2", goodKey, ""); w.Code != http.StatusBadGateway || !strings.Contains(w.Body.String(), "Sys.Audit") {
			t.Errorf("%s of one that refuses: %d %s", path, w.Code, w.Body)
		}
		w = p.call(http.MethodGet, path+"1,3", goodKey, "")
		if w.Code != http.StatusOK || w.Header().Get("X-Proxbox-Failed") != "" {
			t.Errorf("%s beside one that has it: %d %s", path, w.Code, w.Body)
		}
	}
	if w := p.call(http.MethodGet, "/proxmox"+haPath+"/resources/by-vm/100?proxmox_endpoint_ids=1,3", goodKey, ""); !strings.Contains(w.Body.String(), `"sid":"vm:100"`) {
		t.Errorf("a guest of the one that has it: %s", w.Body)
	}
}
