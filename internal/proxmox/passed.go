package proxmox

import (
	"encoding/json"

	"proxbox/internal/domain"
)

// ParseConfig reads a guest's configuration as Get returns it.
func ParseConfig(t domain.GuestType, raw json.RawMessage) (domain.GuestConfig, error) {
	return parseConfig(t, raw)
}
