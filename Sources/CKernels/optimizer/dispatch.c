#include "optimizer.h"

#include "pointwise/table.h"

void tutti_optimize(const tutti_optimizer_step *step, float *parameter, const float *gradient, float *first,
                    float *second, float *third, size_t count) {
  tutti_pointwise()->optimize(step, parameter, gradient, first, second, third, count);
}

double tutti_sum_of_squares(const float *a, size_t count) { return tutti_pointwise()->sum_of_squares(a, count); }

void tutti_scale(float *a, float factor, size_t count) { tutti_pointwise()->scale(a, factor, count); }

void tutti_clamp(float *a, float limit, size_t count) { tutti_pointwise()->clamp(a, limit, count); }

void tutti_add_scaled(float *a, const float *b, float factor, size_t count) {
  tutti_pointwise()->add_scaled(a, b, factor, count);
}

void tutti_lerp(float *a, const float *b, float factor, size_t count) { tutti_pointwise()->lerp(a, b, factor, count); }
