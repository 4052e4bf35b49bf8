#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "platform.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// MARK: Floating-point environment

uint64_t tutti_float_environment(void) {
#if defined(__x86_64__)
  return _mm_getcsr();
#elif defined(__aarch64__)
  uint64_t word;
  __asm__ volatile("mrs %0, fpcr" : "=r"(word));
  return word;
#else
  return 0;
#endif
}

void tutti_set_float_environment(uint64_t word) {
#if defined(__x86_64__)
  _mm_setcsr((unsigned int)word);
#elif defined(__aarch64__)
  __asm__ volatile("msr fpcr, %0" : : "r"(word));
#else
  (void)word;
#endif
}

uint64_t tutti_compute_environment(void) {
#if defined(__x86_64__)
  return 0x1F80 | 0x8000 | 0x0040;  // all exceptions masked, flush to zero, denormals are zero
#elif defined(__aarch64__)
  return UINT64_C(1) << 24;  // flush to zero
#else
  return 0;
#endif
}

// MARK: Core masks

int tutti_get_affinity(uint64_t *words, int32_t word_count) {
  memset(words, 0, (size_t)word_count * sizeof(uint64_t));
  // The system call, not glibc's wrapper: it says how many bytes the kernel's mask has.
  long bytes = syscall(SYS_sched_getaffinity, 0, (size_t)word_count * sizeof(uint64_t), words);
  return bytes < 0 ? errno : 0;
}

// MARK: Waiting

