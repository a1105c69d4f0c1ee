package server

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

var proxmoxScenarios = []struct {
	name  string
	steps []step
}{
	{"proxmox status", []step{
		{"GET", "/proxmox/version?source=database&proxmox_endpoint_ids=1", goodKey, "", 200, `[{"demo":{"release":"9.0","repoid":"simulated","version":"9.0.10"}}]`},
		{"GET", "/proxmox/sessions?source=database&proxmox_endpoint_ids=1", goodKey, "", 200, `"http_port":8006,"user":"root@pam","name":"demo","mode":"cluster"`},
		{"GET", "/proxmox/sessions?source=database&domain=host.example.org", goodKey, "", 200, `"name":"pve9","mode":"standalone"`},
		{"GET", "/proxmox/cluster/status?proxmox_endpoint_ids=1", goodKey, "", 200, `"db_endpoint_id":1,"site_id":3,"site_slug":"dc1"`},
		{"GET", "/proxmox/cluster/status?proxmox_endpoint_ids=2", goodKey, "", 200, `[{"id":"cluster/pve9","name":"pve9","type":"cluster","nodes":1,"quorate":true,"version":0,"mode":"standalone"`},
		{"GET", "/proxmox/cluster/status", goodKey, "", 200, `"name":"pve9"`},
		{"GET", "/proxmox/cluster/status/", goodKey, "", 404, "there is /proxmox/cluster/status"},
		{"GET", "/proxmox/nodes/?proxmox_endpoint_ids=1", goodKey, "", 200, `"ssl_fingerprint":"`},
		{"GET", "/proxmox/cluster/resources?type=vm&source=database&proxmox_endpoint_ids=1,2", goodKey, "", 200, `{"pve9":[{`},
		{"GET", "/proxmox/cluster/resources?type=node&proxmox_endpoint_ids=2", goodKey, "", 200, `"id":"node/pve9"`},
		{"GET", "/proxmox/cluster/resources?type=nonsense", goodKey, "", 422, `"loc":["query","type"]`},
		{"GET", "/proxmox/version", goodKey, "", 200, `"pve9"`},
	}},
	{"proxmox selectors", []step{
		{"GET", "/proxmox/version?endpoint_ids=2&unknown=1", goodKey, "", 200, `[{"pve9"`},
		{"GET", "/proxmox/version?proxmox_endpoint_ids=2&endpoint_ids=1", goodKey, "", 200, `[{"pve9"`},
		{"GET", "/proxmox/version?proxmox_endpoint_ids=&source=database&name=demo+(nb:1)", goodKey, "", 200, `[{"demo"`},
		{"GET", "/proxmox/version?name=demo", goodKey, "", 200, `[{"demo"`},
		{"GET", "/proxmox/version?name=renamed+(nb:2)", goodKey, "", 200, `[{"pve9"`},
		{"GET", "/proxmox/version?target_name=host+(nb:2)", goodKey, "", 200, `[{"pve9"`},
		{"GET", "/proxmox/version?domain=HOST.example.org&port=8006", goodKey, "", 200, `[{"pve9"`},
		{"GET", "/proxmox/version?ip_address=198.51.100.9/32&name=demo", goodKey, "", 200, `[{"demo"`},
		{"GET", "/proxmox/version?cluster_name=pve9", goodKey, "", 200, `[{"pve9"`},
		{"GET", "/proxmox/version?cluster_name=none&proxmox_endpoint_ids=1,2", goodKey, "", 404, `No Proxmox endpoint reads a cluster \"none\"`},
		{"GET", "/proxmox/version?proxmox_endpoint_ids=8", goodKey, "", 422, `"loc":["query","proxmox_endpoint_ids"]`},
		{"GET", "/proxmox/version?proxmox_endpoint_ids=one", goodKey, "", 422, `"loc":["query","proxmox_endpoint_ids"]`},
		{"GET", "/proxmox/version?name=nobody", goodKey, "", 404, `No enabled Proxmox endpoint has the name \"nobody\"`},
		{"GET", "/proxmox/version?domain=nobody.example.org", goodKey, "", 404, `GET /proxmox/endpoints`},
		{"GET", "/proxmox/version?ip_address=203.0.113.1", goodKey, "", 404, `ip_address`},
	}},
	{"proxmox failures", []step{
		{"GET", "/proxmox/version?proxmox_endpoint_ids=3", goodKey, "", 502, `check the endpoint's address`},
		{"GET", "/proxmox/cluster/status?proxmox_endpoint_ids=4", goodKey, "", 502, `token_name and token_value`},
		{"GET", "/proxmox/cluster/status?proxmox_endpoint_ids=3,4", goodKey, "", 502, `locked (nb:4)`},
		{"GET", "/proxmox/nodes/?proxmox_endpoint_ids=1,3", goodKey, "", 200, `"node":"pve1"`},
		{"GET", "/proxmox/firewall/summary?proxmox_endpoint_ids=3", goodKey, "", 502, `"message":"Proxmox could not be read"`},
		{"GET", "/proxmox/firewall/summary?proxmox_endpoint_ids=2", goodKey, "", 200, `[]`},
		{"GET", "/proxmox/pve1/qemu/999/config?proxmox_endpoint_ids=1", goodKey, "", 404, `Node pve1 has no qemu guest 999`},
		{"GET", "/proxmox/nowhere/qemu/100/config?proxmox_endpoint_ids=1", goodKey, "", 502, `hostname lookup`},
		{"GET", "/proxmox/nowhere/qemu/100/config", goodKey, "", 404, `No Proxmox endpoint has a node nowhere`},
		{"GET", "/proxmox/pve1/kvm/100/config", goodKey, "", 422, `"loc":["path","type"]`},
		{"GET", "/proxmox/pve1/qemu/x/config", goodKey, "", 422, `"loc":["path","vmid"]`},
		{"GET", "/proxmox/nodes/..%2f/network", goodKey, "", 422, `"loc":["path","node"]`},
		{"GET", "/proxmox/nonsense", goodKey, "", 422, `"loc":["path","top_level"]`},
	}},
	{"proxmox guests", []step{
		{"GET", "/proxmox/pve1/qemu/100/config?source=database&name=demo+(nb:1)", goodKey, "", 200, `"networks":[{"net0":{"bridge":"vmbr0"`},
		{"GET", "/proxmox/pve9/qemu/100/config", goodKey, "", 200, `"disks":[{"name":"`},
		{"GET", "/proxmox/nodes/pve1/qemu?proxmox_endpoint_ids=1", goodKey, "", 200, `[{"demo":[{`},
		{"GET", "/proxmox/nodes/pve1/qemu/100/firewall?source=database&name=demo+(nb:1)", goodKey, "", 200, `[{"name":"rules"},{"name":"options"}]`},
		{"GET", "/proxmox/nodes/pve1/network?type=bridge", goodKey, "", 200, `"bridge_vlan_aware":true`},
		{"GET", "/proxmox/nodes/pve1/config", goodKey, "", 200, `"startall_onboot_delay":10,"location":"52.5,13.4"`},
		{"GET", "/proxmox/nodes/pve1/storage/nas/content?content=backup", goodKey, "", 200, `"volid":"nas:backup/`},
		{"GET", "/proxmox/nodes/pve1/storage/none/content", goodKey, "", 404, "none"},
		{"GET", "/proxmox/nodes/pve1/storage/nas/identity", goodKey, "", 200, `"instance_id":"0f3c"`},
		{"GET", "/proxmox/storage?source=database&proxmox_endpoint_ids=1", goodKey, "", 200, `"prune-backups":"keep-daily=7,keep-weekly=4","shared":true`},
		{"GET", "/proxmox/cluster/backup?proxmox_endpoint_ids=1", goodKey, "", 200, `"cluster_name":"demo"`},
		{"GET", "/proxmox/replication?proxmox_endpoint_ids=1", goodKey, "", 200, `"status":"ok"`},
		{"GET", "/proxmox/access/tokens/root@pam/proxbox?proxmox_endpoint_ids=1", goodKey, "", 200, `"comment":"reads","privsep":true,"expire":0,"value":null`},
		{"GET", "/proxmox/access/tokens/root@pam/none?proxmox_endpoint_ids=1", goodKey, "", 200, `null`},
		{"GET", "/proxmox/?proxmox_endpoint_ids=1", goodKey, "", 200, `"access":["users","roles"],"cluster":["resources","status"]`},
		{"GET", "/proxmox/pools?proxmox_endpoint_ids=1", goodKey, "", 200, `[{"demo":[{"poolid":"production"}]}]`},
	}},
	{"proxmox cluster", []step{
		{"GET", "/proxmox/cluster/ha/summary?source=database&proxmox_endpoint_ids=1", goodKey, "", 200, `"sid":"vm:100","type":"vm","state":"started","group":null,"max_relocate":1,"max_restart":2,"failback":null,"comment":null,"digest":"d6","node":"pve1","crm_state":"started"`},
		{"GET", "/proxmox/cluster/ha/status?proxmox_endpoint_ids=1", goodKey, "", 200, `"quorate":true`},
		{"GET", "/proxmox/cluster/ha/resources?proxmox_endpoint_ids=1", goodKey, "", 200, `"sid":"ct:300"`},
		{"GET", "/proxmox/cluster/ha/resources/by-vm/300?proxmox_endpoint_ids=1", goodKey, "", 200, `"sid":"ct:300"`},
		{"GET", "/proxmox/cluster/ha/resources/by-vm/101?proxmox_endpoint_ids=1", goodKey, "", 200, `null`},
		{"GET", "/proxmox/cluster/ha/groups?proxmox_endpoint_ids=1", goodKey, "", 200, `[]`},
		{"GET", "/proxmox/cluster/ha/groups?proxmox_endpoint_ids=1,2", goodKey, "", 200, `"group":"old","type":"group","nodes":"pve9:2","restricted":false`},
		{"GET", "/proxmox/cluster/ha/groups/old?proxmox_endpoint_ids=1,2", goodKey, "", 200, `"cluster_name":"pve9","group":"old"`},
		{"GET", "/proxmox/cluster/ha/groups/old?proxmox_endpoint_ids=1", goodKey, "", 200, `null`},
		{"GET", "/proxmox/cluster/ha/rules?proxmox_endpoint_ids=1", goodKey, "", 200, `"affinity":"negative"`},
		{"GET", "/proxmox/cluster/ha/manager-status?proxmox_endpoint_ids=1", goodKey, "", 200, `"timestamp":1784810226,"quorum_ok":true`},
		{"GET", "/proxmox/cluster/ha/crs?proxmox_endpoint_ids=1", goodKey, "", 200, `[{"cluster_name":"demo","ha":"static","status":"ok","error":null}]`},
		{"GET", "/proxmox/datacenter/options?proxmox_endpoint_ids=1", goodKey, "", 200, `"next_id":{"lower":"100","upper":"999"}`},
		{"GET", "/proxmox/datacenter/cpu-models?source=database&proxmox_endpoint_ids=1", goodKey, "", 200, `[{"cluster_name":"demo","cputype":"fast","base_cputype":"EPYC","flags":"+aes","vendor_id":"","level":null,"description":"","status":"ok","error":null}]`},
		{"GET", "/proxmox/datacenter/cpu-models?source=database&proxmox_endpoint_ids=2", goodKey, "", 200, `[]`},
		{"GET", "/proxmox/datacenter/cpu-models/fast?proxmox_endpoint_ids=1", goodKey, "", 200, `"cputype":"fast"`},
		{"GET", "/proxmox/datacenter/cpu-models/slow?proxmox_endpoint_ids=1", goodKey, "", 200, `null`},
		{"GET", "/proxmox/sdn/zones?proxmox_endpoint_ids=1", goodKey, "", 200, `"mtu":1450`},
		{"GET", "/proxmox/sdn/vnets?proxmox_endpoint_ids=1", goodKey, "", 200, `"tag":0`},
		{"GET", "/proxmox/sdn/subnets?proxmox_endpoint_ids=1", goodKey, "", 200, `"vnet":"office","zone":"lan","subnet":"lan-10.0.0.0-24"`},
		{"GET", "/proxmox/sdn/subnets?proxmox_endpoint_ids=2", goodKey, "", 200, `[]`},
		{"GET", "/proxmox/sdn/controllers?proxmox_endpoint_ids=1", goodKey, "", 200, `"asn":65000`},
		{"GET", "/proxmox/sdn/fabrics?proxmox_endpoint_ids=1", goodKey, "", 200, `"fabric":"fab"`},
		{"GET", "/proxmox/sdn/fabrics/all?proxmox_endpoint_ids=1", goodKey, "", 200, `"asn":65001`},
		{"GET", "/proxmox/sdn/route-maps?proxmox_endpoint_ids=1", goodKey, "", 200, `[]`},
		{"GET", "/proxmox/sdn/prefix-lists?proxmox_endpoint_ids=1", goodKey, "", 200, `"le":32`},
	}},
	{"proxmox firewall", []step{
		{"GET", "/proxmox/firewall/summary?source=database&proxmox_endpoint_ids=1", goodKey, "", 200, `"rules":[{"cluster_name":"demo","zone":"datacenter"`},
		{"GET", "/proxmox/firewall/datacenter/rules?proxmox_endpoint_ids=1", goodKey, "", 200, `"pos":1`},
		{"GET", "/proxmox/firewall/datacenter/groups?proxmox_endpoint_ids=1", goodKey, "", 200, `"security_group":"web","pos":0,"type":"in","action":"ACCEPT","enable":false`},
		{"GET", "/proxmox/firewall/datacenter/ipsets?proxmox_endpoint_ids=1", goodKey, "", 200, `"nomatch":true`},
		{"GET", "/proxmox/firewall/datacenter/aliases?proxmox_endpoint_ids=1", goodKey, "", 200, `"cidr":"192.0.2.1"`},
		{"GET", "/proxmox/firewall/datacenter/options?proxmox_endpoint_ids=1", goodKey, "", 200, `"options":{"digest":"d5","ebtables":0}`},
		{"GET", "/proxmox/firewall/nodes/pve1/rules?source=database&proxmox_endpoint_ids=1", goodKey, "", 200, `"zone":"node","node":"pve1"`},
		{"GET", "/proxmox/firewall/nodes/pve1/options?proxmox_endpoint_ids=1", goodKey, "", 200, `"enable":true`},
		{"GET", "/proxmox/firewall/vms/100/rules?node=pve1&vm_type=qemu&proxmox_endpoint_ids=1", goodKey, "", 200, `"zone":"vm_qemu","node":"pve1","vmid":100`},
		{"GET", "/proxmox/firewall/vms/100/rules?proxmox_endpoint_ids=1", goodKey, "", 200, `"zone":"vm_qemu","node":"pve1","vmid":100`},
		{"GET", "/proxmox/firewall/vms/100/rules?proxmox_endpoint_ids=1,2", goodKey, "", 409, `Several Proxmox endpoints have a guest 100`},
		{"GET", "/proxmox/firewall/vms/999/rules", goodKey, "", 404, `No Proxmox endpoint has a guest 999`},
		{"GET", "/proxmox/firewall/vms/100/ipsets?proxmox_endpoint_ids=1", goodKey, "", 200, `[]`},
		{"GET", "/proxmox/firewall/vms/100/aliases?proxmox_endpoint_ids=1", goodKey, "", 200, `[]`},
		{"GET", "/proxmox/firewall/vms/100/options?proxmox_endpoint_ids=1", goodKey, "", 200, `"enable":false`},
	}},
	{"proxmox api", []step{
		{"GET", "/proxmox/api2/nodes/pve1/time?source=database&target_name=demo+(nb:1)", goodKey, "", 200, `"timezone":"Europe/Berlin"`},
		{"GET", "/proxmox/api2/latest/nodes/pve1/time", goodKey, "", 200, `"timezone":"Europe/Berlin"`},
		{"GET", "/proxmox/api2/8.3.0/version?target_domain=host.example.org", goodKey, "", 200, `"version":"9.0.10"`},
		{"GET", "/proxmox/api2/version", goodKey, "", 409, `Several Proxmox endpoints have a path /version`},
		{"GET", "/proxmox/api2/version?target_name=dead", goodKey, "", 502, `dead (nb:3)`},
		{"GET", "/proxmox/api2/cluster/resources?type=vm&target_name=host", goodKey, "", 200, `"node":"pve9"`},
		{"GET", "/proxmox/api2/cluster/resources?type=x&target_name=host", goodKey, "", 502, `Parameter verification failed`},
		{"GET", "/proxmox/api2/nodes/pve1/..%2f..%2fversion", goodKey, "", 422, `"loc":["path","path"]`},
		{"GET", "/proxmox/api2/nothing?target_name=demo", goodKey, "", 502, `not implemented`},
		{"POST", "/proxmox/api2/nodes/pve1/qemu/100/status/start", goodKey, `{}`, 403, `"reason":"read_only"`},
		{"DELETE", "/proxmox/api2/nodes/pve1/qemu/100", goodKey, "", 403, `"reason":"read_only"`},
		{"HEAD", "/proxmox/api2/version", goodKey, "", 405, ``},
	}},
}

