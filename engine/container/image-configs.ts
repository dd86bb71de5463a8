/** The run configuration of images, parsed from the config's own bytes (its id is their digest, so it never changes). */
import type { ImageRunConfig } from "../spec/image-config.ts";
import type { ImageStore } from "./context.ts";

const MAX_CACHED = 128;

export class ImageConfigs {
  readonly #images: ImageStore;
  readonly #known = new Map<string, ImageRunConfig>();

  constructor(images: ImageStore) {
    this.#images = images;
  }

  of(imageId: string): ImageRunConfig {
    const known = this.#known.get(imageId);
    if (known !== undefined) return known;
    const parsed = JSON.parse(this.#images.rawConfig(imageId).toString("utf8")) as {
      readonly config?: ImageRunConfig | null;
    };
    const config = parsed.config ?? {};
    if (this.#known.size >= MAX_CACHED) this.#known.clear();
    this.#known.set(imageId, config);
    return config;
  }
}
