//go:build e2e

package bench

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"proxbox/test/lab"
)

// BenchmarkService: the size of the binary, how long it takes from its start to
// its first answer, and the memory that it holds when nobody asks it anything.
func BenchmarkService(b *testing.B) {
	dir := b.TempDir()
	binary := filepath.Join(dir, "proxbox-api")
	build := exec.Command("go", "build", "-trimpath", "-tags", "timetzdata", "-ldflags", "-s -w", "-o", binary, "proxbox/cmd/proxbox-api")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	info, err := os.Stat(binary)
	if err != nil {
		b.Fatal(err)
	}
	var start time.Duration
	var memory int
	for range b.N {
		start, memory = serve(b, binary, filepath.Join(dir, "data"))
	}
	b.ReportMetric(start.Seconds(), "s/start")
	b.ReportMetric(float64(memory)/1024, "MB-idle")
	b.ReportMetric(float64(info.Size())/1e6, "MB-binary")
	b.ReportMetric(0, "ns/op")
}

func serve(b *testing.B, binary, data string) (start time.Duration, memoryKB int) {
	b.Helper()
	port := lab.FreePort(b)
	cmd := exec.Command(binary, "serve")
	cmd.Env = append(os.Environ(), "PROXBOX_DATA_DIR="+data, "PORT="+strconv.Itoa(port), "PROXBOX_BIND_HOST=127.0.0.1")
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}()
	for {
		resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/health", port))
		if err == nil {
			resp.Body.Close()
			break
		}
		if time.Since(begin) > time.Minute {
			b.Fatal("the service does not answer")
		}
		time.Sleep(2 * time.Millisecond)
	}
	start = time.Since(begin)
	time.Sleep(3 * time.Second)
	return start, resident(b, cmd.Process.Pid)
}

// resident is the memory that a process holds, in KB.
func resident(b *testing.B, pid int) int {
	b.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "VmRSS:"); ok {
			n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			if err != nil {
				b.Fatal(err)
			}
			return n
		}
	}
	b.Fatal("the system does not say how much memory the process has")
	return 0
}
