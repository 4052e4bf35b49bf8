#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Interpolation of one plane (nz × ny × nx pixels, rows `pitch` floats apart) to another, axis by axis.

/// For each target index of an axis the two source indices that it lies between, and the share of the second.
typedef struct {
  const int32_t *first;
  const int32_t *second;
  const float *share;
} tutti_resampling_axis;

/// target[z][y][x] = sum of the sources at both ends of each axis, by their shares; without `linear`, the source at the
/// first ends. `source_ny` is the source's number of rows along y; nz, ny, nx are the target's extents.
void tutti_resample(const float *source, int32_t source_ny, ptrdiff_t source_pitch, float *target,
                    ptrdiff_t target_pitch, int32_t nz, int32_t ny, int32_t nx, tutti_resampling_axis z,
                    tutti_resampling_axis y, tutti_resampling_axis x, bool linear);

/// The adjoint: adds the target's gradient into the source's, in the order (z, y, x) of the target.
void tutti_resample_gradient(const float *gradient, ptrdiff_t gradient_pitch, float *source, int32_t source_ny,
                             ptrdiff_t source_pitch, int32_t nz, int32_t ny, int32_t nx, tutti_resampling_axis z,
                             tutti_resampling_axis y, tutti_resampling_axis x, bool linear);
