/* One pass over the new tokens of many sequences, for decoders of blocks of four linear layers: into attention, out of
 * it, into the feed-forward part, out of it. What lies between them is the architecture's.
 */
#pragma once
#include "attention.h"
#include "linear.h"

#define NORMS 6

typedef struct {
    Linear linear[4];
    const float *norm[NORMS]; /* the architecture's */
    int window;               /* tokens that attention looks back on, itself among them; 0 for all */
    const float *turns;       /* the architecture's table of positions, or NULL */
} Layer;

typedef struct {
    int architecture, layers, width, inner;
    Heads by;
    float epsilon, embedding; /* embedding: what an embedding is multiplied by */
    const float *positions;   /* [context, width] or NULL */
    const float *norm[2];     /* before the head */
    const Linear *head;       /* its rows are the token embeddings, too */
    const Layer *layer;
} Model;

typedef struct {
    int rank; /* the largest */
    const LowRank *low; /* [layers][parts of the linear layers of a block, in order] */
} Adapter;

typedef struct { /* one new token */
    int id, position;
    uint16_t *kv; /* its sequence's keys and values: fp16 [layers][2][heads / shared][capacity][size] */
    int capacity;
    const Adapter *adapter; /* or NULL */
} Token;

typedef struct Pass Pass;
typedef struct { /* what an architecture does with a token between linear layers */
    /* Before attention (`which` 0) or the feed-forward part (1). */
    void (*norm)(const Layer *, const Model *, int which, const float *x, float *in);
    /* Queries and keys as attention takes them; or NULL. */
    void (*turn)(const Layer *, const Model *, int position, float *qkv);
    /* What came out of attention (0) or the feed-forward part (1) joins the residual stream. */
    void (*join)(const Layer *, const Model *, int which, const float *out, float *x);
    void (*activate)(const float *out, int inner, float *in);
    void (*last)(const Model *, const float *x, float *in);
} Architecture;

struct Pass {
    const Architecture *architecture;
    const Model *model;
    const Layer *layer;
    const Token *tokens;
    int index, count, part; /* the layer's number; how many tokens; which linear layer */
    int together;      /* query heads that one piece of attention computes */
    float *x;          /* [count, width]: the residual stream */
    float *in;         /* [count, widest input]: what goes into a linear layer, with that layer's own row length */
    float *out;        /* [count, widest output]: what comes out of it */
    Activation *q;     /* [count, widest input]: `in`, quantised; with room for rows up to a multiple of TILE */
    float *scale;      /* [count, blocks of the widest input] */
    float *lowered;    /* [count, PARTS, room] */
    const LowRank **low; /* [count] */
    int room;          /* the largest rank of any token's adapter, a multiple of RANKS; 0: no token has one */
};

static float *input_of(const Pass *p, int t) { return p->in + (size_t)t * p->layer->linear[p->part].inputs; }

static void quantise_input(const Pass *p, int t) {
    const int inputs = p->layer->linear[p->part].inputs;
    quantise_blocks(input_of(p, t), inputs, p->q + (size_t)t * inputs, p->scale + (size_t)t * blocks_of(inputs));
}

static void embed_token(void *argument, int t) {
    const Pass *p = argument;
    const Linear *head = p->model->head;
    const int width = p->model->width, id = p->tokens[t].id;
    float *x = p->x + (size_t)t * width;
    for (int from = 0; from < width; from += BLOCK) {
        const float scale = head->scale[id] * p->model->embedding * half_at(head->share + part_of_block(id, from / BLOCK, width));
        for (int i = from; i < width && i < from + BLOCK; i++) x[i] = head->weight[weight_at(id, i, width)] * scale;
    }
    if (!p->model->positions) return;
    add_to(x, p->model->positions + (size_t)p->tokens[t].position * width, width);
}

/* What came out of the part before joins the residual stream; what goes into this one, 0 or 2, is made of it. */
static void enter(void *argument, int t) {
    const Pass *p = argument;
    const int width = p->model->width;
    float *x = p->x + (size_t)t * width;
    if (p->part == 2 || p->index) p->architecture->join(p->part ? p->layer : p->layer - 1, p->model, !p->part, p->out + (size_t)t * width, x);
    p->architecture->norm(p->layer, p->model, p->part / 2, x, input_of(p, t));
    quantise_input(p, t);
}

/* The keys (`which` 0) or values (1) of one head of a token's sequence: [capacity][size]. */
static inline uint16_t *cache_of(const Pass *p, const Token *token, int which, int head) {
    const int heads = p->model->by.heads / p->model->by.shared;
    return token->kv + (((size_t)p->index * 2 + which) * heads + head) * token->capacity * p->model->by.size;
}

static void keep(void *argument, int t) { /* writes a token's keys and values into its sequence's cache */
    const Pass *p = argument;
    const Token *token = &p->tokens[t];
    const int size = p->model->by.size, heads = p->model->by.heads / p->model->by.shared;
    float *qkv = p->out + (size_t)t * p->layer->linear[0].outputs;
    if (p->architecture->turn) p->architecture->turn(p->layer, p->model, token->position, qkv);
    const float *from = qkv + p->model->by.heads * size;
    for (int which = 0; which < 2; which++)
        for (int h = 0; h < heads; h++) {
            uint16_t *to = cache_of(p, token, which, h) + (size_t)token->position * size;
            for (int i = 0; i < size; i += LANES, from += LANES) store_half(to + i, load(from));
        }
}

