package proxmox

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"proxbox/internal/domain"
)

// seeded starts a fuzz test with what Proxmox may say.
func seeded(f *testing.F, seeds ...string) *testing.F {
	f.Helper()
	for _, s := range append(seeds, "", " ", ",", "=", "a=b,,c", "\x00", "\xff", "ä=ö") {
		f.Add(s)
	}
	return f
}

func FuzzProperties(f *testing.F) {
	seeded(f, "virtio=BC:24:11:00:0A:01,bridge=vmbr0,tag=5", "data:vm-1-disk-0,size=1G", "k=a=b").Fuzz(func(t *testing.T, s string) {
		ps := parseProperties(s)
		parts := make([]string, len(ps))
		for i, p := range ps {
			if p.key != strings.TrimSpace(p.key) || p.value != strings.TrimSpace(p.value) || strings.ContainsAny(p.key, ",=") || strings.Contains(p.value, ",") {
				t.Fatalf("%q in %q", p, s)
			}
			if parts[i] = p.key + "=" + p.value; p.key == "" && !strings.Contains(p.value, "=") && p.value != "" {
				parts[i] = p.value
			}
		}
		if again := parseProperties(strings.Join(parts, ",")); !slices.Equal(again, ps) {
			t.Fatalf("%q, again %q", ps, again)
		}
	})
}

func FuzzSizeMB(f *testing.F) {
	seeded(f, "528K", "2252M", "1.5G", "2T", "1048577", "32GiB", "512B", "9999999999P").Fuzz(func(t *testing.T, s string) {
		mb := parseSizeMB(s)
		if mb < 0 {
			t.Fatalf("%q is %d", s, mb)
		}
		if again := parseSizeMB(strconv.Itoa(mb) + "M"); mb > 0 && again != mb {
			t.Fatalf("%q is %d, again %d", s, mb, again)
		}
	})
}

func FuzzMemory(f *testing.F) {
	seeded(f, "2048", "current=2048", "current=512,max=1024", "1e9", "-1").Fuzz(func(t *testing.T, s string) {
		b := parseMemory(s)
		if b < 0 || b%(1<<20) != 0 {
			t.Fatalf("%q is %d", s, b)
		}
		if again := parseMemory("current=" + strconv.FormatInt(b>>20, 10)); again != b {
			t.Fatalf("%q is %d, again %d", s, b, again)
		}
	})
}

func FuzzAgent(f *testing.F) {
	seeded(f, "1", "0", "enabled=1,fstrim_cloned_disks=1", "1,type=isa").Fuzz(func(t *testing.T, s string) {
		if parseAgent(s) && !strings.ContainsAny(strings.ToLower(s), "123456789teo") {
			t.Fatalf("%q turns the agent on", s)
		}
	})
}

func FuzzTags(f *testing.F) {
	seeded(f, "web;prod", "B, a;b", "go+cloud-init").Fuzz(func(t *testing.T, s string) {
		tags := parseTags(s)
		if !slices.IsSorted(tags) || len(slices.Compact(slices.Clone(tags))) != len(tags) || slices.ContainsFunc(tags, func(tag string) bool { return tag == "" || strings.ContainsAny(tag, ";, \t\r\n") }) {
			t.Fatalf("%q is %q", s, tags)
		}
		if again := parseTags(strings.Join(tags, ";")); !slices.Equal(again, tags) {
			t.Fatalf("%q, again %q", tags, again)
		}
	})
}

func FuzzSMBIOS(f *testing.F) {
	seeded(f, "uuid=10D5C783-98BC-4847-BB9A-9F06E932F0D9", "base64=1,serial=U04tMQ==,uuid=a").Fuzz(func(t *testing.T, s string) {
		uuid, _ := parseSMBIOS(s)
		if again, _ := parseSMBIOS("uuid=" + uuid); again != uuid {
			t.Fatalf("%q is %q, again %q", s, uuid, again)
		}
	})
}

func FuzzCreated(f *testing.F) {
	seeded(f, "creation-qemu=9.0.2,ctime=1730191495", "ctime=-1").Fuzz(func(t *testing.T, s string) {
		at := parseCreated(s)
		if again := parseCreated("ctime=" + strconv.FormatInt(at, 10)); at < 0 || at < 1<<53 && again != at {
			t.Fatalf("%q is %d, again %d", s, at, again)
		}
	})
}

