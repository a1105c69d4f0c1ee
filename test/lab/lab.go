//go:build unix

// Package lab runs the real NetBox with the real plugin for tests, on free
// ports of 127.0.0.1 and in a folder that is thrown away. It starts once for
// a test binary, or once for many when one of them was started under
// `go run ./test/cmd/lab run`. See [NetBox] for what a test does with it.
package lab

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// Variable names the environment variable that holds the path of a running
// lab's description, for the tests that share it.
const Variable = "PROXBOX_LAB"

// The databases of a lab: the one that NetBox serves, and those that it is
// put back to.
const (
	served = "netbox"
	empty  = "netbox_empty"
)

// Account is a user of NetBox and its tokens.
type Account struct {
	Name     string
	Password string
	// TokenV1 goes into "Authorization: Token …".
	TokenV1   string
	TokenV1ID int
	// TokenV2 goes into "Authorization: Bearer …", nbt_ included.
	TokenV2   string
	TokenV2ID int
}

// description is what another process must know to use a lab.
type description struct {
	Dir          string
	Tools        tools
	PostgresPort int
	RedisPort    int
	NetBoxPort   int
	// Admin is a superuser. Service has the permissions that proxbox-api
	// needs and no other. Reader may see the same and change nothing.
	Admin, Service, Reader Account
}

// Lab is a running NetBox.
type Lab struct {
	description
	processes []*process
}

// tools are the programs that test/setup.sh found or installed.
type tools struct {
	PostgresBin string
	RedisServer string
	NetBoxVenv  string
	// ServiceVenv and SchemathesisVenv are empty unless they were asked for.
	ServiceVenv      string
	SchemathesisVenv string
}

// setup runs test/setup.sh, which installs what is missing.
func setup(ctx context.Context, log io.Writer, arguments ...string) (tools, error) {
	root, err := projectRoot()
	if err != nil {
		return tools{}, err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(root, "test", "setup.sh"), arguments...)
	// What it says is kept too: without it "exit status 1" explains nothing.
	var said bytes.Buffer
	cmd.Stderr = io.MultiWriter(log, &said)
	out, err := cmd.Output()
	if err != nil {
		return tools{}, fmt.Errorf("test/setup.sh: %w\n%s", err, tail(said.Bytes()))
	}
	var found tools
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), "=")
		switch name {
		case "POSTGRES_BIN":
			found.PostgresBin = value
		case "REDIS_SERVER":
			found.RedisServer = value
		case "NETBOX_VENV":
			found.NetBoxVenv = value
		case "SERVICE_VENV":
			found.ServiceVenv = value
		case "SCHEMATHESIS_VENV":
			found.SchemathesisVenv = value
		}
	}
	return found, nil
}

// projectRoot is the directory with go.mod, above the working directory.
func projectRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, "go.mod")); err == nil {
			return d, nil
		}
		if d == filepath.Dir(d) {
			return "", fmt.Errorf("no go.mod above %s: the lab needs the project's files", dir)
		}
	}
}

// Start sets everything up and returns once NetBox answers, with an empty
// database. What it installs and waits for goes to log.
func Start(ctx context.Context, log io.Writer) (*Lab, error) {
	l, err := startServers(ctx, log)
	if err != nil {
		return nil, err
	}
	if err := l.startNetBox(ctx); err != nil {
		err = fmt.Errorf("%w\n%s", err, l.logTail("netbox.log"))
		l.Stop()
		return nil, err
	}
	return l, nil
}

// startServers starts PostgreSQL, without a database in it, and Redis.
func startServers(ctx context.Context, log io.Writer) (*Lab, error) {
	found, err := setup(ctx, log)
	if err != nil {
		return nil, err
	}
	l := &Lab{description: description{Tools: found}}
	if err := l.makeDir(); err != nil {
		return nil, err
	}
	err = l.freePorts()
	if err == nil {
		err = l.startPostgres(ctx)
	}
	if err == nil {
		err = l.startRedis(ctx)
	}
	if err != nil {
		err = fmt.Errorf("%w\n%s%s", err, l.logTail("postgres.log"), l.logTail("redis.log"))
		l.Stop()
		return nil, err
	}
	return l, nil
}

// Attach returns the lab that another process runs. It is stopped there.
func Attach(path string) (*Lab, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s names no running lab: %w", Variable, err)
	}
	l := &Lab{}
	if err := json.Unmarshal(raw, &l.description); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return l, nil
}

// Description is the path of the file that [Attach] reads.
func (l *Lab) Description() string { return filepath.Join(l.Dir, "lab.json") }

