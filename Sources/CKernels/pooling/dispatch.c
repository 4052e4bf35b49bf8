#include "pooling.h"

#include "pointwise/table.h"

void tutti_max_pool(const float *source, int32_t source_rows, int32_t source_pitch, float *target, int32_t target_pitch,
                    int32_t mz, int32_t my, int32_t mx, int32_t kz, int32_t ky, int32_t kx, int32_t sz, int32_t sy,
                    int32_t sx, int32_t *argmax) {
  tutti_pointwise()->max_pool(source, source_rows, source_pitch, target, target_pitch, mz, my, mx, kz, ky, kx, sz, sy,
                              sx, argmax);
}

void tutti_max_pool_gradient(const float *gradient, int32_t target_pitch, int32_t mz, int32_t my, int32_t mx,
                             const int32_t *argmax, float *source_gradient) {
  for (ptrdiff_t row = 0; row < (ptrdiff_t)mz * my; row++) {
    for (ptrdiff_t x = 0; x < mx; x++) source_gradient[argmax[row * mx + x]] += gradient[row * target_pitch + x];
  }
}
