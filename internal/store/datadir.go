package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

const (
	databaseName = "proxbox.db"
	// pythonName is the database of the Python service.
	pythonName = "database.db"
)

// DataDir returns the data directory and makes it, readable by its owner
// alone, when it is not there: the one configured (PROXBOX_DATA_DIR), else
// proxbox-api in the user's data directory by the XDG rules.
func DataDir(configured string) (string, error) {
	dir := configured
	if dir == "" {
		base := os.Getenv("XDG_DATA_HOME")
		if !filepath.IsAbs(base) { // relative ones are to be ignored, says XDG
			home, err := os.UserHomeDir()
			if err != nil {
				return "", errors.New("no data directory: neither PROXBOX_DATA_DIR nor HOME is set. " +
					"Set PROXBOX_DATA_DIR to a directory that this process may write to")
			}
			base = filepath.Join(home, ".local", "share")
		}
		dir = filepath.Join(base, "proxbox-api")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("data directory: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("data directory: %w. Set PROXBOX_DATA_DIR to a directory that this process may write to", err)
	}
	return dir, nil
}
