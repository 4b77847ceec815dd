/* What Gemma 3 does between its linear layers: norms before and after, on queries and keys too; rotary positions; a gated feed-forward part. */
#pragma once
#include "pass.h"

enum { BEFORE_ATTENTION, BEFORE_FEED, AFTER_ATTENTION, AFTER_FEED, QUERY, KEY };

static void gemma3_norm(const Layer *layer, const Model *model, int which, const float *x, float *in) {
    rms_norm(x, layer->norm[BEFORE_ATTENTION + which], model->epsilon, model->width, in);
}

/* Turns pairs (i, i + size / 2) by a position's angles: cosines [size / 2], then sines. */
static void rotate(float *x, const float *turns, int size) {
    const int half_of_it = size / 2;
    for (int i = 0; i < half_of_it; i += LANES) {
        const Vector a = load(x + i), b = load(x + half_of_it + i), cosine = load(turns + i), sine = load(turns + half_of_it + i);
        store(x + i, subtract(times(a, cosine), times(b, sine)));
        store(x + half_of_it + i, add(times(b, cosine), times(a, sine)));
    }
}

static void gemma3_turn(const Layer *layer, const Model *model, int position, float *qkv) {
    const Heads *by = &model->by;
    const float *turns = layer->turns + (size_t)position * by->size;
    for (int h = 0; h < by->heads + by->heads / by->shared; h++, qkv += by->size) {
        rms_norm(qkv, layer->norm[h < by->heads ? QUERY : KEY], model->epsilon, by->size, qkv);
        rotate(qkv, turns, by->size);
    }
}

static void gemma3_join(const Layer *layer, const Model *model, int which, const float *out, float *x) {
    const int width = model->width;
    float normed[width];
    rms_norm(out, layer->norm[AFTER_ATTENTION + which], model->epsilon, width, normed);
    add_to(x, normed, width);
}

static void gemma3_activate(const float *out, int inner, float *in) { /* out: the gates, then what goes through them */
    for (int i = 0; i < inner; i += LANES) store(in + i, times(gelu(load(out + i)), load(out + inner + i)));
}

static void gemma3_last(const Model *model, const float *x, float *in) {
    rms_norm(x, model->norm[0], model->epsilon, model->width, in);
}

static const Architecture gemma3 = {gemma3_norm, gemma3_turn, gemma3_join, gemma3_activate, gemma3_last};
