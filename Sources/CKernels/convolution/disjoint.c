#include "convolution/disjoint.h"

// Vectors of 4 pixels in every instruction set: these loops wait for memory.
typedef float pixels __attribute__((ext_vector_type(4)));
typedef float unaligned_pixels __attribute__((ext_vector_type(4), aligned(4)));

static inline pixels load(const float *p) { return *(const unaligned_pixels *)p; }
static inline void store(float *p, pixels v) { *(unaligned_pixels *)p = v; }

static void interleave_row(const float *taps, ptrdiff_t tap_stride, int32_t kernel, float bias, float *row,
                           int32_t nx) {
  int32_t x = 0;
  if (kernel == 2) {
    for (; x + 4 <= nx; x += 4) {
      const pixels a = load(taps + x) + bias, b = load(taps + tap_stride + x) + bias;
      store(row + 2 * x, __builtin_shufflevector(a, b, 0, 4, 1, 5));
      store(row + 2 * x + 4, __builtin_shufflevector(a, b, 2, 6, 3, 7));
    }
  }
  for (; x < nx; x += 1) {
    for (int32_t t = 0; t < kernel; t += 1) row[x * kernel + t] = taps[t * tap_stride + x] + bias;
  }
}

static void separate_row(const float *row, int32_t kernel, float *taps, ptrdiff_t tap_stride, int32_t nx) {
  int32_t x = 0;
  if (kernel == 2) {
    for (; x + 4 <= nx; x += 4) {
      const pixels a = load(row + 2 * x), b = load(row + 2 * x + 4);
      store(taps + x, __builtin_shufflevector(a, b, 0, 2, 4, 6));
      store(taps + tap_stride + x, __builtin_shufflevector(a, b, 1, 3, 5, 7));
    }
  }
  for (; x < nx; x += 1) {
    for (int32_t t = 0; t < kernel; t += 1) taps[t * tap_stride + x] = row[x * kernel + t];
  }
}

/// The row of a wide plane that taps (tz, ty) of a narrow row reach.
static float *wide_row(const tutti_disjoint *job, int32_t channel, int32_t row, int32_t tz, int32_t ty) {
  const int32_t z = row / job->narrow_rows * job->z_kernel + tz, y = row % job->narrow_rows * job->y_kernel + ty;
  return job->wide + channel * job->wide_channel_stride + ((ptrdiff_t)z * job->wide_rows + y) * job->wide_pitch;
}

void tutti_disjoint_gather(const tutti_disjoint *job, const float *bias, int32_t first_row, int32_t last_row) {
  const float *taps = job->taps;
  for (int32_t c = 0; c < job->channels; c += 1) {
    for (int32_t tz = 0; tz < job->z_kernel; tz += 1) {
      for (int32_t ty = 0; ty < job->y_kernel; ty += 1, taps += job->x_kernel * job->tap_stride) {
        for (int32_t row = first_row; row < last_row; row += 1) {
          interleave_row(taps + (row - first_row) * job->tap_pitch, job->tap_stride, job->x_kernel,
                         bias != NULL ? bias[c] : 0, wide_row(job, c, row, tz, ty), job->narrow_width);
        }
      }
    }
  }
}

void tutti_disjoint_separate(const tutti_disjoint *job, int32_t first_row, int32_t last_row) {
  float *taps = job->taps;
  for (int32_t c = 0; c < job->channels; c += 1) {
    for (int32_t tz = 0; tz < job->z_kernel; tz += 1) {
      for (int32_t ty = 0; ty < job->y_kernel; ty += 1, taps += job->x_kernel * job->tap_stride) {
        for (int32_t row = first_row; row < last_row; row += 1) {
          separate_row(wide_row(job, c, row, tz, ty), job->x_kernel, taps + (row - first_row) * job->tap_pitch,
                       job->tap_stride, job->narrow_width);
        }
      }
    }
  }
}
