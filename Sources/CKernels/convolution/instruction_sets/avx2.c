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
#define LARGEST_BLOCK 4
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

// Accumulators of a tile: at most 12 of the 16 registers.
#define WIDEST_TILE {{8, 6, 4, 3}, {6, 3, 2, 1}, {4, 2, 1, 1}, {3, 1, 1, 0}}
#define TILES(T) \
  UPTO8(T, 1, 1) UPTO6(T, 1, 2) UPTO4(T, 1, 3) UPTO3(T, 1, 4) UPTO6(T, 2, 1) UPTO3(T, 2, 2) UPTO2(T, 2, 3) \
  T(2, 4, 1) UPTO4(T, 3, 1) UPTO2(T, 3, 2) T(3, 3, 1) T(3, 4, 1) UPTO3(T, 4, 1) T(4, 2, 1) T(4, 3, 1)

// Strips: rows and most vectors by target channels; with more channels a tile is not bound by its loads.
#define MOST_STRIP_CHANNELS 2
#define STRIP_ROWS {4, 3}
#define WIDEST_STRIP {3, 2}
#define STRIPS(T) UPTO3(T, 1, 4) UPTO2(T, 2, 3)

// A weight gradient's tiles, target × source channels, by the taps along y that are joined: by a lone target only.
#define GRADIENT_TARGETS 4
#define GRADIENT_JOINED {true, false, false, false}
#define GRADIENT_SOURCES {{3, 2, 1, 1}, {2, 2, 1, 1}, {1, 2, 1, 1}}
#define GRADIENT_TILES_OF_3(T) T(1, 1)
#define GRADIENT_TILES_OF_2(T) T(1, 1) T(1, 2)
#define GRADIENT_TILES_OF_1(T) T(1, 1) T(1, 2) T(1, 3) T(2, 1) T(2, 2) T(3, 1) T(4, 1)

// The same with target channels in lanes: vectors of a tile, each with up to 9 sums.
#define CHANNEL_VECTORS 1
#define CHANNEL_TILES(T) T(1)

// Target channels of a register tile of transformed products; of their gradients, source channels by vectors of
// targets.
#define WINOGRAD_COLUMNS {8, 6, 4}
#define WINOGRAD_CHANNELS 4

// No tile of filtered rows has six points of a channel: registers are too few.
#define FILTERING_TARGETS 0
#define FILTERING_FEW_SOURCES 0

#include "convolution/instruction_sets/kernels.h"

#pragma clang attribute pop
#endif
