/* Attention of one token over its own sequence, whose keys and values lie in fp16. */
#pragma once
#include "vectors.h"

typedef struct {
    int heads, shared; /* query heads, and how many of them share a key and a value */
    int size;          /* of a head, a multiple of 16 */
    float factor;      /* that scores are multiplied by */
} Heads;

/* scores[h][j] = query h times key j, for `heads` (a constant) query heads `size` apart. */
static inline __attribute__((always_inline)) void score(
    const float *q, const uint16_t *keys, const uint16_t *values, int length, int size, float *scores, int room, const int heads) {
    for (int j = 0; j < length; j++, keys += size, values += size) {
        Vector sum[4];
        for (int h = 0; h < heads; h++) sum[h] = all(0.0f);
        for (int i = 0; i < size; i += LANES) {
            /* Many sequences' caches do not fit into the processor's: the values come while the keys are read. */
            if (i % 32 == 0) __builtin_prefetch(values + i);
            const Vector key = half(keys + i);
            for (int h = 0; h < heads; h++) sum[h] = fused(load(q + h * size + i), key, sum[h]);
        }
        for (int h = 0; h < heads; h++) scores[(size_t)h * room + j] = total(sum[h]);
    }
}

/* Scores to shares before their division by the returned sum; what lies between length and its multiple of 16 becomes 0. */
static float share_out(float *scores, int length, float factor) {
    Vector top = all(-INFINITY), sum = all(0.0f);
    const int padded = (length + LANES - 1) / LANES * LANES;
    for (int j = length; j < padded; j++) scores[j] = -INFINITY;
    for (int j = 0; j < padded; j += LANES) top = larger(top, load(scores + j));
    const Vector most = all(largest(top));
    for (int j = 0; j < padded; j += LANES)
        store(scores + j, exponential(times(subtract(load(scores + j), most), all(factor))));
    for (int j = length; j < padded; j++) scores[j] = 0.0f;
    for (int j = 0; j < padded; j += LANES) sum = add(sum, load(scores + j));
    return total(sum);
}

/* out[h][16 * parts] = the sum of scores[h][j] * values[j] over j, divided by sums[h]. */
static inline __attribute__((always_inline)) void mix(
    const float *scores, int room, const uint16_t *values, int length, int size, const float *sums, float *out, const int heads, const int parts) {
    Vector mixed[4][4];
    for (int h = 0; h < heads; h++)
        for (int i = 0; i < parts; i++) mixed[h][i] = all(0.0f);
    for (int j = 0; j < length; j++, values += size) {
        Vector share[4];
        for (int h = 0; h < heads; h++) share[h] = all(scores[(size_t)h * room + j]);
        for (int i = 0; i < parts; i++) {
            const Vector value = half(values + i * LANES);
            for (int h = 0; h < heads; h++) mixed[h][i] = fused(share[h], value, mixed[h][i]);
        }
    }
    for (int h = 0; h < heads; h++)
        for (int i = 0; i < parts; i++) store(out + h * size + i * LANES, times(mixed[h][i], all(1.0f / sums[h])));
}

static inline __attribute__((always_inline)) void attend_heads(
    const Heads *by, const float *q, const uint16_t *keys, const uint16_t *values, int length, float *out, const int heads, const int parts) {
    const int size = by->size, room = (length + LANES - 1) / LANES * LANES;
    float scores[(size_t)heads * room], sums[4];
    score(q, keys, values, length, size, scores, room, heads);
    for (int h = 0; h < heads; h++) sums[h] = share_out(scores + (size_t)h * room, length, by->factor);
    int i = 0;
    for (; i + parts * LANES <= size; i += parts * LANES) mix(scores, room, values + i, length, size, sums, out + i, heads, parts);
    for (; i < size; i += LANES) mix(scores, room, values + i, length, size, sums, out + i, heads, 1);
}

/* Query heads [heads, size] that share keys and values [length, size]; what a head gets does not depend on how many go together. */
static void attend_together(const Heads *by, const float *q, const uint16_t *keys, const uint16_t *values, int length, float *out, int heads) {
    const int size = by->size;
    for (; heads >= 4; heads -= 4, q += 4 * size, out += 4 * size) attend_heads(by, q, keys, values, length, out, 4, SHARES_OF_FOUR);
    for (; heads >= 2; heads -= 2, q += 2 * size, out += 2 * size) attend_heads(by, q, keys, values, length, out, 2, SHARES_OF_TWO);
    for (; heads >= 1; heads -= 1, q += size, out += size) attend_heads(by, q, keys, values, length, out, 1, SHARES);
}
