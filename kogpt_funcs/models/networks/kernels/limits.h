/* What the machine gives at most, to set a pass beside: bytes read and products added a second, by all threads; and
 * where the passes' time went.
 */
#pragma once
#include "pool.h"

#define SLICE (1L << 20) /* bytes that one piece of work reads */
#define ROUNDS 200000L   /* of products in one piece of work */

typedef struct {
    const uint64_t *bytes;
    atomic_ulong sum; /* so that a compiler may leave out nothing */
    atomic_long products;
} Limit;

static void read_slice(void *argument, int piece) {
    Limit *l = argument;
    const uint64_t *from = l->bytes + (size_t)piece * (SLICE / 8);
    uint64_t sum = 0;
    for (long i = 0; i < SLICE / 8; i++) sum += from[i];
    atomic_fetch_add(&l->sum, sum);
}

/* Bytes a second that all threads read from memory; `count` of them from `bytes` on, a multiple of a megabyte. */
double bytes_a_second(const void *bytes, long count) {
    Limit l = {.bytes = bytes};
    pthread_mutex_lock(&pool.call);
    const long since = nanoseconds();
    run(read_slice, &l, (int)(count / SLICE), count);
    const double took = (double)(nanoseconds() - since) * 1e-9;
    pthread_mutex_unlock(&pool.call);
    return (double)count / took;
}

static void add_up(void *argument, int piece) {
    Limit *l = argument;
    (void)piece;
    atomic_fetch_add(&l->products, most_products(ROUNDS));
}

/* Products of bytes that all threads multiply and add a second by this instruction set, out of registers. */
double products_a_second(void) {
    Limit l = {.bytes = NULL};
    pthread_mutex_lock(&pool.call);
    const long since = nanoseconds();
    run(add_up, &l, 4 * pool.threads, 1L << 40);
    const double took = (double)(nanoseconds() - since) * 1e-9;
    pthread_mutex_unlock(&pool.call);
    return (double)atomic_load(&l.products) / took;
}

/* Seconds that passes have spent since the last call on: linear layers, adapters, attention, what lies between, the head. */
void spent(double *seconds) {
    pthread_mutex_lock(&pool.call);
    for (int i = 0; i < KINDS; i++) {
        seconds[i] = (double)times_of.spent[i] * 1e-9;
        times_of.spent[i] = 0;
    }
    pthread_mutex_unlock(&pool.call);
}
