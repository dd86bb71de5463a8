/** sd_notify: one datagram to the service manager that started us. Node has no unix datagram sockets. */
import { check, libcFunction } from "./libc.ts";
import { close } from "./sys-files.ts";

const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const MSG_NOSIGNAL = 0x4000;
const MAX_PATH = 107;

const socketCall = libcFunction("socket", "int", ["int", "int", "int"]);
const sendtoCall = libcFunction("sendto", "ssize_t", ["int", "const void *", "size_t", "int", "const void *", "uint"]);

/** sockaddr_un: a path, or an abstract name written with a leading "@". */
function addressOf(name: string): Buffer {
  const bytes = Buffer.from(name);
  if (bytes.length > MAX_PATH || !/^[/@]./.test(name)) throw new RangeError(`not a notification socket: ${name}`);
  const family = Buffer.alloc(2);
  family.writeUInt16LE(AF_UNIX);
  if (name.startsWith("@")) {
    bytes[0] = 0;
    return Buffer.concat([family, bytes]);
  }
  return Buffer.concat([family, bytes, Buffer.alloc(1)]);
}

/** Sends "READY=1", "STOPPING=1", … to `name` ($NOTIFY_SOCKET). Throws a SystemCallError when nobody listens there. */
export function notifyServiceManager(name: string, state: string): void {
  const address = addressOf(name);
  const fd = check(socketCall(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0), "socket");
  try {
    const message = Buffer.from(state);
    check(sendtoCall(fd, message, message.length, MSG_NOSIGNAL, address, address.length), "sendto", name);
  } finally {
    close(fd);
  }
}
