#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Pixel-by-pixel work of the rarer operations, in the layout of pointwise.h. Their bits are the same for every
// instruction set.

/// The gradient through a normalization, added to that of its input:
/// target += scale * g - offset - slope * (u - mean).
void tutti_add_normalization_gradient(const float *g, ptrdiff_t g_pitch, const float *u, ptrdiff_t u_pitch,
                                      float *target, ptrdiff_t target_pitch, int64_t rows, int32_t nx, float scale,
                                      float mean, float offset, float slope);

/// The gradient through a leaky ReLU whose slope is trained: target += (u > 0 ? 1 : slope) * g, unless `target` is
/// NULL. Returns the slope's gradient, the sum of g * u where u <= 0: in double, over 8 lanes, in an order fixed by
/// rows and nx.
double tutti_prelu_gradient(const float *g, ptrdiff_t g_pitch, const float *u, ptrdiff_t u_pitch, float *target,
                            ptrdiff_t target_pitch, int64_t rows, int32_t nx, float slope);

/// y = u, but not below `minimum` nor above `maximum`; NaN stays NaN.
void tutti_clamp_rows(const float *u, ptrdiff_t u_pitch, float *y, ptrdiff_t y_pitch, int64_t rows, int32_t nx,
                      float minimum,
                 float maximum);
/// target += g where minimum <= u <= maximum.
void tutti_clamp_rows_gradient(const float *g, ptrdiff_t g_pitch, const float *u, ptrdiff_t u_pitch, float *target,
                          ptrdiff_t target_pitch, int64_t rows, int32_t nx, float minimum, float maximum);
