package server

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"proxbox/internal/domain"
	proxmoxsim "proxbox/internal/sim/proxmox"
	"proxbox/internal/store"
)

// What the plugin's release 0.0.29 asked of the Python service, which answered
// as recorded, is answered with the same status, shape and types. Where that
// service failed, ours does not.
func TestRecordedReads(t *testing.T) {
	p := newPark(t)
	p.proxmox = proxmoxsim.New(proxmoxsim.Demo(20))
	answers := more()
	answers["/nodes/pve2/firewall/rules"] = "[]"
	answers["/cluster/ha/groups"] = `[{"group":"old"}]` // fakepve has both groups and rules
	// The recording has nodes, guests and a cluster of its own.
	container := 0
	p.proxmox.Change(func(e *proxmoxsim.Estate) {
		e.Cluster = "fakecluster"
		i := slices.IndexFunc(e.Guests, func(g proxmoxsim.Guest) bool { return g.Type == domain.LXC })
		e.Guests[i].Node, container = "pve2", e.Guests[i].VMID
	})
	ours := strings.NewReplacer("pve01", "pve1", "pve02", "pve2", "/lxc/103/", "/qemu/100/", "/lxc/107/", fmt.Sprintf("/lxc/%d/", container))
	p.add("px1 (nb:1)", overlay{answers, p.proxmox.Transport()}, func(c *store.ProxmoxChange) {
		c.Domain, c.IPAddress = store.To(""), store.To("127.0.0.2")
	})
	p.byDomain[""] = p.byDomain["px1.example.org"]

	raw, err := os.ReadFile("testdata/recorded-proxmox.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(bytes.NewReader(raw))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var rec struct {
			Method, Path, Query string
			Status              int
			Response            any
		}
		decodeInto(t, lines.Bytes(), &rec)
		target := ours.Replace(rec.Path) + "?" + rec.Query
		w := p.call(rec.Method, target, goodKey, "")
		if w.Code != http.StatusOK {
			t.Errorf("%s %s: %d %s; recorded %d", rec.Method, target, w.Code, w.Body, rec.Status)
			continue
		}
		if rec.Status != http.StatusOK {
			continue
		}
		for _, difference := range differ("", rec.Response, decode(t, w.Body.Bytes())) {
			t.Errorf("%s %s: %s", rec.Method, target, difference)
		}
	}
}

// differ tells where an answer has not what the recorded one has: the same
// names, and values of the same types. Null is of any type; more is allowed.
func differ(at string, recorded, got any) []string {
	if recorded == nil || got == nil {
		return nil
	}
	kind := func(v any) string { return strings.TrimPrefix(fmt.Sprintf("%T", v), "map[string]interface ") }
	if kind(recorded) != kind(got) {
		return []string{fmt.Sprintf("%s is %T; recorded %T", at, got, recorded)}
	}
	var out []string
	switch want := recorded.(type) {
	case map[string]any:
		have := got.(map[string]any)
		for name, value := range want {
			other, there := have[name]
			if !there && !guestOption(at) && !slices.Contains(passedOn, name) {
				out = append(out, at+"."+name+" is missing")
			}
			out = append(out, differ(at+"."+name, value, other)...)
		}
	case []any:
		have := got.([]any)
		if len(want) > 0 && len(have) == 0 {
			return []string{at + " is empty"}
		}
		for i, value := range want {
			if text, trimmed := value.(string); trimmed && strings.HasPrefix(text, "…") {
				continue
			}
			out = append(out, differ(fmt.Sprintf("%s[%d]", at, i), value, have[min(i, len(have)-1)])...)
		}
	}
	return out
}

// passedOn are fields of resources that are there when Proxmox sends them; the
// simulator does not.
var passedOn = []string{"diskread", "diskwrite", "memhost"}

func TestResourceFieldsArePassedOn(t *testing.T) {
	in := row{"id": "qemu/1", "nested": map[string]any{"a": 1}, "cgroup-mode": json.Number("2"), "vmid": "1", "template": json.Number("1")}
	for _, name := range passedOn {
		in[name] = json.Number("7")
	}
	out := resource(in)
	for _, name := range passedOn {
		if out[name] != in[name] {
			t.Errorf("%s is %v", name, out[name])
		}
	}
	if out["nested"] != nil || out["cgroup_mode"] != 2.0 || out["vmid"] != 1.0 || out["template"] != true || out["name"] != nil {
		t.Errorf("%v", out)
	}
	if _, there := out["name"]; !there {
		t.Error("a name that Proxmox does not send is not null")
	}
}

// guestOption tells whether the names at a place are a guest's own, or of what
// fakepve makes up.
func guestOption(at string) bool {
	return at == "" || strings.HasPrefix(at, ".networks") || strings.HasSuffix(at, ".datacenter_options.options")
}

// FuzzRows: whatever Proxmox sends, it is shown or refused, and what is shown
// is JSON.
func FuzzRows(f *testing.F) {
	for _, body := range more() {
		f.Add([]byte(body))
	}
	f.Add([]byte(`[{"cpu":"x","vmid":1e400,"id":"a","maxmem":99999999999999999999}]`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		rows, err := decodeList(raw)
		if err != nil {
			if one, err := decodeObject(raw); err == nil {
				rows = []row{one}
			}
		}
		for _, r := range rows {
			shown := []any{
				resource(r), showInterface(r), showStorage(r), showContent(r), showOptions("c", r), showCPUModel("c", r), showHAStatus("c", r), showHAGroup("c", r),
				showHARule("c", r), showHAManager("c", r), showHAScheduling("c", r), haResources("c", rows, rows), datacenter("c").rule(r),
			}
			if _, err := json.Marshal(shown); err != nil {
				t.Fatalf("%v: %s", err, raw)
			}
			if config, err := guestConfig("qemu", raw); err == nil {
				if _, err := json.Marshal(config); err != nil {
					t.Fatalf("%v: %s", err, raw)
				}
			}
		}
	})
}
