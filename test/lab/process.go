//go:build unix

package lab

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
	"time"
)

// tether runs a program that ends when the tether's standard input does: with
// our own end, however that comes, the pipe closes and nothing stays behind.
// $1 is the signal that asks the program to stop. It is sent a second time
// for NetBox's worker, which at the first lets its job run to the end.
const tether = `stop=$1
shift
exec 3<&0
"$@" </dev/null 3<&- &
child=$!
{ read -r _ <&3; kill -s "$stop" "$child"; sleep 2; kill -s "$stop" "$child"; } 2>/dev/null &
watcher=$!
exec 3<&-
wait "$child"
status=$?
kill "$watcher" 2>/dev/null
exit "$status"`

// process is a program that runs until it is stopped.
type process struct {
	name string
	cmd  *exec.Cmd
	// leash is the write end of its standard input.
	leash io.Closer
	done  chan struct{}
	err   error
}

// spawn says how a process is started.
type spawn struct {
	name string
	// stop is the signal that asks it to end, without SIG.
	stop string
	dir  string
	env  []string
	// log receives both outputs.
	log  *os.File
	user *user.User
	argv []string
}

func (s spawn) start() (*process, error) {
	cmd := exec.Command("/bin/sh", append([]string{"-c", tether, "sh", s.stop}, s.argv...)...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.dir, s.env, s.log, s.log
	if s.user != nil {
		credential, err := credential(s.user)
		if err != nil {
			return nil, err
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
	}
	return launch(s.name, cmd)
}

// janitor waits for the end of its standard input and removes the directory
// $1. The programs that live there end at the same time and may still write.
const janitor = `read -r _
for i in 1 2 3 4 5 6 7 8 9 10; do
	rm -rf "$1" && exit
	sleep 1
done`

// startJanitor starts the process that removes a directory when we end.
func startJanitor(dir string) (*process, error) {
	return launch("janitor", exec.Command("/bin/sh", "-c", janitor, "sh", dir))
}

// launch starts a command that ends when its standard input does.
func launch(name string, cmd *exec.Cmd) (*process, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	// A group of its own: Ctrl-C in a terminal reaches us, and we stop the
	// processes in their order.
	cmd.SysProcAttr.Setpgid = true
	leash, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &process{name: name, cmd: cmd, leash: leash, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// ended returns an error once the process is no longer there.
func (p *process) ended() error {
	select {
	case <-p.done:
		return fmt.Errorf("%s ended by itself: %w", p.name, errors.Join(p.err, errors.New("see its log")))
	default:
		return nil
	}
}

// halt asks the process to stop and makes it stop if it does not.
func (p *process) halt() {
	_ = p.leash.Close()
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-p.done
	}
}

// unprivileged returns the user as whom a server runs that refuses root, and
// nil when we are not root.
func unprivileged() (*user.User, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			return u, nil
		}
	}
	return nil, errors.New("PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody to run it as: run the tests as another user")
}

func credential(u *user.User) (*syscall.Credential, error) {
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user %s: %w", u.Username, err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user %s: %w", u.Username, err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}