// Stop ends all processes, the last started first, and removes the folder. A
// lab that another process runs has none here, and stays.
func (l *Lab) Stop() {
	if len(l.processes) == 0 {
		return
	}
	for i := len(l.processes) - 1; i >= 0; i-- {
		l.processes[i].halt()
	}
	l.processes = nil
	_ = os.RemoveAll(l.Dir)
}

// makeDir makes the lab's folder, and a process that removes it should we end
// without doing so.
func (l *Lab) makeDir() error {
	dir, err := os.MkdirTemp("", "proxbox-lab-")
	if err != nil {
		return err
	}
	l.Dir = dir
	// PostgreSQL's user must get through, not read.
	if err := os.Chmod(dir, 0o711); err != nil {
		return err
	}
	root, err := projectRoot()
	if err != nil {
		return err
	}
	conf := filepath.Join(dir, "root", "conf")
	if err := os.MkdirAll(conf, 0o755); err != nil {
		return err
	}
	configuration, err := os.ReadFile(filepath.Join(root, "test", "netbox", "configuration.py"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(conf, "configuration.py"), configuration, 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(conf, "__init__.py"), nil, 0o644); err != nil {
		return err
	}
	janitor, err := startJanitor(dir)
	if err != nil {
		return err
	}
	l.processes = append(l.processes, janitor)
	return nil
}

// freePorts picks three ports that nobody listens on.
func (l *Lab) freePorts() error {
	for _, port := range []*int{&l.PostgresPort, &l.RedisPort, &l.NetBoxPort} {
		// All are held until all are chosen.
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer listener.Close()
		*port = listener.Addr().(*net.TCPAddr).Port
	}
	return nil
}

// run starts a process that lasts as long as the lab, with its output in
// NAME.log.
func (l *Lab) run(s spawn) (*process, error) {
	log, err := os.OpenFile(filepath.Join(l.Dir, s.name+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the process has its own
	s.log = log
	if s.dir == "" {
		s.dir = l.Dir
	}
	p, err := s.start()
	if err != nil {
		return nil, err
	}
	l.processes = append(l.processes, p)
	return p, nil
}

func (l *Lab) startPostgres(ctx context.Context) error {
	data := filepath.Join(l.Dir, "postgres")
	if err := os.Mkdir(data, 0o700); err != nil {
		return err
	}
	who, err := unprivileged()
	if err != nil {
		return err
	}
	initdb := exec.CommandContext(ctx, filepath.Join(l.Tools.PostgresBin, "initdb"),
		"--pgdata", data, "--username", "netbox", "--auth", "trust",
		"--encoding", "UTF8", "--locale", "C", "--no-sync")
	initdb.Dir = data
	if who != nil {
		c, err := credential(who)
		if err != nil {
			return err
		}
		if err := os.Chown(data, int(c.Uid), int(c.Gid)); err != nil {
			return err
		}
		initdb.SysProcAttr = &syscall.SysProcAttr{Credential: c}
	}
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, tail(out))
	}
	p, err := l.run(spawn{
		// SIGINT is PostgreSQL's fast shutdown.
		name: "postgres", stop: "INT", user: who, dir: data,
		argv: []string{filepath.Join(l.Tools.PostgresBin, "postgres"), "-D", data,
			"-c", "port=" + strconv.Itoa(l.PostgresPort),
			"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
			// Thrown away after the tests: nothing needs to survive a crash.
			"-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off",
			"-c", "wal_level=minimal", "-c", "max_wal_senders=0",
		},
	})
	if err != nil {
		return err
	}
	return wait(ctx, p, 30*time.Second, func(ctx context.Context) error {
		_, err := l.psql(ctx, "postgres", "SELECT 1")
		return err
	})
}

func (l *Lab) startRedis(ctx context.Context) error {
	p, err := l.run(spawn{
		name: "redis", stop: "TERM",
		argv: []string{l.Tools.RedisServer, "--bind", "127.0.0.1", "--port", strconv.Itoa(l.RedisPort),
			"--save", "", "--appendonly", "no", "--dir", l.Dir},
	})
	if err != nil {
		return err
	}
	return wait(ctx, p, 30*time.Second, l.flushRedis)
}

// startNetBox restores the database, makes the users and starts NetBox, the
// latter two at the same time.
func (l *Lab) startNetBox(ctx context.Context) error {
	dump, err := storedDump("empty")
	if err != nil {
		return err
	}
	if err := l.restore(ctx, dump, empty); err != nil {
		return err
	}
	if _, err := l.psql(ctx, "postgres", "CREATE DATABASE "+served); err != nil {
		return err
	}
	root, err := projectRoot()
	if err != nil {
		return err
	}
	// NetBox needs the database while it loads, but nothing in it.
	p, err := l.run(spawn{
		name: "netbox", stop: "TERM", env: l.environment(served),
		argv: []string{l.program("gunicorn"), "--config", filepath.Join(root, "test", "netbox", "gunicorn.conf.py"),
			"--bind", "127.0.0.1:" + strconv.Itoa(l.NetBoxPort), "netbox.wsgi"},
	})
	if err != nil {
		return err
	}
	group, gctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		seed, err := os.ReadFile(filepath.Join(root, "test", "netbox", "seed.py"))
		if err != nil {
			return err
		}
		out, err := l.shell(gctx, empty, string(seed))
		if err != nil {
			return err
		}
		return json.Unmarshal([]byte(out), &l.description)
	})
	group.Go(func() error {
		return wait(gctx, p, 3*time.Minute, func(ctx context.Context) error {
			_, err := l.status(ctx)
			return err
		})
	})
	if err := group.Wait(); err != nil {
		return err
	}
	if err := l.reset(ctx, empty); err != nil {
		return err
	}
	if status, err := l.status(ctx); err != nil || status != http.StatusOK {
		return fmt.Errorf("NetBox answers /api/status/ with %d %w", status, err)
	}
	raw, err := json.MarshalIndent(l.description, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(l.Description(), raw, 0o600)
}

