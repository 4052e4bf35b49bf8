// All kernels of one instruction set; NAME is its table.

#include "pointwise/instruction_sets/vector.h"

#include "optimizer/arrays.h"
#include "pointwise/activation.h"
#include "pointwise/arrays.h"
#include "pointwise/channels.h"
#include "pointwise/rows.h"
#include "pointwise/line_rows.h"
#include "pooling/rows.h"

const tutti_pointwise_table NAME = {
    .row_moments = row_moments,
    .affine_activation = affine_activation,
    .activation_gradient = activation_gradient,
    .normalization_gradient = normalization_gradient,
    .row_sum = row_sum,
    .bfloat16_rows = bfloat16_rows,
    .line_rows = line_rows,
    .line_rows_moments = line_rows_moments,
    .line_moments = line_moments,
    .line_gradient_sums = line_gradient_sums,
    .line_gradient = line_gradient,
    .copy_rows = copy_rows,
    .softmax = softmax,
    .softmax_gradient = softmax_gradient,
    .entropy = entropy,
    .add = add,
    .optimize = optimize,
    .sum_of_squares = sum_of_squares,
    .scale = scale,
    .clamp = clamp,
    .add_scaled = add_scaled,
    .lerp = lerp,
    .welford = welford,
    .max_pool = max_pool,
};
