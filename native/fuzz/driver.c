/* usage: fuzz-TARGET SECONDS CORPUS_DIR [SEED]. A crash prints the seed and case number; they reproduce it. */
#include "driver.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CASE_MAX (256u << 10)
#define CORPUS_MAX 256
static uint8_t *corpus[CORPUS_MAX];
static size_t sizes[CORPUS_MAX], count;
static uint64_t state;

static uint64_t next(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void load(const char *dir) {
    char path[4096];
    DIR *at = opendir(dir);
    static struct dirent **names;
    if (at == NULL) return;
    closedir(at);
    /* sorted: the same seed means the same cases on every machine */
    int found = scandir(dir, &names, NULL, alphasort);
    for (int i = 0; i < found && count < CORPUS_MAX; i++) {
        if (names[i]->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", dir, names[i]->d_name);
        FILE *file = fopen(path, "rb");
        if (file == NULL) continue;
        corpus[count] = malloc(CASE_MAX);
        sizes[count] = fread(corpus[count], 1, CASE_MAX, file);
        fclose(file);
        count++;
    }
}

static size_t mutate(uint8_t *bytes, size_t size) {
    static const uint32_t odd[] = {0, 1, 3, 4, 0x7f, 0xff, 0xfffc, 0xffff, 0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff};
    for (uint64_t changes = 1 + next() % 6; changes > 0; changes--) {
        size_t at = size == 0 ? 0 : next() % size;
        switch (next() % 7) {
        case 0:
            if (size > 0) bytes[at] ^= (uint8_t)(1u << next() % 8);
            break;
        case 1:
            if (size > 0) bytes[at] = (uint8_t)next();
            break;
        case 2: /* a length, most likely */
            at &= ~(size_t)3;
            if (at + 4 <= size) memcpy(bytes + at, &odd[next() % (sizeof odd / sizeof *odd)], 4);
            break;
        case 3:
            size = at;
            break;
        case 4: { /* repeat a part */
            size_t part = size - at < 64 ? size - at : 64;
            if (size + part <= CASE_MAX) {
                memmove(bytes + at + part, bytes + at, size - at);
                size += part;
            }
            break;
        }
        case 5: { /* drop a part */
            size_t part = next() % 16;
            if (at + part <= size) {
                memmove(bytes + at, bytes + at + part, size - at - part);
                size -= part;
            }
            break;
        }
        default: { /* splice another case */
            size_t other = next() % count, part = sizes[other] < CASE_MAX - at ? sizes[other] : CASE_MAX - at;
            memcpy(bytes + at, corpus[other], part);
            if (at + part > size) size = at + part;
        }
        }
    }
    return size;
}

int main(int argc, char **argv) {
    static uint8_t bytes[CASE_MAX];
    if (argc < 3) return 64;
    uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 20261122, cases = 0;
    time_t end = time(NULL) + atoi(argv[1]);
    load(argv[2]);
    if (count == 0) return 65;
    state = seed;
    for (size_t i = 0; i < count; i++) fuzz_one(corpus[i], sizes[i]);
    for (; time(NULL) < end; cases++) {
        size_t from = next() % count;
        memcpy(bytes, corpus[from], sizes[from]);
        size_t size = mutate(bytes, sizes[from]);
        fuzz_one(bytes, size);
    }
    printf("%s: %llu cases, seed %llu, corpus %zu\n", argv[0], (unsigned long long)cases, (unsigned long long)seed, count);
    return 0;
}
