/** Tables of this layer; they share the data root's database with the engine. Records are JSON with a version `v`. */
export const SCHEMA_AREA = "images";
export const SCHEMA: readonly string[] = [
  `CREATE TABLE image_layers (
     chain_id TEXT PRIMARY KEY,
     parent TEXT REFERENCES image_layers (chain_id),
     number INTEGER NOT NULL UNIQUE,
     boot TEXT,
     record TEXT NOT NULL
   ) STRICT;
   CREATE INDEX image_layers_by_parent ON image_layers (parent);
   CREATE TABLE image_records (
     id TEXT PRIMARY KEY,
     chain_id TEXT REFERENCES image_layers (chain_id),
     record TEXT NOT NULL
   ) STRICT;
   CREATE TABLE image_names (
     name TEXT PRIMARY KEY,
     image_id TEXT NOT NULL REFERENCES image_records (id)
   ) STRICT;
   CREATE INDEX image_names_by_image ON image_names (image_id);
   CREATE TABLE snapshot_inits (
     chain_id TEXT PRIMARY KEY,
     number INTEGER NOT NULL UNIQUE
   ) STRICT;
   CREATE TABLE snapshots (
     key TEXT PRIMARY KEY,
     number INTEGER NOT NULL UNIQUE,
     chain_id TEXT NOT NULL
   ) STRICT;
   CREATE INDEX snapshots_by_chain ON snapshots (chain_id);`,
];
