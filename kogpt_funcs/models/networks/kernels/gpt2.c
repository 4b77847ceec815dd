/* One forward pass of a GPT-2 over the new tokens of many sequences: int8 weights, int8 activations (one scale a
 * token), everything else fp32, keys and values kept in fp16. Needs AVX-512 VNNI; where there is AMX, too, passes over
 * several tokens use its tiles.
 *
 * What a token gets depends on its own sequence alone, bit for bit: integer sums are exact, and every float sum runs
 * in an order that neither the batch nor the threads change. So a request's answer is the same whoever else is asking.
 *
 * It knows no text, no sampling and no scheduling. __init__.py finds or builds it, compiled.py lays out its structures and calls it.
 */
#include <stdatomic.h>

#ifndef __AVX512VNNI__
#error "no AVX-512 VNNI"
#endif

#include "linear.h"
#include "pool.h"
#include "vectors.h"

typedef struct {
    const float *norm1, *shift1, *norm2, *shift2; /* [width] */
    Linear parts[4];                              /* attention in, attention out, feed-forward in, feed-forward out */
} Layer;

typedef struct {
    int layers, width, heads, inner;
    float epsilon;
    const float *positions; /* [context, width] */
    const float *norm, *shift;
    const Linear *head;     /* its rows are the token embeddings, too */
    const Layer *layer;
} Model;

typedef struct { /* one new token */
    int id, position;
    uint16_t *kv;     /* its sequence's keys and values: fp16 [layers][2][heads][capacity * width / heads], see cache_of */
    int capacity;     /* a multiple of 16 */
    const LowRank *adapter; /* [layers][4] or NULL */
} Token;

typedef struct {
    const Model *model;
    const Layer *layer;
    const Token *tokens;
    int index, count, part; /* the layer's number; how many tokens; which linear layer */
    float *x;      /* [count, width]: the residual stream */
    float *in;     /* [count, inner]: what goes into a linear layer */
    float *out;    /* [count, max(inner, 3 * width)]: what comes out of it, with that layer's own row length */
    uint8_t *q;    /* [count, inner]: `in`, quantised; with room for rows up to a multiple of TILE */
    float *scale;  /* [count] */
    float *scores; /* [count, heads, longest] */
    int longest;
} Pass;

static void embed(void *argument, int t) {
    const Pass *p = argument;
    const Linear *head = p->model->head;
    const int width = p->model->width, id = p->tokens[t].id;
    const int8_t *w = head->weight + (size_t)(id / LANES) * LANES * width + (id % LANES) * 4;
    const float *position = p->model->positions + (size_t)p->tokens[t].position * width;
    float *x = p->x + (size_t)t * width;
    for (int i = 0; i < width; i++) x[i] = w[(size_t)(i / 4) * 64 + i % 4] * head->scale[id] + position[i];
}

/* Prepares the input of linear layer `part` from the state before it, adds the adapter's share to where its output goes. */
static void prepare(void *argument, int t) {
    const Pass *p = argument;
    const Layer *layer = p->layer;
    const Linear *linear = &layer->parts[p->part];
    const int width = p->model->width, inputs = linear->inputs, outputs = linear->outputs;
    float *x = p->x + (size_t)t * width, *in = p->in + (size_t)t * inputs, *out;
    if (p->part == 0) layer_norm(x, layer->norm1, layer->shift1, p->model->epsilon, width, in);
    if (p->part == 2) layer_norm(x, layer->norm2, layer->shift2, p->model->epsilon, width, in);
    if (p->part == 3) { /* `out` holds the feed-forward's inner state */
        memcpy(in, p->out + (size_t)t * inputs, sizeof(float) * inputs);
        gelu(in, inputs);
    }
    p->scale[t] = quantise(in, inputs, p->q + (size_t)t * inputs);
    if (p->part == 0 || p->part == 2) {
        out = p->out + (size_t)t * outputs;
        memset(out, 0, sizeof(float) * outputs);
    } else {
        out = x; /* the residual stream is added to */
    }
    const LowRank *adapter = p->tokens[t].adapter;
    if (adapter && adapter[p->index * 4 + p->part].rank) add_low_rank(&adapter[p->index * 4 + p->part], in, inputs, out, outputs);
}

/* One head's keys (`which` 0), for 16 tokens at a time [capacity / 16][size][16], or its values (1), [capacity][size]. */
static inline uint16_t *cache_of(const Pass *p, const Token *token, int which, int head) {
    const int size = p->model->width / p->model->heads;
    return token->kv + (((size_t)p->index * 2 + which) * p->model->heads + head) * token->capacity * size;
}

