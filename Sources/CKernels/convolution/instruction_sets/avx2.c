#include "convolution/private.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma STDC FP_CONTRACT OFF
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

#define LANES 8
#define EVEN_LANES 0, 2, 4, 6, 8, 10, 12, 14
#define ODD_LANES 1, 3, 5, 7, 9, 11, 13, 15
#define REVERSED_LANES 7, 6, 5, 4, 3, 2, 1, 0
#define LOW_LANES 0, 8, 1, 9, 2, 10, 3, 11
#define HIGH_LANES 4, 12, 5, 13, 6, 14, 7, 15
#define LARGEST_BLOCK 3
#define KERNELS tutti_convolution_avx2

typedef float vector __attribute__((ext_vector_type(LANES)));
typedef double wide __attribute__((ext_vector_type(LANES)));
typedef float unaligned_vector __attribute__((ext_vector_type(LANES), aligned(4)));

static inline __attribute__((always_inline)) vector multiply_add(vector a, vector b, vector c) {
  return (vector)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}

static inline __attribute__((always_inline)) __m256i first_lanes(int32_t count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

static inline __attribute__((always_inline)) vector load_first(const float *p, int32_t count) {
  return (vector)_mm256_maskload_ps(p, first_lanes(count));
}

static inline __attribute__((always_inline)) void store_first(float *p, vector v, int32_t count) {
  _mm256_maskstore_ps(p, first_lanes(count), (__m256)v);
}

#include "convolution/instruction_sets/registers16.h"

#include "convolution/instruction_sets/kernels.h"

#pragma clang attribute pop
#endif
