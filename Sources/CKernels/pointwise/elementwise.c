#include "pointwise/elementwise.h"

// Plain loops that the compiler turns into vectors of the baseline instruction set.

#pragma STDC FP_CONTRACT OFF

void tutti_add_normalization_gradient(const float *g, ptrdiff_t g_pitch, const float *u, ptrdiff_t u_pitch,
                                      float *target, ptrdiff_t target_pitch, int64_t rows, int32_t nx, float scale,
                                      float mean, float offset, float slope) {
  for (int64_t r = 0; r < rows; r++) {
    const float *from = g + r * g_pitch, *at = u + r * u_pitch;
    float *to = target + r * target_pitch;
    for (int32_t x = 0; x < nx; x++) to[x] += scale * from[x] - offset - slope * (at[x] - mean);
  }
}

double tutti_prelu_gradient(const float *g, ptrdiff_t g_pitch, const float *u, ptrdiff_t u_pitch, float *target,
                            ptrdiff_t target_pitch, int64_t rows, int32_t nx, float slope) {
  enum { LANES = 8 };
  double sums[LANES] = {0};
  for (int64_t r = 0; r < rows; r++) {
    const float *from = g + r * g_pitch, *at = u + r * u_pitch;
    int32_t x = 0;
    for (; x + LANES <= nx; x += LANES) {
      for (int32_t lane = 0; lane < LANES; lane++) {
        sums[lane] += at[x + lane] > 0 ? 0 : (double)from[x + lane] * at[x + lane];
      }
    }
    for (; x < nx; x++) sums[x % LANES] += at[x] > 0 ? 0 : (double)from[x] * at[x];
    if (!target) continue;
    float *to = target + r * target_pitch;
    for (x = 0; x < nx; x++) to[x] += at[x] > 0 ? from[x] : slope * from[x];
  }
  double sum = 0;
  for (int32_t lane = 0; lane < LANES; lane++) sum += sums[lane];
  return sum;
}

void tutti_clamp_rows(const float *u, ptrdiff_t u_pitch, float *y, ptrdiff_t y_pitch, int64_t rows, int32_t nx,
                      float minimum,
                 float maximum) {
  for (int64_t r = 0; r < rows; r++) {
    const float *from = u + r * u_pitch;
    float *to = y + r * y_pitch;
    for (int32_t x = 0; x < nx; x++) to[x] = from[x] < minimum ? minimum : from[x] > maximum ? maximum : from[x];
  }
}

void tutti_clamp_rows_gradient(const float *g, ptrdiff_t g_pitch, const float *u, ptrdiff_t u_pitch, float *target,
                          ptrdiff_t target_pitch, int64_t rows, int32_t nx, float minimum, float maximum) {
  for (int64_t r = 0; r < rows; r++) {
    const float *from = g + r * g_pitch, *at = u + r * u_pitch;
    float *to = target + r * target_pitch;
    for (int32_t x = 0; x < nx; x++) to[x] += at[x] >= minimum && at[x] <= maximum ? from[x] : 0;
  }
}
