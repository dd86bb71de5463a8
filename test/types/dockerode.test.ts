/**
 * Compile-time: what we print is what dockerode's published types promise its users. `npm run check` compiles this file; the
 * run-time part only makes it a test. Where the published types are wrong, the difference is named.
 */
import type Docker from "dockerode";
import { expectTypeOf, test } from "vitest";
import type {
  BodyInputFor,
  ContainerCreateReply,
  ContainerInspect,
  ContainerSummary,
  ImageInspect,
  ImageSummary,
  InfoReply,
  Network,
  ReplyFor,
  VersionReply,
  Volume,
  WaitReply,
} from "../../api/schema/index.ts";

/** dockerode writes `T | undefined` as optional and never says null, although Docker does: null is allowed where we print it. */
type Loose<T> = T extends readonly (infer E)[]
  ? Loose<E>[]
  : T extends object
    ? { [K in keyof T]: Loose<Exclude<T[K], null>> }
    : T;
/** They say "required" below the first level where Docker omits what is empty (Ports[].IP, Config.ExposedPorts). */
type Omittable<T> = T extends readonly (infer E)[]
  ? Omittable<E>[]
  : T extends object
    ? { [K in keyof T]?: Omittable<T[K]> | undefined }
    : T;
/** Names of fields whose type differs. */
type Misfits<Ours, Theirs> = {
  [K in keyof Ours & keyof Theirs]-?: Loose<Exclude<Ours[K], null>> extends Omittable<Theirs[K]> | undefined
    ? never
    : K;
}[keyof Ours & keyof Theirs];
/** Their required fields that we do not print. */
type Missing<Ours, Theirs> = {
  [K in keyof Theirs]-?: object extends Pick<Theirs, K> ? never : K extends keyof Ours ? never : K;
}[keyof Theirs];

test("container list", () => {
  expectTypeOf<Missing<ContainerSummary, Docker.ContainerInfo>>().toEqualTypeOf<never>();
  expectTypeOf<Misfits<ContainerSummary, Docker.ContainerInfo>>().toEqualTypeOf<never>();
});
test("container inspect", () => {
  expectTypeOf<Missing<ContainerInspect, Docker.ContainerInspectInfo>>().toEqualTypeOf<never>();
  // Mounts[].Consistency and Propagation are closed lists in theirs; we echo what was asked.
  expectTypeOf<Misfits<ContainerInspect, Docker.ContainerInspectInfo>>().toEqualTypeOf<"HostConfig">();
  expectTypeOf<Misfits<Omit<ContainerInspect["HostConfig"], "Mounts">, Docker.HostConfig>>().toEqualTypeOf<never>();
});
test("images", () => {
  expectTypeOf<Missing<ImageSummary, Docker.ImageInfo>>().toEqualTypeOf<never>();
  expectTypeOf<Misfits<ImageSummary, Docker.ImageInfo>>().toEqualTypeOf<never>();
  expectTypeOf<Misfits<ImageInspect, Docker.ImageInspectInfo>>().toEqualTypeOf<never>();
});
test("version, info, networks, volumes", () => {
  expectTypeOf<Misfits<VersionReply, Docker.DockerVersion>>().toEqualTypeOf<never>();
  expectTypeOf<Misfits<Network, Docker.NetworkInspectInfo>>().toEqualTypeOf<never>();
  expectTypeOf<Misfits<Volume, Docker.VolumeInspectInfo>>().toEqualTypeOf<never>();
  expectTypeOf<InfoReply["ServerVersion"]>().toEqualTypeOf<string>();
});
test("their create options are a body we take", () => {
  type Options = Pick<
    Docker.ContainerCreateOptions,
    "Image" | "Cmd" | "Env" | "Tty" | "OpenStdin" | "Labels" | "WorkingDir" | "Entrypoint" | "User"
  >;
  type Ours = Pick<
    NonNullable<BodyInputFor<"ContainerCreate">>,
    keyof Options & keyof NonNullable<BodyInputFor<"ContainerCreate">>
  >;
  expectTypeOf<Exclude<keyof Options, keyof Ours>>().toEqualTypeOf<never>();
});
test("replies follow from the route table", () => {
  expectTypeOf<ReplyFor<"ContainerCreate">>().toEqualTypeOf<ContainerCreateReply>();
  expectTypeOf<ReplyFor<"ContainerWait">>().toEqualTypeOf<WaitReply>();
  expectTypeOf<ReplyFor<"ContainerList">>().toEqualTypeOf<ContainerSummary[]>();
});
