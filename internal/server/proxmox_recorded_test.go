package server

import (
	"encoding/json"
	"testing"
)

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
