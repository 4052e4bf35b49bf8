#include "dispatch/isa.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "dispatch.h"

static const char *const names[TUTTI_ISA_COUNT] = {"portable", "avx2", "avx512"};

// -1 until first asked. Threads that ask at the same time find the same answer, so relaxed order is enough.
static atomic_int current = -1;

static bool has(tutti_isa_level level) {
#if defined(__x86_64__)
  switch (level) {
    case TUTTI_ISA_AVX512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
             __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case TUTTI_ISA_AVX2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    default:
      return true;
  }
#else
  return level == TUTTI_ISA_PORTABLE;
#endif
}

tutti_isa_level tutti_isa_current(void) {
  int level = atomic_load_explicit(&current, memory_order_relaxed);
  if (level >= 0) return (tutti_isa_level)level;
  const char *wanted = getenv("TUTTI_ISA");
  if (wanted == NULL || !tutti_set_isa(wanted)) {
    level = TUTTI_ISA_COUNT - 1;
    while (!has((tutti_isa_level)level)) level -= 1;
    atomic_store_explicit(&current, level, memory_order_relaxed);
  }
  return (tutti_isa_level)atomic_load_explicit(&current, memory_order_relaxed);
}

const char *tutti_isa(void) { return names[tutti_isa_current()]; }

bool tutti_set_isa(const char *name) {
  for (int level = 0; level < TUTTI_ISA_COUNT; level += 1) {
    if (strcmp(names[level], name) != 0 || !has((tutti_isa_level)level)) continue;
    atomic_store_explicit(&current, level, memory_order_relaxed);
    return true;
  }
  return false;
}
