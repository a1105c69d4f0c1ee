package proxmox

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"proxbox/internal/domain"
)

func TestGuestInterfaces(t *testing.T) {
	for name, tt := range map[string]struct {
		raw  string
		want []domain.GuestInterface
	}{
		"linux": {`{"result":[
			{"name":"lo","hardware-address":"00:00:00:00:00:00","ip-addresses":[{"ip-address":"127.0.0.1","ip-address-type":"ipv4","prefix":8},{"ip-address":"::1","ip-address-type":"ipv6","prefix":128}],"statistics":{"rx-bytes":1}},
			{"ip-addresses":[{"prefix":24,"ip-address":"192.0.2.20","ip-address-type":"ipv4"},{"ip-address":"fe80::bc2a:81ff:fe98:bcad","prefix":64}],"name":"ens18","hardware-address":"be:2a:81:98:bc:ad"}]}`,
			[]domain.GuestInterface{
				{Name: "lo", Addresses: prefixes("127.0.0.1/8", "::1/128")},
				{Name: "ens18", MAC: "BE:2A:81:98:BC:AD", Addresses: prefixes("192.0.2.20/24", "fe80::bc2a:81ff:fe98:bcad/64")},
			}},
		"windows, an old agent": {`{"result":[
			{"name":"Ethernet","hardware-address":"1e:7d:d6:a7:13:35","ip-addresses":[{"ip-address":"fe80::a496:9e36:8632:81c1%8","prefix":-1},{"ip-address":"192.0.2.117","prefix":24},{"ip-address":"2001:db8::7","prefix":-1}]},
			{"name":"Loopback Pseudo-Interface 1","ip-addresses":[{"ip-address":"127.0.0.1","prefix":8}]},
			{"name":"isatap.example.org"}]}`,
			[]domain.GuestInterface{
				{Name: "Ethernet", MAC: "1E:7D:D6:A7:13:35", Addresses: prefixes("fe80::a496:9e36:8632:81c1/128", "192.0.2.117/24", "2001:db8::7/128")},
				{Name: "Loopback Pseudo-Interface 1", Addresses: prefixes("127.0.0.1/8")},
				{Name: "isatap.example.org"},
			}},
		"coming up, VRRP and aliases": {`{"result":[
			{"hardware-address":"6e:c4:11:d0:53:10","name":"eth0"},{"name":"vrrp.46","hardware-address":"00:00:5e:00:01:2e"},
			{"name":"ens20:1","hardware-address":"6e:c4:11:d0:53:10","ip-addresses":[{"ip-address":"192.0.2.9","prefix":"32"}]},{"name":"cni0","ip-addresses":null},{"name":"x","ip-addresses":[]}]}`,
			[]domain.GuestInterface{
				{Name: "eth0", MAC: "6E:C4:11:D0:53:10"}, {Name: "vrrp.46", MAC: "00:00:5E:00:01:2E"},
				{Name: "ens20:1", MAC: "6E:C4:11:D0:53:10", Addresses: prefixes("192.0.2.9/32")}, {Name: "cni0"}, {Name: "x"},
			}},
		"container before 9": {`[{"inet":"127.0.0.1/8","hwaddr":"00:00:00:00:00:00","name":"lo","inet6":"::1/128"},{"inet6":"fe80::1/64 2001:db8::9/64","name":"eth0","hwaddr":"bc:24:11:89:67:07","inet":"192.0.2.95/22"}]`,
			[]domain.GuestInterface{
				{Name: "lo", Addresses: prefixes("127.0.0.1/8", "::1/128")},
				{Name: "eth0", MAC: "BC:24:11:89:67:07", Addresses: prefixes("192.0.2.95/22", "fe80::1/64", "2001:db8::9/64")},
			}},
		"container from 9 on": {`[{"name":"eth0","hwaddr":"bc:24:11:89:67:07","hardware-address":"bc:24:11:89:67:07","inet":"192.0.2.95/22","ip-addresses":[{"ip-address":"192.0.2.95","ip-address-type":"inet","prefix":"22"},{"ip-address":"2001:db8::9","ip-address-type":"inet6","prefix":"64"}]}]`,
			[]domain.GuestInterface{{Name: "eth0", MAC: "BC:24:11:89:67:07", Addresses: prefixes("192.0.2.95/22", "2001:db8::9/64")}}},
		"odd addresses": {`[{"name":"e","ip-addresses":[{"ip-address":"192.0.2.300","prefix":24},{"ip-address":null},{"ip-address":"192.0.2.3/25"},{"ip-address":"192.0.2.4","prefix":99},{"ip-address":"192.0.2.5"}]}]`,
			[]domain.GuestInterface{{Name: "e", Addresses: prefixes("192.0.2.3/25", "192.0.2.4/32", "192.0.2.5/32")}}},
	} {
		got, odd, err := parseGuestInterfaces(json.RawMessage(tt.raw))
		if err != nil || len(odd) > 0 || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s:\n%+v, %v, %v, want\n%+v", name, got, odd, err, tt.want)
		}
	}
	got, odd, err := parseGuestInterfaces(json.RawMessage(`[{"name":"a","ip-addresses":[5]},"b",{"name":"c"}]`))
	if err != nil || len(odd) != 2 || len(got) != 2 {
		t.Errorf("odd rows cost %v, %v, %v", got, odd, err)
	}
	for _, raw := range []string{`null`, `{"result":null}`, `[]`, `{"result":[]}`, `{}`, `"x"`, ``} {
		if got, _, err := parseGuestInterfaces(json.RawMessage(raw)); err == nil {
			t.Errorf("%s is an answer: %v", raw, got)
		}
	}
}

