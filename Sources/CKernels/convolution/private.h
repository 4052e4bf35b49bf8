#pragma once

#include "convolution/convolution.h"
#include "convolution/filtering.h"
#include "convolution/winograd.h"
#include "dispatch/isa.h"

/// The convolution kernels of one instruction set; convolution/instruction_sets/kernels.h and its parts are compiled
/// once for each.
typedef struct {
  int32_t largest_block;  // target channels that share a register tile; blocks of a layer differ by at most one
  void (*rows)(const tutti_convolution *job, int32_t first_row, int32_t last_row);
  void (*weight_gradient)(const tutti_weight_gradient *job, int32_t first_target, int32_t last_target,
                          int32_t first_source, int32_t last_source);
  int32_t channel_targets, channel_columns;  // that one pass of channel_gradient takes
  void (*channel_gradient)(const tutti_weight_gradient *job, int32_t first_target, int32_t last_target,
                           int32_t first_source, int32_t last_source);
  int32_t winograd_channels;  // targets of a block of transformed weights
  size_t (*winograd_weight_count)(int32_t target_channels, int32_t source_channels, int32_t z_taps);
  void (*winograd_weights)(const float *weights, int32_t target_channels, int32_t source_channels, int32_t z_taps,
                           bool transposed, int32_t first_held, int32_t held_targets, int32_t first_target,
                           int32_t last_target, float *transformed);
  int32_t (*winograd_vectors)(const tutti_winograd *job);
  int32_t (*winograd_together)(const tutti_winograd *job);
  size_t (*winograd_scratch)(const tutti_winograd *job);
  void (*winograd_run)(const tutti_winograd *job, int32_t first, int32_t last, float *scratch);
  int32_t winograd_targets, winograd_depth;  // that one call of winograd_gradient takes
  size_t (*winograd_gradient_scratch)(int32_t targets, int32_t depth);
  void (*winograd_gradient)(const tutti_weight_gradient *job, int32_t first_target, int32_t last_target,
                            int32_t first_source, int32_t last_source, float *scratch);
  void (*filtering_pack)(const float *weights, int32_t targets, int32_t sources, int32_t first_target,
                         int32_t all_targets, int32_t first_source, int32_t all_sources, int32_t z_taps, int32_t x_taps,
                         bool transposed, float *packed);
  size_t (*filtering_scratch)(const tutti_filtering *job);
  void (*filtering_run)(const tutti_filtering *job, int32_t first, int32_t last, float *scratch);
  size_t (*filtering_gradient_scratch)(const tutti_filtering_gradient *job);
  void (*filtering_weight_gradient)(const tutti_filtering_gradient *job, float *scratch);
} tutti_convolution_kernels;

extern const tutti_convolution_kernels tutti_convolution_portable;
#if defined(__x86_64__)
extern const tutti_convolution_kernels tutti_convolution_avx2;
extern const tutti_convolution_kernels tutti_convolution_avx512;
#endif

/// A range of channels.
typedef struct {
  int32_t first, count;
} tutti_block;

/// Part `index` of `count` channels cut into the fewest parts of at most `largest`, as equal as can be.
static inline tutti_block tutti_block_at(int32_t index, int32_t count, int32_t largest) {
  const int32_t blocks = (count + largest - 1) / largest, small = count / blocks, larger = count % blocks;
  const tutti_block block = {index * small + (index < larger ? index : larger), small + (index < larger ? 1 : 0)};
  return block;
}

static inline int32_t tutti_block_count(int32_t count, int32_t largest) { return (count + largest - 1) / largest; }
