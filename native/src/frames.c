#include "frames.h"
#include <sys/mman.h>

void frame_header(u8 header[FRAME_HEADER], u8 type, u32 length) {
    memset(header, 0, FRAME_HEADER);
    header[0] = type;
    header[4] = (u8)(length >> 24);
    header[5] = (u8)(length >> 16);
    header[6] = (u8)(length >> 8);
    header[7] = (u8)length;
}

void frames_free(struct frame_parser *parser) {
    if (parser->payload != NULL) munmap(parser->payload, parser->length);
    parser->payload = NULL;
}

/* What a type may weigh: a plan much, a request little, a signal to go on nothing. */
static bool allowed(u8 type, u32 length) {
    switch (type) {
    case FRAME_STDIN:
        return length <= LIMIT_FRAME_BYTES;
    case FRAME_LAUNCH:
    case FRAME_EXEC:
        return length <= LIMIT_PLAN_BYTES;
    case FRAME_STDIN_END:
    case FRAME_PROCEED:
    case FRAME_START:
    case FRAME_WATCH:
        return length == 0;
    case FRAME_ATTACH:
    case FRAME_SIGNAL:
    case FRAME_RESIZE:
        return length <= 4096;
    default:
        return false;
    }
}

static int begin(struct frame_parser *parser) {
    const u8 *h = parser->header;
    parser->length = (u32)h[4] << 24 | (u32)h[5] << 16 | (u32)h[6] << 8 | h[7];
    parser->filled = 0;
    if (h[1] != 0 || h[2] != 0 || h[3] != 0 || !allowed(h[0], parser->length)) return -1;
    if (h[0] == FRAME_STDIN || parser->length == 0) return 0;
    void *space = mmap(NULL, parser->length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (space == MAP_FAILED) return -1;
    parser->payload = space;
    return 0;
}

static int finish(struct frame_parser *parser, const struct frame_sink *sink) {
    u8 type = parser->header[0];
    parser->header_filled = 0;
    int result = type == FRAME_STDIN ? 0 : sink->frame(sink->context, type, parser->payload, parser->length);
    frames_free(parser);
    return result;
}

static ssize_t payload(struct frame_parser *parser, const struct frame_sink *sink, const u8 *bytes, size_t count) {
    size_t left = parser->length - parser->filled;
    size_t part = count < left ? count : left;
    if (parser->header[0] == FRAME_STDIN) {
        ssize_t taken = sink->stdin_bytes(sink->context, bytes, part);
        if (taken > 0) parser->filled += (u32)taken;
        return taken;
    }
    memcpy(parser->payload + parser->filled, bytes, part);
    parser->filled += (u32)part;
    return (ssize_t)part;
}

ssize_t frames_feed(struct frame_parser *parser, const struct frame_sink *sink, const u8 *bytes, size_t count) {
    size_t at = 0;
    while (at < count) {
        if (parser->header_filled < FRAME_HEADER) {
            parser->header[parser->header_filled++] = bytes[at++];
            if (parser->header_filled < FRAME_HEADER) continue;
            if (begin(parser) != 0) return -1;
        } else {
            ssize_t taken = payload(parser, sink, bytes + at, count - at);
            if (taken < 0) return -1;
            if (taken == 0) return (ssize_t)at;
            at += (size_t)taken;
        }
        if (parser->filled == parser->length && finish(parser, sink) != 0) return -1;
    }
    return (ssize_t)at;
}
