#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "convolution.h"

// Convolutions with three taps along y, stride 1 and as many result rows as source rows, by Winograd's minimal
// filtering F(4, 3) (Winograd, 1980) along y alone: four result rows, as far apart as the taps (the dilation), take six
// products a channel pair and tap along x instead of twelve. Pixels stay in lanes, whatever the dilation, so that few
// channels are enough.
//
// Such four rows begin at rows b * 4 * dilation + r, 0 ≤ r < dilation: a "quad" each. The last ones of a plane may end
// beyond it. A pixel's bits depend on its place in its quad, which the image and the dilation fix, but not on the
// ranges of a call. Channels are summed in rising order (z entry, source channel, tap along x) by fused multiply-adds.

enum {
  TUTTI_FILTERING_POINTS = 6,    // products of a quad
  TUTTI_FILTERING_ENTRIES = 16,  // of a plane along z, at most
  TUTTI_FILTERING_X_TAPS = 3,    // at most
};

/// A second pixel of a source row that a tap along x reads at target pixel `x`, besides the one x_shift away; both are
/// added. It is how padding along x enters a data gradient.
typedef struct {
  int32_t tap, x, source;
} tutti_folded_pixel;

/// One convolution of one sample, or its data gradient with roles exchanged and weights transposed. Channels may lie
/// anywhere in memory, so that all convolutions of one image with the same dilation are one call.
typedef struct {
  const float *const *sources;  // [source_channels]: where each one's first pixel is
  int32_t source_channels, source_pitch;
  float *const *targets;        // [target_channels]
  int32_t target_channels, target_pitch;
  int32_t planes, rows;         // of sources and targets alike, and of a plane
  int32_t first_x, width;       // pixels of a row to compute, as in tutti_convolution
  int32_t dilation;             // along y
  const int32_t *row_of;        // [rows of whole quads + 2 * dilation]: the source row at y - dilation, -1 for zeros
  tutti_axis z;
  int32_t z_taps, x_taps;
  const int32_t *x_shift;       // [x_taps]
  int32_t first_source_x, last_source_x;  // pixels of a source row; those beside these, as far as taps reach, are zeros
  const tutti_folded_pixel *folded;       // [folded_count]
  int32_t folded_count;
  const float *weights;         // packed by tutti_filtering_pack
  const float *bias;            // [target_channels], or NULL
  bool accumulate;              // adds to the target, instead of bias or 0
} tutti_filtering;

/// Quads of a plane.
int32_t tutti_filtering_quads(int32_t rows, int32_t dilation);

/// Floats that the transformed weights take.
size_t tutti_filtering_packed_count(int32_t target_channels, int32_t source_channels, int32_t z_taps, int32_t x_taps);

/// Transforms the weights of a part: `targets` from `first_target` on and `sources` from `first_source` on of a
/// convolution of all_targets × all_sources channels. `weights` is [target][source][z tap][3][x tap] when not
/// `transposed`; when it is, [source][target] with taps along y in reverse, as the data gradient reads them (its maps
/// along z and x name taps as they are).
void tutti_filtering_pack(const float *weights, int32_t targets, int32_t sources, int32_t first_target,
                          int32_t all_targets, int32_t first_source, int32_t all_sources, int32_t z_taps,
                          int32_t x_taps, bool transposed, float *packed);

/// Floats of scratch memory, aligned to 64 bytes, that tutti_filtering_run takes.
size_t tutti_filtering_scratch(const tutti_filtering *job);

/// Computes quads first ..< last (numbered plane * quads of a plane + quad), all target channels.
void tutti_filtering_run(const tutti_filtering *job, int32_t first, int32_t last, float *scratch);

/// The gradient of such convolutions' weights over one sample: results[co][ci * taps + tap] (+)= the sum as in
/// tutti_weight_gradient. The order of summation is fixed by the shape and the instruction set, not by the sources of a
/// call.
typedef struct {
  const float *const *sources;    // [source_channels]
  int32_t source_channels, source_pitch;
  const float *const *gradients;  // [target_channels]
  int32_t target_channels, gradient_pitch;
  int32_t planes, rows, width;
  int32_t dilation;
  const int32_t *row_of;
  tutti_axis z;                   // at most one entry of a plane for each tap
  int32_t z_taps, x_taps;         // at most 3 along x
  const int32_t *x_shift;
  bool accumulate;
  float *const *results;          // [target_channels]: where the weights of the first source begin
} tutti_filtering_gradient;

/// Floats of scratch memory, aligned to 64 bytes, that tutti_filtering_weight_gradient takes.
size_t tutti_filtering_gradient_scratch(const tutti_filtering_gradient *job);

/// All sources of the job.
void tutti_filtering_weight_gradient(const tutti_filtering_gradient *job, float *scratch);
