#include "convolution/private.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma STDC FP_CONTRACT OFF
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"))), \
                             apply_to = function)

#define LANES 16
#define EVEN_LANES 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define ODD_LANES 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#define REVERSED_LANES 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0
#define LOW_LANES 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH_LANES 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#define LARGEST_BLOCK 8
#define KERNELS tutti_convolution_avx512

typedef float vector __attribute__((ext_vector_type(LANES)));
typedef double wide __attribute__((ext_vector_type(LANES)));
typedef float unaligned_vector __attribute__((ext_vector_type(LANES), aligned(4)));

static inline __attribute__((always_inline)) vector multiply_add(vector a, vector b, vector c) {
  return (vector)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}

static inline __attribute__((always_inline)) vector load_first(const float *p, int32_t count) {
  return (vector)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), p);
}

static inline __attribute__((always_inline)) void store_first(float *p, vector v, int32_t count) {
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << count) - 1), (__m512)v);
}

// Accumulators of a tile: at most 26 of the 32 registers.
#define WIDEST_TILE                                                                                       \
  {{8, 8, 5, 4}, {8, 6, 4, 3}, {8, 4, 2, 2}, {6, 3, 2, 1}, {5, 2, 1, 1}, {4, 2, 1, 1}, {3, 1, 1, 0}, {3, 1, 1, 0}}
#define TILES(T)                                                                                          \
  UPTO8(T, 1, 1) UPTO8(T, 1, 2) UPTO5(T, 1, 3) UPTO4(T, 1, 4) UPTO8(T, 2, 1) UPTO6(T, 2, 2) UPTO4(T, 2, 3) \
  UPTO3(T, 2, 4) UPTO8(T, 3, 1) UPTO4(T, 3, 2) UPTO2(T, 3, 3) UPTO2(T, 3, 4) UPTO6(T, 4, 1) UPTO3(T, 4, 2) \
  UPTO2(T, 4, 3) T(4, 4, 1) UPTO5(T, 5, 1) UPTO2(T, 5, 2) T(5, 3, 1) T(5, 4, 1) UPTO4(T, 6, 1) UPTO2(T, 6, 2) \
  T(6, 3, 1) T(6, 4, 1) UPTO3(T, 7, 1) T(7, 2, 1) T(7, 3, 1) UPTO3(T, 8, 1) T(8, 2, 1) T(8, 3, 1)

// Strips: rows and most vectors by target channels; with more channels a tile is not bound by its loads.
#define MOST_STRIP_CHANNELS 2
#define STRIP_ROWS {4, 4}
#define WIDEST_STRIP {4, 3}
#define STRIPS(T) UPTO4(T, 1, 4) UPTO3(T, 2, 4)

// A weight gradient's tiles, target × source channels, by the taps along y that are joined.
#define GRADIENT_TARGETS 3
#define GRADIENT_JOINED {true, true, true}
#define GRADIENT_SOURCES {{6, 4, 3}, {4, 2, 1}, {3, 1, 1}}
#define GRADIENT_TILES_OF_3(T) T(1, 1) T(1, 2) T(1, 3) T(2, 1) T(3, 1)
#define GRADIENT_TILES_OF_2(T) GRADIENT_TILES_OF_3(T) T(1, 4) T(2, 2)
#define GRADIENT_TILES_OF_1(T) GRADIENT_TILES_OF_2(T) T(1, 5) T(1, 6) T(2, 3) T(2, 4) T(3, 2) T(3, 3)

// The same with target channels in lanes: vectors of a tile, each with up to 9 sums.
#define CHANNEL_VECTORS 3
#define CHANNEL_TILES(T) T(1) T(2) T(3)

// Target channels of a register tile of transformed products; of their gradients, source channels by vectors of
// targets.
#define WINOGRAD_COLUMNS {16, 12, 8}
#define WINOGRAD_CHANNELS 8

// Target channels of a register tile with six points each, and for how few sources it is taken.
#define FILTERING_TARGETS 4
#define FILTERING_FEW_SOURCES 8
#define FILTERING_TILES(T) T(1) T(2) T(3) T(4)

#include "convolution/instruction_sets/kernels.h"

#pragma clang attribute pop
#endif
