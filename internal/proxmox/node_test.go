package proxmox

import (
	"encoding/json"
	"reflect"
	"testing"

	"proxbox/internal/domain"
)

func TestNodeInterfaces(t *testing.T) {
	for name, tt := range map[string]struct {
		raw  string
		want domain.NodeInterface
	}{
		"port":   {`{"iface":"enp0s31f6","type":"eth","active":1,"exists":1,"method":"manual","method6":"manual","families":["inet"],"priority":3}`, domain.NodeInterface{Name: "enp0s31f6", Type: "eth", Active: true}},
		"absent": {`{"iface":"eno2","type":"eth","exists":null,"active":null,"autostart":"0"}`, domain.NodeInterface{Name: "eno2", Type: "eth"}},
		"bridge": {`{"iface":"vmbr1","type":"bridge","bridge_ports":"eno1.2 vmbr2.10","bridge_fd":"0","bridge_stp":"off","bridge_vlan_aware":1,"bridge_vids":"2-4094","autostart":1,"active":1,"mtu":"9000","comments":"some comment\n"}`,
			domain.NodeInterface{Name: "vmbr1", Type: "bridge", Active: true, Autostart: true, Ports: []string{"eno1.2", "vmbr2.10"}, VLANAware: true, MTU: 9000, Comment: "some comment"}},
		"with addresses": {`{"iface":"vmbr0","type":"bridge","cidr":"192.0.2.1/24","address":"192.0.2.1","netmask":"24","gateway":"192.0.2.254","cidr6":"2001:db8::1/64","address6":"2001:db8::1","netmask6":64,"gateway6":"fe80::1"}`,
			domain.NodeInterface{Name: "vmbr0", Type: "bridge", Addresses: prefixes("192.0.2.1/24", "2001:db8::1/64"), Gateways: addrs("192.0.2.254", "fe80::1")}},
		"before cidr":          {`{"iface":"vmbr0","type":"bridge","address":"192.0.2.1","netmask":"255.255.255.192"}`, domain.NodeInterface{Name: "vmbr0", Type: "bridge", Addresses: prefixes("192.0.2.1/26")}},
		"address and mask":     {`{"iface":"a","address":"192.0.2.1","netmask":24}`, domain.NodeInterface{Name: "a", Addresses: prefixes("192.0.2.1/24")}},
		"no mask":              {`{"iface":"a","address":"192.0.2.1"}`, domain.NodeInterface{Name: "a", Addresses: prefixes("192.0.2.1/32")}},
		"cidr wins":            {`{"iface":"vmbr2.8","type":"vlan","vlan-id":"8","vlan-raw-device":"vmbr2","cidr":"192.0.2.1/24","address":"198.51.100.1","netmask":"24"}`, domain.NodeInterface{Name: "vmbr2.8", Type: "vlan", VLAN: 8, RawDevice: "vmbr2", Addresses: prefixes("192.0.2.1/24")}},
		"vlan by its name":     {`{"iface":"bond0.20","type":"vlan"}`, domain.NodeInterface{Name: "bond0.20", Type: "vlan", VLAN: 20, RawDevice: "bond0"}},
		"vlan of another form": {`{"iface":"vlan30","type":"vlan","vlan-raw-device":"eno1"}`, domain.NodeInterface{Name: "vlan30", Type: "vlan", VLAN: 30, RawDevice: "eno1"}},
		"vlan out of range":    {`{"iface":"eno1.5000","type":"vlan","vlan-id":"4095"}`, domain.NodeInterface{Name: "eno1.5000", Type: "vlan", RawDevice: "eno1"}},
		"bond":                 {`{"iface":"bond0","type":"bond","slaves":"eno1 eno2","bond_mode":"active-backup","bond-primary":"eno1","bond_miimon":"100"}`, domain.NodeInterface{Name: "bond0", Type: "bond", Slaves: []string{"eno1", "eno2"}, BondMode: "active-backup"}},
		"OVS":                  {`{"iface":"vmbr3","type":"OVSBridge","ovs_ports":"eno3 mgmt"}`, domain.NodeInterface{Name: "vmbr3", Type: "OVSBridge", Ports: []string{"eno3", "mgmt"}}},
		"OVS port":             {`{"iface":"mgmt","type":"OVSIntPort","ovs_bridge":"vmbr3","ovs_tag":"7","hwaddr":"bc:24:11:00:00:01"}`, domain.NodeInterface{Name: "mgmt", Type: "OVSIntPort", Bridge: "vmbr3", VLAN: 7, MAC: "BC:24:11:00:00:01"}},
		"OVS bond":             {`{"iface":"bond1","type":"OVSBond","ovs_bonds":"eno3 eno4","ovs_bridge":"vmbr3","bond_mode":"balance-slb"}`, domain.NodeInterface{Name: "bond1", Type: "OVSBond", Slaves: []string{"eno3", "eno4"}, Bridge: "vmbr3", BondMode: "balance-slb"}},
		"dhcp":                 {`{"iface":"a","method":"dhcp","address":null,"hardware-address":"BC-24-11-00-00-02","comments6":"six\n"}`, domain.NodeInterface{Name: "a", MAC: "BC:24:11:00:00:02", Comment: "six"}},
	} {
		got, odd, err := parseNodeInterfaces(json.RawMessage("[" + tt.raw + "]"))
		if err != nil || len(odd) > 0 || len(got) != 1 || !reflect.DeepEqual(got[0], tt.want) {
			t.Errorf("%s:\n%+v, %v, %v, want\n%+v", name, got, odd, err, tt.want)
		}
	}
	got, odd, err := parseNodeInterfaces(json.RawMessage(`[{"iface":"b"},5,{"type":"eth"},{"iface":"a","options":["metric 200"]}]`))
	if err != nil || len(odd) != 2 || len(got) != 2 || got[0].Name != "a" {
		t.Errorf("%+v, %v, %v", got, odd, err)
	}
}

