/* The bounded decoder of plans and of request payloads. */
#ifndef PLAN_H
#define PLAN_H
#include "tare.h"

/* str, bytes: text and length (a str is NUL-terminated); strs: length is the count, text the first item for strs_next. */
struct value {
    u64 number;
    const char *text;
    u32 length;
};
struct record {
    const struct op_info *op;
    u32 index;
    struct value v[OP_FIELDS_MAX];
};
struct plan {
    const u8 *bytes;
    u32 size;
    u32 count;
    bool has_outer;  /* needs the short-lived outer process */
    bool joins;      /* an exec plan: join_container is present */
};
struct cursor {
    u32 at;
    u32 index;
};
#define PLAN_HEADER 24u

/* Checks everything: header, every record, every field, padding, order of stages. After 0 the walk cannot fail. */
int plan_check(const u8 *bytes, u32 size, struct plan *plan, struct err *err);
bool plan_next(const struct plan *plan, struct cursor *cursor, struct record *record);
/* The first record with this opcode. */
bool plan_find(const struct plan *plan, u16 opcode, struct record *record);
/* The next item of a strs value; call it `length` times. */
const char *strs_next(const char **at);
/* Fields of a request frame. 0, or -1 for anything malformed. */
int fields_decode(const u8 *bytes, u32 size, const u8 *types, u32 count, struct value *values);
#endif
