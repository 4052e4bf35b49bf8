#pragma once

#include "pointwise.h"

// A value that is activated by ReLU and normalized again and again stays a clamped line of what it once was:
// slope * (clamp(x, low, high) - reference) + value. The plane itself is kept; from layer to layer only the line changes.
// Rows and the order of sums as in pointwise.h; NaN stays NaN.

typedef struct {
  float low, high, reference, slope, value;
} tutti_line;

/// y = line(x), and the halo of each row of y filled by `padding`, `halo` pixels wide on both sides.
void tutti_line_rows(tutti_line line, const float *x, ptrdiff_t x_pitch, float *y, ptrdiff_t y_pitch, int64_t rows,
                     int32_t nx, tutti_padding padding, int32_t halo);

/// The same, and the moments of relu(y), by deviations from `guess`, a value near their mean.
tutti_moments tutti_line_rows_moments(tutti_line line, const float *x, ptrdiff_t x_pitch, float *y, ptrdiff_t y_pitch,
                                      int64_t rows, int32_t nx, tutti_padding padding, int32_t halo, float guess);

/// Moments of relu(line(x)).
tutti_moments tutti_line_moments(tutti_line line, const float *x, int64_t rows, ptrdiff_t pitch, int32_t nx);

/// Sum of g and of g * (relu(line(x)) - mean) over all pixels.
tutti_gradient_sums tutti_line_gradient_sums(tutti_line line, const float *g, ptrdiff_t g_pitch, const float *x,
                                             ptrdiff_t x_pitch, int64_t rows, int32_t nx, float mean);

/// The gradient through batch normalization and the ReLU before it, with z = line(x):
/// to = z > 0 ? scale * (g - a - (z - mean) * b) : 0, and y = z unless it is NULL. `to` may be g.
void tutti_line_gradient(tutti_line line, const float *g, ptrdiff_t g_pitch, const float *x, ptrdiff_t x_pitch, float *to,
                         ptrdiff_t to_pitch, float *y, ptrdiff_t y_pitch, int64_t rows, int32_t nx, float scale, float mean,
                         float a, float b);
