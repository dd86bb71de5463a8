/** One entry of HostConfig.Mounts (the long form) → a mount plan, with Docker's messages. Pure. */
import { posix } from "node:path";
import { invalid, unsupported } from "../base/errors.ts";
import type { MountRequest } from "./config.ts";
import { isPropagation } from "./mount-options.ts";
import { bindOptions, cleanDestination, type MountPlan, planTmpfs, volumePlan } from "./mount-plan.ts";

const fault = (request: MountRequest, text: string): Error =>
  invalid("mount.invalid_config", `invalid mount config for type ${JSON.stringify(request.type)}: ${text}`, {
    details: { argument: "Mounts", value: request.target },
  });

const OPTION_FIELDS = [
  ["bind", "BindOptions"],
  ["volume", "VolumeOptions"],
  ["tmpfs", "TmpfsOptions"],
  ["image", "ImageOptions"],
] as const;

/** Options of another type are a mistake that must not pass silently. */
function checkOptions(request: MountRequest): void {
  for (const [type, field] of OPTION_FIELDS) {
    if (type !== request.type && request[type] !== null) throw fault(request, `field ${field} must not be specified`);
  }
}

function planBindRequest(request: MountRequest): MountPlan {
  if (request.source === "") throw fault(request, "field Source must not be empty");
  if (!request.source.startsWith("/"))
    throw fault(request, `invalid mount path: '${request.source}' mount path must be absolute`);
  const bind = request.bind;
  const propagation = bind?.propagation ?? "";
  if (propagation !== "" && !isPropagation(propagation))
    throw fault(request, `invalid propagation mode: ${propagation}`);
  const readWrite = !request.readOnly;
  if (bind?.readOnlyNonRecursive === true && readWrite)
    throw fault(request, 'mount must be set "readonly" to set "bind-nonrecursive"');
  if (bind?.readOnlyForceRecursive === true) {
    if (readWrite) throw fault(request, "ReadOnlyForceRecursive requires ReadOnly");
    if (propagation !== "rprivate") throw fault(request, "ReadOnlyForceRecursive requires Propagation to be rprivate");
    if (bind.readOnlyNonRecursive)
      throw fault(request, "ReadOnlyForceRecursive and ReadOnlyNonRecursive exclude each other");
  }
  const recursive = bind?.nonRecursive !== true;
  return {
    type: "bind",
    source: posix.resolve("/", request.source),
    destination: cleanDestination(request.target, "Mounts"),
    readWrite,
    mode: "",
    options: bindOptions(readWrite, propagation, recursive, recursive && bind?.readOnlyNonRecursive !== true),
    origin: "Mounts",
    createSource: bind?.createMountpoint === true,
    propagation,
  };
}

function planVolumeRequest(request: MountRequest): MountPlan {
  const volume = request.volume;
  const subpath = volume?.subpath ?? "";
  if (subpath !== "" && (posix.isAbsolute(subpath) || subpath.split("/").includes(".."))) {
    throw fault(request, `subpath must be a relative path within the volume: ${subpath}`);
  }
  if (request.source === "" && subpath !== "")
    throw fault(request, "must not set Subpath when using anonymous volumes");
  return volumePlan("Mounts", {
    name: request.source,
    destination: cleanDestination(request.target, "Mounts"),
    readWrite: !request.readOnly,
    mode: "z",
    driver: volume?.driver?.name || "local",
    driverOptions: volume?.driver?.options ?? {},
    labels: volume?.labels ?? {},
    noCopy: volume?.noCopy ?? false,
    subpath,
  });
}

function planTmpfsRequest(request: MountRequest): MountPlan {
  if (request.source !== "") throw fault(request, "field Source must not be specified");
  const { sizeBytes = 0, mode = 0, options = [] } = request.tmpfs ?? {};
  if (sizeBytes < 0) throw fault(request, `size must not be negative: ${sizeBytes}`);
  const extra = options.map((words) => words.join("="));
  const refused = extra.find((word) => word !== "exec" && word !== "noexec");
  if (refused !== undefined) throw fault(request, `invalid option: ${JSON.stringify(refused)}`);
  return planTmpfs(
    request.target,
    [
      ...(request.readOnly ? ["ro"] : []),
      ...(sizeBytes > 0 ? [`size=${sizeBytes}`] : []),
      ...(mode > 0 ? [`mode=${mode.toString(8)}`] : []),
      ...extra,
    ],
    "Mounts",
  );
}

export function planLongMount(request: MountRequest): MountPlan {
  if (request.target === "") throw fault(request, "field Target must not be empty");
  checkOptions(request);
  switch (request.type) {
    case "bind":
      return planBindRequest(request);
    case "volume":
      return planVolumeRequest(request);
    case "tmpfs":
      return planTmpfsRequest(request);
    case "image":
      throw unsupported("mount.image", `mount of type "image" at ${request.target} is not supported yet`, {
        details: { argument: "Mounts", value: request.target },
      });
    default:
      throw fault(request, "mount type unknown");
  }
}
