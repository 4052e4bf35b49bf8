// Four lanes by the compiler's vector extensions: NEON with fused multiply-add on Arm, SSE2 without it on x86 (whose
// bits therefore differ from those of the other instruction sets).

#include "convolution/private.h"

#pragma STDC FP_CONTRACT OFF

#define LANES 4
#define EVEN_LANES 0, 2, 4, 6
#define ODD_LANES 1, 3, 5, 7
#define REVERSED_LANES 3, 2, 1, 0
#define LOW_LANES 0, 4, 1, 5
#define HIGH_LANES 2, 6, 3, 7
#define LARGEST_BLOCK 3
#define KERNELS tutti_convolution_portable

typedef float vector __attribute__((ext_vector_type(LANES)));
typedef double wide __attribute__((ext_vector_type(LANES)));
typedef float unaligned_vector __attribute__((ext_vector_type(LANES), aligned(4)));

static inline __attribute__((always_inline)) vector multiply_add(vector a, vector b, vector c) {
#if defined(__FMA__) || defined(__aarch64__)
  return __builtin_elementwise_fma(a, b, c);
#else
  return a * b + c;
#endif
}

static inline __attribute__((always_inline)) vector load_first(const float *p, int32_t count) {
  float lanes[LANES] = {0};
  for (int32_t i = 0; i < count; i += 1) lanes[i] = p[i];
  return *(const unaligned_vector *)lanes;
}

static inline __attribute__((always_inline)) void store_first(float *p, vector v, int32_t count) {
  float lanes[LANES];
  *(unaligned_vector *)lanes = v;
  for (int32_t i = 0; i < count; i += 1) p[i] = lanes[i];
}

#include "convolution/instruction_sets/registers16.h"

#include "convolution/instruction_sets/kernels.h"
