package proxmox

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"proxbox/internal/domain"
)

func TestParseProperties(t *testing.T) {
	for s, want := range map[string]properties{
		"":                      nil,
		" , ,":                  nil,
		"a":                     {{"", "a"}},
		"a=":                    {{"a", ""}},
		"=a":                    {{"", "a"}},
		"virtio=X, bridge = b ": {{"virtio", "X"}, {"bridge", "b"}},
		"k=a=b,k=c":             {{"k", "a=b"}, {"k", "c"}},
		"fuse=1,mount=nfs;cifs": {{"fuse", "1"}, {"mount", "nfs;cifs"}},
	} {
		if got := parseProperties(s); !reflect.DeepEqual(got, want) {
			t.Errorf("%q is %q", s, got)
		}
	}
}

func TestParseSizeMB(t *testing.T) {
	for s, want := range map[string]int{
		"528K": 1, "4M": 4, "2252M": 2252, "32G": 32768, "2T": 2097152, "1P": 1 << 30,
		"1.5G": 1536, "0.5T": 524288, "1.2M": 2, "0.1K": 1, "1025K": 2,
		"1048576": 1, "1048577": 2, "540672": 1, "4194304B": 4, "512B": 1, "0": 1, "0G": 1,
		"32g": 32768, "32GB": 32768, "32GiB": 32768, "32 G": 32768, " 8G ": 8192, "32gib": 32768,
		"": 0, "G": 0, "-1G": 0, "1e3G": 0, "32X": 0, "1.G": 0, ".5G": 0, "none": 0, "NaN": 0, "99999999999999999999P": 0,
	} {
		if got := parseSizeMB(s); got != want {
			t.Errorf("%q is %d MB, want %d", s, got, want)
		}
	}
}

func TestParseMemory(t *testing.T) {
	for s, want := range map[string]int64{
		"2048": 2048 << 20, "65536": 65536 << 20, "current=2048": 2048 << 20, "current=512,max=4096": 512 << 20, "512.5": 512 << 20, "2e3": 2000 << 20,
		"": 0, "max=4096": 0, "-5": 0, "much": 0, "99999999999999999": 0, "current=": 0,
	} {
		if got := parseMemory(s); got != want {
			t.Errorf("%q is %d, want %d", s, got, want)
		}
	}
}

func TestParseAgent(t *testing.T) {
	for s, want := range map[string]bool{
		"1": true, "enabled=1": true, "1,fstrim_cloned_disks=1": true, "fstrim_cloned_disks=1,enabled=1,type=virtio": true, "true": true, "on": true, "yes": true,
		"0": false, "enabled=0": false, "0,fstrim_cloned_disks=1": false, "": false, "fstrim_cloned_disks=1": false, "type=isa": false, "maybe": false,
	} {
		if got := parseAgent(s); got != want {
			t.Errorf("%q is %t", s, got)
		}
	}
}

func TestParseTags(t *testing.T) {
	for s, want := range map[string][]string{
		"": {}, " ": {}, ";;": {},
		"web;prod":      {"prod", "web"},
		"Web,prod;web":  {"prod", "web"},
		"go+cloud-init": {"go+cloud-init"},
		"b a\tc\nd":     {"a", "b", "c", "d"},
		"haproxy;infra;lb;managed_by_terraform_true": {"haproxy", "infra", "lb", "managed_by_terraform_true"},
	} {
		if got := parseTags(s); len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
			t.Errorf("%q is %q", s, got)
		}
	}
}

func TestParseSMBIOS(t *testing.T) {
	for s, want := range map[string][2]string{
		"uuid=10D5C783-98BC-4847-BB9A-9F06E932F0D9":             {"10d5c783-98bc-4847-bb9a-9f06e932f0d9", ""},
		"uuid=a,serial=SN1":                                     {"a", "SN1"},
		"base64=1,serial=U04tMQ==,uuid=a,manufacturer=QWNtZQ==": {"a", "SN-1"},
		"base64=1,serial=not base64!,uuid=a":                    {"a", "not base64!"},
		"serial=U04tMQ==,base64=0":                              {"", "U04tMQ=="},
		"":                                                      {"", ""},
	} {
		if uuid, serial := parseSMBIOS(s); (uuid != want[0]) || (serial != want[1]) {
			t.Errorf("%q is %q, %q", s, uuid, serial)
		}
	}
}

