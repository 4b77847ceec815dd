/* Arithmetic on rows of floats, 16 at a time, the same on every processor and in the same order; lengths are multiples of 16. */
#pragma once
#include <math.h>
#include <stdint.h>
#include <string.h>

#define LANES 16  /* floats, or 32-bit sums, of a vector */
#define AHEAD 2048 /* bytes of weights that are asked for before they are used */

#if defined(__AVX512VNNI__)
#include "isa/avx512.h"
#elif defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#include "isa/avx2.h"
#else
#include "isa/portable.h"
#endif

/* Halves, quarters, eighths are added, in this order everywhere. */
static inline float total(Vector x) {
#ifdef __AVX2__
    __m256 eight = _mm256_add_ps(lower(x), upper(x));
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
#else
    for (int n = 8; n > 0; n /= 2)
        for (int i = 0; i < n; i++) x.at[i] += x.at[i + n];
    return x.at[0];
#endif
}

static inline float largest(Vector x) {
    float values[LANES], most;
    store(values, x);
    most = values[0];
    for (int i = 1; i < LANES; i++) most = values[i] > most ? values[i] : most;
    return most;
}

static inline Vector exponential(Vector x) { /* Cephes' expf: relative error below 2e-7 */
    x = smaller(larger(x, all(-87.0f)), all(88.0f));
    const Vector n = nearest(times(x, all(1.44269504088896341f)));
    Vector r = fused(n, all(-0.693359375f), x);
    r = fused(n, all(2.12194440e-4f), r);
    Vector p = all(1.9875691500e-4f);
    p = fused(p, r, all(1.3981999507e-3f));
    p = fused(p, r, all(8.3334519073e-3f));
    p = fused(p, r, all(4.1665795894e-2f));
    p = fused(p, r, all(1.6666665459e-1f));
    p = fused(p, r, all(5.0000001201e-1f));
    p = fused(times(p, r), r, add(r, all(1.0f)));
    return scaled(p, n);
}

static void layer_norm(const float *x, const float *norm, const float *shift, float epsilon, int width, float *y) {
    Vector sum = all(0.0f), squares = all(0.0f);
    for (int i = 0; i < width; i += LANES) sum = add(sum, load(x + i));
    const Vector mean = all(total(sum) / width);
    for (int i = 0; i < width; i += LANES) {
        const Vector d = subtract(load(x + i), mean);
        squares = fused(d, d, squares);
    }
    const Vector factor = all(1.0f / sqrtf(total(squares) / width + epsilon));
    for (int i = 0; i < width; i += LANES) {
        const Vector d = times(subtract(load(x + i), mean), factor);
        store(y + i, fused(d, load(norm + i), load(shift + i)));
    }
}

static void rms_norm(const float *x, const float *norm, float epsilon, int width, float *y) {
    Vector squares = all(0.0f);
    for (int i = 0; i < width; i += LANES) squares = fused(load(x + i), load(x + i), squares);
    const Vector factor = all(1.0f / sqrtf(total(squares) / width + epsilon));
    for (int i = 0; i < width; i += LANES) store(y + i, times(times(load(x + i), factor), load(norm + i)));
}

static void add_to(float *x, const float *y, int n) {
    for (int i = 0; i < n; i += LANES) store(x + i, add(load(x + i), load(y + i)));
}

static inline Vector gelu(Vector x) { /* the tanh form: x * sigmoid(2 sqrt(2/pi) (x + 0.044715 x^3)) */
    const Vector inner = fused(times(times(x, x), x), all(0.044715f), x);
    return divide(x, add(all(1.0f), exponential(times(inner, all(-1.5957691216057308f)))));
}

/* One scale for the n values: q = round(x / scale) + OFFSET. Returns the scale. */
static float quantise(const float *x, int n, Activation *q) {
    Vector most = all(0.0f);
    for (int i = 0; i < n; i += LANES) most = larger(most, magnitude(load(x + i)));
    const float top = largest(most);
    if (!(top > 0.0f)) {
        for (int i = 0; i < n; i++) q[i] = OFFSET;
        return 0.0f;
    }
    const Vector factor = all(127.0f / top);
    for (int i = 0; i < n; i += LANES) store_activations(q + i, times(load(x + i), factor));
    return top / 127.0f;
}
