#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Convolution as a list of taps over rows.
//
// Feature maps are planes of rows: pixel (c, z, y, x) of a sample lies at
//     base + c * channel_stride + (z * rows + y) * pitch + x.
// Along z and y a padded, dilated or strided tap is a choice of source row, which an axis map lists; only along x do
// rows carry a halo (left of x = 0 and right of x = nx), so that a tap there is a shifted load.
// 1-D and 2-D images are volumes of extent 1.

/// For every target index along one axis, the (source index, kernel tap) pairs that are summed into it, by ascending
/// tap: entries start[i] ..< start[i + 1] of `source` and `tap`. A tap that falls on zero padding has no entry;
/// reflected, replicated or circular padding names the row it stands for. The same structure describes the adjoint
/// (data gradient, transposed convolution), where a source may have any number of entries.
typedef struct {
  const int32_t *start;
  const int32_t *source;
  const int32_t *tap;
} tutti_axis;

/// One convolution (or its data gradient, with roles and maps exchanged) of one sample.
///
///     target[co][z][y][x] = initial + sum over ci, (zs, tz) in z[z], (ys, ty) in y[y], tx of
///                           w[co][ci][tz][ty][tx] * source[ci][zs][ys][x + x_shift[tx]]
///
/// with initial = the target itself when `accumulate`, else bias[co] or 0. Every pixel is summed in this one order (ci,
/// then tz, ty, tx, as entries stand in the maps) by fused multiply-adds, wherever it lies in the image, the row or a
/// vector: a pixel's bits do not depend on its place, on the rows of a call, nor on the instruction set. (The portable
/// kernels on x86, which do without fused multiply-add, round each product and so give other bits.)
/// Source rows must be readable 16 floats beyond every x that is needed (values there do not matter, NaN included).
/// Nothing is written outside first_x ..< first_x + width.
typedef struct {
  const float *source;
  ptrdiff_t source_channel_stride;
  int32_t source_channels;
  int32_t source_rows;   // rows of a source plane along y
  int32_t source_pitch;
  float *target;
  ptrdiff_t target_channel_stride;
  int32_t target_channels;
  int32_t target_rows;   // rows of a target plane along y
  int32_t target_pitch;
  int32_t first_x;       // first pixel of a row to compute; negative inside the halo
  int32_t width;
  tutti_axis z, y;
  int32_t z_taps, y_taps, x_taps;
  const int32_t *x_shift;  // [x_taps]
  const float *weights;    // packed by tutti_convolution_pack
  const float *bias;       // [target_channels], or NULL
  bool accumulate;
  // Of the source channels, which the weights cover, only so many from this one on are summed; 0: all.
  int32_t first_source, summed_sources;
  bool is_cached;  // the source was just written and is in cache: nothing is prefetched
} tutti_convolution;

/// Floats that the packed form of these weights takes.
size_t tutti_convolution_packed_count(int32_t target_channels, int32_t source_channels, int32_t taps);

/// Packs weights for `tutti_convolution_rows`. `weights` is [target][source][taps] when not `transposed`, or
/// [source][target][taps] when `transposed` (the data gradient reads a convolution's own weights that way).
/// The packed form is that of the instruction set in use.
void tutti_convolution_pack(const float *weights, int32_t target_channels, int32_t source_channels, int32_t taps,
                            bool transposed, float *packed);

/// Packs weights for `targets` of all `all_targets` channels, from `first_target` on.
void tutti_convolution_pack_targets(const float *weights, int32_t all_targets, int32_t first_target, int32_t targets,
                                    int32_t source_channels, int32_t taps, bool transposed, float *packed);

/// Computes target rows first_row ..< last_row (numbered z * target_rows + y), all target channels.
void tutti_convolution_rows(const tutti_convolution *job, int32_t first_row, int32_t last_row);

/// The gradient of a convolution's weights over one sample.
///
///     result[co * result_stride + ci * taps + tap] (+)= sum over z, y, x of
///                           gradient[co][z][y][x] * source[ci][zs][ys][x_step * x + x_shift[tx]]
///
/// for co in first_target ..< last_target, ci in first_source ..< last_source, where (zs, tz), (ys, ty) run through the
/// maps of the forward convolution (target index -> source index, tap; at most one entry of a target for each tap) and
/// tap = (tz * y_taps + ty) * x_taps + tx; `result` itself is the place of channels first_target and first_source.
/// The order of summation is fixed by the shape and the instruction set alone: not by the ranges of a call. Ends in one
/// addition per element when `accumulate`. Pixels of `gradient` outside 0 ..< width do not enter, nor does what they
/// would meet in `source` (both may hold anything).
typedef struct {
  const float *source;
  ptrdiff_t source_channel_stride;
  int32_t source_channels;
  int32_t source_rows;
  int32_t source_pitch;
  const float *gradient;
  ptrdiff_t gradient_channel_stride;
  int32_t gradient_rows;    // rows of a gradient plane along y
  int32_t gradient_planes;  // planes along z
  int32_t gradient_pitch;
  int32_t width;
  tutti_axis z, y;
  int32_t z_taps, y_taps, x_taps;
  const int32_t *x_shift;
  int32_t x_step;
  bool accumulate;
  float *result;
  ptrdiff_t result_stride;
} tutti_weight_gradient;

/// Lanes are pixels of a row: for few target channels and long rows. Wants x_step 1.
void tutti_convolution_weight_gradient(const tutti_weight_gradient *job, int32_t first_target, int32_t last_target,
                                       int32_t first_source, int32_t last_source);

enum {
  TUTTI_CHANNEL_ROW_TAPS = 32,  // z_taps * y_taps and
  TUTTI_CHANNEL_X_STEP = 4,     // x_step that tutti_channel_weight_gradient takes, at most
};

/// Lanes are target channels: for many of them, whatever the rows' length.
void tutti_channel_weight_gradient(const tutti_weight_gradient *job, int32_t first_target, int32_t last_target,
                                   int32_t first_source, int32_t last_source);

/// The channels of the largest call of tutti_channel_weight_gradient that reads the gradient once.
void tutti_channel_weight_gradient_block(int32_t taps, int32_t *targets, int32_t *sources);

/// Columns for a convolution as a matrix product (strides included): rows of a [source_channels * taps, target pixels]
/// matrix,
///     columns[(ci * taps + tap) * pixels + (z * ny + y) * nx + x] = source[ci][zs][ys][xs] or 0
/// where (zs, tz), (ys, ty), (xs, tx) are entries of the three maps, at most one of a target for each tap. For channels
/// first_channel ..< last_channel.
void tutti_im2col(const float *source, ptrdiff_t channel_stride, int32_t source_rows, int32_t source_pitch,
                  tutti_axis z, tutti_axis y, tutti_axis x, int32_t z_taps, int32_t y_taps, int32_t x_taps, int32_t nz,
                  int32_t ny, int32_t nx, int32_t first_channel, int32_t last_channel, float *columns);

/// The adjoint of tutti_im2col: adds columns into the source's gradient, in the order (tap, z, y, x) for each channel.
void tutti_col2im(const float *columns, float *source, ptrdiff_t channel_stride, int32_t source_rows,
                  int32_t source_pitch, tutti_axis z, tutti_axis y, tutti_axis x, int32_t z_taps, int32_t y_taps,
                  int32_t x_taps, int32_t nz, int32_t ny, int32_t nx, int32_t first_channel, int32_t last_channel);
