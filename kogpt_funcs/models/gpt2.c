/* One forward pass of a GPT-2 over the new tokens of many sequences: int8 weights, int8 activations (one scale a
 * token), everything else fp32, keys and values kept in fp16. Needs AVX-512 VNNI.
 *
 * What a token gets depends on its own sequence alone, bit for bit: integer sums are exact, and every float sum runs
 * in an order that neither the batch nor the threads change. So a request's answer is the same whoever else is asking.
 *
 * It knows no text, no sampling and no scheduling. compiled.py builds it, lays out its structures and calls it.
 */
#include <immintrin.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifndef __AVX512VNNI__
#error "no AVX-512 VNNI"
#endif

#define LANES 16  /* floats, or 32-bit sums, in a register */
#define COLUMNS 32 /* outputs of a linear layer that one piece of work computes */
#define ROWS 8    /* tokens whose sums are held in registers together */
#define SPIN 4000 /* looks at the counter before a thread sleeps: a few dozen microseconds */
#define WORTHWHILE 60000 /* arithmetic steps from which on it pays to share work between threads */

typedef struct {
    const int8_t *weight; /* [outputs / 16][inputs / 4][16][4] */
    const float *scale;   /* [outputs] */
    const int32_t *sum;   /* [outputs], 128 times the sum of an output's weights */
    const float *bias;    /* [outputs] or NULL */
    int outputs, inputs;  /* multiples of 32 and of 16 */
} Linear;

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

typedef struct { /* a low-rank addition to a linear layer: down [rank, inputs], up [rank, outputs] */
    const float *down, *up;
    int rank;
} LowRank;

typedef struct { /* one new token */
    int id, position;
    uint16_t *kv;     /* its sequence's keys and values: fp16 [layers][2][heads][capacity][width / heads] */
    int capacity;
    const LowRank *adapter; /* [layers][4] or NULL */
} Token;

/* ---- threads ----
 * Pieces of work are taken from a counter, and the caller waits for pieces, not for threads: one that the machine keeps
 * from running holds up the piece it has, if any, and the others do the rest. */

typedef void (*Work)(void *, int);
static struct {
    pthread_mutex_t call, lock;
    pthread_cond_t wake;
    int threads, started, sleeping;
    Work work;
    void *argument;
    atomic_int left, done; /* pieces that nobody has taken, and pieces that are finished */
    atomic_uint round;
} pool = {.call = PTHREAD_MUTEX_INITIALIZER, .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER, .threads = 1};

static void take_pieces(void) {
    for (;;) { /* who takes a piece knows that its round lasts until the piece is done; who finds none reads nothing else */
        int piece = atomic_fetch_sub(&pool.left, 1) - 1;
        if (piece < 0) return;
        pool.work(pool.argument, piece);
        atomic_fetch_add_explicit(&pool.done, 1, memory_order_release);
    }
}

static void *worker(void *unused) {
    unsigned seen = 0;
    for (;;) {
        int looks = 0;
        while (atomic_load_explicit(&pool.round, memory_order_acquire) == seen) {
            if (++looks < SPIN) { _mm_pause(); continue; }
            pthread_mutex_lock(&pool.lock);
            pool.sleeping++;
            while (atomic_load(&pool.round) == seen) pthread_cond_wait(&pool.wake, &pool.lock);
            pool.sleeping--;
            pthread_mutex_unlock(&pool.lock);
        }
        seen = atomic_load(&pool.round);
        take_pieces();
    }
    return unused;
}

static void run(Work work, void *argument, int pieces, long cost) {
    if (pool.threads == 1 || pieces == 1 || cost < WORTHWHILE) {
        for (int i = 0; i < pieces; i++) work(argument, i);
        return;
    }
    pool.work = work;
    pool.argument = argument;
    atomic_store(&pool.done, 0);
    atomic_store(&pool.left, pieces);
    atomic_fetch_add(&pool.round, 1);
    pthread_mutex_lock(&pool.lock);
    if (pool.sleeping) pthread_cond_broadcast(&pool.wake);
    pthread_mutex_unlock(&pool.lock);
    take_pieces();
    for (int looks = 0; atomic_load_explicit(&pool.done, memory_order_acquire) < pieces; looks++)
        if (looks < SPIN) _mm_pause(); else sched_yield();
}

/* Starts the threads, once; those of later calls are ignored. */
void start_threads(int threads) {
    pthread_mutex_lock(&pool.call);
    if (!pool.started) {
        pool.started = 1;
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        pthread_t thread;
        int running = 1;
        while (running < threads && pthread_create(&thread, &attributes, worker, NULL) == 0) running++;
        pool.threads = running;
    }
    pthread_mutex_unlock(&pool.call);
}

