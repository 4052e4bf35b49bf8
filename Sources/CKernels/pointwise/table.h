#pragma once

#include "pointwise/lines.h"
#include "optimizer.h"
#include "pointwise/pointwise.h"
#include "pooling.h"

// The pointwise, pooling and optimizer kernels of one instruction set. A table is defined by one file, which includes
// pointwise/rows.h, pointwise/line_rows.h, pointwise/channels.h, pointwise/arrays.h, optimizer/arrays.h and
// pooling/rows.h under its own target attribute.

typedef struct {
  tutti_moments (*row_moments)(const float *u, int64_t rows, ptrdiff_t pitch, int32_t nx);
  void (*affine_activation)(const float *u, ptrdiff_t u_pitch, float *y, ptrdiff_t y_pitch, int64_t rows, int32_t nx,
                            float scale, float mean, float shift, tutti_activation activation, float parameter,
                            tutti_padding padding, int32_t halo);
  tutti_gradient_sums (*activation_gradient)(float *g, ptrdiff_t g_pitch, const float *u, ptrdiff_t u_pitch,
                                             int64_t rows, int32_t nx, float scale, float mean, float shift,
                                             tutti_activation activation, float parameter, tutti_gradient_halo halo,
                                             bool stores);
  void (*normalization_gradient)(float *g, ptrdiff_t g_pitch, const float *u, ptrdiff_t u_pitch, int64_t rows,
                                 int32_t nx, float scale, float mean, float a, float b, float shift,
                                 tutti_activation activation, float parameter);
  void (*line_rows)(tutti_line line, const float *x, ptrdiff_t x_pitch, float *y, ptrdiff_t y_pitch, int64_t rows,
                    int32_t nx, tutti_padding padding, int32_t halo);
  tutti_moments (*line_rows_moments)(tutti_line line, const float *x, ptrdiff_t x_pitch, float *y, ptrdiff_t y_pitch,
                                     int64_t rows, int32_t nx, tutti_padding padding, int32_t halo, float guess);
  tutti_moments (*line_moments)(tutti_line line, const float *x, int64_t rows, ptrdiff_t pitch, int32_t nx);
  tutti_gradient_sums (*line_gradient_sums)(tutti_line line, const float *g, ptrdiff_t g_pitch, const float *x,
                                            ptrdiff_t x_pitch, int64_t rows, int32_t nx, float mean);
  void (*line_gradient)(tutti_line line, const float *g, ptrdiff_t g_pitch, const float *x, ptrdiff_t x_pitch,
                        float *to, ptrdiff_t to_pitch, float *y, ptrdiff_t y_pitch, int64_t rows, int32_t nx,
                        float scale, float mean,
                         float a, float b);
  void (*bfloat16_rows)(const float *u, ptrdiff_t u_pitch, float *y, ptrdiff_t y_pitch, int64_t rows, int32_t nx);
  double (*row_sum)(const float *g, int64_t rows, ptrdiff_t pitch, int32_t nx);
  void (*copy_rows)(const float *source, ptrdiff_t source_pitch, float *target, ptrdiff_t target_pitch, int64_t rows,
                    int32_t nx, float factor, bool accumulate);
  void (*softmax)(const float *x, ptrdiff_t x_stride, ptrdiff_t x_pitch, float *y, ptrdiff_t y_stride,
                  ptrdiff_t y_pitch, int32_t channels, int64_t rows, int32_t nx, bool logarithm);
  void (*softmax_gradient)(const float *y, ptrdiff_t y_stride, ptrdiff_t y_pitch, const float *g, ptrdiff_t g_stride,
                           ptrdiff_t g_pitch, float *gx, ptrdiff_t gx_stride, ptrdiff_t gx_pitch, int32_t channels,
                           int64_t rows, int32_t nx, bool logarithm, bool accumulate);
  void (*entropy)(const float *probabilities, ptrdiff_t stride, int32_t channels, float *entropy, size_t count);
  void (*add)(float *a, const float *b, size_t count);
  void (*optimize)(const tutti_optimizer_step *step, float *parameter, const float *gradient, float *first,
                   float *second, float *third, size_t count);
  double (*sum_of_squares)(const float *a, size_t count);
  void (*scale)(float *a, float factor, size_t count);
  void (*clamp)(float *a, float limit, size_t count);
  void (*add_scaled)(float *a, const float *b, float factor, size_t count);
  void (*lerp)(float *a, const float *b, float factor, size_t count);
  void (*welford)(const float *x, float *mean, float *m2, size_t count, float n);
  void (*max_pool)(const float *source, int32_t source_rows, int32_t source_pitch, float *target, int32_t target_pitch,
                   int32_t mz, int32_t my, int32_t mx, int32_t kz, int32_t ky, int32_t kx, int32_t sz, int32_t sy,
                   int32_t sx, int32_t *argmax);
} tutti_pointwise_table;

extern const tutti_pointwise_table tutti_pointwise_avx512, tutti_pointwise_avx2, tutti_pointwise_portable;

/// The table of the instruction set in use (tutti_isa).
const tutti_pointwise_table *tutti_pointwise(void);
