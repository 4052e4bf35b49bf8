#include "convolution/private.h"

static const tutti_convolution_kernels *kernels(void) {
  switch (tutti_isa_current()) {
#if defined(__x86_64__)
    case TUTTI_ISA_AVX512:
      return &tutti_convolution_avx512;
    case TUTTI_ISA_AVX2:
      return &tutti_convolution_avx2;
#endif
    default:
      return &tutti_convolution_portable;
  }
}

size_t tutti_convolution_packed_count(int32_t target_channels, int32_t source_channels, int32_t taps) {
  return (size_t)target_channels * (size_t)source_channels * (size_t)taps;
}

// The packed form is [target block][source channel][tap][target in block], so that a tile reads it from start to end.
void tutti_convolution_pack_targets(const float *weights, int32_t all_targets, int32_t first_target, int32_t targets,
                                    int32_t source_channels, int32_t taps, bool transposed, float *packed) {
  if (targets == 0) return;
  const int32_t largest = kernels()->largest_block;
  const ptrdiff_t target_stride = transposed ? taps : (ptrdiff_t)source_channels * taps;
  const ptrdiff_t source_stride = transposed ? (ptrdiff_t)all_targets * taps : taps;
  weights += first_target * target_stride;
  for (int32_t b = 0; b < tutti_block_count(targets, largest); b += 1) {
    const tutti_block block = tutti_block_at(b, targets, largest);
    for (int32_t ci = 0; ci < source_channels; ci += 1) {
      for (int32_t tap = 0; tap < taps; tap += 1) {
        const float *w = weights + block.first * target_stride + ci * source_stride + tap;
        for (int32_t c = 0; c < block.count; c += 1) *packed++ = w[c * target_stride];
      }
    }
  }
}

void tutti_convolution_pack(const float *weights, int32_t target_channels, int32_t source_channels, int32_t taps,
                            bool transposed, float *packed) {
  tutti_convolution_pack_targets(weights, target_channels, 0, target_channels, source_channels, taps, transposed,
                                 packed);
}

void tutti_convolution_rows(const tutti_convolution *job, int32_t first_row, int32_t last_row) {
  kernels()->rows(job, first_row, last_row);
}

void tutti_convolution_weight_gradient(const tutti_weight_gradient *job, int32_t first_target, int32_t last_target,
                                       int32_t first_source, int32_t last_source) {
  kernels()->weight_gradient(job, first_target, last_target, first_source, last_source);
}

void tutti_channel_weight_gradient(const tutti_weight_gradient *job, int32_t first_target, int32_t last_target,
                                   int32_t first_source, int32_t last_source) {
  kernels()->channel_gradient(job, first_target, last_target, first_source, last_source);
}

void tutti_channel_weight_gradient_block(int32_t taps, int32_t *targets, int32_t *sources) {
  *targets = kernels()->channel_targets;
  *sources = kernels()->channel_columns < taps ? 1 : kernels()->channel_columns / taps;
}

size_t tutti_winograd_weight_count(int32_t target_channels, int32_t source_channels, int32_t z_taps) {
  return kernels()->winograd_weight_count(target_channels, source_channels, z_taps);
}

int32_t tutti_winograd_weight_piece(void) { return 16; }

void tutti_winograd_weights(const float *weights, int32_t target_channels, int32_t source_channels, int32_t z_taps,
                            bool transposed, int32_t first_held, int32_t held_targets, int32_t first_target,
                            int32_t last_target, float *transformed) {
  kernels()->winograd_weights(weights, target_channels, source_channels, z_taps, transposed, first_held, held_targets,
                              first_target, last_target, transformed);
}

int32_t tutti_winograd_vectors(const tutti_winograd *job) { return kernels()->winograd_vectors(job); }

int32_t tutti_winograd_together(const tutti_winograd *job) { return kernels()->winograd_together(job); }

size_t tutti_winograd_scratch(const tutti_winograd *job) { return kernels()->winograd_scratch(job); }

void tutti_winograd_run(const tutti_winograd *job, int32_t first, int32_t last, float *scratch) {
  kernels()->winograd_run(job, first, last, scratch);
}

size_t tutti_winograd_gradient_scratch(int32_t targets, int32_t sources, int32_t z_taps) {
  return kernels()->winograd_gradient_scratch(targets, z_taps * sources);
}

void tutti_winograd_gradient_block(int32_t z_taps, int32_t *targets, int32_t *sources) {
  *targets = kernels()->winograd_targets;
  *sources = kernels()->winograd_depth / z_taps;
}

void tutti_winograd_weight_gradient(const tutti_weight_gradient *job, int32_t first_target, int32_t last_target,
                                    int32_t first_source, int32_t last_source, float *scratch) {
  kernels()->winograd_gradient(job, first_target, last_target, first_source, last_source, scratch);
}

size_t tutti_filtering_packed_count(int32_t target_channels, int32_t source_channels, int32_t z_taps, int32_t x_taps) {
  return TUTTI_FILTERING_POINTS * (size_t)target_channels * (size_t)source_channels * (size_t)(z_taps * x_taps);
}

int32_t tutti_filtering_quads(int32_t rows, int32_t dilation) {
  const int32_t whole = rows / (4 * dilation), rest = rows - whole * 4 * dilation;
  return whole * dilation + (rest < dilation ? rest : dilation);
}

void tutti_filtering_pack(const float *weights, int32_t targets, int32_t sources, int32_t first_target,
                          int32_t all_targets, int32_t first_source, int32_t all_sources, int32_t z_taps,
                          int32_t x_taps, bool transposed, float *packed) {
  kernels()->filtering_pack(weights, targets, sources, first_target, all_targets, first_source, all_sources, z_taps,
                            x_taps, transposed, packed);
}

size_t tutti_filtering_scratch(const tutti_filtering *job) { return kernels()->filtering_scratch(job); }

void tutti_filtering_run(const tutti_filtering *job, int32_t first, int32_t last, float *scratch) {
  kernels()->filtering_run(job, first, last, scratch);
}

size_t tutti_filtering_gradient_scratch(const tutti_filtering_gradient *job) {
  return kernels()->filtering_gradient_scratch(job);
}

void tutti_filtering_weight_gradient(const tutti_filtering_gradient *job, float *scratch) {
  kernels()->filtering_weight_gradient(job, scratch);
}