/* ---- arithmetic ---- */

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

typedef struct {
    const Linear *linear;
    const uint8_t *q;   /* [tokens, inputs] */
    const float *scale; /* [tokens] */
    float *out;         /* [tokens, outputs]; what is there is added to, or replaced */
    int tokens, add;
} Multiply;

static inline __attribute__((always_inline)) void tile(const Multiply *m, int column, int first, const int rows) {
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
    for (int half = 0; half < 2; half++) {
        int c = column + half * LANES;
        __m512i shift = _mm512_loadu_si512(l->sum + c);
        __m512 scale = _mm512_loadu_ps(l->scale + c);
        __m512 bias = l->bias ? _mm512_loadu_ps(l->bias + c) : _mm512_setzero_ps();
        for (int r = 0; r < rows; r++) {
            float *out = m->out + (size_t)(first + r) * l->outputs + c;
            __m512 y = _mm512_cvtepi32_ps(_mm512_sub_epi32(half ? s1[r] : s0[r], shift));
            y = _mm512_fmadd_ps(_mm512_mul_ps(y, scale), _mm512_set1_ps(m->scale[first + r]), bias);
            _mm512_storeu_ps(out, m->add ? _mm512_add_ps(_mm512_loadu_ps(out), y) : y);
        }
    }
}

static void multiply_columns(void *argument, int piece) {
    const Multiply *m = argument;
    int first = 0;
    for (; first + ROWS <= m->tokens; first += ROWS) tile(m, piece * COLUMNS, first, ROWS);
    switch (m->tokens - first) {
        case 1: tile(m, piece * COLUMNS, first, 1); break;
        case 2: tile(m, piece * COLUMNS, first, 2); break;
        case 3: tile(m, piece * COLUMNS, first, 3); break;
        case 4: tile(m, piece * COLUMNS, first, 4); break;
        case 5: tile(m, piece * COLUMNS, first, 5); break;
        case 6: tile(m, piece * COLUMNS, first, 6); break;
        case 7: tile(m, piece * COLUMNS, first, 7); break;
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

/* ---- the forward pass ---- */

typedef struct {
    const Model *model;
    const Layer *layer;
    const Token *tokens;
    int index, count, part; /* the layer's number; how many tokens; which linear layer */
    float *x;      /* [count, width]: the residual stream */
    float *in;     /* [count, inner]: what goes into a linear layer */
    float *out;    /* [count, max(inner, 3 * width)]: what comes out of it, with that layer's own row length */
    uint8_t *q;    /* [count, inner]: `in`, quantised */
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

static inline uint16_t *keys_of(const Pass *p, const Token *token, int which, int head) {
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
            uint16_t *to = keys_of(p, token, which, h) + (size_t)token->position * size;
            const float *from = qkv + (1 + which) * width + h * size;
            for (int i = 0; i < size; i += LANES)
                _mm256_storeu_si256((__m256i *)(to + i), _mm512_cvtps_ph(_mm512_loadu_ps(from + i), 0));
        }
}

static inline __m512 half(const uint16_t *from) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)from)); }

static void attend(void *argument, int piece) { /* one head of one token */
    const Pass *p = argument;
    const int heads = p->model->heads, width = p->model->width, size = width / heads;
    const int t = piece / heads, h = piece % heads;
    const Token *token = &p->tokens[t];
    const int length = token->position + 1;
    const uint16_t *k = keys_of(p, token, 0, h), *v = keys_of(p, token, 1, h);
    const float *q = p->out + (size_t)t * 3 * width + h * size;
    float *scores = p->scores + (size_t)piece * p->longest, most = -INFINITY, factor = 1.0f / sqrtf((float)size);
    for (int j = 0; j < length; j++) {
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
    __m512 share = _mm512_set1_ps(1.0f / _mm512_reduce_add_ps(total));
    float *to = p->in + (size_t)t * width + h * size;
    for (int i = 0; i < size; i += LANES) {
        __m512 sum = _mm512_setzero_ps();
        for (int j = 0; j < length; j++) sum = _mm512_fmadd_ps(_mm512_set1_ps(scores[j]), half(v + (size_t)j * size + i), sum);
        _mm512_storeu_ps(to + i, _mm512_mul_ps(sum, share));
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
    float *memory = malloc(sizeof(float) * floats + (size_t)count * model->inner);
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

/* ---- the likeliest tokens ---- */

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
