#pragma once

#include <stddef.h>
#include <stdint.h>

// Transposed convolutions whose kernel is their stride: the taps of different pixels never meet, so that every pixel of
// the wide space has exactly one. The product is then a 1x1 convolution whose channels are (wide channel, tap) pairs,
// and its planes are interleaved to the wide ones:
//     wide[c][z * kz + tz][y * ky + ty][x * kx + tx] =
//         taps[((c * kz + tz) * ky + ty) * kx + tx][row(z, y)][x] + bias[c]

/// The planes of some narrow rows: `taps` holds rows first_row ..< last_row of each (channel, tap) pair.
typedef struct {
  float *wide;
  ptrdiff_t wide_channel_stride;
  int32_t wide_rows;  // rows of a wide plane along y
  int32_t wide_pitch;
  int32_t channels;   // wide ones
  int32_t z_kernel, y_kernel, x_kernel;
  int32_t narrow_rows;  // along y
  int32_t narrow_width;
  float *taps;
  ptrdiff_t tap_stride;  // from a pair's plane to the next
  int32_t tap_pitch;     // from a row to the next
} tutti_disjoint;

/// Writes the wide planes from those of the pairs. `bias` may be NULL. Narrow rows are numbered z * narrow_rows + y.
void tutti_disjoint_gather(const tutti_disjoint *job, const float *bias, int32_t first_row, int32_t last_row);

/// The adjoint: writes the planes of the pairs from the wide ones.
void tutti_disjoint_separate(const tutti_disjoint *job, int32_t first_row, int32_t last_row);
