/* The incremental parser of frames a client sends. It allocates only for the one frame that is being collected. */
#ifndef FRAMES_H
#define FRAMES_H
#include "tare.h"

#define FRAME_HEADER 8u
struct frame_parser {
    u8 header[FRAME_HEADER];
    u8 header_filled;
    u32 filled;      /* of the payload */
    u32 length;
    u8 *payload;     /* collected frames only; mmapped */
};
struct frame_sink {
    /* Some bytes of a stdin frame; returns how many were taken (fewer: blocked), -1 to drop the client. */
    ssize_t (*stdin_bytes)(void *context, const u8 *bytes, size_t count);
    /* A whole frame. -1 to drop the client. */
    int (*frame)(void *context, u8 type, const u8 *payload, u32 length);
    void *context;
};
/* Returns how many bytes were consumed (fewer than count: the sink is blocked), -1 for malformed or refused input. */
ssize_t frames_feed(struct frame_parser *parser, const struct frame_sink *sink, const u8 *bytes, size_t count);
void frames_free(struct frame_parser *parser);
void frame_header(u8 header[FRAME_HEADER], u8 type, u32 length);
#endif