func FuzzSSHKeys(f *testing.F) {
	seeded(f, "ssh-rsa%20AAA%2B%0A", "%", "%zz").Fuzz(func(t *testing.T, s string) {
		if keys := parseSSHKeys(s); keys != strings.TrimSpace(keys) {
			t.Fatalf("%q is %q", s, keys)
		}
	})
}

var canonicalMAC = regexp.MustCompile(`^([0-9A-F]{2}:){5}[0-9A-F]{2}$`)

func checkMAC(t *testing.T, mac string) {
	t.Helper()
	if mac != "" && (!canonicalMAC.MatchString(mac) || parseMAC(mac) != mac) {
		t.Fatalf("MAC %q", mac)
	}
}

func FuzzMAC(f *testing.F) {
	seeded(f, "bc:24:11:00:0a:01", "BC-24-11-00-0A-01", "bc24.1100.0a01", "00:00:00:00:00:00").Fuzz(func(t *testing.T, s string) { checkMAC(t, parseMAC(s)) })
}

func checkAddress(t *testing.T, p netip.Prefix) {
	t.Helper()
	if again, ok := parseAddress(p.String()); !ok || again != p || !p.IsValid() || p.Addr().Zone() != "" || p.Addr().Is4In6() {
		t.Fatalf("%v, again %v", p, again)
	}
}

func FuzzAddress(f *testing.F) {
	seeded(f, "192.0.2.5/24", "2001:db8::5/64", "fe80::1%8/64", "::ffff:192.0.2.5/24", "dhcp", "192.0.2.5/+24").Fuzz(func(t *testing.T, s string) {
		if p, ok := parseAddress(s); ok {
			checkAddress(t, p)
		}
	})
}

func checkTrunks(t *testing.T, vids []int) {
	t.Helper()
	if !slices.IsSorted(vids) || len(slices.Compact(slices.Clone(vids))) != len(vids) || slices.ContainsFunc(vids, func(v int) bool { return v < minVLAN || v > maxVLAN }) {
		t.Fatalf("trunks %v", vids)
	}
}

func FuzzTrunks(f *testing.F) {
	seeded(f, "5;7;10-12", "1-4094", "99999999999999999999-1", "0-9223372036854775807", "-9223372036854775808-5").Fuzz(func(t *testing.T, s string) {
		vids := parseTrunks(s)
		checkTrunks(t, vids)
		var parts []string
		for _, v := range vids {
			parts = append(parts, strconv.Itoa(v))
		}
		if again := parseTrunks(strings.Join(parts, ";")); !slices.Equal(again, vids) {
			t.Fatalf("%v, again %v", vids, again)
		}
	})
}

func checkNIC(t *testing.T, n domain.NIC) {
	t.Helper()
	checkMAC(t, n.MAC)
	checkTrunks(t, n.Trunks)
	if n.VLAN < 0 || n.VLAN > maxVLAN || n.MTU < 0 || n.MTU == 1 || n.RateMBps < 0 || len(n.Addresses) > 2 || len(n.Gateways) > 2 {
		t.Fatalf("%+v", n)
	}
	for _, p := range n.Addresses {
		checkAddress(t, p)
	}
}

func FuzzMachineNIC(f *testing.F) {
	seeded(f, "virtio=BC:24:11:00:0A:01,bridge=vmbr0,tag=5,trunks=1;2-4,mtu=1,link_down=1,rate=1.5", "model=e1000,macaddr=bc:24:11:00:0a:01").Fuzz(func(t *testing.T, s string) {
		checkNIC(t, parseMachineNIC(s))
	})
}

func FuzzContainerNIC(f *testing.F) {
	seeded(f, "name=eth0,bridge=vmbr0,gw=192.0.2.1,hwaddr=BC:24:11:1B:6D:D4,ip=192.0.2.44/24,ip6=auto,type=veth,mtu=9000").Fuzz(func(t *testing.T, s string) {
		n := parseContainerNIC(s)
		checkNIC(t, n)
		if n.Model == "" {
			t.Fatalf("%q has no model", s)
		}
	})
}

func checkDisk(t *testing.T, d domain.Disk) {
	t.Helper()
	if d.Volume == "" || d.Volume == "none" || d.SizeMB < 0 || d.Storage != "" && !strings.HasPrefix(d.Volume, d.Storage+":") || d.Storage != "" && d.Volume[0] == '/' {
		t.Fatalf("%+v", d)
	}
}

