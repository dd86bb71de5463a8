/*
 * The decoder is the only reader of bytes from outside in this program and is fuzzed. Every length is compared with what
 * is left before it is used (CVE-2021-43784: a length that wrapped turned namespaces off), sums are never formed, and
 * what remains after the last field is a refusal.
 */
#include "plan.h"

struct input {
    const u8 *bytes;
    u32 left;
};

static bool take(struct input *in, u32 count, const u8 **at) {
    if (count > in->left) return false;
    *at = in->bytes;
    in->bytes += count;
    in->left -= count;
    return true;
}

static bool take_u32(struct input *in, u32 *value) {
    const u8 *at;
    if (!take(in, 4, &at)) return false;
    memcpy(value, at, 4);
    return true;
}

/* `length` bytes, a NUL when it is a string, then zeros up to a multiple of 4. */
static bool take_text(struct input *in, bool terminated, struct value *value) {
    const u8 *at, *tail;
    if (!take_u32(in, &value->length) || value->length > LIMIT_PLAN_BYTES) return false;
    if (terminated && value->length > LIMIT_STR_BYTES) return false;
    u32 stored = value->length + (terminated ? 1 : 0);
    u32 padding = -stored & 3u;
    if (!take(in, value->length, &at) || !take(in, stored - value->length + padding, &tail)) return false;
    for (const u8 *zero = tail; zero < in->bytes; zero++)
        if (*zero != 0) return false;
    value->text = (const char *)at;
    return !terminated || memchr(at, 0, value->length) == NULL;
}

static bool take_strs(struct input *in, struct value *value) {
    if (!take_u32(in, &value->length) || value->length > LIMIT_STRS_COUNT) return false;
    value->text = (const char *)in->bytes;
    for (u32 i = 0; i < value->length; i++) {
        struct value item;
        if (!take_text(in, true, &item)) return false;
    }
    return true;
}

static bool take_field(struct input *in, u8 type, struct value *value) {
    const u8 *at;
    u32 word;
    *value = (struct value){0};
    switch (type) {
    case FIELD_U32:
        if (!take_u32(in, &word)) return false;
        value->number = word;
        return true;
    case FIELD_U64:
    case FIELD_I64:
        if (!take(in, 8, &at)) return false;
        memcpy(&value->number, at, 8);
        return true;
    case FIELD_STR:
        return take_text(in, true, value);
    case FIELD_BYTES:
        return take_text(in, false, value);
    case FIELD_STRS:
        return take_strs(in, value);
    default:
        return false;
    }
}

int fields_decode(const u8 *bytes, u32 size, const u8 *types, u32 count, struct value *values) {
    struct input in = {bytes, size};
    for (u32 i = 0; i < count; i++)
        if (!take_field(&in, types[i], &values[i])) return -1;
    return in.left == 0 ? 0 : -1;
}

const char *strs_next(const char **at) {
    u32 length;
    memcpy(&length, *at, 4);
    const char *text = *at + 4;
    u32 stored = length + 1;
    *at = text + stored + (-stored & 3u);
    return text;
}

static const struct op_info *find_op(u32 code) {
    static const struct op_info *by_code[OP_CODE_MAX + 1];
    if (by_code[OP_TABLE[0].code] == NULL)
        for (u32 i = 0; i < OP_COUNT; i++) by_code[OP_TABLE[i].code] = &OP_TABLE[i];
    return code <= OP_CODE_MAX ? by_code[code] : NULL;
}

/* Steps over one record without looking into it. */
static bool step(const struct plan *plan, struct cursor *cursor, u32 *code, const u8 **payload, u32 *length) {
    if (cursor->at == 0) cursor->at = PLAN_HEADER;
    if (cursor->index == plan->count) return false;
    struct input in = {plan->bytes + cursor->at, plan->size - cursor->at};
    if (!take_u32(&in, code) || !take_u32(&in, length) || (*length & 3) != 0 || !take(&in, *length, payload)) return false;
    cursor->at += 8 + *length;
    cursor->index++;
    return true;
}