func TestProxmoxScenarios(t *testing.T) {
	for _, sc := range proxmoxScenarios {
		t.Run(sc.name, func(t *testing.T) {
			p := newPark(t).withAll()
			var record bytes.Buffer
			for _, s := range sc.steps {
				w := p.call(s.method, s.path, s.key, s.body)
				if w.Code != s.status || !strings.Contains(w.Body.String(), s.contains) {
					t.Errorf("%s %s: %d %s; want %d with %s", s.method, s.path, w.Code, w.Body, s.status, s.contains)
				}
				if s.method != http.MethodHead {
					checkEveryAnswer(t, s.method+" "+s.path, w)
					checkDocumented(t, p.Server, s.method, s.path, w)
				}
				fmt.Fprintf(&record, "%s %s\n< %d", s.method, s.path, w.Code)
				for _, h := range []string{"X-Proxbox-Failed", "X-Proxbox-Stale"} {
					if v := w.Header().Get(h); v != "" {
						fmt.Fprintf(&record, " %s: %s", h, v)
					}
				}
				if s.method == http.MethodHead {
					w.Body.Reset()
				}
				fmt.Fprintf(&record, "\n%s\n\n", pretty(t, w))
			}
			golden(t, "wire/"+strings.ReplaceAll(sc.name, " ", "-")+".txt", record.Bytes())
			if refused := p.proxmox.Refused(); len(refused) > 0 {
				t.Errorf("Proxmox was asked to change: %v", refused)
			}
		})
	}
}
