#include "pointwise/instruction_sets/types.h"

#define NAME tutti_pointwise_portable
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define FUSED 1
#else
#define FUSED 0
#endif

/// The first n floats at p, zero in the other lanes.
INLINE v16f load_first(const float *p, int32_t n) {
  v16f v = {};
  for (int32_t i = 0; i < n; i++) v[i] = p[i];
  return v;
}
INLINE void store_first(float *p, v16f v, int32_t n) {
  for (int32_t i = 0; i < n; i++) p[i] = v[i];
}

#include "pointwise/instruction_sets/kernels.h"
