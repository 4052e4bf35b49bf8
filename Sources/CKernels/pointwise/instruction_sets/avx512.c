#if defined(__x86_64__)
#include <immintrin.h>

#include "pointwise/instruction_sets/types.h"

#define NAME tutti_pointwise_avx512
#define FUSED 1

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), \
                             apply_to = function)

/// The first n floats at p, zero in the other lanes.
INLINE v16f load_first(const float *p, int32_t n) { return (v16f)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p); }
INLINE void store_first(float *p, v16f v, int32_t n) {
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
}

#include "pointwise/instruction_sets/kernels.h"

#pragma clang attribute pop
#else
typedef int tutti_no_avx512;
#endif
