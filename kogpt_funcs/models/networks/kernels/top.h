/* The largest logits of each row. */
#pragma once
#include "pool.h"
#include "vectors.h"

typedef struct {
    const float *logits;
    int vocabulary, k;
    int *ids;
    float *values;
} Top;

static int insert(float *values, int *ids, int found, int k, float value, int id) { /* into a sorted list, after its equals */
    if (found == k && !(value > values[k - 1])) return found;
    int at = found < k ? found++ : k - 1;
    for (; at > 0 && values[at - 1] < value; at--) {
        values[at] = values[at - 1];
        ids[at] = ids[at - 1];
    }
    values[at] = value;
    ids[at] = id;
    return found;
}

static void top_of_row(void *argument, int row) {
    const Top *t = argument;
    const float *x = t->logits + (size_t)row * t->vocabulary;
    int *ids = t->ids + (size_t)row * t->k, found = 0, i = 0;
    float *values = t->values + (size_t)row * t->k;
    for (; i + LANES <= t->vocabulary; i += LANES) { /* few pass the last of the best so far */
        int better = some_above(load(x + i), found < t->k ? -INFINITY : values[t->k - 1]);
        for (; better; better &= better - 1) {
            const int lane = __builtin_ctz(better);
            found = insert(values, ids, found, t->k, x[i + lane], i + lane);
        }
    }
    for (; i < t->vocabulary; i++)
        if (x[i] > -INFINITY) found = insert(values, ids, found, t->k, x[i], i);
    for (; found < t->k; found++) { values[found] = -INFINITY; ids[found] = 0; }
}
