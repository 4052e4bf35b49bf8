// Sizes of tiles where there are 16 vector registers.
#pragma once

// Accumulators of a tile: at most 12 of the 16 registers. Three channels leave one for a source vector beside their
// weights. Four by three would need all 16 at every moment, and compilers keep some sums in memory then (64 to 64
// channels with AVX2: 72 GFLOP/s in blocks of three, 44 of four).
#define WIDEST_TILE {{8, 6, 4, 3}, {6, 3, 2, 1}, {4, 2, 1, 1}}
#define TILES(T) \
  UPTO8(T, 1, 1) UPTO6(T, 1, 2) UPTO4(T, 1, 3) UPTO3(T, 1, 4) UPTO6(T, 2, 1) UPTO3(T, 2, 2) UPTO2(T, 2, 3) \
  T(2, 4, 1) UPTO4(T, 3, 1) UPTO2(T, 3, 2) T(3, 3, 1) T(3, 4, 1)

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
