/* What a client may send: frames cut anywhere, requests with any fields. The sink blocks now and then, as a full pipe does. */
#include "driver.h"
#include <stdlib.h>
#include "frames.h"
#include "plan.h"

struct state {
    unsigned turn;
    unsigned long touched;
};

static ssize_t stdin_bytes(void *context, const u8 *bytes, size_t count) {
    struct state *state = context;
    size_t taken = state->turn++ % 3 == 0 ? 0 : 1 + count / 2;
    for (size_t i = 0; i < taken; i++) state->touched += bytes[i];
    return (ssize_t)taken;
}

static int frame(void *context, u8 type, const u8 *payload, u32 length) {
    static const u8 one[] = {FIELD_U32}, two[] = {FIELD_STR, FIELD_U32}, three[] = {FIELD_STR, FIELD_U32, FIELD_U32};
    struct state *state = context;
    struct value v[3];
    struct plan plan;
    struct err err;
    int result = 0;
    if (type == FRAME_ATTACH) result = fields_decode(payload, length, one, 1, v);
    if (type == FRAME_SIGNAL && (result = fields_decode(payload, length, two, 2, v)) == 0) state->touched += strlen(v[0].text);
    if (type == FRAME_RESIZE && (result = fields_decode(payload, length, three, 3, v)) == 0) state->touched += strlen(v[0].text);
    if (type == FRAME_EXEC) state->touched += plan_check(payload, length, &plan, &err) == 0;
    return result;
}

void fuzz_one(const uint8_t *bytes, size_t size) {
    struct state state = {0};
    struct frame_parser parser = {0};
    const struct frame_sink sink = {stdin_bytes, frame, &state};
    size_t at = 0, step = size == 0 ? 1 : 1 + bytes[0] % 64;
    uint8_t *copy = malloc(size == 0 ? 1 : size);
    memcpy(copy, bytes, size);
    while (at < size) {
        size_t part = size - at < step ? size - at : step;
        ssize_t n = frames_feed(&parser, &sink, copy + at, part);
        if (n < 0) break;
        if ((size_t)n > part) abort();
        at += (size_t)n;
    }
    frames_free(&parser);
    free(copy);
}
