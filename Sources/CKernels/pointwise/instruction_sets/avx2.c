#if defined(__x86_64__)
#include <immintrin.h>

#include "pointwise/instruction_sets/types.h"

#define NAME tutti_pointwise_avx2
#define FUSED 1

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

/// The first n floats at p, zero in the other lanes. A window into `first_lanes` is the mask.
static const int32_t first_lanes[32] = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
INLINE v16f load_first(const float *p, int32_t n) {
  union {
    v16f whole;
    __m256 half[2];
  } v;
  v.half[0] = _mm256_maskload_ps(p, _mm256_loadu_si256((const __m256i_u *)(first_lanes + 16 - n)));
  v.half[1] = _mm256_maskload_ps(p + 8, _mm256_loadu_si256((const __m256i_u *)(first_lanes + 24 - n)));
  return v.whole;
}
INLINE void store_first(float *p, v16f whole, int32_t n) {
  union {
    v16f whole;
    __m256 half[2];
  } v = {whole};
  _mm256_maskstore_ps(p, _mm256_loadu_si256((const __m256i_u *)(first_lanes + 16 - n)), v.half[0]);
  _mm256_maskstore_ps(p + 8, _mm256_loadu_si256((const __m256i_u *)(first_lanes + 24 - n)), v.half[1]);
}

#include "pointwise/instruction_sets/kernels.h"

#pragma clang attribute pop
#else
typedef int tutti_no_avx2;
#endif
