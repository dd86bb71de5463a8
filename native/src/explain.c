/* `ctr-shim explain < plan`: the records of a plan, one a line, for people. */
#include <sys/mman.h>
#include "plan.h"
#include "io.h"
#include "verbs.h"

static void put_quoted(struct text *text, const char *bytes, size_t count) {
    put_str(text, "\"");
    put_json(text, bytes, count);
    put_str(text, "\"");
}

static void put_value(struct text *text, u8 type, const struct value *value) {
    const char *at = value->text;
    if (type == FIELD_STR) put_quoted(text, value->text, value->length);
    else if (type == FIELD_I64) put_format(text, "%ld", (i64)value->number);
    else if (type == FIELD_U32 || type == FIELD_U64) put_format(text, "%lu", value->number);
    else if (type == FIELD_BYTES) {
        put_format(text, "<%u bytes>", value->length);
    } else {
        put_str(text, "[");
        for (u32 i = 0; i < value->length; i++) {
            const char *item = strs_next(&at);
            put_str(text, i == 0 ? "" : ", ");
            put_quoted(text, item, strlen(item));
        }
        put_str(text, "]");
    }
}

static void print_record(struct text *text, const struct record *record) {
    static const char *const stages[] = {"monitor", "outer", "setup", "final"};
    put_format(text, "%03u %s %s", record->index, stages[record->op->stage], record->op->name);
    for (u32 i = 0; i < record->op->field_count; i++) {
        put_str(text, " ");
        put_value(text, record->op->fields[i], &record->v[i]);
    }
    put_str(text, "\n");
}

int explain_main(void) {
    /* Mapped, not static: a monitor must not carry this much address space, where huge pages could form. */
    const size_t lines_size = 8 << 20;
    u8 *bytes = mmap(NULL, LIMIT_PLAN_BYTES + lines_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED) return 1;
    char *lines = (char *)bytes + LIMIT_PLAN_BYTES;
    u32 size = 0;
    ssize_t n;
    struct plan plan;
    struct cursor cursor = {0};
    struct record record;
    struct err err;
    struct text text = {lines, lines_size, 0, false};
    while (size < LIMIT_PLAN_BYTES && (n = read(0, bytes + size, LIMIT_PLAN_BYTES - size)) > 0) size += (u32)n;
    if (plan_check(bytes, size, &plan, &err) != 0) {
        put_format(&text, "malformed plan: %s\n", err.path);
        write_full(2, lines, text.length);
        return 1;
    }
    while (plan_next(&plan, &cursor, &record)) print_record(&text, &record);
    return write_full(1, lines, text.length) == 0 ? 0 : 1;
}
