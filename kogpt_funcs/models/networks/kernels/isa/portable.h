/* Plain C for any processor: arrays of 16, which a compiler puts into whatever registers there are. */
#pragma once

typedef struct { float at[16]; } Vector;
typedef struct { int32_t at[16]; } Sums;
typedef int16_t Activation; /* a whole number from -127 to 127 */

#define OFFSET 0
#define GROUP 1  /* an output's inputs lie in a row, see weight_at */
#define ROWS 4   /* tokens that share the reading of weights, */
#define SIDES 2  /* each for so many times 16 outputs */
#define SHARES 1 /* vectors of a head's values that are mixed together, for one query head; */
#define SHARES_OF_TWO 1 /* for two */
#define SHARES_OF_FOUR 1 /* and for four */

#define EACH(value) Vector y; for (int i = 0; i < 16; i++) y.at[i] = (value); return y
static inline void relax(void) {}
static inline Vector all(float x) { EACH(x); }
static inline Vector load(const float *from) { EACH(from[i]); }
static inline void store(float *to, Vector x) { for (int i = 0; i < 16; i++) to[i] = x.at[i]; }
static inline Vector add(Vector a, Vector b) { EACH(a.at[i] + b.at[i]); }
static inline Vector subtract(Vector a, Vector b) { EACH(a.at[i] - b.at[i]); }
static inline Vector times(Vector a, Vector b) { EACH(a.at[i] * b.at[i]); }
static inline Vector divide(Vector a, Vector b) { EACH(a.at[i] / b.at[i]); }
static inline Vector smaller(Vector a, Vector b) { EACH(a.at[i] < b.at[i] ? a.at[i] : b.at[i]); }
static inline Vector larger(Vector a, Vector b) { EACH(a.at[i] > b.at[i] ? a.at[i] : b.at[i]); }
static inline Vector magnitude(Vector x) { EACH(fabsf(x.at[i])); }
static inline Vector nearest(Vector x) { EACH((x.at[i] + 12582912.0f) - 12582912.0f); } /* below 2^22, where 1.5 * 2^23 leaves no fraction */

static inline Vector fused(Vector a, Vector b, Vector c) { /* a * b + c, rounded once; without an instruction for it, hardly ever twice */
#ifdef __FP_FAST_FMAF
    EACH(fmaf(a.at[i], b.at[i], c.at[i]));
#else
    EACH((float)((double)a.at[i] * b.at[i] + c.at[i]));
#endif
}

static inline float float_of(uint32_t bits) { float x; memcpy(&x, &bits, 4); return x; }
static inline uint32_t bits_of(float x) { uint32_t bits; memcpy(&bits, &x, 4); return bits; }

static inline Vector scaled(Vector x, Vector power) { /* from -126 to 127 */
    EACH(x.at[i] * float_of((uint32_t)((int32_t)power.at[i] + 127) << 23));
}

static inline Vector half(const uint16_t *from) { /* of what is finite */
    EACH(float_of(bits_of(float_of((uint32_t)(from[i] & 0x7FFF) << 13) * 0x1p112f) | (uint32_t)(from[i] & 0x8000) << 16));
}
static inline void store_half(uint16_t *to, Vector x) { /* to the nearest, ties to even */
    for (int i = 0; i < 16; i++) {
        uint32_t bits = bits_of(x.at[i]), sign = bits >> 16 & 0x8000;
        bits &= 0x7FFFFFFF;
        uint32_t small = bits_of(float_of(bits) + 0.5f) - 0x3F000000, normal = ((bits + 0xFFF + (bits >> 13 & 1)) >> 13) - (112 << 10);
        to[i] = (uint16_t)(sign | (bits < 0x38800000 ? small : normal));
    }
}

static inline int some_above(Vector x, float bar) { /* a bit a lane */
    int found = 0;
    for (int i = 0; i < 16; i++) found |= (x.at[i] > bar) << i;
    return found;
}

static inline void store_activations(Activation *to, Vector x) {
    const Vector whole = nearest(x);
    for (int i = 0; i < 16; i++) to[i] = (int16_t)whole.at[i];
}

static inline Vector floats(Sums x) { EACH((float)x.at[i]); }

/* Dot products of `rows` tokens, `stride` apart, with 32 outputs over `n` of their inputs; `w` is a place in [32][stride]. */
static inline void dot_products(const int8_t *w, const Activation *q, int stride, int n, const int rows, Sums s[][SIDES]) {
    for (int o = 0; o < 32; o++, w += stride)
        for (int r = 0; r < rows; r++) {
            const Activation *x = q + (size_t)r * stride;
            int32_t sum = 0;
            for (int k = 0; k < n; k++) sum += (int16_t)w[k] * x[k];
            s[r][o / 16].at[o % 16] = sum;
        }
}

/* Multiplies and adds `rounds` times over what the first cache holds; how many products. */
static long most_products(long rounds) {
    static const int8_t w[32 * 64] = {1, 2, 3};
    static const Activation q[ROWS * 64] = {4, 5, 6};
    volatile int32_t kept = 0;
    for (long r = 0; r < rounds / 100; r++) {
        Sums s[ROWS][SIDES];
        dot_products(w, q, 64, 64, ROWS, s);
        kept += s[0][0].at[r % 16];
    }
    return rounds / 100 * ROWS * 32 * 64;
}
