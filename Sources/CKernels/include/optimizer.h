#pragma once

#include <stdbool.h>
#include <stddef.h>

// What an optimizer does to flat arrays: its step, clipping, accumulation and averaging. Every function works element
// by element but the sum of squares, whose order is fixed by `count`.

/// The parts that a rule has. They are known where the kernel is compiled, so that an absent one costs nothing.
enum {
  TUTTI_FIRST = 1,           // first: a running mean (or sum) of gradients
  TUTTI_SECOND = 2,          // second: a running mean (or sum) of squared gradients
  TUTTI_LARGEST = 4,         // third: the largest second so far (AMSGrad)
  TUTTI_CENTERED = 8,        // third: a running mean of gradients, whose square is taken off second (RMSprop)
  TUTTI_DIVIDED_FIRST = 16,  // first sums gradients that have been divided already (RMSprop's momentum)
};

/// One step of any rule. All are cases of one:
///
///     g      = gradient + decay * p
///     first  = keep_first * first + blend_first * g
///     second = keep_second * second + blend_second * g * g
///     d      = sqrt(second) / root + epsilon                   (1 without second)
///     p      = shrink * p - (direct * g + through * first) / d
///
/// The scalars are made in double and rounded once: 1 - 0.999f differs from 0.001f in the fifth digit.
typedef struct {
  int parts;
  float decay, shrink, keep_first, blend_first, keep_second, blend_second, root, epsilon, direct, through;
} tutti_optimizer_step;

/// Takes the step for `count` elements. Arrays of parts that the rule does not have are not touched and may be null.
void tutti_optimize(const tutti_optimizer_step *step, float *parameter, const float *gradient, float *first,
                    float *second, float *third, size_t count);

/// Sum of a[i] * a[i] (double; the order of summation is fixed by count).
double tutti_sum_of_squares(const float *a, size_t count);

/// a[i] *= factor.
void tutti_scale(float *a, float factor, size_t count);

/// a[i] is brought into -limit ... limit; NaN stays.
void tutti_clamp(float *a, float limit, size_t count);

/// a[i] += factor * b[i].
void tutti_add_scaled(float *a, const float *b, float factor, size_t count);

/// a[i] += factor * (b[i] - a[i]): torch.lerp.
void tutti_lerp(float *a, const float *b, float factor, size_t count);
