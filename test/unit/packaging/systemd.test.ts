import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const unit = (name: string): ReadonlyMap<string, string> => {
  const text = readFileSync(join(import.meta.dirname, "../../../.tools/systemd", name), "utf8");
  const pairs = text.split("\n").filter((line) => /^[A-Za-z]+=/.test(line));
  return new Map(pairs.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
};

test("the service leaves containers alone when it ends, keeps its cgroups to itself and says when it is ready", () => {
  const service = unit("tare.service");
  expect(service.get("KillMode")).toBe("process");
  expect(service.get("Delegate")).toBe("yes");
  expect(service.get("Type")).toBe("notify");
  expect(Number(service.get("OOMScoreAdjust"))).toBeLessThan(0);
  expect(service.get("ExecStart")).toMatch(/ctrd .*--host fd:\/\//);
  expect(service.get("RuntimeDirectoryPreserve"), "monitors' sockets lie there").toBe("yes");
});

test("the socket is the default one and only for root", () => {
  const socket = unit("tare.socket");
  expect(socket.get("ListenStream")).toBe("/run/tare/tare.sock");
  expect(socket.get("SocketMode")).toBe("0660");
});
