"""Runs a command in a pseudo-terminal of its own. stdin: lines "type HEX", "resize ROWS COLUMNS"; stdout: what it prints."""
import fcntl, os, pty, select, signal, struct, sys, termios

rows, columns = int(sys.argv[1]), int(sys.argv[2])
pid, master = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    os.execvp(sys.argv[3], sys.argv[3:])

held, control_open = b"", True
while True:
    ready, _, _ = select.select([master] + ([0] if control_open else []), [], [])
    if master in ready:
        try:
            data = os.read(master, 65536)
        except OSError:
            data = b""
        if not data:
            break
        os.write(1, data)
    if 0 in ready:
        data = os.read(0, 65536)
        if not data:
            control_open = False
            os.kill(pid, signal.SIGKILL)
        held += data
        while b"\n" in held:
            line, held = held.split(b"\n", 1)
            words = line.decode().split(" ")
            if words[0] == "type":
                os.write(master, bytes.fromhex(words[1]))
            elif words[0] == "resize":
                fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", int(words[1]), int(words[2]), 0, 0))
status = os.waitpid(pid, 0)[1]
sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
