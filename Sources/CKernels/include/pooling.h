#pragma once

#include <stdint.h>
#include <stddef.h>

/// Max pooling without padding (PyTorch's floor mode) of one channel plane: source nz × ny × nx rows with
/// `source_pitch`; target extents mz × my × mx. `argmax` (tightly packed [mz][my][mx]) receives the offset in floats of
/// the chosen pixel in the source plane; the first of equals, as PyTorch.
void tutti_max_pool(const float *source, int32_t source_rows, int32_t source_pitch, float *target, int32_t target_pitch,
                    int32_t mz, int32_t my, int32_t mx, int32_t kz, int32_t ky, int32_t kx, int32_t sz, int32_t sy,
                    int32_t sx, int32_t *argmax);

/// Adds each target gradient to the source pixel that `argmax` names.
void tutti_max_pool_gradient(const float *gradient, int32_t target_pitch, int32_t mz, int32_t my, int32_t mx,
                             const int32_t *argmax, float *source_gradient);
