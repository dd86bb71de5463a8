/** Media types we accept (oci.md §1). A type only says what a document is meant to be; layers are sniffed. */
const OCI = "application/vnd.oci.image.";
const DOCKER = "application/vnd.docker.distribution.";

export const MEDIA = {
  index: `${OCI}index.v1+json`,
  manifest: `${OCI}manifest.v1+json`,
  config: `${OCI}config.v1+json`,
  layer: `${OCI}layer.v1.tar`,
  dockerIndex: `${DOCKER}manifest.list.v2+json`,
  dockerManifest: `${DOCKER}manifest.v2+json`,
  dockerSchema1: `${DOCKER}manifest.v1+json`,
  dockerSchema1Signed: `${DOCKER}manifest.v1+prettyjws`,
  dockerConfig: "application/vnd.docker.container.image.v1+json",
  dockerLayer: "application/vnd.docker.image.rootfs.diff.tar",
} as const;

export const isIndexType = (type: string): boolean => type === MEDIA.index || type === MEDIA.dockerIndex;
export const isManifestType = (type: string): boolean => type === MEDIA.manifest || type === MEDIA.dockerManifest;
export const isConfigType = (type: string): boolean => type === MEDIA.config || type === MEDIA.dockerConfig;
export const isSchema1 = (type: string): boolean => type === MEDIA.dockerSchema1 || type === MEDIA.dockerSchema1Signed;

const LAYER_TYPES = new Set([
  ...["", "+gzip", "+zstd"].flatMap((suffix) => [
    `${OCI}layer.v1.tar${suffix}`,
    `${OCI}layer.nondistributable.v1.tar${suffix}`,
  ]),
  ...["", ".gzip", ".zstd"].map((suffix) => `${MEDIA.dockerLayer}${suffix}`),
  "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
  "application/vnd.docker.image.rootfs.foreign.diff.tar",
]);
export const isLayerType = (type: string): boolean => LAYER_TYPES.has(type);
