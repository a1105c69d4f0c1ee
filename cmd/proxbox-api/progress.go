package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"proxbox/internal/domain"
	"proxbox/internal/run"
)

// progress shows how a run goes: a bar on a terminal, plain lines elsewhere.
type progress struct {
	w        io.Writer
	terminal bool
	bar      *progressbar.ProgressBar
	tenths   int
}

func (p *program) progress() *progress {
	return &progress{w: p.stderr, terminal: onTerminal(p.stderr)}
}

// line prints a line above the bar.
func (s *progress) line(format string, args ...any) {
	if s.bar != nil {
		_ = s.bar.Clear()
	}
	fmt.Fprintf(s.w, format+"\n", args...)
	if s.bar != nil {
		_ = s.bar.RenderBlank()
	}
}

func (s *progress) event(e run.Event) {
	switch {
	case e.Step != nil && e.Step.Message != "":
		s.line("%s", e.Step.Message)
	case e.Object != nil && e.Object.Total > 0 && !e.Object.Would:
		s.done(e.Object.Done, e.Object.Total)
	}
}

// done tells how many of all writes are done.
func (s *progress) done(done, total int) {
	if s.terminal {
		if s.bar == nil {
			s.bar = newBar(s.w, total)
		}
		_ = s.bar.Set(done)
		return
	}
	if tenths := done * 10 / total; tenths > s.tenths {
		s.tenths = tenths
		s.line("  %d of %s done", done, count(total, "write"))
	}
}

// end takes the bar away.
func (s *progress) end() {
	s.tenths = 0
	if s.bar != nil {
		_ = s.bar.Finish()
		s.bar = nil
	}
}

func newBar(w io.Writer, total int) *progressbar.ProgressBar {
	return progressbar.NewOptions(total,
		progressbar.OptionSetWriter(w), progressbar.OptionSetDescription("writing"), progressbar.OptionShowCount(),
		progressbar.OptionSetWidth(32), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetTheme(progressbar.Theme{Saucer: "=", SaucerHead: ">", SaucerPadding: " ", BarStart: "[", BarEnd: "]"}))
}

// count is a number with its noun.
func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// kindName is a kind as people read it: "virtual machine" and not
// "virtualization.virtualmachine".
func kindName(k domain.Kind) string {
	if name, ok := kindNames[k]; ok {
		return name
	}
	_, name, _ := strings.Cut(string(k), ".")
	return name // "" for none
}

// kindNames are the kinds in the words of NetBox's and the plugin's pages, in
// the order in which they are listed.
var kindNames = map[domain.Kind]string{
	domain.KindTag: "tag", domain.KindCustomField: "custom field", domain.KindSite: "site", domain.KindManufacturer: "manufacturer",
	domain.KindDeviceType: "device type", domain.KindDeviceRole: "device role", domain.KindPlatform: "platform",
	domain.KindDevice: "device", domain.KindInterface: "device interface", domain.KindMACAddress: "MAC address",
	domain.KindClusterType: "cluster type", domain.KindCluster: "cluster", domain.KindVirtualMachineType: "virtual machine type",
	domain.KindVirtualMachine: "virtual machine", domain.KindVirtualDisk: "virtual disk", domain.KindVMInterface: "VM interface",
	domain.KindVLAN: "VLAN", domain.KindPrefix: "prefix", domain.KindIPAddress: "IP address",
	domain.KindProxmoxEndpoint: "Proxmox endpoint (plugin)", domain.KindProxmoxCluster: "Proxmox cluster (plugin)",
	domain.KindProxmoxNode: "Proxmox node (plugin)", domain.KindProxmoxStorage: "Proxmox storage (plugin)",
	domain.KindVMState: "virtual machine's state (plugin)", domain.KindDeviceState: "device's state (plugin)",
	domain.KindClusterState: "cluster's state (plugin)", domain.KindVirtualDiskState: "virtual disk's state (plugin)",
	domain.KindVMInterfaceState: "VM interface's state (plugin)", domain.KindIPAddressState: "IP address's state (plugin)",
	domain.KindInterfaceState: "device interface's state (plugin)",
	domain.KindBackup:         "backup (plugin)", domain.KindSnapshot: "snapshot (plugin)", domain.KindTaskHistory: "task (plugin)",
	domain.KindReplication: "replication (plugin)", domain.KindBackupRoutine: "backup routine (plugin)", domain.KindCloudInit: "cloud-init (plugin)",
	domain.KindSDNZone: "SDN zone (plugin)", domain.KindSDNVNet: "SDN vnet (plugin)", domain.KindSDNSubnet: "SDN subnet (plugin)",
	domain.KindGuestInterface: "guest interface (plugin)", domain.KindGuestInterfaceAddr: "guest interface's address (plugin)",
}
