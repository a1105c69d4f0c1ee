package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	netboxsim "proxbox/internal/sim/netbox"
	proxmoxsim "proxbox/internal/sim/proxmox"
)

func TestEndpoints(t *testing.T) {
	f := newFixture(t)
	if r := f.mustRun("endpoints", "list"); !strings.Contains(r.stderr, "there is no endpoint yet") {
		t.Errorf("an empty list says %q", r.stderr)
	}
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte(netboxsim.Token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f.mustRun("endpoints", "add", "netbox", "--url", "http://10.0.0.5:8000", "--token-file", token)
	f.environ = append(f.environ, "PROXBOX_PROXMOX_PASSWORD="+proxmoxPass)
	f.mustRun("endpoints", "add", "proxmox", "--url", "pve1.example.org", "--username", "root@pam", "--insecure", "--site", "Berlin 1")

	p, out, errs := f.program()
	p.stdin = strings.NewReader(proxmoxSecret + "\n")
	if code := p.run(t.Context(), []string{"endpoints", "add", "proxmox", "--url", "https://[2001:db8::1]:443",
		"--token-id", "root@pam!proxbox", "--token-secret-file", "-", "--name", "lab"}); code != exitDone {
		t.Fatalf("an endpoint with its secret on standard input: %d\n%s%s", code, out, errs)
	}

	list := f.mustRun("endpoints", "list").stdout
	for _, want := range []string{
		"netbox   1        10.0.0.5          http://10.0.0.5:8000", "https://pve1.example.org:8006", "root@pam ", "any",
		"lab ", "https://[2001:db8::1]:443", "root@pam!proxbox", "verified",
	} {
		if !strings.Contains(list, want) {
			t.Errorf("the list lacks %q:\n%s", want, list)
		}
	}

	f.refused("there is a Proxmox endpoint named", "endpoints", "add", "proxmox", "--url", "pve1.example.org", "--username", "root@pam")
	f.refused("Only one NetBox endpoint is allowed", "endpoints", "add", "netbox", "--url", "https://other.example.org", "--token-file", token)
	f.refused("which Proxmox VE is not said", "endpoints", "add", "proxmox")
	f.refused("which NetBox is not said", "endpoints", "add", "netbox")
	f.refused(`there is no Proxmox endpoint "nothing"`, "endpoints", "remove", "proxmox", "nothing")
	f.refused("unknown flag", "endpoints", "list", "--nothing")
	f.refused("there is no command `proxbox-api nothing`", "nothing")
	f.refused("there is no command `proxbox-api endpoints nothing`", "endpoints", "nothing")
	f.refused("takes no argument", "endpoints", "list", "all")

	f.mustRun("endpoints", "remove", "proxmox", "lab")
	f.mustRun("endpoints", "remove", "netbox")
	f.refused("no NetBox endpoint to remove", "endpoints", "remove", "netbox")
	if list := f.mustRun("endpoints", "list").stdout; strings.Contains(list, "lab") || strings.Contains(list, "netbox") {
		t.Errorf("after the removal the list is:\n%s", list)
	}
}

func TestEndpointsTest(t *testing.T) {
	f := newFixture(t)
	if r := f.run("endpoints", "test"); r.code != exitFailed || !strings.Contains(r.stdout, "no enabled NetBox endpoint") {
		t.Errorf("a test of nothing ended with %d:\n%s", r.code, r.stdout)
	}
	f.addEndpoints()
	r := f.mustRun("endpoints", "test")
	for _, want := range []string{"NetBox 4.7.3 at https://netbox.example.org:443, with the plugin netbox-proxbox 0.0.29.post6", "Proxmox VE 9.0.10", "as root@pam!proxbox"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("the test does not print %q:\n%s", want, r.stdout)
		}
	}
	if n := f.netbox.Stats().Writes; n != 0 {
		t.Errorf("the test wrote to NetBox %d times", n)
	}
}

func TestEndpointsTestNamesWhatIsMissing(t *testing.T) {
	f := newFixture(t)
	f.addEndpoints()
	f.proxmox.Change(func(e *proxmoxsim.Estate) {
		e.Tokens[0].Rights = proxmoxsim.Grant("/", "Sys.Audit", "Datastore.Audit").And("/vms/100", "VM.Audit")
	})
	f.netbox.SetFault(func(r *http.Request) *netboxsim.Fault {
		if strings.HasSuffix(r.URL.Path, "/ipam/ip-addresses/") {
			return &netboxsim.Fault{Status: http.StatusForbidden, Body: `{"detail":"You do not have permission to perform this action."}`}
		}
		return nil
	})
	r := f.run("endpoints", "test")
	if r.code != exitFailed {
		t.Errorf("exit code %d, want 1", r.code)
	}
	for _, want := range []string{
		"missing: VM.Audit on /vms", "missing: VM.GuestAgent.Audit on /vms", "pveum acl modify / --roles PVEAuditor --users 'root@pam' --tokens 'root@pam!proxbox'",
		"pveum role add ProxboxAgent --privs VM.GuestAgent.Audit", "missing: the token may not view ipam.ipaddress\n",
		"optional: Datastore.AllocateSpace on /storage and VM.Backup on /vms",
	} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("the test does not print %q:\n%s", want, r.stdout)
		}
	}
	if r := f.run("endpoints", "test", "demo"); strings.Contains(r.stdout, "NetBox") {
		t.Errorf("the test of one endpoint tested NetBox too:\n%s", r.stdout)
	}
}