func FuzzDisk(f *testing.F) {
	seeded(f, "data:vm-1-disk-0,size=20G,format=raw", "/mnt/nas,mp=/mnt/nas", "volume=local:1/vm-1-disk-0.qcow2", "none,media=cdrom", "local-lvm:vm-1-cloudinit").Fuzz(func(t *testing.T, s string) {
		if d, ok := parseDisk(s); ok {
			checkDisk(t, d)
		} else if d != (domain.Disk{}) {
			t.Fatalf("%q is no disk, but %+v", s, d)
		}
	})
}

func FuzzConfig(f *testing.F) {
	seeded(f, `{"memory":"2048","net0":"virtio=BC:24:11:00:0A:01","net31":"x","scsi0":"a:b,size=1G","agent":1,"tags":"a;b","lxc":[["a","b"]],"ipconfig0":"ip=192.0.2.2/24"}`,
		`{"memory":1e300,"cores":-5,"cpulimit":"0.5","rootfs":"a:b"}`, `null`, `[]`, `{"net0":{}}`).Fuzz(func(t *testing.T, s string) {
		for _, guest := range []domain.GuestType{domain.QEMU, domain.LXC} {
			cfg, err := parseConfig(guest, json.RawMessage(s))
			if err != nil {
				continue
			}
			if cfg.Cores < 0 || cfg.MemoryBytes < 0 || cfg.CreatedAt < 0 {
				t.Fatalf("%+v", cfg)
			}
			for i, n := range cfg.NICs {
				checkNIC(t, n)
				if i > 0 && n.Index < cfg.NICs[i-1].Index {
					t.Fatalf("out of order: %+v", cfg.NICs)
				}
			}
			for _, d := range cfg.Disks {
				checkDisk(t, d)
			}
		}
	})
}

func FuzzGuestInterfaces(f *testing.F) {
	seeded(f, `{"result":[{"name":"lo","ip-addresses":[{"ip-address":"127.0.0.1","prefix":8}]}]}`, `[{"name":"eth0","hwaddr":"bc:24:11:89:67:07","inet":"192.0.2.95/22","inet6":"fe80::1%2/64"}]`,
		`{"result":{"error":{"class":"CommandDisabled","desc":"x"}}}`, `[{"ip-addresses":[{"ip-address":"::1","prefix":-1}]}]`).Fuzz(func(t *testing.T, s string) {
		list, odd, err := parseGuestInterfaces(json.RawMessage(s))
		if err != nil && list != nil || err == nil && len(list)+len(odd) == 0 {
			t.Fatalf("%+v, %v", list, err)
		}
		for _, i := range list {
			checkMAC(t, i.MAC)
			for _, p := range i.Addresses {
				checkAddress(t, p)
			}
		}
		_, _ = parseAgentOS(json.RawMessage(s))
		_, _ = parseHostname(json.RawMessage(s))
	})
}

