#include <string.h>

#include "dispatch/isa.h"
#include "pointwise/halo.h"
#include "pointwise/table.h"

const tutti_pointwise_table *tutti_pointwise(void) {
  switch (tutti_isa_current()) {
#if defined(__x86_64__)
    case TUTTI_ISA_AVX512:
      return &tutti_pointwise_avx512;
    case TUTTI_ISA_AVX2:
      return &tutti_pointwise_avx2;
#endif
    default:
      return &tutti_pointwise_portable;
  }
}

tutti_moments tutti_row_moments(const float *u, int64_t rows, ptrdiff_t pitch, int32_t nx) {
  return tutti_pointwise()->row_moments(u, rows, pitch, nx);
}

void tutti_affine_activation(const float *u, ptrdiff_t u_pitch, float *y, ptrdiff_t y_pitch, int64_t rows, int32_t nx,
                             float scale, float mean, float shift, tutti_activation activation, float parameter,
                             tutti_padding padding, int32_t halo) {
  tutti_pointwise()->affine_activation(u, u_pitch, y, y_pitch, rows, nx, scale, mean, shift, activation, parameter,
                                       padding, halo);
}

void tutti_fill_halo(float *y, int64_t rows, ptrdiff_t pitch, int32_t nx, tutti_padding padding, int32_t halo) {
  for (int64_t r = 0; r < rows; r++) tutti_fill_row_halo(y + r * pitch, nx, padding, halo);
}

void tutti_fold_halo(float *g, int64_t rows, ptrdiff_t pitch, int32_t nx, tutti_padding padding, int32_t halo) {
  for (int64_t r = 0; r < rows; r++) tutti_fold_row_halo(g + r * pitch, nx, padding, halo);
}

tutti_gradient_sums tutti_activation_gradient(float *g, ptrdiff_t g_pitch, const float *u, ptrdiff_t u_pitch,
                                              int64_t rows, int32_t nx, float scale, float mean, float shift,
                                              tutti_activation activation, float parameter, tutti_gradient_halo halo,
                                              bool stores) {
  return tutti_pointwise()->activation_gradient(g, g_pitch, u, u_pitch, rows, nx, scale, mean, shift, activation,
                                                parameter, halo, stores);
}

bool tutti_has_cheap_derivative(tutti_activation activation) {
  return activation == TUTTI_IDENTITY || activation == TUTTI_RELU || activation == TUTTI_LEAKY_RELU;
}

void tutti_normalization_gradient(float *g, ptrdiff_t g_pitch, const float *u, ptrdiff_t u_pitch, int64_t rows,
                                  int32_t nx, float scale, float mean, float a, float b, float shift,
                                  tutti_activation activation, float parameter) {
  tutti_pointwise()->normalization_gradient(g, g_pitch, u, u_pitch, rows, nx, scale, mean, a, b, shift, activation,
                                            parameter);
}

void tutti_line_rows(tutti_line line, const float *x, ptrdiff_t x_pitch, float *y, ptrdiff_t y_pitch, int64_t rows,
                     int32_t nx, tutti_padding padding, int32_t halo) {
  tutti_pointwise()->line_rows(line, x, x_pitch, y, y_pitch, rows, nx, padding, halo);
}

tutti_moments tutti_line_rows_moments(tutti_line line, const float *x, ptrdiff_t x_pitch, float *y, ptrdiff_t y_pitch,
                                      int64_t rows, int32_t nx, tutti_padding padding, int32_t halo, float guess) {
  return tutti_pointwise()->line_rows_moments(line, x, x_pitch, y, y_pitch, rows, nx, padding, halo, guess);
}

tutti_moments tutti_line_moments(tutti_line line, const float *x, int64_t rows, ptrdiff_t pitch, int32_t nx) {
  return tutti_pointwise()->line_moments(line, x, rows, pitch, nx);
}

tutti_gradient_sums tutti_line_gradient_sums(tutti_line line, const float *g, ptrdiff_t g_pitch, const float *x,
                                             ptrdiff_t x_pitch, int64_t rows, int32_t nx, float mean) {
  return tutti_pointwise()->line_gradient_sums(line, g, g_pitch, x, x_pitch, rows, nx, mean);
}

void tutti_line_gradient(tutti_line line, const float *g, ptrdiff_t g_pitch, const float *x, ptrdiff_t x_pitch,
                         float *to, ptrdiff_t to_pitch, float *y, ptrdiff_t y_pitch, int64_t rows, int32_t nx,
                         float scale, float mean, float a, float b) {
  tutti_pointwise()->line_gradient(line, g, g_pitch, x, x_pitch, to, to_pitch, y, y_pitch, rows, nx, scale, mean, a, b);
}

double tutti_row_sum(const float *g, int64_t rows, ptrdiff_t pitch, int32_t nx) {
  return tutti_pointwise()->row_sum(g, rows, pitch, nx);
}

void tutti_copy_rows(const float *source, ptrdiff_t source_pitch, float *target, ptrdiff_t target_pitch, int64_t rows,
                     int32_t nx, float factor, bool accumulate) {
  tutti_pointwise()->copy_rows(source, source_pitch, target, target_pitch, rows, nx, factor, accumulate);
}

void tutti_bfloat16_rows(const float *u, ptrdiff_t u_pitch, float *y, ptrdiff_t y_pitch, int64_t rows, int32_t nx) {
  tutti_pointwise()->bfloat16_rows(u, u_pitch, y, y_pitch, rows, nx);
}

void tutti_zero_rows(float *target, ptrdiff_t pitch, int64_t rows, int32_t nx) {
  if (nx <= 0) return;
  for (int64_t r = 0; r < rows; r++) memset(target + r * pitch, 0, (size_t)nx * sizeof(float));
}

void tutti_softmax(const float *x, ptrdiff_t x_stride, ptrdiff_t x_pitch, float *y, ptrdiff_t y_stride,
                   ptrdiff_t y_pitch, int32_t channels, int64_t rows, int32_t nx, bool logarithm) {
  tutti_pointwise()->softmax(x, x_stride, x_pitch, y, y_stride, y_pitch, channels, rows, nx, logarithm);
}

void tutti_softmax_gradient(const float *y, ptrdiff_t y_stride, ptrdiff_t y_pitch, const float *g, ptrdiff_t g_stride,
                            ptrdiff_t g_pitch, float *gx, ptrdiff_t gx_stride, ptrdiff_t gx_pitch, int32_t channels,
                            int64_t rows, int32_t nx, bool logarithm, bool accumulate) {
  tutti_pointwise()->softmax_gradient(y, y_stride, y_pitch, g, g_stride, g_pitch, gx, gx_stride, gx_pitch, channels,
                                      rows, nx, logarithm, accumulate);
}

void tutti_entropy(const float *probabilities, ptrdiff_t stride, int32_t channels, float *entropy, size_t count) {
  tutti_pointwise()->entropy(probabilities, stride, channels, entropy, count);
}

void tutti_add(float *a, const float *b, size_t count) { tutti_pointwise()->add(a, b, count); }

void tutti_welford(const float *x, float *mean, float *m2, size_t count, float n) {
  tutti_pointwise()->welford(x, mean, m2, count, n);
}
