// What all convolution kernels share. Included by instruction_sets/kernels.h.

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

INLINE vector load(const float *p) { return *(const unaligned_vector *)p; }

INLINE void store(float *p, vector v) { *(unaligned_vector *)p = v; }
