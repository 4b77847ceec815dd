/* AVX2 with FMA and F16C: a vector is two registers.
 *
 * The instruction that multiplies bytes adds pairs of products in 16 bits, where they overflow; so weights are widened
 * to 16 bits as they are read, and pairs of products are added in 32.
 */
#pragma once
#include <immintrin.h>

typedef struct { __m256 a, b; } Vector; /* 16 floats */
typedef struct { __m256i a, b; } Sums;  /* 16 whole numbers */
typedef int16_t Activation;             /* a whole number from -127 to 127 */

#define OFFSET 0
#define GROUP 2  /* inputs of an output that lie together */
#define ROWS 6   /* tokens whose sums stay in registers together, */
#define SIDES 1  /* each with so many times 16 outputs */
#define SHARES 4 /* vectors of a head's values that are mixed together, for one query head; */
#define SHARES_OF_TWO 2 /* for two */
#define SHARES_OF_FOUR 1 /* and for four */

static inline void relax(void) { _mm_pause(); }
static inline Vector all(float x) { return (Vector){_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
static inline Vector load(const float *from) { return (Vector){_mm256_loadu_ps(from), _mm256_loadu_ps(from + 8)}; }
static inline void store(float *to, Vector x) { _mm256_storeu_ps(to, x.a); _mm256_storeu_ps(to + 8, x.b); }
static inline Vector add(Vector a, Vector b) { return (Vector){_mm256_add_ps(a.a, b.a), _mm256_add_ps(a.b, b.b)}; }
static inline Vector subtract(Vector a, Vector b) { return (Vector){_mm256_sub_ps(a.a, b.a), _mm256_sub_ps(a.b, b.b)}; }
static inline Vector times(Vector a, Vector b) { return (Vector){_mm256_mul_ps(a.a, b.a), _mm256_mul_ps(a.b, b.b)}; }
static inline Vector divide(Vector a, Vector b) { return (Vector){_mm256_div_ps(a.a, b.a), _mm256_div_ps(a.b, b.b)}; }
static inline Vector fused(Vector a, Vector b, Vector c) { /* a * b + c, rounded once */
    return (Vector){_mm256_fmadd_ps(a.a, b.a, c.a), _mm256_fmadd_ps(a.b, b.b, c.b)};
}
static inline Vector smaller(Vector a, Vector b) { return (Vector){_mm256_min_ps(a.a, b.a), _mm256_min_ps(a.b, b.b)}; }
static inline Vector larger(Vector a, Vector b) { return (Vector){_mm256_max_ps(a.a, b.a), _mm256_max_ps(a.b, b.b)}; }
static inline Vector magnitude(Vector x) {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    return (Vector){_mm256_andnot_ps(sign, x.a), _mm256_andnot_ps(sign, x.b)};
}
static inline Vector nearest(Vector x) { return (Vector){_mm256_round_ps(x.a, 8), _mm256_round_ps(x.b, 8)}; }

static inline __m256 power_of_two(__m256 n) { /* from -126 to 127 */
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23));
}
static inline Vector scaled(Vector x, Vector power) { return times(x, (Vector){power_of_two(power.a), power_of_two(power.b)}); }

static inline Vector half(const uint16_t *from) {
    return (Vector){_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)from)), _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(from + 8)))};
}
static inline void store_half(uint16_t *to, Vector x) {
    _mm_storeu_si128((__m128i *)to, _mm256_cvtps_ph(x.a, 0));
    _mm_storeu_si128((__m128i *)(to + 8), _mm256_cvtps_ph(x.b, 0));
}

static inline __m256 lower(Vector x) { return x.a; }
static inline __m256 upper(Vector x) { return x.b; }

static inline int some_above(Vector x, float bar) { /* a bit a lane */
    const __m256 y = _mm256_set1_ps(bar);
    return _mm256_movemask_ps(_mm256_cmp_ps(x.a, y, _CMP_GT_OQ)) | _mm256_movemask_ps(_mm256_cmp_ps(x.b, y, _CMP_GT_OQ)) << 8;
}

static inline void store_activations(Activation *to, Vector x) {
    __m256i whole = _mm256_packs_epi32(_mm256_cvtps_epi32(x.a), _mm256_cvtps_epi32(x.b));
    _mm256_storeu_si256((__m256i *)to, _mm256_permute4x64_epi64(whole, 0xD8));
}

static inline Vector floats(Sums x) { return (Vector){_mm256_cvtepi32_ps(x.a), _mm256_cvtepi32_ps(x.b)}; }

static inline __m256i widened(const int8_t *from) { return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)from)); }

/* sum += the sums of pairs of products. Written out, as compilers move the sums from register to register. */
static inline void add_products(__m256i *sum, __m256i x, __m256i w) {
    const __m256i products = _mm256_madd_epi16(x, w);
    __asm__("vpaddd %1, %0, %0" : "+x"(*sum) : "x"(products));
}

static inline __m256i pair(const Activation *from) { /* two inputs of a token, beside eight outputs' weights for them */
    int32_t two;
    memcpy(&two, from, 4);
    return _mm256_set1_epi32(two);
}

/* Dot products of `rows` tokens (a constant), `stride` apart, with 16 outputs over `n` of their inputs.
 * `w` is a place in [stride / GROUP][16][GROUP]. */
static inline __attribute__((always_inline)) void dot_products(
    const int8_t *w, const Activation *q, int stride, int n, const int rows, Sums s[][SIDES]) {
    __m256i a[ROWS], b[ROWS];
    for (int r = 0; r < rows; r++) a[r] = b[r] = _mm256_setzero_si256();
    for (const Activation *end = q + n; q < end; q += 4, w += 64) {
        _mm_prefetch((const char *)w + AHEAD, _MM_HINT_T0);
        for (int k = 0; k < 4; k += 2) {
            const __m256i wa = widened(w + 16 * k), wb = widened(w + 16 * k + 16);
            for (int r = 0; r < rows; r++) {
                const __m256i two = pair(q + (size_t)r * stride + k);
                add_products(&a[r], two, wa);
                add_products(&b[r], two, wb);
                __asm__ volatile("" : "+x"(a[r]), "+x"(b[r])); /* row by row: all at once would not fit into 16 registers */
            }
        }
    }
    for (int r = 0; r < rows; r++) s[r][0] = (Sums){a[r], b[r]};
}

/* Multiplies and adds out of registers, `rounds` times over; how many products. */
static long most_products(long rounds) {
    __m256i sum[6], x = _mm256_set1_epi16(3), w = _mm256_set1_epi16(5);
    for (int i = 0; i < 6; i++) sum[i] = _mm256_setzero_si256();
    __asm__ volatile("" : "+x"(x), "+x"(w)); /* unknown to the compiler */
    for (long r = 0; r < rounds; r++) {
        for (int i = 0; i < 6; i++) add_products(&sum[i], x, w);
        __asm__ volatile("" : "+x"(sum[0]), "+x"(sum[1]), "+x"(sum[2]), "+x"(sum[3]), "+x"(sum[4]), "+x"(sum[5]), "+x"(x), "+x"(w));
    }
    return rounds * 6 * 16;
}
