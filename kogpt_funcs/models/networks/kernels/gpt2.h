/* What GPT-2 does between its linear layers. */
#pragma once
#include "pass.h"

static void gpt2_norm(const Layer *layer, const Model *model, int which, const float *x, float *in) {
    const float *const *norm = layer->norm + 2 * which;
    layer_norm(x, norm[0], norm[1], model->epsilon, model->width, in);
}

static void gpt2_join(const Layer *layer, const Model *model, int which, const float *out, float *x) {
    (void)layer, (void)which;
    add_to(x, out, model->width);
}

static void gpt2_activate(const float *out, int inner, float *in) {
    for (int i = 0; i < inner; i += LANES) store(in + i, gelu(load(out + i)));
}

static void gpt2_last(const Model *model, const float *x, float *in) {
    layer_norm(x, model->norm[0], model->norm[1], model->epsilon, model->width, in);
}

static const Architecture gpt2 = {gpt2_norm, NULL, gpt2_join, gpt2_activate, gpt2_last};
