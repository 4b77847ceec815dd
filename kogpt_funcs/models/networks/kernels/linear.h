/* Linear layers in int8: sums of whole numbers by AVX-512 VNNI or, over several tokens, by AMX's tiles, the same either way. */
#pragma once
#include <cpuid.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pool.h"
#include "vectors.h"

#define COLUMNS 32 /* outputs of a linear layer that one piece of work computes */
#define ROWS 8     /* tokens whose sums are held in registers together */
#define TILE 16    /* tokens, or outputs, of an AMX tile of sums; it goes through inputs 64 at a time */
#define TILES_FROM 3 /* tokens from which on tiles are sooner done */

typedef struct {
    const int8_t *weight; /* [outputs / 16][inputs / 4][16][4] */
    const float *scale;   /* [outputs] */
    const int32_t *sum;   /* [outputs], 128 times the sum of an output's weights */
    const float *bias;    /* [outputs] or NULL */
    int outputs, inputs;  /* multiples of 32 and of 16 */
} Linear;

typedef struct { /* a low-rank addition to a linear layer: down [rank, inputs], up [rank, outputs] */
    const float *down, *up;
    int rank;
} LowRank;

typedef struct {
    const Linear *linear;
    const uint8_t *q;   /* [tokens, inputs], with room for rows up to a multiple of TILE */
    const float *scale; /* [tokens] */
    float *out;         /* [tokens, outputs]; what is there is added to, or replaced */
    int tokens, add;
} Multiply;

/* An output's dot products of 16 neighbours with one token, from whole numbers to floats. */
static inline void put(const Multiply *m, int token, int column, __m512i sum) {
    const Linear *l = m->linear;
    float *out = m->out + (size_t)token * l->outputs + column;
    __m512 y = _mm512_cvtepi32_ps(_mm512_sub_epi32(sum, _mm512_loadu_si512(l->sum + column)));
    __m512 bias = l->bias ? _mm512_loadu_ps(l->bias + column) : _mm512_setzero_ps();
    y = _mm512_fmadd_ps(_mm512_mul_ps(y, _mm512_loadu_ps(l->scale + column)), _mm512_set1_ps(m->scale[token]), bias);
    _mm512_storeu_ps(out, m->add ? _mm512_add_ps(_mm512_loadu_ps(out), y) : y);
}

/* `rows` tokens (at most ROWS) from `first` on, COLUMNS outputs from `column` on. */
static inline __attribute__((always_inline)) void multiply_rows(const Multiply *m, int column, int first, const int rows) {
    const Linear *l = m->linear;
    const int steps = l->inputs / 4;
    const int8_t *w0 = l->weight + (size_t)column * l->inputs, *w1 = w0 + (size_t)LANES * l->inputs;
    __m512i s0[ROWS], s1[ROWS];
    for (int r = 0; r < rows; r++) s0[r] = s1[r] = _mm512_setzero_si512();
    const uint8_t *q = m->q + (size_t)first * l->inputs;
    for (int k = 0; k < steps; k++) {
        __m512i a = _mm512_loadu_si512(w0 + (size_t)k * 64), b = _mm512_loadu_si512(w1 + (size_t)k * 64);
        for (int r = 0; r < rows; r++) {
            int32_t four;
            memcpy(&four, q + (size_t)r * l->inputs + k * 4, 4);
            __m512i x = _mm512_set1_epi32(four);
            s0[r] = _mm512_dpbusd_epi32(s0[r], x, a);
            s1[r] = _mm512_dpbusd_epi32(s1[r], x, b);
        }
    }
    for (int r = 0; r < rows; r++) {
        put(m, first + r, column, s0[r]);
        put(m, first + r, column + LANES, s1[r]);
    }
}

#ifdef __AMX_INT8__

static int tiles_allowed(void) {
    static atomic_int known; /* 0: not asked yet; 1: no; 2: yes */
    if (!atomic_load(&known)) {
        unsigned a, b, c, d = 0;
        int there = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> 24 & 3) == 3; /* AMX-TILE and AMX-INT8 */
        /* Linux lends the tiles' registers to a process that asks: ARCH_REQ_XCOMP_PERM, XTILEDATA. */
        atomic_store(&known, there && syscall(SYS_arch_prctl, 0x1023, 18) == 0 ? 2 : 1);
    }
    return atomic_load(&known) == 2;
}

static int use_tiles(const Multiply *m) { return m->tokens >= TILES_FROM && m->linear->inputs % 64 == 0 && tiles_allowed(); }

