import { expect, test } from "vitest";
import { networkFiles } from "../../../../engine/container/network-files.ts";
import { emptyConfig, emptyHost } from "./requests.ts";

const host = { hosts: "1.2.3.4\thost\n", resolvConf: "# mine\nnameserver 9.9.9.9\nsearch corp\noptions ndots:2\n" };
const files = (config: object, changes: object) =>
  networkFiles({ ...emptyConfig, hostname: "box", ...config }, { ...emptyHost, ...changes }, host);

test("own network: loopback, extra hosts, own name", () => {
  const { hostname, hosts } = files(
    { domainname: "example.org" },
    { extraHosts: ["db:10.0.0.1", "six=[::1]", "gw:host-gateway"] },
  );
  expect(hostname).toBe("box\n");
  expect(hosts.split("\n").slice(6)).toEqual([
    "10.0.0.1\tdb",
    "::1\tsix",
    "127.0.0.1\tgw",
    "127.0.0.1\tbox.example.org box",
    "",
  ]);
});

test("host network: the host's files, unless something was asked for", () => {
  expect(files({}, { networkMode: "host" })).toEqual({ hostname: "box\n", ...host });
  expect(files({}, { networkMode: "host", extraHosts: ["db:10.0.0.1"] }).hosts).toContain("10.0.0.1\tdb");
});

test("resolv.conf: what is given replaces, what is not stays", () => {
  expect(files({}, { dns: ["8.8.8.8"] }).resolvConf).toBe("nameserver 8.8.8.8\nsearch corp\noptions ndots:2\n");
  expect(files({}, { dnsSearch: ["."], dnsOptions: ["timeout:1"] }).resolvConf).toBe(
    "nameserver 9.9.9.9\noptions timeout:1\n",
  );
});

test.each(["db", "db:", ":1.2.3.4", "db:not-an-ip"])("bad extra host %s", (entry) => {
  expect(() => files({}, { extraHosts: [entry] })).toThrow(`bad format for add-host: "${entry}"`);
});
