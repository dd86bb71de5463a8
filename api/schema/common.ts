/**
 * Words the wire schemas are made of. A schema here describes what Go's encoding/json would print for the engine's own
 * structs; the same schema reads requests, where every field may be absent, null, or spelled in another case (`decode.ts`).
 */
import { type Static, type TArray, type TSchema, type TString, Type } from "typebox";

export const text = Type.String();
export const flag = Type.Boolean();
/** int, int32, int64: JSON numbers. Above 2^53 they are printed from a bigint, see `Int64`. */
export const int = Type.Integer();
/** RFC3339 with nanoseconds. */
export const time = Type.String({ format: "date-time" });
export const list = <T extends TSchema>(item: T): TArray<T> => Type.Array(item);
export const map = <T extends TSchema>(value: T) => Type.Record(Type.String(), value);
export const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
export const maybe = Type.Optional;
export const object = Type.Object;
/** One of these texts. The decoder lets any text through: whoever reads it checks, with an error of its own. */
export const oneOf = <const T extends readonly string[]>(...values: T) =>
  Type.Union(values.map((value) => Type.Literal(value))) as unknown as ReturnType<typeof Type.Unsafe<T[number]>>;
/** Go's `map[string]struct{}`: a set. */
export const set = map(Type.Object({}));
export const textMap = map(text);
export const texts = list(text);
/** Go's strslice: one string stands for a list of one. */
export const words: TArray<TString> = Type.Array(Type.String(), { "x-string-or-list": true });

/** A number that may exceed 2^53: a JSON number on the wire, made with JSON.rawJSON on our side. */
export type Int64 = number | bigint;

/** What a client may send for a schema: anything may be absent or null. */
export type Input<T> = T extends readonly (infer E)[]
  ? readonly Input<E>[]
  : T extends object
    ? { readonly [K in keyof T]?: Input<T[K]> | null | undefined }
    : T;
/** What a decoded request body is: absent stays absent, null has been dropped, names are exact. */
export type Decoded<T> = T extends readonly (infer E)[]
  ? readonly Decoded<E>[]
  : T extends object
    ? { readonly [K in keyof T]?: Decoded<Exclude<T[K], null>> }
    : T;
export type { Static, TSchema };

export const ErrorReply = object({ message: text });
export type ErrorReply = Static<typeof ErrorReply>;
export const IdReply = object({ Id: text });
export type IdReply = Static<typeof IdReply>;