static void keep(void *argument, int t) { /* writes a token's keys and values into its sequence's cache */
    const Pass *p = argument;
    const Token *token = &p->tokens[t];
    const int width = p->model->width, size = width / p->model->heads;
    const float *qkv = p->out + (size_t)t * 3 * width;
    for (int which = 0; which < 2; which++)
        for (int h = 0; h < p->model->heads; h++) {
            uint16_t *to = cache_of(p, token, which, h) + (size_t)token->position * size;
            const float *from = qkv + (1 + which) * width + h * size;
            for (int i = 0; i < size; i += LANES)
                _mm256_storeu_si256((__m256i *)(to + i), _mm512_cvtps_ph(_mm512_loadu_ps(from + i), 0));
        }
}

/* out [16 * parts] = share * the sum of scores[j] * values[j], rows of `size`. */
static inline __attribute__((always_inline)) void mix(
    const float *scores, const uint16_t *values, int length, int size, __m512 share, float *out, const int parts) {
    __m512 even[4], odd[4]; /* two sums each, as an addition takes longer than the loads for it */
    for (int i = 0; i < parts; i++) even[i] = odd[i] = _mm512_setzero_ps();
    int j = 0;
    for (; j + 2 <= length; j += 2, values += 2 * size) {
        __m512 a = _mm512_set1_ps(scores[j]), b = _mm512_set1_ps(scores[j + 1]);
        for (int i = 0; i < parts; i++) {
            even[i] = _mm512_fmadd_ps(a, half(values + i * LANES), even[i]);
            odd[i] = _mm512_fmadd_ps(b, half(values + size + i * LANES), odd[i]);
        }
    }
    for (int i = 0; i < parts; i++) {
        if (j < length) even[i] = _mm512_fmadd_ps(_mm512_set1_ps(scores[j]), half(values + i * LANES), even[i]);
        _mm512_storeu_ps(out + i * LANES, _mm512_mul_ps(_mm512_add_ps(even[i], odd[i]), share));
    }
}

static void attend(void *argument, int piece) { /* one head of one token */
    const Pass *p = argument;
    const int heads = p->model->heads, width = p->model->width, size = width / heads;
    const int t = piece / heads, h = piece % heads;
    const Token *token = &p->tokens[t];
    const int length = token->position + 1;
    const uint16_t *k = cache_of(p, token, 0, h), *v = cache_of(p, token, 1, h);
    const float *q = p->out + (size_t)t * 3 * width + h * size;
    float *scores = p->scores + (size_t)piece * p->longest;
    float most = -INFINITY, factor = 1.0f / sqrtf((float)size);
    for (int j = 0; j < length; j++) {
        /* Many sequences' caches do not fit into the processor's: the values come while the keys are read. */
        for (int i = 0; i < size; i += 32) _mm_prefetch((const char *)(v + (size_t)j * size + i), _MM_HINT_T0);
        __m512 sum = _mm512_setzero_ps();
        for (int i = 0; i < size; i += LANES) sum = _mm512_fmadd_ps(_mm512_loadu_ps(q + i), half(k + (size_t)j * size + i), sum);
        scores[j] = _mm512_reduce_add_ps(sum) * factor;
        if (scores[j] > most) most = scores[j];
    }
    int padded = (length + LANES - 1) / LANES * LANES;
    for (int j = length; j < padded; j++) scores[j] = -INFINITY;
    __m512 total = _mm512_setzero_ps();
    for (int j = 0; j < padded; j += LANES) {
        __mmask16 there = j + LANES <= length ? 0xFFFF : (__mmask16)((1u << (length - j)) - 1);
        __m512 e = _mm512_maskz_mov_ps(there, exponential(_mm512_sub_ps(_mm512_loadu_ps(scores + j), _mm512_set1_ps(most))));
        _mm512_storeu_ps(scores + j, e);
        total = _mm512_add_ps(total, e);
    }
    const __m512 share = _mm512_set1_ps(1.0f / _mm512_reduce_add_ps(total));
    float *to = p->in + (size_t)t * width + h * size;
    for (int i = 0; i < size; i += 4 * LANES) switch ((size - i) / LANES) {
        case 1: mix(scores, v + i, length, size, share, to + i, 1); break;
        case 2: mix(scores, v + i, length, size, share, to + i, 2); break;
        case 3: mix(scores, v + i, length, size, share, to + i, 3); break;
        default: mix(scores, v + i, length, size, share, to + i, 4);
    }
}

