/* AVX-512 with VNNI: a vector is one register, four products go into a sum at once. */
#pragma once
#include <immintrin.h>

typedef __m512 Vector;  /* 16 floats */
typedef __m512i Sums;   /* 16 whole numbers */
typedef uint8_t Activation; /* a whole number from -127 to 127, plus OFFSET */

#define OFFSET 128 /* the instruction takes one side without a sign */
#define GROUP 4    /* inputs of an output that lie together */
#define ROWS 8     /* tokens whose sums stay in registers together, */
#define SIDES 2    /* each with so many times 16 outputs */
#define SHARES 4   /* vectors of a head's values that are mixed together, for one query head; */
#define SHARES_OF_TWO 4 /* for two */
#define SHARES_OF_FOUR 4 /* and for four */

static inline void relax(void) { _mm_pause(); }
static inline Vector all(float x) { return _mm512_set1_ps(x); }
static inline Vector load(const float *from) { return _mm512_loadu_ps(from); }
static inline void store(float *to, Vector x) { _mm512_storeu_ps(to, x); }
static inline Vector add(Vector a, Vector b) { return _mm512_add_ps(a, b); }
static inline Vector subtract(Vector a, Vector b) { return _mm512_sub_ps(a, b); }
static inline Vector times(Vector a, Vector b) { return _mm512_mul_ps(a, b); }
static inline Vector divide(Vector a, Vector b) { return _mm512_div_ps(a, b); }
static inline Vector fused(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); } /* a * b + c, rounded once */
static inline Vector smaller(Vector a, Vector b) { return _mm512_min_ps(a, b); }
static inline Vector larger(Vector a, Vector b) { return _mm512_max_ps(a, b); }
static inline Vector magnitude(Vector x) { return _mm512_abs_ps(x); }
static inline Vector nearest(Vector x) { return _mm512_roundscale_ps(x, 0); }
static inline Vector scaled(Vector x, Vector power) { return _mm512_scalef_ps(x, power); } /* x * 2^power */

static inline Vector half(const uint16_t *from) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)from)); }
static inline void store_half(uint16_t *to, Vector x) { _mm256_storeu_si256((__m256i *)to, _mm512_cvtps_ph(x, 0)); }

static inline __m256 lower(Vector x) { return _mm512_castps512_ps256(x); }
static inline __m256 upper(Vector x) { return _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(x), 1)); }

static inline int some_above(Vector x, float bar) { return _mm512_cmp_ps_mask(x, all(bar), _CMP_GT_OQ); } /* a bit a lane */

static inline void store_activations(Activation *to, Vector x) {
    __m512i whole = _mm512_add_epi32(_mm512_cvtps_epi32(x), _mm512_set1_epi32(OFFSET));
    _mm_storeu_si128((__m128i *)to, _mm512_cvtepi32_epi8(whole));
}

static inline Vector floats(Sums x) { return _mm512_cvtepi32_ps(x); }
static inline Sums less(Sums x, const int32_t *y) { return _mm512_sub_epi32(x, _mm512_loadu_si512(y)); }

/* Dot products of `rows` tokens (a constant), `stride` apart, with 32 outputs over `n` of their inputs.
 * `w` is a place in [2][stride / GROUP][16][GROUP]. */
static inline __attribute__((always_inline)) void dot_products(
    const int8_t *w, const Activation *q, int stride, int n, const int rows, Sums s[][SIDES]) {
    const int8_t *w1 = w + (size_t)16 * stride;
    const int apart = rows == 1 ? 2 : 1; /* for one token two sums each, as a product takes longer than the loads for it */
    Sums more[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
    for (int r = 0; r < rows; r++) s[r][0] = s[r][1] = _mm512_setzero_si512();
    for (int k = 0; k < n; k += 4 * apart) {
        const int8_t *at = w + (size_t)k * 16, *at1 = w1 + (size_t)k * 16;
        __m512i a = _mm512_loadu_si512(at), b = _mm512_loadu_si512(at1);
        for (int i = 0; i < apart; i++) {
            _mm_prefetch((const char *)at + AHEAD + 64 * i, _MM_HINT_T0);
            _mm_prefetch((const char *)at1 + AHEAD + 64 * i, _MM_HINT_T0);
        }
        for (int r = 0; r < rows; r++) {
            int32_t four;
            memcpy(&four, q + (size_t)r * stride + k, 4);
            __m512i x = _mm512_set1_epi32(four);
            s[r][0] = _mm512_dpbusd_epi32(s[r][0], x, a);
            s[r][1] = _mm512_dpbusd_epi32(s[r][1], x, b);
        }
        if (apart == 2) {
            int32_t four;
            memcpy(&four, q + k + 4, 4);
            __m512i x = _mm512_set1_epi32(four);
            more[0] = _mm512_dpbusd_epi32(more[0], x, _mm512_loadu_si512(at + 64));
            more[1] = _mm512_dpbusd_epi32(more[1], x, _mm512_loadu_si512(at1 + 64));
        }
    }
    if (apart == 2)
        for (int i = 0; i < 2; i++) s[0][i] = _mm512_add_epi32(s[0][i], more[i]);
}

#ifndef __AMX_INT8__
/* Multiplies and adds out of registers, `rounds` times over; how many products. */
static long most_products(long rounds) {
    __m512i sum[8], x = _mm512_set1_epi8(3), w = _mm512_set1_epi8(5);
    for (int i = 0; i < 8; i++) sum[i] = _mm512_setzero_si512();
    __asm__ volatile("" : "+v"(x), "+v"(w)); /* unknown to the compiler */
    for (long r = 0; r < rounds; r++)
        for (int i = 0; i < 8; i++) {
            sum[i] = _mm512_dpbusd_epi32(sum[i], x, w);
            __asm__ volatile("" : "+v"(sum[i]));
        }
    return rounds * 8 * 64;
}
#endif
