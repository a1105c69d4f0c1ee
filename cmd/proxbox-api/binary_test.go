package main

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// maxBinary is the size that the stripped binary may have.
const maxBinary = 30 << 20

// The binary as it is shipped: it starts, is healthy, refuses what it has to,
// and ends when it is told to.
func TestBinary(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "proxbox-api")
	build := exec.Command("go", "build", "-trimpath", "-tags", "timetzdata", "-ldflags", "-s -w -X main.version=v1.2.3", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the binary cannot be built: %v\n%s", err, out)
	}
	info, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > maxBinary {
		t.Errorf("the binary has %d bytes, at most %d are allowed", info.Size(), maxBinary)
	}

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	data := filepath.Join(dir, "data")
	command := func(environ []string, args ...string) *exec.Cmd {
		c := exec.CommandContext(ctx, binary, args...)
		c.Env = append([]string{"HOME=" + dir, "PROXBOX_DATA_DIR=" + data}, environ...)
		return c
	}
	refused := func(words string, environ []string, args ...string) {
		t.Helper()
		out, err := command(environ, args...).CombinedOutput()
		if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != exitFailed || !strings.Contains(lastLine(string(out)), words) {
			t.Errorf("%q ended with %v:\n%swant exit code 1 and %q", args, err, out, words)
		}
	}

	if out, err := command(nil, "version").Output(); err != nil || string(out) != "proxbox-api v1.2.3\n" {
		t.Errorf("version prints %q, %v", out, err)
	}
	port := "PORT=" + strconv.Itoa(freePort(t))
	service := command([]string{port, "PROXBOX_ENCRYPTION_KEY=" + encryptionKey}, "serve")
	stderr, err := service.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := service.Start(); err != nil {
		t.Fatal(err)
	}
	var log buffer
	ready := make(chan bool, 1)
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			_, _ = log.Write([]byte(lines.Text() + "\n"))
			if strings.Contains(lines.Text(), "the service is ready") {
				ready <- true
			}
		}
		close(ready)
	}()
	if !<-ready {
		t.Fatalf("the service did not start:\n%s", &log)
	}
	if out, err := command([]string{port}, "healthcheck").CombinedOutput(); err != nil {
		t.Errorf("healthcheck: %v\n%s", err, out)
	}
	refused("choose another with PORT=", []string{port, "PROXBOX_ENCRYPTION_KEY=" + encryptionKey}, "serve")
	if err := service.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-drained
	if err := service.Wait(); err != nil {
		t.Errorf("after SIGTERM the service ended with %v:\n%s", err, &log)
	}
	refused("no service answers", []string{port}, "healthcheck")
	refused("the encryption key does not open what", []string{port, "PROXBOX_ENCRYPTION_KEY=another"}, "serve")
	if strings.Contains(log.String(), encryptionKey) {
		t.Errorf("the log holds the encryption key:\n%s", &log)
	}
}
