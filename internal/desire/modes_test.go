package desire

import (
	"testing"

	"proxbox/internal/domain"
)

func TestGuestOf(t *testing.T) {
	for key, want := range map[domain.Key]domain.Key{
		"c1/qemu/100": "c1/qemu/100", "c1/lxc/7/net0": "c1/lxc/7", "c1/qemu/100/backup/nas:backup/vzdump-qemu-100.vma": "c1/qemu/100",
		"c1": "", "c1/node/pve1/if/vmbr0": "", "c1/qemu": "", "c1/qemu/": "", "c1//100/backup/x": "", "proxbox": "", "": "",
	} {
		if got := guestOf(key); got != want {
			t.Errorf("%q is of %q, want %q", key, got, want)
		}
	}
	if n := testing.AllocsPerRun(10, func() { guestOf("c1/qemu/100/net0/ip/192.0.2.1") }); n > 0 {
		t.Errorf("it allocates %v times", n)
	}
}
