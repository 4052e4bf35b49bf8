#pragma once

#include "convolution.h"

// The plain forms of the convolution kernels, kept as their oracles: one pixel after the other, as the formulas in
// convolution.h say.

/// What `tutti_convolution_rows` computes, from weights as they are before packing: [target][source][taps], or
/// [source][target][taps] when `transposed` (`job->weights` is not read). With `fused`, in the documented order by
/// fused multiply-adds, so that the kernels must agree bit for bit where the processor has them; otherwise by a product
/// and a sum, as the kernels do on x86 without them.
void tutti_convolution_rows_reference(const tutti_convolution *job, const float *weights, bool transposed, bool fused,
                                      int32_t first_row, int32_t last_row);

/// What `tutti_convolution_weight_gradient` computes, summed in double and rounded once; `job->accumulate` is ignored.
void tutti_convolution_weight_gradient_reference(const tutti_weight_gradient *job, int32_t first_target,
                                                 int32_t last_target, int32_t first_source, int32_t last_source);
