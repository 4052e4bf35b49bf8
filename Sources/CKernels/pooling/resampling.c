#include "resampling.h"

#pragma STDC FP_CONTRACT OFF

/// The source rows that a target row is made of, and their shares; returns how many.
static int32_t source_rows(int32_t source_ny, int32_t z, int32_t y, tutti_resampling_axis zs, tutti_resampling_axis ys,
                           ptrdiff_t rows[4], float shares[4]) {
  int32_t count = 0;
  for (int32_t tz = 0; tz < 2; tz++) {
    const float share_z = tz ? zs.share[z] : 1 - zs.share[z];
    if (share_z == 0) continue;
    for (int32_t ty = 0; ty < 2; ty++) {
      const float share_y = ty ? ys.share[y] : 1 - ys.share[y];
      if (share_y == 0) continue;
      rows[count] = (ptrdiff_t)(tz ? zs.second[z] : zs.first[z]) * source_ny + (ty ? ys.second[y] : ys.first[y]);
      shares[count++] = share_z * share_y;
    }
  }
  return count;
}

void tutti_resample(const float *source, int32_t source_ny, ptrdiff_t source_pitch, float *target,
                    ptrdiff_t target_pitch, int32_t nz, int32_t ny, int32_t nx, tutti_resampling_axis z,
                    tutti_resampling_axis y, tutti_resampling_axis x, bool linear) {
  for (int32_t zt = 0; zt < nz; zt++) {
    for (int32_t yt = 0; yt < ny; yt++) {
      float *to = target + ((ptrdiff_t)zt * ny + yt) * target_pitch;
      if (!linear) {
        const float *from = source + ((ptrdiff_t)z.first[zt] * source_ny + y.first[yt]) * source_pitch;
        for (int32_t i = 0; i < nx; i++) to[i] = from[x.first[i]];
        continue;
      }
      ptrdiff_t rows[4];
      float shares[4];
      const int32_t count = source_rows(source_ny, zt, yt, z, y, rows, shares);
      for (int32_t row = 0; row < count; row++) {
        const float *from = source + rows[row] * source_pitch;
        const float share = shares[row];
        for (int32_t i = 0; i < nx; i++) {
          const float a = from[x.first[i]], b = from[x.second[i]];
          const float value = share * (a + x.share[i] * (b - a));
          to[i] = row == 0 ? value : to[i] + value;
        }
      }
    }
  }
}

void tutti_resample_gradient(const float *gradient, ptrdiff_t gradient_pitch, float *source, int32_t source_ny,
                             ptrdiff_t source_pitch, int32_t nz, int32_t ny, int32_t nx, tutti_resampling_axis z,
                             tutti_resampling_axis y, tutti_resampling_axis x, bool linear) {
  for (int32_t zt = 0; zt < nz; zt++) {
    for (int32_t yt = 0; yt < ny; yt++) {
      const float *from = gradient + ((ptrdiff_t)zt * ny + yt) * gradient_pitch;
      if (!linear) {
        float *to = source + ((ptrdiff_t)z.first[zt] * source_ny + y.first[yt]) * source_pitch;
        for (int32_t i = 0; i < nx; i++) to[x.first[i]] += from[i];
        continue;
      }
      ptrdiff_t rows[4];
      float shares[4];
      const int32_t count = source_rows(source_ny, zt, yt, z, y, rows, shares);
      for (int32_t row = 0; row < count; row++) {
        float *to = source + rows[row] * source_pitch;
        for (int32_t i = 0; i < nx; i++) {
          const float g = shares[row] * from[i], second = x.share[i] * g;
          to[x.first[i]] += g - second;
          to[x.second[i]] += second;
        }
      }
    }
  }
}