func TestTasks(t *testing.T) {
	raw := `[
		{"pid":2146406,"type":"vzdump","user":"root@pam","starttime":1774350000,"pstart":70119940,"status":"OK","node":"pve1","id":"","endtime":1774350433,"upid":"UPID:2"},
		{"upid":"UPID:1","type":"qmcreate","user":"root@pam","tokenid":"tofu","id":"100","starttime":"1714330558","pid":"5"},
		{"upid":"UPID:3","type":"vzcreate","user":"root@pam!sdk","tokenid":"sdk","id":9102,"node":"pve1","starttime":1783281183,"endtime":1783281199,"status":"stopped","exitstatus":"WARNINGS: 1"},
		{"type":"no upid"},"x"]`
	got, odd, err := parseTasks(json.RawMessage(raw), "pve9")
	want := []domain.Task{
		{UPID: "UPID:1", Node: "pve9", Type: "qmcreate", ID: "100", User: "root@pam!tofu", PID: 5, Start: 1714330558, Status: "running"},
		{UPID: "UPID:2", Node: "pve1", Type: "vzdump", User: "root@pam", PID: 2146406, PStart: 70119940, Start: 1774350000, End: 1774350433, Status: "stopped", ExitStatus: "OK"},
		{UPID: "UPID:3", Node: "pve1", Type: "vzcreate", ID: "9102", User: "root@pam!sdk", Start: 1783281183, End: 1783281199, Status: "stopped", ExitStatus: "WARNINGS: 1"},
	}
	if err != nil || len(odd) != 2 || !reflect.DeepEqual(got, want) {
		t.Errorf("\n%+v, %v, %v, want\n%+v", got, odd, err, want)
	}
}

func TestSnapshots(t *testing.T) {
	raw := `[
		{"description":"second\nline\n","name":"b","snaptime":1709753290,"parent":"a","vmstate":1},
		{"description":"","name":"a","snaptime":"1709753281"},
		{"description":"You are here!","digest":"e2f5","name":"current","parent":"b","running":1},
		{"snaptime":1},{"name":"c","snaptime":null}]`
	got, odd, err := parseSnapshots(json.RawMessage(raw))
	want := []domain.GuestSnapshot{
		{Name: "a", Time: 1709753281},
		{Name: "b", Description: "second\nline", Parent: "a", Time: 1709753290, WithMemory: true},
		{Name: "c"},
	}
	if err != nil || len(odd) != 1 || !reflect.DeepEqual(got, want) {
		t.Errorf("\n%+v, %v, %v, want\n%+v", got, odd, err, want)
	}
}