static inline void relax(void) {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

// Sleeps while `*word` is `expected`. An early return (a signal, another value) is not an error: callers look again.
static void futex_wait(_Atomic uint32_t *word, uint32_t expected) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

static void futex_wake_all(_Atomic uint32_t *word) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

// Spins until `*word` differs from `value` (1) or the time is over (0).
static int spin_while_equal(_Atomic uint32_t *word, uint32_t value, int64_t nanoseconds) {
  int64_t end = 0;
  for (;;) {
    for (int i = 0; i < 32; i++) {
      if (atomic_load_explicit(word, memory_order_acquire) != value) return 1;
      relax();
    }
    int64_t t = now();
    if (end == 0) end = t + nanoseconds;
    if (t >= end) return 0;
  }
}

// MARK: The team

// A Swift closure `(Int, Int) -> Void` as Swift passes it: its code, and its captures, which the code expects in the
// register that Swift keeps for them. The captures stay where they are, on the stack of the caller of `tutti_team_run`.
typedef __attribute__((swiftcall)) void (*piece_body)(
    intptr_t piece, intptr_t thread, __attribute__((swift_context)) void *captures);

typedef struct {
  tutti_team *team;
  int32_t index;
  pthread_t handle;
} worker;

// The pieces that a thread begins with: next ..< last.
typedef struct {
  _Alignas(64) _Atomic int64_t next;
  int64_t last;
} share;

// What different threads write stands in cache lines of its own.
struct tutti_team {
  _Alignas(64) _Atomic uint32_t generation;  // one more for every run; idle workers wait for it to change
  _Atomic uint32_t sleepers;                 // workers that sleep on `generation`
  _Alignas(64) _Atomic uint32_t working;     // workers that have not finished the run; the caller waits for 0
  _Atomic uint32_t caller_sleeps;
  _Alignas(64) _Atomic uint32_t busy;
  piece_body body;
  void *captures;
  bool stop;
  int32_t size;
  int64_t spin;
  worker *workers;
  share *shares;  // one for each thread
};

// Every thread has its share of the pieces, always the same one of as many, so that what it made in one run is in its
// caches and on its node's memory in the next; then it takes what is left of the others'.
static void cut_shares(tutti_team *team, int64_t count) {
  for (int32_t i = 0; i < team->size; i++) {
    atomic_store_explicit(&team->shares[i].next, i * count / team->size, memory_order_relaxed);
    team->shares[i].last = (i + 1) * count / team->size;
  }
}

static void take_pieces(tutti_team *team, int32_t thread) {
  piece_body body = team->body;
  void *captures = team->captures;
  for (int32_t i = 0; i < team->size; i++) {
    share *from = &team->shares[(thread + i) % team->size];
    while (atomic_load_explicit(&from->next, memory_order_relaxed) < from->last) {
      int64_t piece = atomic_fetch_add_explicit(&from->next, 1, memory_order_relaxed);
      if (piece < from->last) body(piece, thread, captures);
    }
  }
}

static void *work(void *argument) {
  worker *self = argument;
  tutti_team *team = self->team;
  tutti_set_float_environment(tutti_compute_environment());
  uint32_t seen = 0;
  for (;;) {
    if (!spin_while_equal(&team->generation, seen, team->spin)) {
      // `sleepers` is raised before the kernel compares `generation`, and `tutti_team_run` reads it after it has raised
      // `generation`, both sequentially consistent: either this thread does not fall asleep or it is woken.
      atomic_fetch_add(&team->sleepers, 1);
      while (atomic_load(&team->generation) == seen) futex_wait(&team->generation, seen);
      atomic_fetch_sub(&team->sleepers, 1);
    }
    seen++;
    if (team->stop) return NULL;
    take_pieces(team, self->index);
    if (atomic_fetch_sub(&team->working, 1) == 1 && atomic_load(&team->caller_sleeps)) {
      futex_wake_all(&team->working);
    }
  }
}

// Ends the first `count` workers.
static void stop_workers(tutti_team *team, int32_t count) {
  team->stop = true;
  atomic_fetch_add(&team->generation, 1);
  futex_wake_all(&team->generation);
  for (int32_t i = 0; i < count; i++) pthread_join(team->workers[i].handle, NULL);
}

static int start_worker(tutti_team *team, worker *self, const int32_t *cores) {
  pthread_attr_t attributes;
  int code = pthread_attr_init(&attributes);
  if (code != 0) return code;
  if (cores != NULL) {
    int32_t core = cores[self->index];
    cpu_set_t *mask = CPU_ALLOC((size_t)core + 1);
    if (mask == NULL) {
      code = ENOMEM;
    } else {
      size_t bytes = CPU_ALLOC_SIZE((size_t)core + 1);
      CPU_ZERO_S(bytes, mask);
      CPU_SET_S((size_t)core, bytes, mask);
      code = pthread_attr_setaffinity_np(&attributes, bytes, mask);
      CPU_FREE(mask);
    }
  }
  if (code == 0) code = pthread_create(&self->handle, &attributes, work, self);
  pthread_attr_destroy(&attributes);
  if (code == 0) {
    char name[16];
    snprintf(name, sizeof name, "team-%d", (int)self->index);
    pthread_setname_np(self->handle, name);
  }
  return code;
}

static void free_team(tutti_team *team) {
  free(team->shares);
  free(team->workers);
  free(team);
}

int tutti_team_create(tutti_team **result, int32_t size, int64_t spin_nanoseconds, const int32_t *cores) {
  tutti_team *team = aligned_alloc(64, (sizeof(tutti_team) + 63) / 64 * 64);
  if (team == NULL) return ENOMEM;
  memset(team, 0, sizeof *team);
  team->size = size;
  team->spin = spin_nanoseconds;
  team->shares = aligned_alloc(64, (size_t)size * sizeof(share));
  team->workers = calloc((size_t)size, sizeof(worker));
  if (team->shares == NULL || team->workers == NULL) {
    free_team(team);
    return ENOMEM;
  }
  // Signals belong to the threads that the application knows of.
  sigset_t all, before;
  sigfillset(&all);
  int code = pthread_sigmask(SIG_SETMASK, &all, &before);
  int32_t started = 0;
  while (code == 0 && started < size - 1) {
    worker *next = &team->workers[started];
    next->team = team;
    next->index = started + 1;
    code = start_worker(team, next, cores);
    if (code == 0) started++;
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (code != 0) {
    stop_workers(team, started);
    free_team(team);
    return code;
  }
  *result = team;
  return 0;
}

void tutti_team_destroy(tutti_team *team) {
  stop_workers(team, team->size - 1);
  free_team(team);
}

static void wait_for_workers(tutti_team *team) {
  int64_t end = 0;
  uint32_t working;
  while ((working = atomic_load_explicit(&team->working, memory_order_acquire)) != 0) {
    int64_t t = now();
    if (end == 0) end = t + team->spin;
    if (t < end) {
      spin_while_equal(&team->working, working, end - t);
      continue;
    }
    atomic_store(&team->caller_sleeps, 1);
    while ((working = atomic_load(&team->working)) != 0) futex_wait(&team->working, working);
    atomic_store(&team->caller_sleeps, 0);
  }
}

// Declared in ThreadTeam.swift.
__attribute__((swiftcall)) int32_t tutti_team_run(tutti_team *team, intptr_t count, piece_body body, void *captures);

__attribute__((swiftcall)) int32_t tutti_team_run(tutti_team *team, intptr_t count, piece_body body, void *captures) {
  uint32_t idle = 0;
  if (!atomic_compare_exchange_strong(&team->busy, &idle, 1)) return EBUSY;
  uint64_t environment = tutti_float_environment();
  tutti_set_float_environment(tutti_compute_environment());
  team->body = body;
  team->captures = captures;
  cut_shares(team, count);

  bool together = team->size > 1 && count > 1;
  if (together) {
    atomic_store_explicit(&team->working, (uint32_t)team->size - 1, memory_order_relaxed);
    atomic_fetch_add(&team->generation, 1);
    if (atomic_load(&team->sleepers) != 0) futex_wake_all(&team->generation);
  }
  take_pieces(team, 0);
  if (together) wait_for_workers(team);

  tutti_set_float_environment(environment);
  atomic_store_explicit(&team->busy, 0, memory_order_release);
  return 0;
}