func TestAgentRefuses(t *testing.T) {
	raw := json.RawMessage(`{"result":{"error":{"class":"CommandDisabled","desc":"The command has been disabled\n"}}}`)
	_, _, err1 := parseGuestInterfaces(raw)
	_, err2 := parseAgentOS(raw)
	_, err3 := parseHostname(raw)
	for _, err := range []error{err1, err2, err3} {
		var ae *AgentError
		if !errors.As(err, &ae) || *ae != (AgentError{"CommandDisabled", "The command has been disabled"}) || !AgentSilent(err) {
			t.Errorf("%v", err)
		}
	}
	if got := (&AgentError{Class: "GenericError"}).Error(); got != "the guest agent answered GenericError" {
		t.Errorf("%q", got)
	}
}

func TestAgentSilent(t *testing.T) {
	for reason, want := range map[string]bool{
		"QEMU guest agent is not running": true, "VM 100 is not running": true, "VM 100 qmp command 'guest-ping' failed - got timeout": true,
		"Agent error: The command guest-get-osinfo has been disabled": true, "No QEMU guest agent configured": true, "got no worker upid": false,
	} {
		if got := AgentSilent(&StatusError{Code: 500, Reason: reason}); got != want {
			t.Errorf("%q is %t", reason, got)
		}
		if AgentSilent(&StatusError{Code: 403, Reason: reason}) {
			t.Errorf("403 %q is silence", reason)
		}
	}
}

func TestAgentOS(t *testing.T) {
	got, err := parseAgentOS(json.RawMessage(`{"result":{"id":"debian","name":"Debian GNU/Linux","version-id":12,"pretty-name":"Debian GNU/Linux 12","kernel-release":"6.1"}}`))
	if want := (domain.AgentOS{Name: "Debian GNU/Linux", VersionID: "12", PrettyName: "Debian GNU/Linux 12"}); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for _, raw := range []string{`{"result":{}}`, `null`, `[]`, `{"result":[]}`} {
		if got, err := parseAgentOS(json.RawMessage(raw)); err == nil {
			t.Errorf("%s is %+v", raw, got)
		}
	}
}

func TestHostname(t *testing.T) {
	if got, err := parseHostname(json.RawMessage(`{"result":{"host-name":"web.example\n"}}`)); err != nil || got != "web.example" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := parseHostname(json.RawMessage(`[]`)); err == nil {
		t.Error("a list is a host name")
	}
}
