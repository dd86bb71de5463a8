/**
 * docker runs an inspect template over Go structs first, and over the raw JSON when that fails. Structs differ from JSON in
 * what is printed: null is [] or map[] or <nil>, and fields that the wire leaves out exist. This gives JSON that shape.
 */
import { GoNil, GoStruct, isMap } from "./template/values.ts";

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/));

/** Maps by their names; every other object of the wire is a struct. */
const MAPS =
  words(`Labels Volumes ExposedPorts PortBindings Ports Networks Sysctls Tmpfs StorageOpt Annotations Data Options
  DriverOpts Details Runtimes IndexConfigs Attributes`);
/** Pointers: null is <nil>. */
const POINTERS =
  words(`Health Healthcheck StopTimeout OomKillDisable MemorySwappiness PidsLimit Init SizeRw SizeRootFs IPAMConfig
  BindOptions VolumeOptions TmpfsOptions ImageOptions DriverConfig`);

/** Fields that Go leaves out of the JSON when they are empty, wherever they stand. */
const ABSENT: Readonly<Record<string, unknown>> = {
  Health: new GoNil("pointer"),
  Healthcheck: new GoNil("pointer"),
  StopTimeout: new GoNil("pointer"),
  SizeRw: new GoNil("pointer"),
  SizeRootFs: new GoNil("pointer"),
  Init: new GoNil("pointer"),
  Mounts: new GoNil("slice"),
  Shell: new GoNil("slice"),
  ExposedPorts: new GoNil("map"),
  Annotations: new GoNil("map"),
  StorageOpt: new GoNil("map"),
  Tmpfs: new GoNil("map"),
  Sysctls: new GoNil("map"),
  StopSignal: "",
  MacAddress: "",
  NetworkDisabled: false,
  Variant: "",
  OsVersion: "",
};

function nilOf(name: string): GoNil {
  if (MAPS.has(name) || name === "Config") return new GoNil("map");
  return new GoNil(POINTERS.has(name) ? "pointer" : "slice");
}

function shape(value: unknown, name: string, isMapValue: boolean): unknown {
  if (value === null) return nilOf(name);
  if (Array.isArray(value)) return value.map((one) => shape(one, "", false));
  if (!isMap(value)) return value;
  // LogConfig.Config is a map, the container's Config a struct.
  const map = !isMapValue && (MAPS.has(name) || (name === "Config" && !("Env" in value)));
  const entries = Object.entries(value).map(([key, one]) => [key, shape(one, map ? "" : key, map)] as const);
  if (map) return Object.fromEntries(entries);
  return new GoStruct(Object.fromEntries(entries), ABSENT);
}

/** A value of the wire as docker's structs would hold it; `ID` is a second name of `Id`. `typeName` appears in errors. */
export function asStruct(value: unknown, typeName = "struct"): unknown {
  const shaped = shape(value, "", false);
  if (!(shaped instanceof GoStruct)) return shaped;
  const alias = Object.hasOwn(shaped.fields, "Id") ? { ID: shaped.fields["Id"] } : {};
  return new GoStruct(shaped.fields, { ...ABSENT, ...alias }, typeName);
}