static bool decode(u32 code, u32 index, const u8 *payload, u32 length, struct record *record) {
    record->op = find_op(code);
    record->index = index;
    return record->op != NULL && fields_decode(payload, length, record->op->fields, record->op->field_count, record->v) == 0;
}

bool plan_next(const struct plan *plan, struct cursor *cursor, struct record *record) {
    struct cursor after = *cursor;
    u32 code, length;
    const u8 *payload;
    if (!step(plan, &after, &code, &payload, &length)) return false;
    if (!decode(code, after.index - 1, payload, length, record)) return false;
    *cursor = after;
    return true;
}

bool plan_find(const struct plan *plan, u16 opcode, struct record *record) {
    struct cursor cursor = {0};
    u32 code, length;
    const u8 *payload;
    while (step(plan, &cursor, &code, &payload, &length))
        if (code == opcode) return decode(code, cursor.index - 1, payload, length, record);
    return false;
}

static int check_header(const u8 *bytes, u32 size, struct plan *plan, struct err *err) {
    u32 version, total;
    u64 hash;
    if (size < PLAN_HEADER || size > LIMIT_PLAN_BYTES || memcmp(bytes, "TARE", 4) != 0)
        return fail_with(err, EBADMSG, "decode", "plan header");
    memcpy(&version, bytes + 4, 4);
    memcpy(&total, bytes + 8, 4);
    memcpy(&plan->count, bytes + 12, 4);
    memcpy(&hash, bytes + 16, 8);
    if (version != PLAN_VERSION || hash != TABLE_HASH) return fail_with(err, EPROTO, "decode", "plan version");
    if (total != size || plan->count > LIMIT_RECORDS) return fail_with(err, EBADMSG, "decode", "plan length");
    return 0;
}

/* Stages never go back, `exec` is the last record and the only one, and a launch has exactly one gate. */
static int check_order(struct plan *plan, struct err *err) {
    struct cursor cursor = {0};
    struct record record;
    u32 stage = STAGE_MONITOR, gates = 0, execs = 0, mounts = 0, last = 0;
    while (plan_next(plan, &cursor, &record)) {
        u32 code = last = record.op->code;
        err->op = record.index;
        err->code = record.op->code;
        if (record.op->stage < stage) return fail_with(err, EBADMSG, "decode", "record out of order");
        stage = record.op->stage;
        gates += code == OP_GATE;
        execs += code == OP_EXEC;
        mounts += code == OP_MOUNT || code == OP_BIND || code == OP_MASK || code == OP_READONLY_PATH;
        plan->joins |= code == OP_JOIN_CONTAINER;
        plan->has_outer |= record.op->stage == STAGE_OUTER || code == OP_USER_NAMESPACE;
        if (code == OP_EXEC && (record.v[F_EXEC_ARGV].length == 0 || record.v[F_EXEC_CANDIDATES].length == 0))
            return fail_with(err, EINVAL, "decode", "no program");
    }
    err->op = cursor.index;
    err->code = 0;
    if (cursor.index != plan->count || cursor.at != plan->size) return fail_with(err, EBADMSG, "decode", "malformed record");
    if (last != OP_EXEC || execs != 1 || mounts > LIMIT_MOUNTS || (!plan->joins && gates != 1))
        return fail_with(err, EBADMSG, "decode", "incomplete plan");
    return 0;
}

int plan_check(const u8 *bytes, u32 size, struct plan *plan, struct err *err) {
    struct record record;
    *plan = (struct plan){.bytes = bytes, .size = size};
    *err = (struct err){.op = NO_OP};
    if (check_header(bytes, size, plan, err) != 0 || check_order(plan, err) != 0) return -1;
    err->op = NO_OP;
    if (!plan_find(plan, OP_MONITOR, &record) || record.index != 0) return fail_with(err, EBADMSG, "decode", "no monitor record");
    return 0;
}
