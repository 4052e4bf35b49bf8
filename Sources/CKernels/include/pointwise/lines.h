#pragma once

#include "pointwise.h"

// A value to which ReLU and normalization are applied layer after layer is a clamped linear function of what it was at
// first:
//     slope * (clamp(x, low, high) - reference) + value.
// So the plane is stored once, and only the function's five numbers change from layer to layer. Rows and the order of
// sums are those of pointwise.h; NaN stays NaN.

/// The clamped linear function of one channel, as above.
typedef struct {
  float low, high, reference, slope, value;
} tutti_line;

/// y = line(x), and the halo of each row of y filled by `padding`, `halo` pixels wide on both sides.
void tutti_line_rows(tutti_line line, const float *x, ptrdiff_t x_pitch, float *y, ptrdiff_t y_pitch, int64_t rows,
                     int32_t nx, tutti_padding padding, int32_t halo);

/// The same, and the moments of relu(y), by deviations from `guess`, a value near their mean.
tutti_moments tutti_line_rows_moments(tutti_line line, const float *x, ptrdiff_t x_pitch, float *y, ptrdiff_t y_pitch,
                                      int64_t rows, int32_t nx, tutti_padding padding, int32_t halo, float guess);

/// The moments of relu(line(x)) over all pixels.
tutti_moments tutti_line_moments(tutti_line line, const float *x, int64_t rows, ptrdiff_t pitch, int32_t nx);

/// Sum of g and of g * (relu(line(x)) - mean) over all pixels.
tutti_gradient_sums tutti_line_gradient_sums(tutti_line line, const float *g, ptrdiff_t g_pitch, const float *x,
                                             ptrdiff_t x_pitch, int64_t rows, int32_t nx, float mean);

/// The gradient through batch normalization and the ReLU before it, with z = line(x):
/// to = z > 0 ? scale * (g - a - (z - mean) * b) : 0, and y = z unless it is NULL. `to` may be g.
void tutti_line_gradient(tutti_line line, const float *g, ptrdiff_t g_pitch, const float *x, ptrdiff_t x_pitch,
                         float *to, ptrdiff_t to_pitch, float *y, ptrdiff_t y_pitch, int64_t rows, int32_t nx,
                         float scale, float mean, float a, float b);
