/* Linear layers in int8: sums of whole numbers, the same on every processor, and low-rank additions in floats. */
#pragma once
#include <stdlib.h>

#include "pool.h"
#include "vectors.h"

#define COLUMNS 32 /* outputs of a linear layer that one piece of work computes */
#define TILE 16    /* rows of quantised tokens have room up to a multiple of this */
#define BLOCK 64   /* inputs that share a scale, a token's and an output's, as a few are far larger than the rest */
#define PARTS 3    /* linear layers of a checkpoint that may be one here: query, key and value */
#define RANKS 4    /* ranks of a low-rank addition that one piece of work goes down to */

typedef struct {
    const int8_t *weight; /* [outputs / 32][2][inputs / GROUP][16][GROUP], or [outputs][inputs] where GROUP is 1 */
    const float *scale;   /* [outputs] */
    const uint16_t *share; /* fp16 [outputs / 32][blocks][32]: of an output's scale, what its weights of a block need */
    const int32_t *sum;   /* [outputs / 32][blocks][32], OFFSET times the sum of an output's weights of a block; unused where OFFSET is 0 */
    const float *bias;    /* [outputs] or NULL */
    int outputs, inputs;  /* multiples of 32 and of 16 */
    int parts, widths[PARTS]; /* of how many layers of the checkpoint it is made, and their outputs */
} Linear;

typedef struct { /* a low-rank addition to a layer of the checkpoint: down [rank, inputs], up [outputs / 32][rank][32] */
    const float *down, *up;
    int rank; /* 0 for none */
} LowRank;

typedef struct {
    const Linear *linear;
    const Activation *q;  /* [tokens, inputs], with room for rows up to a multiple of TILE */
    const float *scale;   /* [tokens, blocks] */
    const LowRank **low;  /* each token's additions to this layer's parts, or NULL; NULL where no token has one */
    const float *lowered; /* [tokens, PARTS, room]: down x */
    float *out;           /* [tokens, outputs] */
    int tokens, room;
} Multiply;

static inline size_t weight_at(int output, int input, int inputs) {
    if (GROUP == 1) return (size_t)output * inputs + input;
    return (size_t)(output / LANES) * LANES * inputs + (size_t)(input / GROUP) * LANES * GROUP + output % LANES * GROUP + input % GROUP;
}

/* What the adapter of a token adds to 16 outputs from `column` on. */
static inline Vector adapted(const Multiply *m, int token, int column, Vector y) {
    int part = 0;
    for (; column >= m->linear->widths[part]; part++) column -= m->linear->widths[part];
    const LowRank *low = &m->low[token][part];
    const float *x = m->lowered + ((size_t)token * PARTS + part) * m->room;
    const float *up = low->up + (size_t)(column / COLUMNS) * COLUMNS * low->rank + column % COLUMNS;
    for (int r = 0; r < low->rank; r++) y = fused(all(x[r]), load(up + r * COLUMNS), y);
    return y;
}

static inline int blocks_of(int inputs) { return (inputs + BLOCK - 1) / BLOCK; }

/* Where an output's place in [outputs / 32][blocks][32] is. */
static inline size_t part_of_block(int output, int block, int inputs) {
    return ((size_t)(output / COLUMNS) * blocks_of(inputs) + block) * COLUMNS + output % COLUMNS;
}

/* Adds a block's dot products of 16 neighbours with one token, whole numbers, to y. */
static inline Vector joined(const Multiply *m, int token, int column, int block, Sums sum, Vector y) {
#if OFFSET
    sum = less(sum, m->linear->sum + part_of_block(column, block, m->linear->inputs));
#endif
    const Vector scale = times(half(m->linear->share + part_of_block(column, block, m->linear->inputs)), all(m->scale[token * blocks_of(m->linear->inputs) + block]));
    return fused(floats(sum), scale, y);
}

static inline void put(const Multiply *m, int token, int column, Vector y) {
    const Linear *l = m->linear;
    y = fused(y, load(l->scale + column), l->bias ? load(l->bias + column) : all(0.0f));
    if (m->low && m->low[token]) y = adapted(m, token, column, y);
    store(m->out + (size_t)token * l->outputs + column, y);
}

/* `rows` tokens (at most ROWS) from `first` on, COLUMNS outputs from `column` on, SIDES times 16 of them at once. */
static inline __attribute__((always_inline)) void multiply_rows(const Multiply *m, int column, int first, const int rows) {
    const int inputs = m->linear->inputs;
    for (const int end = column + COLUMNS; column < end; column += SIDES * LANES) {
        const int8_t *w = m->linear->weight + (size_t)column * inputs;
        Vector y[ROWS][SIDES];
        for (int r = 0; r < rows; r++)
            for (int side = 0; side < SIDES; side++) y[r][side] = all(0.0f);
        for (int from = 0, block = 0; from < inputs; from += BLOCK, block++) {
            const int n = inputs - from < BLOCK ? inputs - from : BLOCK;
            Sums s[ROWS][SIDES];
            dot_products(w + (size_t)from * (GROUP == 1 ? 1 : LANES), m->q + (size_t)first * inputs + from, inputs, n, rows, s);
            for (int r = 0; r < rows; r++)
                for (int side = 0; side < SIDES; side++) y[r][side] = joined(m, first + r, column + side * LANES, block, s[r][side], y[r][side]);
        }
        for (int r = 0; r < rows; r++)
            for (int side = 0; side < SIDES; side++) put(m, first + r, column + side * LANES, y[r][side]);
    }
}

