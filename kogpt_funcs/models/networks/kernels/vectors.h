/* Arithmetic on rows of floats, 16 at a time; their lengths are multiples of 16. */
#pragma once
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define LANES 16 /* floats, or 32-bit sums, in a register */

static inline __m512 exponential(__m512 x) { /* Cephes' expf: relative error below 2e-7 */
    x = _mm512_min_ps(_mm512_max_ps(x, _mm512_set1_ps(-87.0f)), _mm512_set1_ps(88.0f));
    __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504088896341f)), 0);
    __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375f), x);
    r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4f), r);
    __m512 p = _mm512_set1_ps(1.9875691500e-4f);
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.3981999507e-3f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(8.3334519073e-3f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(4.1665795894e-2f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.6666665459e-1f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(5.0000001201e-1f));
    p = _mm512_fmadd_ps(_mm512_mul_ps(p, r), r, _mm512_add_ps(r, _mm512_set1_ps(1.0f)));
    return _mm512_scalef_ps(p, n);
}

static void layer_norm(const float *x, const float *norm, const float *shift, float epsilon, int width, float *y) {
    __m512 total = _mm512_setzero_ps(), squares = _mm512_setzero_ps();
    for (int i = 0; i < width; i += LANES) total = _mm512_add_ps(total, _mm512_loadu_ps(x + i));
    __m512 mean = _mm512_set1_ps(_mm512_reduce_add_ps(total) / width);
    for (int i = 0; i < width; i += LANES) {
        __m512 d = _mm512_sub_ps(_mm512_loadu_ps(x + i), mean);
        squares = _mm512_fmadd_ps(d, d, squares);
    }
    __m512 factor = _mm512_set1_ps(1.0f / sqrtf(_mm512_reduce_add_ps(squares) / width + epsilon));
    for (int i = 0; i < width; i += LANES) {
        __m512 d = _mm512_mul_ps(_mm512_sub_ps(_mm512_loadu_ps(x + i), mean), factor);
        _mm512_storeu_ps(y + i, _mm512_fmadd_ps(d, _mm512_loadu_ps(norm + i), _mm512_loadu_ps(shift + i)));
    }
}

static void gelu(float *x, int n) { /* the tanh form, as GPT-2 has it: x * sigmoid(2 sqrt(2/pi) (x + 0.044715 x^3)) */
    for (int i = 0; i < n; i += LANES) {
        __m512 v = _mm512_loadu_ps(x + i), one = _mm512_set1_ps(1.0f);
        __m512 inner = _mm512_fmadd_ps(_mm512_mul_ps(_mm512_mul_ps(v, v), v), _mm512_set1_ps(0.044715f), v);
        __m512 e = exponential(_mm512_mul_ps(inner, _mm512_set1_ps(-1.5957691216057308f)));
        _mm512_storeu_ps(x + i, _mm512_div_ps(v, _mm512_add_ps(one, e)));
    }
}

/* One scale for the n values: q = round(x / scale) + 128. Returns the scale. */
static float quantise(const float *x, int n, uint8_t *q) {
    __m512 top = _mm512_setzero_ps();
    for (int i = 0; i < n; i += LANES) top = _mm512_max_ps(top, _mm512_abs_ps(_mm512_loadu_ps(x + i)));
    float most = _mm512_reduce_max_ps(top);
    if (!(most > 0.0f)) { memset(q, 128, n); return 0.0f; }
    __m512 factor = _mm512_set1_ps(127.0f / most);
    for (int i = 0; i < n; i += LANES) {
        __m512i v = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x + i), factor));
        _mm_storeu_si128((__m128i *)(q + i), _mm512_cvtepi32_epi8(_mm512_add_epi32(v, _mm512_set1_epi32(128))));
    }
    return most / 127.0f;
}

/* 16 values of the cache. */
static inline __m512 half(const uint16_t *from) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)from)); }
