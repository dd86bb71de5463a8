/** API versions: what the server speaks, and what a path prefix asks for. */
export const API_VERSION = "1.51";
export const MIN_API_VERSION = "1.24";

/**
 * Build metadata, not a pre-release: version ranges such as ">=20.10.0" refuse pre-releases (testcontainers, VS Code,
 * compose and buildx all compare), while "+…" is what distribution builds of Docker itself append.
 */
export const PRODUCT_VERSION = "0.1.0";
export const SERVER_VERSION = `28.5.2+tare.${PRODUCT_VERSION}`;

/** 1.51 → 51. All versions that exist have major 1; another major is far above or below. */
export type ApiVersion = number;
export const CURRENT: ApiVersion = parseApiVersion(API_VERSION);
export const MINIMUM: ApiVersion = parseApiVersion(MIN_API_VERSION);

/** "1.51" → 51; "2.0" → 1000; "0.9" → -991; never throws ("1" → 0). */
export function parseApiVersion(text: string): ApiVersion {
  const [major = "0", minor = "0"] = text.split(".");
  return (Number(major) - 1) * 1000 + Number(minor);
}