/* The same whole numbers as multiply_rows gives. A weight's layout is that of a tile; `q` has rows up to a multiple of TILE. */
static void multiply_tiles(const Multiply *m, int column) {
    static const struct { uint8_t palette, start, reserved[14]; uint16_t bytes[16]; uint8_t rows[16]; } shapes = {
        .palette = 1, .bytes = {64, 64, 64, 64, 64, 64, 64, 64}, .rows = {16, 16, 16, 16, 16, 16, 16, 16},
    };
    const Linear *l = m->linear;
    const size_t inputs = l->inputs;
    const int8_t *w = l->weight + column * inputs;
    int32_t sums[4][TILE][LANES] __attribute__((aligned(64)));
    _tile_loadconfig(&shapes); /* here, as others may use the tiles of this thread between two passes */
    for (int first = 0; first < m->tokens; first += 2 * TILE) {
        const uint8_t *q = m->q + first * inputs;
        const int two = first + TILE < m->tokens;
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
        for (size_t k = 0; k < inputs; k += 64) {
            _tile_loadd(4, w + k * LANES, 64);
            _tile_loadd(5, w + (inputs + k) * LANES, 64);
            _tile_loadd(6, q + k, inputs);
            _tile_dpbusd(0, 6, 4);
            _tile_dpbusd(1, 6, 5);
            if (two) {
                _tile_loadd(7, q + TILE * inputs + k, inputs);
                _tile_dpbusd(2, 7, 4);
                _tile_dpbusd(3, 7, 5);
            }
        }
        _tile_stored(0, sums[0], 64);
        _tile_stored(1, sums[1], 64);
        _tile_stored(2, sums[2], 64);
        _tile_stored(3, sums[3], 64);
        for (int r = 0; r < 2 * TILE && first + r < m->tokens; r++)
            for (int half = 0; half < 2; half++)
                put(m, first + r, column + half * LANES, _mm512_load_si512(sums[r / TILE * 2 + half][r % TILE]));
    }
    _tile_release();
}

#else
static int use_tiles(const Multiply *m) { (void)m; return 0; }
static void multiply_tiles(const Multiply *m, int column) { (void)m; (void)column; }
#endif

static void multiply_columns(void *argument, int piece) {
    const Multiply *m = argument;
    if (use_tiles(m)) {
        multiply_tiles(m, piece * COLUMNS);
        return;
    }
    int first = 0;
    for (; first + ROWS <= m->tokens; first += ROWS) multiply_rows(m, piece * COLUMNS, first, ROWS);
    switch (m->tokens - first) {
        case 1: multiply_rows(m, piece * COLUMNS, first, 1); break;
        case 2: multiply_rows(m, piece * COLUMNS, first, 2); break;
        case 3: multiply_rows(m, piece * COLUMNS, first, 3); break;
        case 4: multiply_rows(m, piece * COLUMNS, first, 4); break;
        case 5: multiply_rows(m, piece * COLUMNS, first, 5); break;
        case 6: multiply_rows(m, piece * COLUMNS, first, 6); break;
        case 7: multiply_rows(m, piece * COLUMNS, first, 7); break;
    }
}

static void multiply(const Linear *linear, const uint8_t *q, const float *scale, float *out, int tokens, int add) {
    Multiply m = {linear, q, scale, out, tokens, add};
    run(multiply_columns, &m, linear->outputs / COLUMNS, (long)linear->outputs * linear->inputs / 8 * tokens);
}

/* out += up^T (down x) */
static void add_low_rank(const LowRank *low, const float *x, int inputs, float *out, int outputs) {
    for (int r = 0; r < low->rank; r++) {
        const float *down = low->down + (size_t)r * inputs, *up = low->up + (size_t)r * outputs;
        __m512 sum = _mm512_setzero_ps();
        for (int i = 0; i < inputs; i += LANES) sum = _mm512_fmadd_ps(_mm512_loadu_ps(down + i), _mm512_loadu_ps(x + i), sum);
        __m512 factor = _mm512_set1_ps(_mm512_reduce_add_ps(sum));
        for (int i = 0; i < outputs; i += LANES)
            _mm512_storeu_ps(out + i, _mm512_fmadd_ps(factor, _mm512_loadu_ps(up + i), _mm512_loadu_ps(out + i)));
    }
}

/* Quantises weight [outputs, inputs] (fp32, row by row) into the layout of Linear; rows from `real` on are zero. */
void pack(const float *weight, int real, int outputs, int inputs, int8_t *packed, float *scale, int32_t *sum) {
    for (int n = 0; n < outputs; n++) {
        float most = 0.0f;
        for (int k = 0; n < real && k < inputs; k++) most = fmaxf(most, fabsf(weight[(size_t)n * inputs + k]));
        scale[n] = most / 127.0f;
        sum[n] = 0;
        for (int k = 0; k < inputs; k++) {
            int q = most > 0.0f ? (int)lrintf(weight[(size_t)n * inputs + k] / scale[n]) : 0;
            packed[((size_t)(n / LANES) * (inputs / 4) + k / 4) * 64 + (n % LANES) * 4 + k % 4] = (int8_t)q;
            sum[n] += 128 * q;
        }
    }
}
