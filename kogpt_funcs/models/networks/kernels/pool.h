/* Threads that share the pieces of a piece of work.
 *
 * Pieces are taken from a counter, and the caller waits for pieces, not for threads: one that the machine keeps from
 * running holds up the piece it has, if any, and the others do the rest.
 */
#pragma once
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "vectors.h"

#define SPIN 4000 /* looks at the counter before a thread sleeps: a few dozen microseconds */
#define WORTHWHILE 60000 /* arithmetic steps from which on it pays to share work between threads */

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
        if (looks < SPIN) relax(); else sched_yield();
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