// FuzzLists: no list that Proxmox may send makes any of its readers stumble,
// and a row is read or reported, never lost.
func FuzzLists(f *testing.F) {
	seeded(f, `[{"type":"qemu","vmid":"1","node":"a","maxmem":1e30},17]`, `[{"iface":"vlan5","type":"vlan","netmask":"255.0.255.0","address":"192.0.2.1"}]`, `[{"storage":"s","prune-backups":{"a":[1]},"nodes":["x"]}]`,
		`[{"volid":"pbs:backup/vm/1/x","verification":[]}]`, `[{"upid":"U","endtime":-1}]`, `[{"name":"x","snaptime":"1"}]`, `[{"id":"1-x","rate":"a"}]`, `null`, `[null]`, `[[]]`).Fuzz(func(t *testing.T, s string) {
		raw := json.RawMessage(s)
		whole := func(n int, odd []oddRow, err error) {
			t.Helper()
			var rows []json.RawMessage
			if json.Unmarshal(raw, &rows) == nil && rows != nil && (err != nil || n+len(odd) < len(rows)) {
				t.Fatalf("%d of %d rows, %v, %v", n, len(rows), odd, err)
			}
		}
		rows, odd, err := decodeRows[resourceRow](raw)
		whole(len(rows), odd, err)
		for _, row := range rows {
			if g, err := row.guest(); err == nil && (g.VMID <= 0 || g.CPUs < 0 || g.MemoryBytes < 0) {
				t.Fatalf("%+v", g)
			}
		}
		interfaces, odd, err := parseNodeInterfaces(raw)
		whole(len(interfaces), odd, err)
		for _, i := range interfaces {
			checkMAC(t, i.MAC)
			if i.VLAN < 0 || i.VLAN > maxVLAN || i.MTU < 0 {
				t.Fatalf("%+v", i)
			}
			for _, p := range i.Addresses {
				checkAddress(t, p)
			}
		}
		tasks, odd, err := parseTasks(raw, "n")
		whole(len(tasks), odd, err)
		storages, odd, err := parseStorages(raw)
		whole(len(storages), odd, err)
		replications, odd, err := parseReplications(raw)
		whole(len(replications), odd, err)
		routines, odd, err := parseBackupRoutines(raw)
		whole(len(routines), odd, err)
		if subnets, _, err := parseSDN(raw, "subnet"); err == nil {
			for _, row := range subnets {
				if p := networkOf(row); row.id == "" || p.IsValid() && p != p.Masked() {
					t.Errorf("%q is in %v", row.id, p)
				}
			}
		}
		_, _, _ = parseSnapshots(raw)
		_, _, _ = parseBackups(raw, "s", "n")
	})
}

func FuzzPermissions(f *testing.F) {
	seeded(f, `{"/":{"VM.Audit":1}}`, `{"/vms":{"VM.Audit":"0"},"/":[]}`, `null`).Fuzz(func(t *testing.T, s string) {
		p, err := parsePermissions(json.RawMessage(s))
		if err == nil && (p.allGuests() || p.allStorages() || p.allBackups()) && !strings.Contains(s, "/") && !strings.Contains(s, `\u002`) {
			t.Fatalf("%q allows something", s)
		}
	})
}

func FuzzTagColors(f *testing.F) {
	seeded(f, `{"tag-style":{"color-map":"a:FF0000:ffffff;b:00ff00"}}`, `{"tag-style":"color-map=a:010203"}`).Fuzz(func(t *testing.T, s string) {
		for tag, color := range parseTagColors(json.RawMessage(s)) {
			if tag == "" || !hexColor(color) {
				t.Fatalf("%q: %q", tag, color)
			}
		}
	})
}

// FuzzScalars: whatever a field is, its row survives.
func FuzzScalars(f *testing.F) {
	seeded(f, `1`, `"1"`, `1.5e12`, `"N/A"`, `null`, `true`, `{"a":[1]}`, `[[]]`, `"\ud83d"`, `"a\"b"`, `-0`, `1e999`).Fuzz(func(t *testing.T, s string) {
		var row struct {
			Text   text   `json:"text"`
			Number number `json:"number"`
			Flag   flag   `json:"flag"`
		}
		raw := `{"text":` + s + `,"number":` + s + `,"flag":` + s + `}`
		if !json.Valid([]byte(s)) || strings.TrimSpace(s) == "" {
			return
		}
		if err := json.Unmarshal([]byte(raw), &row); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		if row.Number.natural() < 0 || !row.Number.set && row.Number.value != 0 || row.Flag.on && !row.Flag.set {
			t.Fatalf("%s is %+v", s, row)
		}
		var want string
		if json.Unmarshal([]byte(s), &want) == nil && want != string(row.Text) {
			t.Fatalf("%s is %q and not %q", s, row.Text, want)
		}
		_ = optionText(json.RawMessage(strings.TrimSpace(s)))
	})
}

// FuzzRefusal: no body of a refusal hides that it is one.
func FuzzRefusal(f *testing.F) {
	seeded(f, `{"data":null}`, `{"message":"x\n","errors":{"b":"1","a":[2]}}`, `{"message":{},"errors":"x"}`, "<html>").Fuzz(func(t *testing.T, s string) {
		a := answer{status: 500, reason: "why", body: s}
		for range 2 {
			resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(a.wire())), nil)
			if err != nil {
				t.Fatal(err)
			}
			e := statusError("/x", resp)
			if e.Code != 500 || e.Reason != "why" || !strings.HasPrefix(e.Error(), "/x answered 500 why") {
				t.Fatalf("%+v", e)
			}
		}
	})
}
