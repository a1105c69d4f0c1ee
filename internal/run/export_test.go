package run

import "proxbox/internal/domain"

// Picture is what is kept of NetBox; nil for nothing.
func (m *Memory) Picture() *domain.Inventory {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.picture == nil {
		return nil
	}
	return m.picture.inv
}