#ifdef __AMX_INT8__
#include "isa/amx.h"
#else
#define TILES_FROM 0
static void multiply_tiles(const Multiply *m, int column) { (void)m; (void)column; }
#endif

static void multiply_columns(void *argument, int piece) {
    const Multiply *m = argument;
    const int column = piece * COLUMNS;
    if (TILES_FROM && m->tokens >= TILES_FROM && m->linear->inputs % 64 == 0) {
        multiply_tiles(m, column);
        return;
    }
    int first = 0;
    for (; first + ROWS <= m->tokens; first += ROWS) multiply_rows(m, column, first, ROWS);
    switch (m->tokens - first) { /* below ROWS */
        case 1: multiply_rows(m, column, first, 1); break;
        case 2: multiply_rows(m, column, first, 2); break;
        case 3: multiply_rows(m, column, first, 3); break;
#if ROWS > 4
        case 4: multiply_rows(m, column, first, 4); break;
        case 5: multiply_rows(m, column, first, 5); break;
#endif
#if ROWS > 6
        case 6: multiply_rows(m, column, first, 6); break;
        case 7: multiply_rows(m, column, first, 7); break;
#endif
    }
}

static void multiply(Multiply *m) {
    run(multiply_columns, m, m->linear->outputs / COLUMNS, (long)m->linear->outputs * m->linear->inputs / 8 * m->tokens);
}

/* A token's inputs to whole numbers; scale [blocks]. */
static void quantise_blocks(const float *x, int inputs, Activation *q, float *scale) {
    for (int from = 0; from < inputs; from += BLOCK)
        *scale++ = quantise(x + from, inputs - from < BLOCK ? inputs - from : BLOCK, q + from);
}

/* lowered[r] = down[r] x for RANKS ranks from `first` on. */
static void lower_rank(const LowRank *low, int first, const float *x, int inputs, float *lowered) {
    const int ranks = low->rank - first < RANKS ? low->rank - first : RANKS;
    const float *down = low->down + (size_t)first * inputs;
    Vector sum[RANKS];
    for (int r = 0; r < RANKS; r++) sum[r] = all(0.0f);
    if (ranks == RANKS) {
        for (int i = 0; i < inputs; i += LANES)
            for (int r = 0; r < RANKS; r++) sum[r] = fused(load(down + (size_t)r * inputs + i), load(x + i), sum[r]);
    } else {
        for (int r = 0; r < ranks; r++)
            for (int i = 0; i < inputs; i += LANES) sum[r] = fused(load(down + (size_t)r * inputs + i), load(x + i), sum[r]);
    }
    for (int r = 0; r < ranks; r++) lowered[first + r] = total(sum[r]);
}

typedef struct {
    const float *weight;
    int real, outputs, inputs;
    int8_t *packed;
    float *scale;
    uint16_t *share;
    int32_t *sum;
} Pack;

static float largest_of(const float *x, int n) {
    float most = 0.0f;
    for (int i = 0; i < n; i++) most = fmaxf(most, fabsf(x[i]));
    return most;
}

static inline float half_at(const uint16_t *from) {
    uint16_t halves[LANES] = {*from};
    float values[LANES];
    store(values, half(halves));
    return values[0];
}

/* most / whole in fp16, rounded up, so that no weight exceeds 127 of its scale. */
static float share_of(float most, float whole, uint16_t *kept) {
    float shares[LANES] = {whole > 0.0f ? fmaxf(most / whole * 1.0005f, 0x1p-12f) : 0.0f};
    uint16_t halves[LANES];
    store_half(halves, load(shares));
    *kept = halves[0];
    return half_at(kept);
}

static void pack_output(void *argument, int n) {
    const Pack *p = argument;
    const int real = n < p->real; /* there are no weights to read after the last real output */
    const float *from = p->weight + (size_t)n * p->inputs, whole = real ? largest_of(from, p->inputs) : 0.0f;
    p->scale[n] = whole / 127.0f;
    for (int first = 0; first < p->inputs; first += BLOCK) {
        const int count = p->inputs - first < BLOCK ? p->inputs - first : BLOCK;
        const size_t at = part_of_block(n, first / BLOCK, p->inputs);
        const float scale = p->scale[n] * share_of(real ? largest_of(from + first, count) : 0.0f, whole, &p->share[at]);
        int32_t sum = 0;
        for (int k = first; k < first + count; k++) {
            const int q = whole > 0.0f ? (int)lrintf(fminf(fmaxf(from[k] / scale, -127.0f), 127.0f)) : 0;
            p->packed[weight_at(n, k, p->inputs)] = (int8_t)q;
            sum += q;
        }
        p->sum[at] = OFFSET * sum;
    }
}

/* Quantises weight [outputs, inputs] (fp32, row by row) into the layout of Linear; rows from `real` on are zero. */
void pack(const float *weight, int real, int outputs, int inputs, int8_t *packed, float *scale, uint16_t *share, int32_t *sum) {
    Pack p = {weight, real, outputs, inputs, packed, scale, share, sum};
    pthread_mutex_lock(&pool.call);
    run(pack_output, &p, outputs, (long)outputs * inputs);
    pthread_mutex_unlock(&pool.call);
}