static void attend(void *argument, int piece) { /* one key's and value's heads of one token, or a part of them */
    const Pass *p = argument;
    const Heads *by = &p->model->by;
    const int pieces = by->heads / p->together;
    const int t = piece / pieces, first = piece % pieces * p->together, size = by->size;
    const Token *token = &p->tokens[t];
    const int end = token->position + 1, begin = p->layer->window && end > p->layer->window ? end - p->layer->window : 0;
    const uint16_t *keys = cache_of(p, token, 0, first / by->shared) + (size_t)begin * size;
    const uint16_t *values = cache_of(p, token, 1, first / by->shared) + (size_t)begin * size;
    const float *q = p->out + (size_t)t * p->layer->linear[0].outputs + first * size;
    attend_together(by, q, keys, values, end - begin, p->in + ((size_t)t * by->heads + first) * size, p->together);
}

static void quantise_attended(void *argument, int t) { quantise_input(argument, t); }

static void activate(void *argument, int t) {
    const Pass *p = argument;
    p->architecture->activate(p->out + (size_t)t * p->layer->linear[2].outputs, p->model->inner, input_of(p, t));
    quantise_input(p, t);
}

static void go_down(void *argument, int piece) { /* RANKS ranks of one token's additions to the layer */
    const Pass *p = argument;
    const Linear *linear = &p->layer->linear[p->part];
    const int blocks = p->room / RANKS, first = piece % blocks * RANKS, t = piece / blocks;
    const LowRank *low = p->low[t];
    for (int i = 0; low && i < linear->parts; i++, low++)
        if (first < low->rank) lower_rank(low, first, input_of(p, t), linear->inputs, p->lowered + ((size_t)t * PARTS + i) * p->room);
}

static void linear_layer(Pass *p) { /* in, and quantised in, to out */
    const Linear *linear = &p->layer->linear[p->part];
    int before = 0, parts = 0;
    for (int i = 0; i < 4; i++) {
        before += i < p->part ? p->layer->linear[i].parts : 0;
        parts += p->layer->linear[i].parts;
    }
    for (int t = 0; p->room && t < p->count; t++) {
        const Adapter *adapter = p->tokens[t].adapter;
        p->low[t] = adapter && adapter->rank ? adapter->low + (size_t)p->index * parts + before : NULL;
    }
    spend(BETWEEN);
    if (p->room) run(go_down, p, p->count * (p->room / RANKS), (long)p->count * p->room * linear->inputs * linear->parts / 4);
    spend(ADAPTERS);
    Multiply m = {
        .linear = linear, .q = p->q, .scale = p->scale, .low = p->room ? p->low : NULL, .lowered = p->lowered, .out = p->out,
        .tokens = p->count, .room = p->room,
    };
    multiply(&m);
    spend(LINEAR);
}

static void block(Pass *p) {
    const Model *model = p->model;
    const long states = (long)p->count * model->width * 8;
    long scored = 0;
    for (int t = 0; t < p->count; t++) scored += p->tokens[t].position + 1;
    p->part = 0;
    run(enter, p, p->count, states);
    linear_layer(p);
    run(keep, p, p->count, (long)p->count * p->layer->linear[0].outputs);
    /* Heads that share keys read them together, unless threads would have nothing to do. */
    p->together = p->count >= pool.threads ? model->by.shared : 1;
    spend(BETWEEN);
    run(attend, p, p->count * model->by.heads / p->together, scored * model->by.heads * model->by.size / 4);
    spend(ATTENTION);
    p->part = 1;
    run(quantise_attended, p, p->count, states);
    linear_layer(p);
    p->part = 2;
    run(enter, p, p->count, states);
    linear_layer(p);
    p->part = 3;
    run(activate, p, p->count, (long)p->count * model->inner * 16);
    linear_layer(p);
}

static void head(Pass *p, const int *last, int wanted, float *logits) {
    const int width = p->model->width;
    for (int i = 0; i < wanted; i++) {
        float *x = p->x + (size_t)last[i] * width;
        p->architecture->join(p->layer, p->model, 1, p->out + (size_t)last[i] * width, x);
        p->architecture->last(p->model, x, p->in);
        quantise_blocks(p->in, width, p->q + (size_t)i * width, p->scale + (size_t)i * blocks_of(width));
    }
    Multiply m = {.linear = p->model->head, .q = p->q, .scale = p->scale, .out = logits, .tokens = wanted};
    multiply(&m);
}

/* What the largest pass over `count` tokens needs, cut into p's arrays; the memory to free, or NULL. */
static void *rooms(Pass *p) {
    const size_t count = p->count, padded = (count + TILE - 1) / TILE * TILE;
    size_t inputs = p->model->width, outputs = 0;
    for (int i = 0; i < 4; i++) {
        const Linear *linear = &p->model->layer->linear[i];
        if ((size_t)linear->inputs > inputs) inputs = linear->inputs;
        if ((size_t)linear->outputs > outputs) outputs = linear->outputs;
    }
    for (size_t t = 0; t < count; t++) {
        const int rank = p->tokens[t].adapter ? (p->tokens[t].adapter->rank + RANKS - 1) / RANKS * RANKS : 0;
        if (rank > p->room) p->room = rank;
    }
    const size_t floats = count * (p->model->width + inputs + outputs + PARTS * p->room + blocks_of(inputs));
    char *memory = malloc(count * sizeof *p->low + floats * sizeof(float) + padded * inputs * sizeof *p->q);
    if (!memory) return NULL;
    p->low = (const LowRank **)memory;
    p->x = (float *)(memory + count * sizeof *p->low);
    p->in = p->x + count * p->model->width;
    p->out = p->in + count * inputs;
    p->lowered = p->out + count * outputs;
    p->scale = p->lowered + count * PARTS * p->room;
    p->q = (Activation *)(p->scale + count * blocks_of(inputs));
    return memory;
}
