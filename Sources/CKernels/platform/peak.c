#include "peak.h"

#include "dispatch/isa.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#pragma STDC FP_CONTRACT OFF

// Two units that take a multiply-add every cycle and need four cycles for each want 8 chains; 12 leave slack, and fit
// with factor and summand into 16 registers.
enum { CHAINS = 12 };

// x <- 0.999 x + 0.001 tends to 1: neither denormals nor overflow. Read from memory, so that nothing is computed
// beforehand.
static const volatile float factor_source = 0.999f, summand_source = 0.001f;

typedef float vector4 __attribute__((ext_vector_type(4)));

static inline vector4 multiply_add4(vector4 x, vector4 factor, vector4 summand) {
#if defined(__aarch64__)
  return __builtin_elementwise_fma(x, factor, summand);
#else
  return x * factor + summand;
#endif
}

static double chains_portable(int64_t rounds, float *sum) {
  const vector4 factor = factor_source, summand = summand_source;
  vector4 x[CHAINS];
  for (int i = 0; i < CHAINS; i += 1) x[i] = (float)i;
  for (int64_t round = 0; round < rounds; round += 1) {
#pragma clang loop unroll(full)
    for (int i = 0; i < CHAINS; i += 1) x[i] = multiply_add4(x[i], factor, summand);
  }
  vector4 all = 0;
  for (int i = 0; i < CHAINS; i += 1) all += x[i];
  *sum = all.x + all.y + all.z + all.w;
  return 2.0 * 4 * CHAINS * (double)rounds;
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static double chains_avx2(int64_t rounds, float *sum) {
  const __m256 factor = _mm256_set1_ps(factor_source), summand = _mm256_set1_ps(summand_source);
  __m256 x[CHAINS];
  for (int i = 0; i < CHAINS; i += 1) x[i] = _mm256_set1_ps((float)i);
  for (int64_t round = 0; round < rounds; round += 1) {
#pragma clang loop unroll(full)
    for (int i = 0; i < CHAINS; i += 1) x[i] = _mm256_fmadd_ps(x[i], factor, summand);
  }
  __m256 all = _mm256_setzero_ps();
  for (int i = 0; i < CHAINS; i += 1) all = _mm256_add_ps(all, x[i]);
  float lanes[8];
  _mm256_storeu_ps(lanes, all);
  *sum = 0;
  for (int i = 0; i < 8; i += 1) *sum += lanes[i];
  return 2.0 * 8 * CHAINS * (double)rounds;
}

__attribute__((target("avx512f"))) static double chains_avx512(int64_t rounds, float *sum) {
  const __m512 factor = _mm512_set1_ps(factor_source), summand = _mm512_set1_ps(summand_source);
  __m512 x[CHAINS];
  for (int i = 0; i < CHAINS; i += 1) x[i] = _mm512_set1_ps((float)i);
  for (int64_t round = 0; round < rounds; round += 1) {
#pragma clang loop unroll(full)
    for (int i = 0; i < CHAINS; i += 1) x[i] = _mm512_fmadd_ps(x[i], factor, summand);
  }
  __m512 all = _mm512_setzero_ps();
  for (int i = 0; i < CHAINS; i += 1) all = _mm512_add_ps(all, x[i]);
  *sum = _mm512_reduce_add_ps(all);
  return 2.0 * 16 * CHAINS * (double)rounds;
}
#endif

double tutti_multiply_add_chains(int64_t rounds, float *sum) {
#if defined(__x86_64__)
  switch (tutti_isa_current()) {
    case TUTTI_ISA_AVX512: return chains_avx512(rounds, sum);
    case TUTTI_ISA_AVX2: return chains_avx2(rounds, sum);
    default: break;
  }
#endif
  return chains_portable(rounds, sum);
}

void tutti_triad(const float *restrict a, const float *restrict b, float factor, float *restrict c, size_t count) {
  for (size_t i = 0; i < count; i += 1) c[i] = a[i] + factor * b[i];
}
