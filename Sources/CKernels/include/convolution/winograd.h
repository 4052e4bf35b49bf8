#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "convolution.h"

// Convolutions of kernel 3 with padding 1 (zeros), stride 1 and dilation 1 along y and x, and kernel 1 or 3 (padded
// alike) along z, by Winograd's minimal filtering F(4×4, 3×3) (Lavin and Gray, 2016, arXiv:1509.09308): a tile of 4×4
// result pixels takes 36 products a channel pair instead of 144. Along z taps are summed one by one.
//
// Tiles begin at multiples of 4 from the image's corner, and partial tiles end at its border. A pixel's bits depend on
// its place in the tile, but not on the other tiles, the samples or the ranges of a call; channels are summed in rising
// order (z tap, source channel) by fused multiply-adds. With points 0, ±3/4, ±3/2, ∞ rounding errors are about twice
// those of a plain sum.

enum { TUTTI_WINOGRAD_POINTS = 36 };  // products of a tile of 4×4 pixels

/// A convolution of several samples, or its data gradient with roles exchanged and weights transposed.
typedef struct {
  const float *source;
  ptrdiff_t source_sample_stride, source_channel_stride;
  int32_t source_channels, source_pitch;
  float *target;
  ptrdiff_t target_sample_stride, target_channel_stride;
  int32_t target_channels, target_pitch;
  int32_t samples, planes, rows, width;  // of source and target alike
  int32_t z_taps;                        // 1 or 3
  const float *weights;                  // made by tutti_winograd_weights
  const float *bias;                     // [target_channels], or NULL
  bool accumulate;                       // adds to the target, instead of bias or 0
} tutti_winograd;

/// Floats of transformed weights of so many targets.
size_t tutti_winograd_weight_count(int32_t target_channels, int32_t source_channels, int32_t z_taps);

/// Target channels that one piece of tutti_winograd_weights covers; the pieces of a layer are independent.
int32_t tutti_winograd_weight_piece(void);

/// Transforms the weights of targets first_target ..< last_target (multiples of a piece, or the end), of which
/// `transformed` holds `held_targets` from first_held (a multiple of a piece) on: a job of its own, whose target and
/// bias begin there. `weights` is [target][source][taps], or [source][target][taps] when `transposed`, as
/// tutti_convolution_pack takes them; the taps of transposed ones are turned around. `transformed` begins at a multiple
/// of 64 bytes.
void tutti_winograd_weights(const float *weights, int32_t target_channels, int32_t source_channels, int32_t z_taps,
                            bool transposed, int32_t first_held, int32_t held_targets, int32_t first_target,
                            int32_t last_target, float *transformed);

/// Vectors of tiles that the samples have in all: the unit of work.
int32_t tutti_winograd_vectors(const tutti_winograd *job);

/// Vectors that are best worked in one call: of three dimensions whole columns along z, since neighbours share what
/// they read.
int32_t tutti_winograd_together(const tutti_winograd *job);

/// Floats of scratch memory of a call of tutti_winograd_run: the channels alone say how many.
size_t tutti_winograd_scratch(const tutti_winograd *job);

/// Computes all channels of vectors first ..< last.
void tutti_winograd_run(const tutti_winograd *job, int32_t first, int32_t last, float *scratch);

/// The channels of the largest call of tutti_winograd_weight_gradient.
void tutti_winograd_gradient_block(int32_t z_taps, int32_t *targets, int32_t *sources);

/// Floats of scratch memory of a call with so many channels.
size_t tutti_winograd_gradient_scratch(int32_t targets, int32_t sources, int32_t z_taps);

/// What tutti_channel_weight_gradient computes, for a convolution as above: the job's maps and shifts are not read.
void tutti_winograd_weight_gradient(const tutti_weight_gradient *job, int32_t first_target, int32_t last_target,
                                    int32_t first_source, int32_t last_source, float *scratch);