static void linear_part(Pass *p, int part) {
    const Linear *linear = &p->layer->parts[part];
    p->part = part;
    run(prepare, p, p->count, (long)p->count * linear->inputs * 8);
    multiply(linear, p->q, p->scale, part == 1 || part == 3 ? p->x : p->out, p->count, 1);
}

/* Logits [wanted, outputs of the head] after the tokens at the indices `last`. Tokens of one sequence come in order.
 * Returns 0, or 1 if there is no memory for the pass. */
int forward(const Model *model, const Token *tokens, int count, const int *last, int wanted, float *logits) {
    const int width = model->width, widest = model->inner > 3 * width ? model->inner : 3 * width;
    int longest = 0;
    for (int t = 0; t < count; t++)
        if (tokens[t].position >= longest) longest = tokens[t].position + 1;
    longest = (longest + LANES - 1) / LANES * LANES;
    size_t floats = (size_t)count * (width + model->inner + widest + 1 + (size_t)model->heads * longest);
    float *memory = malloc(sizeof(float) * floats + (size_t)(count + TILE - 1) / TILE * TILE * model->inner);
    if (!memory) return 1;
    pthread_mutex_lock(&pool.call);
    Pass p = {.model = model, .tokens = tokens, .count = count, .longest = longest};
    p.x = memory;
    p.in = p.x + (size_t)count * width;
    p.out = p.in + (size_t)count * model->inner;
    p.scale = p.out + (size_t)count * widest;
    p.scores = p.scale + count;
    p.q = (uint8_t *)(memory + floats);
    run(embed, &p, count, (long)count * width * 4);
    for (int i = 0; i < model->layers; i++) {
        p.layer = &model->layer[i];
        p.index = i;
        linear_part(&p, 0);
        run(keep, &p, count, (long)count * width);
        long scored = 0;
        for (int t = 0; t < count; t++) scored += tokens[t].position + 1;
        run(attend, &p, count * model->heads, scored * width);
        linear_part(&p, 1);
        linear_part(&p, 2);
        linear_part(&p, 3);
    }
    for (int i = 0; i < wanted; i++) {
        layer_norm(p.x + (size_t)last[i] * width, model->norm, model->shift, model->epsilon, width, p.in);
        p.scale[i] = quantise(p.in, width, p.q + (size_t)i * width);
    }
    multiply(model->head, p.q, p.scale, logits, wanted, 0);
    pthread_mutex_unlock(&pool.call);
    free(memory);
    return 0;
}

typedef struct {
    const float *logits;
    int vocabulary, k;
    int *ids;
    float *values;
} Top;

static void top_of_row(void *argument, int row) {
    const Top *t = argument;
    const float *x = t->logits + (size_t)row * t->vocabulary;
    int *ids = t->ids + (size_t)row * t->k, found = 0;
    float *values = t->values + (size_t)row * t->k;
    /* A sorted list of the best so far, ties in the order of their ids; few values pass its last one. */
    for (int i = 0; i < t->vocabulary; i += LANES) {
        int left = t->vocabulary - i;
        __mmask16 there = left >= LANES ? 0xFFFF : (__mmask16)((1u << left) - 1);
        __m512 v = _mm512_mask_loadu_ps(_mm512_set1_ps(-INFINITY), there, x + i);
        float bar = found < t->k ? -INFINITY : values[t->k - 1];
        __mmask16 better = _mm512_cmp_ps_mask(v, _mm512_set1_ps(bar), _CMP_GT_OQ);
        while (better) {
            int lane = __builtin_ctz(better);
            better &= better - 1;
            float value = x[i + lane];
            if (found == t->k && !(value > values[t->k - 1])) continue;
            int at = found < t->k ? found++ : t->k - 1;
            for (; at > 0 && values[at - 1] < value; at--) { values[at] = values[at - 1]; ids[at] = ids[at - 1]; }
            values[at] = value;
            ids[at] = i + lane;
        }
    }
    for (; found < t->k; found++) { values[found] = -INFINITY; ids[found] = 0; }
}

/* The k largest of each row of logits [rows, vocabulary], largest first. */
void top(const float *logits, int rows, int vocabulary, int k, int *ids, float *values) {
    Top t = {logits, vocabulary, k, ids, values};
    pthread_mutex_lock(&pool.call);
    run(top_of_row, &t, rows, (long)rows * vocabulary);
    pthread_mutex_unlock(&pool.call);
}
