import { describe, expect, it } from "vitest";
import { alignTabs } from "../../../../api/cli/render/tabwriter.ts";
import { binarySize, ellipsis, formatGeneral, humanDuration, humanSize } from "../../../../api/cli/render/units.ts";
import { showPorts } from "../../../../api/cli/render/nouns/ports.ts";

describe("sizes", () => {
  it.each([
    [0, "0B"],
    [999, "999B"],
    [1000, "1kB"],
    [4261550, "4.262MB"],
    [1e9, "1GB"],
    [123456789012, "123.5GB"],
  ])("%d → %s", (bytes, text) => {
    expect(humanSize(bytes)).toBe(text);
  });
  it("has three digits in lists and powers of 1024 in stats", () => {
    expect(humanSize(4261550, 3)).toBe("4.26MB");
    expect(humanSize(999999, 3)).toBe("1e+03kB");
    expect(binarySize(532480)).toBe("520KiB");
    expect(binarySize(67108864)).toBe("64MiB");
  });
  it("formats like C", () => {
    expect([formatGeneral(1234.5, 3), formatGeneral(0.5, 4), formatGeneral(100, 3)]).toEqual([
      "1.23e+03",
      "0.5",
      "100",
    ]);
  });
});

describe("ages", () => {
  it.each([
    [0.4, "Less than a second"],
    [1, "1 second"],
    [59, "59 seconds"],
    [60, "About a minute"],
    [119, "About a minute"],
    [120, "2 minutes"],
    [3599, "59 minutes"],
    [3600, "About an hour"],
    [5400, "2 hours"],
    [47 * 3600, "47 hours"],
    [48 * 3600, "2 days"],
    [14 * 86400, "2 weeks"],
    [61 * 86400, "2 months"],
    [730 * 86400, "2 years"],
  ])("%d s → %s", (seconds, text) => {
    expect(humanDuration(seconds)).toBe(text);
  });
});

describe("columns", () => {
  it("are as wide as their widest cell and at least ten", () => {
    expect(alignTabs("A\tB\tC\nlonger than ten\tb\tc\n")).toBe(
      "A                 B         C\nlonger than ten   b         c\n",
    );
  });
  it("end where a line has no cell for them", () => {
    expect(alignTabs("a\tb\nplain\nc\td")).toBe("a         b\nplain\nc         d");
    expect(alignTabs("wide wide wide\tb\nplain\nc\td")).toBe("wide wide wide   b\nplain\nc         d");
  });
  it("count characters, not bytes", () => {
    expect(alignTabs("äöü…\tx\nab\ty")).toBe("äöü…      x\nab        y");
  });
});

it("cuts text to a width", () => {
  expect(ellipsis("short", 20)).toBe("short");
  expect(ellipsis("sh -c 'sleep 1000 and more'", 20)).toBe("sh -c 'sleep 1000 a…");
  expect(ellipsis("漢字漢字", 5)).toBe("漢字…");
});

describe("ports", () => {
  const open = (PrivatePort: number, Type = "tcp") => ({ PrivatePort, Type });
  const published = (PrivatePort: number, PublicPort: number, IP = "0.0.0.0") => ({
    IP,
    PrivatePort,
    PublicPort,
    Type: "tcp",
  });
  it.each([
    [[], ""],
    [[open(82), open(80), open(81)], "80-82/tcp"],
    [[open(80), open(443)], "80/tcp, 443/tcp"],
    [[open(53, "udp"), open(53)], "53/tcp, 53/udp"],
    [[published(80, 8080)], "0.0.0.0:8080->80/tcp"],
    [[published(80, 8080), published(80, 8080, "::")], "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp"],
    [[published(80, 80), published(81, 81)], "0.0.0.0:80-81->80-81/tcp"],
    [[published(80, 9000), published(81, 9001)], "0.0.0.0:9000->80/tcp, 0.0.0.0:9001->81/tcp"],
  ])("%j", (ports, text) => {
    expect(showPorts(ports)).toBe(text);
  });
});
