// `npm run build`: everything ./dist needs, from a fresh clone.
import { bundles, main, packages, shim, steps } from "./setup.mjs";

await main(() =>
  steps([
    ["packages", packages],
    ["shim", shim],
    ["bundles", bundles],
  ]),
);