// URL is NetBox's own address, without a slash at its end.
func (l *Lab) URL() string { return "http://127.0.0.1:" + strconv.Itoa(l.NetBoxPort) }

// status asks NetBox for /api/status/.
func (l *Lab) status(ctx context.Context) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.URL()+"/api/status/", nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Token "+l.Admin.TokenV1)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	return resp.StatusCode, nil
}

// program is the path of a program of NetBox's environment.
func (l *Lab) program(name string) string { return filepath.Join(l.Tools.NetBoxVenv, "bin", name) }

// environment is that of NetBox's processes.
func (l *Lab) environment(database string) []string {
	env := cleanEnvironment()
	return append(env,
		"NETBOX_ROOT="+filepath.Join(l.Dir, "root"),
		"LAB_DATABASE="+database,
		"LAB_POSTGRES_PORT="+strconv.Itoa(l.PostgresPort),
		"LAB_REDIS_PORT="+strconv.Itoa(l.RedisPort),
	)
}

// cleanEnvironment is ours without what would lead Python elsewhere.
func cleanEnvironment() []string {
	var env []string
	for _, e := range os.Environ() {
		switch name, _, _ := strings.Cut(e, "="); name {
		case "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV", "DJANGO_SETTINGS_MODULE":
		default:
			env = append(env, e)
		}
	}
	return env
}

// manage runs a management command of NetBox and returns its standard output.
func (l *Lab) manage(ctx context.Context, database, stdin string, arguments ...string) (string, error) {
	cmd := exec.CommandContext(ctx, l.program("netbox"), arguments...)
	cmd.Dir, cmd.Env = l.Dir, l.environment(database)
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("netbox %s: %w\n%s%s", strings.Join(arguments, " "), err, tail(stdout.Bytes()), tail(stderr.Bytes()))
	}
	return stdout.String(), nil
}

// shell runs Python in `netbox shell` and returns what it printed. Python's
// shell goes on after an exception, so the script is run as a whole.
func (l *Lab) shell(ctx context.Context, database, script string) (string, error) {
	source, err := json.Marshal(script)
	if err != nil {
		return "", err
	}
	return l.manage(ctx, database, "", "shell", "--verbosity", "0", "--command",
		"exec(compile("+string(source)+", '<lab>', 'exec'), {'__name__': '__main__'})")
}

// flushRedis empties both of NetBox's Redis databases: cache and queues.
func (l *Lab) flushRedis(ctx context.Context) error { return l.redis(ctx, "FLUSHALL") }

// redis sends one command to the database of the queues.
func (l *Lab) redis(ctx context.Context, command string) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(l.RedisPort)))
	if err != nil {
		return err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	if _, err := io.WriteString(conn, command+"\r\n"); err != nil {
		return err
	}
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return err
	}
	if strings.HasPrefix(answer, "-") {
		return fmt.Errorf("server answers %s with %q", command, answer)
	}
	return nil
}

// wait asks until there is no error, the process ends or time is up.
func wait(ctx context.Context, p *process, most time.Duration, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s did not become ready within %s: %w", p.name, most, errors.Join(err, context.Cause(ctx)))
		case <-p.done:
			return p.ended()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// logTail is the end of one of the lab's logs, with its name above.
func (l *Lab) logTail(name string) string {
	raw, err := os.ReadFile(filepath.Join(l.Dir, name))
	if err != nil || len(raw) == 0 {
		return ""
	}
	return "--- " + name + "\n" + tail(raw)
}

// tail is the end of a longer output.
func tail(raw []byte) string {
	const most = 4000
	if len(raw) > most {
		raw = raw[len(raw)-most:]
	}
	return string(raw)
}