func TestParseCreated(t *testing.T) {
	for s, want := range map[string]int64{
		"creation-qemu=9.0.2,ctime=1730191495": 1730191495, "ctime=1": 1, "creation-qemu=6.1": 0, "": 0, "ctime=never": 0, "ctime=-4": 0,
	} {
		if got := parseCreated(s); got != want {
			t.Errorf("%q is %d", s, got)
		}
	}
}

func TestParseMAC(t *testing.T) {
	for s, want := range map[string]string{
		"bc:24:11:00:0a:01": "BC:24:11:00:0A:01", "BC-24-11-00-0A-01": "BC:24:11:00:0A:01", "bc24.1100.0a01": "BC:24:11:00:0A:01", " BC:24:11:00:0A:01\n": "BC:24:11:00:0A:01",
		"00:00:00:00:00:00": "", "": "", "virtio": "", "bc:24:11:00:0a": "", "02:00:5e:10:00:00:00:01": "",
	} {
		if got := parseMAC(s); got != want {
			t.Errorf("%q is %q", s, got)
		}
	}
}

func TestParseAddress(t *testing.T) {
	for s, want := range map[string]string{
		"192.0.2.5/24": "192.0.2.5/24", "192.0.2.5": "192.0.2.5/32", " 192.0.2.5/24\n": "192.0.2.5/24", "192.0.2.5/0": "192.0.2.5/0",
		"2001:DB8::5/64": "2001:db8::5/64", "2001:db8::5": "2001:db8::5/128", "fe80::1%8/64": "fe80::1/64", "fe80::1%eth0": "fe80::1/128", "::ffff:192.0.2.5": "192.0.2.5/32",
		"dhcp": "", "auto": "", "manual": "", "": "", "/24": "", "192.0.2.5/33": "", "192.0.2.5/-1": "", "192.0.2.5/x": "", "192.0.2.256/24": "", "192.0.2.5/24/1": "", "192.0.2.5/": "",
	} {
		got, ok := parseAddress(s)
		if ok != (want != "") || ok && got != netip.MustParsePrefix(want) {
			t.Errorf("%q is %v, %t", s, got, ok)
		}
	}
}

func TestParseTrunks(t *testing.T) {
	for s, want := range map[string][]int{
		"": nil, "5": {5}, "7;5;7": {5, 7}, "5;10-12": {5, 10, 11, 12}, "10-12;11-13": {10, 11, 12, 13}, "4093-9999": {4093, 4094}, "0-2": {1, 2},
		"12-10": nil, "x": nil, "5-": nil, "-5": nil, "0": nil, "4095": nil, "1,2 3": {1, 2, 3},
	} {
		if got := parseTrunks(s); !reflect.DeepEqual(got, want) {
			t.Errorf("%q is %v", s, got)
		}
	}
}

func TestParseCloudInit(t *testing.T) {
	for _, tt := range []struct {
		opts map[string]text
		want *domain.CloudInit
	}{
		{nil, nil},
		{map[string]text{"ciuser": " ", "cicustom": " ", "ciupgrade": "0"}, nil},
		{
			map[string]text{"ciuser": "ansible", "ipconfig0": "ip=192.0.2.52/22,gw=192.0.2.1", "sshkeys": "ssh-rsa%20AAA%2Bb%3D%3D%20me%40x%0Assh-ed25519%20B+C%0A"},
			&domain.CloudInit{User: "ansible", IPConfig0: "ip=192.0.2.52/22,gw=192.0.2.1", SSHKeys: "ssh-rsa AAA+b== me@x\nssh-ed25519 B+C"},
		},
		{map[string]text{"sshkeys": "ssh-rsa%2"}, &domain.CloudInit{SSHKeys: "ssh-rsa%2"}},
	} {
		if got := parseCloudInit(tt.opts); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%v is %+v", tt.opts, got)
		}
	}
}

