package proxmox

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"proxbox/internal/domain"
)

var (
	machineDiskKey   = regexp.MustCompile(`^(scsi|ide|sata|virtio|efidisk|tpmstate)\d{1,4}$`)
	containerDiskKey = regexp.MustCompile(`^(rootfs|mp\d{1,4})$`)
	cloudInitVolume  = regexp.MustCompile(`^vm-\d+-cloudinit(\.\w+)?$`)
)

// parseDisks reads every disk of a configuration. CD-ROMs, cloud-init drives,
// unused volumes and empty drives are no disks of the guest.
func parseDisks(t domain.GuestType, opts map[string]text) []domain.Disk {
	keys := machineDiskKey
	if t == domain.LXC {
		keys = containerDiskKey
	}
	var disks []domain.Disk
	for key, value := range opts {
		if !keys.MatchString(key) {
			continue
		}
		if d, ok := parseDisk(string(value)); ok {
			d.Key = key
			disks = append(disks, d)
		}
	}
	slices.SortFunc(disks, func(a, b domain.Disk) int { return cmp.Compare(a.Key, b.Key) })
	return disks
}

// parseDrives names the drives that are no disks: CD-ROMs, empty ones and those
// of cloud-init.
func parseDrives(t domain.GuestType, opts map[string]text) []string {
	if t == domain.LXC {
		return nil
	}
	var keys []string
	for key, value := range opts {
		if _, disk := parseDisk(string(value)); machineDiskKey.MatchString(key) && !disk {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// parseDisk reads "local-lvm:vm-100-disk-0,size=32G", with the volume also as
// file= (QEMU) or volume= (LXC).
func parseDisk(s string) (domain.Disk, bool) {
	ps := parseProperties(s)
	d := domain.Disk{Volume: ps.text("file", "volume", "")}
	if d.Volume == "" || d.Volume == "none" || ps.text("media") == "cdrom" {
		return domain.Disk{}, false
	}
	name := d.Volume
	if storage, rest, ok := strings.Cut(d.Volume, ":"); ok && !strings.HasPrefix(d.Volume, "/") {
		d.Storage, name = storage, rest
	}
	name = name[strings.LastIndexByte(name, '/')+1:]
	if d.Storage != "" && cloudInitVolume.MatchString(name) {
		return domain.Disk{}, false
	}
	d.SizeMB = parseSizeMB(ps.text("size"))
	d.Format = ps.text("format")
	if d.Format == "" && d.Storage != "" {
		d.Format = volumeFormat(name)
	}
	return d, true
}

// volumeFormat is what the name of a volume says of its format; most storages
// hold raw volumes and say nothing.
func volumeFormat(name string) string {
	if strings.HasPrefix(name, "subvol-") {
		return "subvol"
	}
	for _, format := range []string{"raw", "qcow2", "vmdk"} {
		if strings.HasSuffix(name, "."+format) {
			return format
		}
	}
	return ""
}
