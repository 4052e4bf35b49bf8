// The convolution kernels, written for vectors of LANES floats. Not a header of its own: convolution_<isa>.c includes
// it once for each instruction set, after defining `vector`, its loads and stores, the tiles that fit its registers
// and the name of the resulting table.

#include <string.h>

#include "convolution_vector.h"
#include "convolution_tiles.h"
#include "convolution_strips.h"
#include "convolution_forward.h"
#include "convolution_gradient_tiles.h"
#include "convolution_weight_gradient.h"
#include "convolution_gradient_channels.h"
#include "convolution_winograd_transforms.h"
#include "convolution_winograd.h"
#include "convolution_winograd_gradient.h"
#include "convolution_filtering.h"
#include "convolution_filtering_gradient.h"

const tutti_convolution_kernels KERNELS = {LARGEST_BLOCK, convolution_rows, weight_gradient,
                                          CHANNEL_TARGETS, CHANNEL_CHUNK, channel_gradient, WINOGRAD_CHANNELS, winograd_weight_count,
                                          winograd_weights, winograd_vectors, winograd_together, winograd_scratch, winograd_run,
                                          WINOGRAD_GRADIENT_TARGETS, WINOGRAD_GRADIENT_DEPTH,
                                          winograd_gradient_scratch, winograd_gradient, filtering_pack, filtering_scratch,
                                          filtering_run, filtering_gradient_scratch, filtering_weight_gradient};
