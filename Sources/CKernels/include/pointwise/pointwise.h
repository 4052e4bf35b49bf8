#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Pixel-by-pixel work on rows of planes: `rows` rows of `nx` pixels, `pitch` floats apart (layout:
// convolution/convolution.h). Only pixels 0 ..< nx of a row are read or written, unless a halo is named. Work in place
// is allowed wherever an output pixel depends on input pixels of its own place only.
//
// Sums run over 16 lanes (pixels i, i + 16, ... of a row) in float, then, every 1024 pixels and at the end of each row,
// in double; so their bits depend on pixels, rows and nx only, and are the same in every instruction set that has fused
// multiply-add. Elementary functions are precise to 1e-6 of their value; NaN stays NaN.

/// An elementwise activation function; some take one parameter.
typedef enum {
  TUTTI_IDENTITY,
  TUTTI_RELU,
  TUTTI_LEAKY_RELU,  // parameter: negative slope
  TUTTI_ELU,         // parameter: alpha
  TUTTI_GELU,        // exact, by erf
  TUTTI_SILU,
  TUTTI_TANH,
  TUTTI_SIGMOID,
  TUTTI_SOFTPLUS,    // beta 1, threshold 20, as PyTorch
  TUTTI_HARDSWISH,
} tutti_activation;

/// How the pixels beyond an image's border are filled.
typedef enum { TUTTI_ZEROS, TUTTI_REFLECT, TUTTI_REPLICATE, TUTTI_CIRCULAR } tutti_padding;

/// Count, mean and sum of squared deviations of all pixels: the operand of Chan's merge. The order of summation depends
/// on rows and nx only.
typedef struct {
  double count, mean, m2;
} tutti_moments;

/// The moments of all pixels of u.
tutti_moments tutti_row_moments(const float *u, int64_t rows, ptrdiff_t pitch, int32_t nx);

/// y = activation(scale * (u - mean) + shift), and the halo of each row of y filled by `padding`, `halo` pixels wide on
/// both sides. u may be y. With TUTTI_REFLECT halo < nx, with TUTTI_CIRCULAR halo <= nx.
void tutti_affine_activation(const float *u, ptrdiff_t u_pitch, float *y, ptrdiff_t y_pitch, int64_t rows, int32_t nx,
                             float scale, float mean, float shift, tutti_activation activation, float parameter,
                             tutti_padding padding, int32_t halo);

/// Fills the halo of each row (0 wide: nothing).
void tutti_fill_halo(float *y, int64_t rows, ptrdiff_t pitch, int32_t nx, tutti_padding padding, int32_t halo);

/// The adjoint of tutti_fill_halo: adds each halo pixel to the pixel it was copied from and zeroes the halo.
void tutti_fold_halo(float *g, int64_t rows, ptrdiff_t pitch, int32_t nx, tutti_padding padding, int32_t halo);

/// Sums over pixels that the backward pass of a normalization needs: of g, and of g * (u - mean).
typedef struct {
  double g, g_u;
} tutti_gradient_sums;

/// How the halo of a gradient's rows is treated first: `folded` pixels are added to those they were copied
/// from, as by tutti_fold_halo, and `zeroed` (as many or more, or none) are zeros afterwards.
typedef struct {
  tutti_padding padding;
  int32_t folded, zeroed;
} tutti_gradient_halo;

/// g *= activation'(scale * (u - mean) + shift) in place; returns the sum of g and of g * (u - mean) over all pixels
/// (double, order fixed by rows and nx). Unless it `stores`, g stays as it was (but for its halo), to be taken through
/// the activation by tutti_normalization_gradient.
tutti_gradient_sums tutti_activation_gradient(float *g, ptrdiff_t g_pitch, const float *u, ptrdiff_t u_pitch,
                                              int64_t rows, int32_t nx, float scale, float mean, float shift,
                                              tutti_activation activation, float parameter, tutti_gradient_halo halo,
                                              bool stores);

/// Whether an activation's derivative costs so little that it is taken twice rather than stored.
bool tutti_has_cheap_derivative(tutti_activation activation);

/// The gradient through batch normalization, in place: g = scale * (g - a - (u - mean) * b), where g is first taken
/// through an activation (TUTTI_IDENTITY, or one with a cheap derivative) of scale * (u - mean) + shift.
void tutti_normalization_gradient(float *g, ptrdiff_t g_pitch, const float *u, ptrdiff_t u_pitch, int64_t rows,
                                  int32_t nx, float scale, float mean, float a, float b, float shift,
                                  tutti_activation activation, float parameter);

/// Sum of all pixels (double, order fixed by rows and nx).
double tutti_row_sum(const float *g, int64_t rows, ptrdiff_t pitch, int32_t nx);

/// target (+)= factor * source. Rows of both may lie apart differently.
void tutti_copy_rows(const float *source, ptrdiff_t source_pitch, float *target, ptrdiff_t target_pitch, int64_t rows,
                     int32_t nx, float factor, bool accumulate);
/// y = u rounded to the nearest bfloat16, ties to even, kept as float; NaN stays NaN. y may be u.
void tutti_bfloat16_rows(const float *u, ptrdiff_t u_pitch, float *y, ptrdiff_t y_pitch, int64_t rows, int32_t nx);
/// target = 0.
void tutti_zero_rows(float *target, ptrdiff_t pitch, int64_t rows, int32_t nx);

/// Softmax over `channels` planes, `stride` floats apart, pixel by pixel: y = softmax(x), or its logarithm. y may be x.
void tutti_softmax(const float *x, ptrdiff_t x_stride, ptrdiff_t x_pitch, float *y, ptrdiff_t y_stride,
                   ptrdiff_t y_pitch, int32_t channels, int64_t rows, int32_t nx, bool logarithm);
/// Its gradient from y (gx may be g or y): gx (+)= y * (g - sum_c g * y), or for the logarithm gx (+)= g - exp(y) *
/// sum_c g.
void tutti_softmax_gradient(const float *y, ptrdiff_t y_stride, ptrdiff_t y_pitch, const float *g, ptrdiff_t g_stride,
                            ptrdiff_t g_pitch, float *gx, ptrdiff_t gx_stride, ptrdiff_t gx_pitch, int32_t channels,
                            int64_t rows, int32_t nx, bool logarithm, bool accumulate);

/// entropy[i] = -sum over c of p ln p, p = probabilities[c * stride + i], in nats; p ln p is 0 for p below the smallest
/// normal number (0 included).
void tutti_entropy(const float *probabilities, ptrdiff_t stride, int32_t channels, float *entropy, size_t count);

/// a[i] += b[i]: joins the sums of two shards.
void tutti_add(float *a, const float *b, size_t count);

/// Welford's update of a running mean and sum of squared deviations by one more member: n is the number including this
/// one.
void tutti_welford(const float *x, float *mean, float *m2, size_t count, float n);
