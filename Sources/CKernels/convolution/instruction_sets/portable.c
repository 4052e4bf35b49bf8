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
#define LARGEST_BLOCK 4
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
