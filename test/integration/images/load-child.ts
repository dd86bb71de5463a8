/** A process that loads one archive, to be killed: node load-child.ts ROOT ARCHIVE */
import { createReadStream, writeSync } from "node:fs";
import { join } from "node:path";
import { Database } from "../../../engine/base/database.ts";
import { silentLog } from "../../../engine/base/log.ts";
import { Images } from "../../../images/index.ts";

const [root = "", archive = ""] = process.argv.slice(2);
const images = await Images.open({ root, database: Database.open(join(root, "db")), log: silentLog });
await images.load(createReadStream(archive), { onProgress: () => void writeSync(1, "progress\n") });
