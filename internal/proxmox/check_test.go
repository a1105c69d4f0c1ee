package proxmox

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	for name, tt := range map[string]struct {
		version, rights string
		missing         []string
	}{
		"all of it, 9":         {"9.0.10", `{"/":{"VM.Audit":1,"Sys.Audit":1,"Datastore.Audit":1,"VM.GuestAgent.Audit":1}}`, nil},
		"all of it, 8":         {"8.4.1", `{"/":{"VM.Audit":1,"Sys.Audit":1,"Datastore.Audit":1,"VM.Monitor":1}}`, nil},
		"8's right is not 9's": {"9.0.10", `{"/":{"VM.Audit":1,"Sys.Audit":1,"Datastore.Audit":1,"VM.Monitor":1}}`, []string{"VM.GuestAgent.Audit on /vms"}},
		"guests alone":         {"8.4.1", `{"/vms":{"VM.Audit":1,"VM.Monitor":1}}`, []string{"Sys.Audit on /nodes", "Datastore.Audit on /storage"}},
		"none":                 {"7.4-16", `{}`, []string{"VM.Audit on /vms", "Sys.Audit on /nodes", "Datastore.Audit on /storage", "VM.Monitor on /vms"}},
	} {
		pve := newServer(map[string]answer{"/version": data(fmt.Sprintf(`{"version":%q}`, tt.version)), "/access/permissions": data(tt.rights)})
		check, err := pve.reader(t).Check(t.Context())
		if err != nil || check.Version.Version != tt.version || check.Principal != "netbox@pve!sync" {
			t.Errorf("%s: %+v, %v", name, check, err)
		}
		if got := whats(check.Missing); len(got)+len(tt.missing) > 0 && !reflect.DeepEqual(got, tt.missing) {
			t.Errorf("%s: %q is missing", name, got)
		}
		for _, p := range check.Missing {
			if !strings.Contains(p.WayOut, "pveum acl modify ") || !strings.Contains(p.WayOut, "netbox@pve!sync") {
				t.Errorf("%s: %+v", name, p)
			}
		}
	}
}

func TestCheckFails(t *testing.T) {
	version := data(`{"version":"9.0.10"}`)
	for name, answers := range map[string]map[string]answer{
		"no version":     {"/version": refused(401, "invalid token value!")},
		"no permissions": {"/version": version, "/access/permissions": unreachable},
		"nonsense":       {"/version": version, "/access/permissions": data(`[]`)},
	} {
		var ee *EndpointError
		if _, err := newServer(answers).reader(t).Check(t.Context()); !errors.As(err, &ee) || ee.Path == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
