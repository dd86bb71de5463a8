/**
 * Writes protocol.gen.h from protocol.ts: `node native/generate.ts` (or `--check`, which fails when the file is stale).
 * The decoder and the printer in C are driven by the tables made here, no field order is written twice.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { TABLE_HASH } from "./binding/encode.ts";
import {
  ATTACH,
  BIND,
  CONTROL_VERSION,
  type FieldType,
  FRAMES,
  LIMITS,
  LOG_FORMAT,
  MOUNT_FLAG,
  type OpDefinition,
  OPS,
  PLAN_VERSION,
  REPORT_AT,
  REPORT_KEYS,
  REQUESTS,
  STAGES,
  STDIO,
} from "./protocol.ts";

const upper = (name: string): string => name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toUpperCase();
const defines = (prefix: string, table: Readonly<Record<string, number>>): string =>
  Object.entries(table)
    .map(([name, value]) => `#define ${prefix}_${upper(name)} ${value}u`)
    .join("\n");
const enumeration = (name: string, items: readonly string[]): string =>
  `enum ${name} {\n${items.map((item) => `    ${item},\n`).join("")}};`;
const indices = (prefix: string, fields: readonly string[]): string =>
  `enum { ${fields.map((field, index) => `${prefix}_${upper(field)} = ${index}`).join(", ")} };`;

type NamedOp = readonly [string, OpDefinition];

const opTable = (ops: readonly NamedOp[]): string => {
  const row = ([name, { stage, fields }]: NamedOp): string => {
    const types = Object.values(fields).map((type) => `FIELD_${upper(type)}`);
    return `    {OP_${upper(name)}, STAGE_${upper(stage)}, ${types.length}, {${types.join(", ") || "0"}}, "${name}"},`;
  };
  return `#define OP_CODE_MAX ${Math.max(...ops.map(([, { code }]) => code))}
#define OP_FIELDS_MAX ${Math.max(...ops.map(([, { fields }]) => Object.keys(fields).length))}
#define OP_COUNT ${ops.length}
struct op_info {
    uint16_t code;
    uint8_t stage;
    uint8_t field_count;
    uint8_t fields[OP_FIELDS_MAX];
    char name[24];
};
static const struct op_info OP_TABLE[OP_COUNT] __attribute__((unused)) = {
${ops.map(row).join("\n")}
};`;
};

const fieldIndices = (
  prefix: string,
  table: readonly (readonly [string, Readonly<Record<string, FieldType>>])[],
): string =>
  table
    .filter(([, fields]) => Object.keys(fields).length > 0)
    .map(([name, fields]) => indices(`${prefix}_${upper(name)}`, Object.keys(fields)))
    .join("\n");

export function render(): string {
  const ops = Object.entries(OPS) as [string, OpDefinition][];
  const sections = [
    `#define PLAN_VERSION ${PLAN_VERSION}u
#define CONTROL_VERSION ${CONTROL_VERSION}u
#define TABLE_HASH 0x${TABLE_HASH.toString(16).padStart(16, "0")}ull
${defines("LIMIT", LIMITS)}`,
    enumeration(
      "field_type",
      ["u32", "u64", "i64", "str", "bytes", "strs"].map((type) => `FIELD_${upper(type)}`),
    ),
    enumeration(
      "stage",
      STAGES.map((stage) => `STAGE_${upper(stage)}`),
    ),
    enumeration(
      "opcode",
      ops.map(([name, { code }]) => `OP_${upper(name)} = ${code}`),
    ),
    fieldIndices(
      "F",
      ops.map(([name, { fields }]) => [name, fields] as const),
    ),
    opTable(ops),
    defines("STDIO", STDIO),
    defines("LOG", LOG_FORMAT),
    defines("BIND", BIND),
    defines("MOUNT_FLAG", MOUNT_FLAG),
    defines("FRAME", FRAMES),
    defines("ATTACH", ATTACH),
    fieldIndices("R", Object.entries(REQUESTS)),
    REPORT_AT.map((at) => `#define AT_${upper(at)} "${at}"`).join("\n"),
    Object.keys(REPORT_KEYS)
      .map((key) => `#define KEY_${upper(key)} "${key}"`)
      .join("\n"),
  ];
  return `/* Generated from protocol.ts by generate.ts. Do not edit. */
#ifndef TARE_PROTOCOL_GEN_H
#define TARE_PROTOCOL_GEN_H
#include <stdint.h>

${sections.join("\n\n")}
#endif
`;
}

const target = new URL("protocol.gen.h", import.meta.url);
export function isFresh(): boolean {
  try {
    return readFileSync(target, "utf8") === render();
  } catch {
    return false;
  }
}
if (import.meta.main) {
  if (process.argv.includes("--check")) {
    if (!isFresh()) {
      console.error("native/protocol.gen.h is stale: run `npm run generate`");
      process.exit(1);
    }
  } else {
    writeFileSync(target, render());
  }
}
