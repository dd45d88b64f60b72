/* The threads that help with large calls: one pool for the process, made at the first use.

   state = generation << 48 | seats << 32 | chunks left. Whoever takes a chunk swaps the state for
   one with a chunk less; a helper takes a seat with its first. Nobody can join a job whose chunks
   are all taken, so the caller waits for those that are at work, and never for a late helper. A
   second caller at a time runs alone. Which chunks there are does not depend on the threads. */
#ifndef SKNET_POOL_H
#define SKNET_POOL_H

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define MOST_THREADS 64
#define IDLE_TURNS 200 /* until a helper without work sleeps: waking one takes 50 us */
#define LEFT(state) ((ptrdiff_t)((state) & UINT32_MAX))
#define SEATS(state) ((state) >> 32 & UINT16_MAX)
#define GENERATION(state) ((state) >> 48)

typedef void chunk_function(void *job, ptrdiff_t chunk);

static struct {
    pthread_mutex_t lock;
    pthread_cond_t work;
    _Atomic uint64_t state;
    _Atomic ptrdiff_t done;
    atomic_int is_busy, n_asleep, n_threads; /* n_threads: that the user's settings allow */
    int n_helpers;
    chunk_function *run;
    void *job;
    ptrdiff_t n_chunks;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER, .n_threads = 1};

static _Thread_local int is_alone; /* whether what this thread calls runs on it alone */

/* Run what is left of the job whose generation is given, or of one with a free seat. */
static int run_chunks(uint64_t *generation) {
    int n_run = 0;
    uint64_t state = atomic_load(&pool.state);
    while (LEFT(state) && (GENERATION(state) == *generation || SEATS(state))) {
        const uint64_t seat = (uint64_t)(GENERATION(state) != *generation) << 32;
        if (!atomic_compare_exchange_weak(&pool.state, &state, state - seat - 1))
            continue;
        *generation = GENERATION(state);
        pool.run(pool.job, pool.n_chunks - LEFT(state));
        atomic_fetch_add(&pool.done, 1);
        n_run++;
        state = atomic_load(&pool.state);
    }
    return n_run;
}

static void *help(void *none) {
    for (uint64_t generation = UINT64_MAX;;) {
        for (int idle = 0; idle < IDLE_TURNS; sched_yield())
            idle = run_chunks(&generation) ? 0 : idle + 1;
        pthread_mutex_lock(&pool.lock);
        atomic_fetch_add(&pool.n_asleep, 1);
        while (!LEFT(atomic_load(&pool.state)) || !SEATS(atomic_load(&pool.state)))
            pthread_cond_wait(&pool.work, &pool.lock);
        atomic_fetch_sub(&pool.n_asleep, 1);
        pthread_mutex_unlock(&pool.lock);
    }
    return none;
}

/* Start threads, as far as the system gives any; signals are left to those of Python. */
static void start_helpers(int n_helpers) {
    sigset_t all, before;
    pthread_t thread;
    if (pool.n_helpers >= n_helpers)
        return;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (pool.n_helpers < n_helpers && !pthread_create(&thread, NULL, help, NULL)) {
        pthread_detach(thread);
        pool.n_helpers++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Call run(job, chunk) for each chunk, on this thread and others that are to be had. */
static void share_out(chunk_function *run, void *job, ptrdiff_t n_chunks) {
    ptrdiff_t n_threads = is_alone ? 1 : atomic_load(&pool.n_threads);
    n_threads = n_threads < n_chunks ? n_threads : n_chunks;
    if (n_threads < 2 || atomic_exchange(&pool.is_busy, 1)) {
        for (ptrdiff_t chunk = 0; chunk < n_chunks; chunk++)
            run(job, chunk);
        return;
    }
    start_helpers((int)n_threads - 1);
    uint64_t generation = (GENERATION(atomic_load(&pool.state)) + 1) & UINT16_MAX;
    pool.run = run, pool.job = job, pool.n_chunks = n_chunks;
    atomic_store(&pool.done, 0);
    atomic_store(&pool.state, generation << 48 | (uint64_t)(n_threads - 1) << 32 | n_chunks);
    if (atomic_load(&pool.n_asleep)) {
        pthread_mutex_lock(&pool.lock);
        for (ptrdiff_t helper = 1; helper < n_threads; helper++)
            pthread_cond_signal(&pool.work);
        pthread_mutex_unlock(&pool.lock);
    }
    run_chunks(&generation);
    while (atomic_load(&pool.done) < n_chunks)
        sched_yield();
    atomic_store(&pool.is_busy, 0);
}

/* A forked process has no helpers. */
static void empty_pool(void) {
    pthread_mutex_init(&pool.lock, NULL);
    pthread_cond_init(&pool.work, NULL);
    atomic_store(&pool.state, 0);
    atomic_store(&pool.is_busy, 0);
    atomic_store(&pool.n_asleep, 0);
    pool.n_helpers = 0;
}

#endif
