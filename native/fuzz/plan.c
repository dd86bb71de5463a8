/* The plan decoder: any bytes are accepted or refused, and what is accepted can be walked to its end. */
#include "driver.h"
#include <stdlib.h>
#include "plan.h"

static unsigned long touched;

void fuzz_one(const uint8_t *bytes, size_t size) {
    struct plan plan;
    struct err err;
    struct cursor cursor = {0};
    struct record record;
    if (size > UINT32_MAX) return;
    /* an exact allocation, so that a read of one byte more is seen; the header's hash is made right to get past it */
    uint8_t *copy = malloc(size == 0 ? 1 : size);
    memcpy(copy, bytes, size);
    if (size >= PLAN_HEADER) {
        uint64_t hash = TABLE_HASH;
        uint32_t total = (uint32_t)size;
        memcpy(copy, "TARE\1\0\0\0", 8);
        memcpy(copy + 8, &total, 4);
        memcpy(copy + 16, &hash, 8);
    }
    if (plan_check(copy, (uint32_t)size, &plan, &err) == 0) {
        u32 walked = 0;
        for (; plan_next(&plan, &cursor, &record); walked++)
            for (u32 i = 0; i < record.op->field_count; i++) {
                const char *at = record.v[i].text;
                if (record.op->fields[i] == FIELD_STR) touched += strlen(at);
                if (record.op->fields[i] == FIELD_STRS)
                    for (u32 item = 0; item < record.v[i].length; item++) touched += strlen(strs_next(&at));
            }
        if (walked != plan.count) abort();
    } else if (err.number == 0) {
        abort();
    }
    free(copy);
}
