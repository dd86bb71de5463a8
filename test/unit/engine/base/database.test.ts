import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Database } from "../../../../engine/base/database.ts";

let directory: string;
let db: Database;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "tare-db-"));
  db = Database.open(join(directory, "db"));
});
afterEach(() => {
  db.close();
  rmSync(directory, { recursive: true, force: true });
});
const STEPS = ["CREATE TABLE t (a INTEGER PRIMARY KEY)", "ALTER TABLE t ADD COLUMN b TEXT"];
const synchronous = () => db.get("PRAGMA synchronous")?.["synchronous"];

describe("Database", () => {
  it("migrates each area from where it is, once", () => {
    db.migrate(STEPS.slice(0, 1), "x");
    db.run("INSERT INTO t (a) VALUES (1)");
    db.migrate(STEPS, "x");
    db.migrate(STEPS, "x");
    db.migrate(["CREATE TABLE other (a)"]);
    expect(db.get("SELECT a, b FROM t")).toEqual({ a: 1, b: null });
    expect(() => db.migrate([], "x")).toThrow("has version 2, this program knows 0");
  });
  it("leaves nothing of a migration step that fails", () => {
    expect(() => db.migrate(["CREATE TABLE a (x); CREATE TABLE a (x)"], "y")).toThrow("already exists");
    expect(() => db.get("SELECT * FROM a")).toThrow("no such table");
  });
  it("rolls a failed transaction back and goes on", () => {
    db.migrate(STEPS);
    const failing = () =>
      db.transaction(
        () => {
          db.run("INSERT INTO t (a) VALUES (1)");
          db.transaction(() => db.run("INSERT INTO t (a) VALUES (2)"));
          throw new Error("no");
        },
        { durable: true },
      );
    expect(failing).toThrow("no");
    expect(db.all("SELECT * FROM t")).toEqual([]);
    expect(db.transaction(() => db.run("INSERT INTO t (a) VALUES (3)").lastId)).toBe(3);
  });
  it("is FULL inside a durable transaction and NORMAL outside", () => {
    expect(synchronous()).toBe(1);
    expect(db.transaction(synchronous, { durable: true })).toBe(2);
    expect(synchronous()).toBe(1);
  });
  it("keeps what was committed over close and open", () => {
    db.migrate(STEPS);
    db.run("INSERT INTO t (a, b) VALUES (?, ?)", 7, "seven");
    db.close();
    db = Database.open(join(directory, "db"));
    expect(db.all("SELECT * FROM t")).toEqual([{ a: 7, b: "seven" }]);
  });
});

it("says so when there is no space left", () => {
  db.migrate(STEPS);
  db.get("PRAGMA max_page_count = 8");
  const fill = () => {
    for (;;) db.run("INSERT INTO t (b) VALUES (?)", "x".repeat(4000));
  };
  expect(fill).toThrow(
    expect.objectContaining({
      code: "database.disk_full",
      message: "no space left on device while writing the database",
    }),
  );
});
