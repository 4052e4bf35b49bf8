// The convolution kernels, written for vectors of LANES floats. Not a header of its own: instruction_sets/<set>.c
// includes it once for each instruction set, after defining `vector`, its loads and stores, the tiles that fit its
// registers and the name of the resulting table.

#include <string.h>

#include "convolution/vector.h"
#include "convolution/direct/tiles.h"
#include "convolution/direct/strips.h"
#include "convolution/direct/rows.h"
#include "convolution/weight_gradient/tiles.h"
#include "convolution/weight_gradient/pixels.h"
#include "convolution/weight_gradient/channels.h"
#include "convolution/winograd/transforms.h"
#include "convolution/winograd/products.h"
#include "convolution/winograd/weight_gradient.h"
#include "convolution/filtering/quads.h"
#include "convolution/filtering/weight_gradient.h"

const tutti_convolution_kernels KERNELS = {LARGEST_BLOCK, convolution_rows, weight_gradient,
                                          CHANNEL_TARGETS, CHANNEL_CHUNK, channel_gradient, WINOGRAD_CHANNELS,
                                          winograd_weight_count, winograd_weights, winograd_vectors, winograd_together,
                                          winograd_scratch, winograd_run, WINOGRAD_GRADIENT_TARGETS,
                                          WINOGRAD_GRADIENT_DEPTH, winograd_gradient_scratch, winograd_gradient,
                                          filtering_pack, filtering_scratch, filtering_run, filtering_gradient_scratch,
                                          filtering_weight_gradient};