func TestText(t *testing.T) {
	for raw, want := range map[string]text{
		`"a"`: "a", `5`: "5", `5.50`: "5.50", `true`: "1", `false`: "0", `null`: "", `{"a":1}`: "", `[1]`: "", `" "`: " ", `"\u00e4"`: "ä",
	} {
		var got text
		if err := json.Unmarshal([]byte(raw), &got); err != nil || got != want {
			t.Errorf("%s is %q, %v", raw, got, err)
		}
	}
}

func TestNumber(t *testing.T) {
	for raw, want := range map[string]struct {
		n   int64
		set bool
	}{
		`5`: {5, true}, `"5"`: {5, true}, `" 5 "`: {5, true}, `1.5`: {1, true}, `"1.5e12"`: {1.5e12, true}, `true`: {1, true}, `-3`: {-3, true}, `1e300`: {0, true},
		`null`: {0, false}, `""`: {0, false}, `"N/A"`: {0, false}, `"NaN"`: {0, false}, `"Inf"`: {0, false}, `[]`: {0, false}, `{}`: {0, false},
	} {
		var got number
		if err := json.Unmarshal([]byte(raw), &got); err != nil || got.int64() != want.n || got.set != want.set || got.natural() != max(0, want.n) {
			t.Errorf("%s is %+v, %v", raw, got, err)
		}
	}
}

func TestFlag(t *testing.T) {
	for raw, want := range map[string]flag{
		`1`: {true, true}, `"1"`: {true, true}, `true`: {true, true}, `"Yes"`: {true, true}, `"on"`: {true, true}, `2`: {true, true},
		`0`: {false, true}, `"0"`: {false, true}, `false`: {false, true}, `"off"`: {false, true}, `"no"`: {false, true}, `0.0`: {false, true},
		`null`: {}, `""`: {}, `"maybe"`: {}, `[]`: {}, `{}`: {},
	} {
		var got flag
		if err := json.Unmarshal([]byte(raw), &got); err != nil || got != want {
			t.Errorf("%s is %+v, %v", raw, got, err)
		}
	}
}

func TestDecodeRows(t *testing.T) {
	type row struct {
		N number `json:"n"`
		T text   `json:"t"`
	}
	rows, odd, err := decodeRows[row](json.RawMessage(`[{"n":"1","t":2},17,null,"x",[],{"n":[],"t":{}},{"unknown":1}]`))
	if err != nil || len(odd) != 4 {
		t.Fatalf("%v, %v", odd, err)
	}
	if want := []row{{N: number{1, true}, T: "2"}, {}, {}}; !reflect.DeepEqual(rows, want) {
		t.Errorf("%+v", rows)
	}
	if odd[0].String() != "not an object: 17" {
		t.Errorf("%q", odd[0])
	}
	if s := (oddRow{err: errNoData}).String(); s != "no data" {
		t.Errorf("%q", s)
	}
	if s := (oddRow{json.RawMessage(`"` + strings.Repeat("ä", 200) + `"`), errNoData}).String(); len(s) > 150 || !utf8.ValidString(s) || !strings.HasSuffix(s, "…") {
		t.Errorf("%q", s)
	}
	if rows, odd, err := decodeRows[row](json.RawMessage(`[]`)); err != nil || len(rows)+len(odd) != 0 {
		t.Errorf("empty: %v %v %v", rows, odd, err)
	}
	for _, raw := range []string{``, `null`, `{}`, `"x"`, `5`, `[`, `{"data":[]}`} {
		if _, _, err := decodeRows[row](json.RawMessage(raw)); err == nil {
			t.Errorf("%s is taken for a list", raw)
		}
	}
}
