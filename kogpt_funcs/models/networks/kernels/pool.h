/* Threads that share the pieces of a piece of work.
 *
 * Pieces are taken from a counter, and the caller waits for pieces, not for threads: one that the machine keeps from
 * running holds up the piece it has, if any, and the others do the rest. Who waits looks for a moment, then sleeps.
 * Where a piece was held up for long, a busy neighbour has the other core, and the caller works alone for a while.
 */
#pragma once
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "vectors.h"

#define SPIN 4000 /* looks at the counter before a thread sleeps: a few dozen microseconds */
#define HELD_UP 2000000 /* nanoseconds asleep for others' pieces, from which on the caller works alone */
#define ALONE 400 /* for so many pieces of work: a few passes */
#define WORTHWHILE 60000 /* arithmetic steps from which on it pays to share work between threads */

typedef void (*Work)(void *, int);
static struct {
    pthread_mutex_t call, lock;
    pthread_cond_t wake, finished;
    int threads, started, sleeping, alone;
    Work work;
    void *argument;
    atomic_int left, done; /* pieces that nobody has taken, and pieces that are finished */
    atomic_int awaited;    /* pieces after which the sleeping caller is to be woken; 0 while it does not sleep */
    atomic_uint round;
} pool = {
    .call = PTHREAD_MUTEX_INITIALIZER, .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER,
    .finished = PTHREAD_COND_INITIALIZER, .threads = 1,
};

static void take_pieces(void) {
    for (;;) { /* who takes a piece knows that its round lasts until the piece is done; who finds none reads nothing else */
        int piece = atomic_fetch_sub(&pool.left, 1) - 1;
        if (piece < 0) return;
        pool.work(pool.argument, piece);
        const int done = atomic_fetch_add(&pool.done, 1) + 1;
        if (done == atomic_load(&pool.awaited)) {
            pthread_mutex_lock(&pool.lock);
            pthread_cond_signal(&pool.finished);
            pthread_mutex_unlock(&pool.lock);
        }
    }
}

static long nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000L + now.tv_nsec;
}

/* Where a pass's time goes. `spend` counts what has passed since the last mark; used by who holds pool.call. */
enum { LINEAR, ADAPTERS, ATTENTION, BETWEEN, HEAD, KINDS };
static struct { long mark, spent[KINDS]; } times_of;
static void mark(void) { times_of.mark = nanoseconds(); }
static void spend(int kind) {
    const long now = nanoseconds();
    times_of.spent[kind] += now - times_of.mark;
    times_of.mark = now;
}

static void wait_for(int pieces) {
    for (int looks = 0; looks < SPIN; looks++) {
        if (atomic_load_explicit(&pool.done, memory_order_acquire) == pieces) return;
        relax();
    }
    const long since = nanoseconds();
    pthread_mutex_lock(&pool.lock);
    atomic_store(&pool.awaited, pieces);
    while (atomic_load(&pool.done) < pieces) pthread_cond_wait(&pool.finished, &pool.lock);
    atomic_store(&pool.awaited, 0);
    pthread_mutex_unlock(&pool.lock);
    if (nanoseconds() - since > HELD_UP) pool.alone = ALONE;
}

static void *worker(void *unused) {
    unsigned seen = 0;
    for (;;) {
        int looks = 0;
        while (atomic_load_explicit(&pool.round, memory_order_acquire) == seen) {
            if (++looks < SPIN) { relax(); continue; }
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
    if (pool.threads == 1 || pieces == 1 || cost < WORTHWHILE || (pool.alone && pool.alone--)) {
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
    wait_for(pieces);
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
