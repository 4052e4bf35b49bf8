#pragma once

#include <float.h>
#include <math.h>
#include <string.h>

#include "pointwise/halo.h"
#include "pointwise/table.h"

// Vectors are passed between inlined functions only, so that no call's ABI depends on the instruction set.
#pragma clang diagnostic ignored "-Wpsabi"

typedef float v16f __attribute__((vector_size(64)));
typedef float v16f_unaligned __attribute__((vector_size(64), aligned(4), may_alias));
typedef int32_t v16i __attribute__((vector_size(64)));
typedef int32_t v16i_unaligned __attribute__((vector_size(64), aligned(4), may_alias));
typedef double v16d __attribute__((vector_size(128)));

#define INLINE static inline __attribute__((always_inline))
